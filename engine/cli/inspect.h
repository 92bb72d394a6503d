/*
 * inspect: what `mrlua inspect` shows of files that mrlua wrote. Host functions (functions.h).
 *
 *     engine.inspect_run{path, summary,     prints a run file to standard output: what it is, its
 *                        json}              segments and, unless `summary`, its records as
 *                                           key TAB value; with `json` an object a line. A damaged
 *                                           one fails where the damage is.
 *     engine.check_output{folder}           -> {job_id, job_name, parts = {{name, bytes, records,
 *                                           crc32c, error}}}: each part read and compared with
 *                                           the manifest; `error` is "" for a good one. On
 *                                           gs:// what the store says of it is compared
 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "vm/host.h"

int inspect_run(void *context, struct vm_host *host, struct slice args, struct buf *result,
                struct err *err);
int inspect_check_output(void *context, struct vm_host *host, struct slice args, struct buf *result,
                         struct err *err);

#endif
