/*
 * storage: the folder of a worker, and how much of the disk it takes.
 *
 *     storage_init(&storage, dir, &err);              makes it, locks it, removes leftovers
 *     storage_run_path(&storage, job, task, attempt, &path);
 *     storage_make_job(&storage, job, &err);
 *     storage_remove_run(&storage, job, task, attempt);
 *     storage_remove_job(&storage, job);
 *     storage_deinit(&storage);
 *
 *     DIR/lock                      locked (flock) as long as the worker lives; holds its pid
 *     DIR/runs/JOB/TASK.ATTEMPT     run files of maps, until their job is over
 *     DIR/blobs/HASH                bundles, parameters, side files, kept across lives (rpc/blob.h)
 *     DIR/blobs/object-HASH         side files that are objects; HASH is of address and generation
 *     DIR/tmp/                      scratch files: unlinked where they are made
 *     DIR/tmp/index-JOB-MAP.ATTEMPT indexes of runs in a store (attempt/fetch_store.h), until their
 *                                   job is over
 *
 * Only what has such a name is ever removed: DIR may be a folder that holds other things too.
 * A new life of a worker is a new worker for its master: what the last one held is leftovers.
 */
#ifndef WORKER_STORAGE_H
#define WORKER_STORAGE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct storage {
    char *path; /* NULL: not open */
    char *tmp_path;
    int lock_fd;
};

/* 0, or -1 (ERR_SETUP: it cannot be made or written, or another worker has it). */
int storage_init(struct storage *storage, const char *path, struct err *err);

/* Removes the runs that are left, keeps the blobs. Safe on a zeroed struct with lock_fd -1. */
void storage_deinit(struct storage *storage);

/* `out` is cleared first. */
void storage_run_path(const struct storage *storage, uint64_t job, uint32_t task, uint64_t attempt,
                      struct buf *out);
void storage_blob_path(const struct storage *storage, const char *hash, struct buf *out);

/* Makes the folder of a job's runs. 0 or -1 (ERR_DISK). */
int storage_make_job(const struct storage *storage, uint64_t job, struct err *err);

/* What is not there is fine. */
void storage_remove_run(const struct storage *storage, uint64_t job, uint32_t task,
                        uint64_t attempt);
void storage_remove_job(const struct storage *storage, uint64_t job);

/* This blob is used now. */
void storage_touch_blob(const struct storage *storage, const char *hash);

/* Removes blobs until all are `bytes_max` at most, those first that were not used for longest, and
 * none that `is_needed` says yes to: who needs one later fetches it again. */
void storage_limit_blobs(const struct storage *storage, uint64_t bytes_max,
                         bool (*is_needed)(void *context, const char *hash), void *context);

/* Bytes of all runs and blobs, those being written too. */
uint64_t storage_bytes(const struct storage *storage);

/* Bytes that unlinked files in tmp/ take that process `pid` has open: those of an attempt. */
uint64_t storage_scratch_bytes(const struct storage *storage, pid_t pid);

/* What the file system still has for us. */
uint64_t storage_free_bytes(const struct storage *storage);

#endif
