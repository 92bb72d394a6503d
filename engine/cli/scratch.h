/*
 * scratch: a folder for what a command makes and nobody keeps, as a host function (vm/host.h).
 *
 *     engine.scratch_folder{tmp}        -> {folder}: made at the first call, the same ever after
 *
 *     scratch_release(scratch);         removes it, with all that is in it
 */
#ifndef CLI_SCRATCH_H
#define CLI_SCRATCH_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;
struct scratch;

int scratch_folder(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err);

void scratch_release(struct scratch *scratch); /* NULL is fine */

#endif
