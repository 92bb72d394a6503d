/*
 * cache_store: what `mrlua cache --gcs` asks of a store: the runs that jobs with `submit --reuse`
 * keep there (attempt/reuse_store.h).
 *
 * `place` is where a job's `--shuffle` is: "gs://BUCKET" means that of `--shuffle gcs` and outputs
 * in this bucket, everything else what `--shuffle gs://BUCKET/PREFIX` would mean, "gs://BUCKET/"
 * the top of the bucket. Below it only what has the name of a kept run is counted, and removed.
 */
#ifndef CLI_CACHE_STORE_H
#define CLI_CACHE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;

/* {place} -> {place, files, file_bytes, limit_seconds, oldest_seconds, newest_seconds}, since they
 * were made, ages only if there is one; or {error}. */
int cache_store_look(void *context, struct vm_host *host, struct slice args, struct buf *result,
                     struct err *err);

/* {place, older_seconds}: only what was made so long ago; below 0: all. {place, files, file_bytes}
 * of what it removed; or {error}. */
int cache_store_clear(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err);

#endif
