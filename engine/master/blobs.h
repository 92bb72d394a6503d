/*
 * blobs: bundles, job tables, parameters and side files on the master's disk, by the hash of their
 * contents (rpc/blob.h).
 *
 *     rc = blobs_init(&blobs, state_folder, &err);                  makes STATE/blobs
 *     rc = blobs_put(&blobs, hash, offset, total, bytes, &have, &err);
 *     rc = blobs_get(&blobs, hash, offset, bytes_max, &out, &total, &err);
 *     rc = blobs_check(&blobs, hash, &err);                         who got it says: damaged
 *     blobs_deinit(&blobs);
 *
 * A blob arrives in pieces, in order, as HASH.part; when it is whole it is checked, synced and
 * renamed to HASH. So what has its name is complete and is what its name says. A put that went away
 * is resumed where it ended.
 *
 *     blobs_leave(&blobs, hash, now_ns);                  it is whole, or a job of it has ended
 *     blobs_expire(&blobs, now_ns, is_wanted, context);   now and then
 *
 * A blob stays as long as a living job names it, and BLOBS_KEEP_MS more; code and parameters also
 * as long as a job that has ended is remembered. After a restart blobs_sweep() removes all others
 * at once.
 */
#ifndef MASTER_BLOBS_H
#define MASTER_BLOBS_H

#include "base/buf.h"
#include "base/err.h"
#include "rpc/blob.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Unwanted: a client asks for all of its blobs again before it names them, and puts again what
     * is gone by then; that takes less, of 64 MB at 110 KB/s or more. */
    BLOBS_KEEP_MS = 10 * 60 * 1000,
    BLOBS_LOOKED_AT_MAX = 256, /* in one blobs_expire(): it is called from an event loop */
};

/* One that may be removed. */
struct blob_leave {
    uint8_t hash[BLOB_HASH_BYTES];
    uint64_t due_ns;
};

struct blobs {
    char *folder;
    struct blob_leave *leaving; /* by due_ns */
    size_t leaving_count, leaving_capacity;
};

/* 0, or -1 (ERR_SETUP). */
int blobs_init(struct blobs *blobs, const char *state_folder, struct err *err);
void blobs_deinit(struct blobs *blobs); /* safe on a zeroed struct */

bool blobs_has(const struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES]);

/* What is there of a blob. */
struct blob_have {
    uint64_t bytes; /* from its start */
    bool is_complete;
};

/* Adds a piece of a blob of `total` bytes; a piece that does not begin where the blob ends so far
 * changes nothing. *have says where it ends. 0, or -1: ERR_SETUP (too large, or not what its name
 * says: it is then to be put anew), ERR_DISK. */
int blobs_put(const struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], uint64_t offset,
              uint64_t total, struct slice bytes, struct blob_have *have, struct err *err);

/* Appends at most `bytes_max` bytes from `offset` to `out`. 1; 0: there is no such blob; -1
 * (ERR_DISK). */
int blobs_get(const struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], uint64_t offset,
              size_t bytes_max, struct buf *out, uint64_t *total, struct err *err);

/* Reads all of a blob. 1: it is what its name says. 0: there is none, or it was damaged: it is
 * removed, and can be put again. -1 (ERR_DISK). */
int blobs_check(const struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], struct err *err);

/* It was put, or a job that names it has ended: in BLOBS_KEEP_MS it may go. Again: moves that. */
void blobs_leave(struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], uint64_t now_ns);

/* Removes those whose time has come and that `is_wanted` says no to; some, not all at once. */
void blobs_expire(struct blobs *blobs, uint64_t now_ns,
                  bool (*is_wanted)(void *context, const uint8_t hash[BLOB_HASH_BYTES]),
                  void *context);

/* Removes those that `is_wanted` says no to, and all that is not complete. */
void blobs_sweep(const struct blobs *blobs, bool (*is_wanted)(void *context, const char *hash_text),
                 void *context);

#endif
