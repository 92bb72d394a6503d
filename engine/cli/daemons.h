/*
 * daemons: `mrlua master` and `mrlua worker` as host functions (vm/host.h). They answer when the
 * daemon was asked to end.
 *
 *     engine.master_serve{listen, state, key_file, once, fifo, root, tls, insecure_plain, http,
 *                         http_may_fail, log}                                     -> {succeeded}
 *     engine.worker_serve{master, key_file, dir, root, slots, disk_limit_bytes, drain_ms,
 *                         allow_unsafe, tls, insecure_plain, metadata, log}         -> true
 *
 * A master says on standard output where it listens, before anything else: who starts one with
 * port 0 reads it there. Where its page is, if it has one (http), is the next line. Its log (log:
 * "text" or "json") goes to standard error.
 */
#ifndef CLI_DAEMONS_H
#define CLI_DAEMONS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;

int daemons_master(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err);
int daemons_worker(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err);

#endif
