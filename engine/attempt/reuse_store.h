/*
 * reuse_store: runs that are kept as objects (`mrlua submit --reuse`, with `--shuffle gcs`): the
 * part of reuse.h that knows of a store, when start.reuse.store names one.
 *
 *     rc = reuse_store_find(reuse, &done, &err);
 *     rc = reuse_store_keep(reuse, fd, &done, &err);       the result is in `fd`
 *
 * One object for each run, STORE + KEY: "gs://BUCKET/mrlua-tmp/cache/9f...", its key (reuse_key.h)
 * in hexadecimal, so that names are spread over the ranges that a bucket is cut into:
 *
 *     0              R                       R + N
 *     +--------------+-----------------------+
 *     | the run      | the map's Done, as    |      R is its custom metadata "mrlua-run-bytes"
 *     | record/run.h | store/cache_note.h    |
 *     +--------------+-----------------------+
 *
 * So run and answer are there together or not at all, in two requests; and the object is read by
 * reduces where it lies, by its generation (fetch_store.h), and is never copied. It is written once
 * and never changed; what is found to be damaged, or too old, is replaced as a whole if it is still
 * the same version. Who comes second with the same run (a backup attempt, another job) keeps its
 * own among the runs of its job.
 *
 * A found run is not read: that would be the shuffle once more. Whether it is good its reduces find
 * by the checksums and ids in it, or that it is gone. Then the map is asked again, and told which
 * version was no good (start.reuse.lost): it does not take that, and replaces it. One that another
 * job has put there since it takes: two that lost the same would else take it from each other.
 *
 * An object that is older than REUSE_STORE_AGE_S is not taken. A bucket has no size to stay within,
 * what is kept in it is paid by the day; so it is kept for a limited time, which a rule of the
 * bucket enforces: that of gce/up.sh deletes below mrlua-tmp/ after as long. `mrlua cache clear
 * --gcs` does it by hand.
 */
#ifndef ATTEMPT_REUSE_STORE_H
#define ATTEMPT_REUSE_STORE_H

#include "attempt/reuse.h"

enum {
    REUSE_STORE_AGE_S = 7 * 24 * 3600, /* gce/lifecycle.json */
    /* A reduce is told of each map, in one message, and a worker of many slots of as many reduces
     * at once: CONN_OUTPUT_BYTES_MAX. More input needs larger splits. */
    REUSE_STORE_MAP_COUNT_MAX = 5000,
    REUSE_STORE_TOLD_BYTES_MAX = 40, /* of a map: key, generation, attempt, two sizes */
    REUSE_STORE_SLOTS = 40,          /* of a worker */
};

/* The name of the object of this run, below `prefix`. `out` is cleared first. */
void reuse_store_name(const char *prefix, const struct run_id *id, struct buf *out);

/* As reuse_find(), but that no file is made. Notes in reuse->replaces what keeping may replace. */
int reuse_store_find(struct reuse *reuse, struct buf *done, struct err *err);

/* Keeps the run in `fd`, the size that `done` says, behind which its note is appended. 1: `done`
 * says so now; 0: somebody else's is there; -1. */
int reuse_store_keep(const struct reuse *reuse, int fd, struct buf *done, struct err *err);

/* Pure: is a moment that the store tells ("2026-11-29T18:00:00.000Z") before `since_s`? That is in
 * seconds since 1970. */
bool reuse_store_is_before(const char *updated, int64_t since_s);

/* Pure: is that, below the prefix, the name of a kept run? */
bool reuse_store_is_name(const char *name);

#endif
