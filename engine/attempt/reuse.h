/*
 * reuse: a map takes the run that an earlier job has made of the same, or keeps its own for later
 * ones (`--reuse`). In the trusted process, around the vm child:
 *
 *     reuse_init(&reuse, start);                      most tasks take no part: reuse.is_on
 *     if (reuse_find(&reuse, &done, &err) == 1)
 *         ... `done` is the answer, and start->result_path, or the object that it tells, the run
 *     else
 *         ... the child is told reuse_start(&reuse, &told) and makes it ...
 *         rc = reuse_name(&reuse, &done, &err);       Done.run: the run's ids are not the map's
 *         reuse_keep(&reuse, fd, &done, &err);        failing is no failure of the map
 *
 * Why the child is told other numbers: job, task and attempt are in the bytes of a run, a job sees
 * them (mr.task), and math.random is seeded by the task. All three are made of the key instead
 * (reuse_key.h), so that everything that a run depends on is in its key; and a run in the place of
 * another, or one that another key has left there, has the wrong ids: found when it is found here,
 * and again by each reduce (P5).
 *
 * Of `mrlua run` it is a file in a folder (store/cache.h), which is read once, to its last byte,
 * before it is taken: a damaged one is dropped, and the map runs. Of a cluster it is an object:
 * reuse_store.h. A map is not kept whose input may have changed while it ran (store/sums.h), nor
 * one that leaves records out (bad_records.h): a later job would not know of them.
 *
 * With a kept run is the map's Done (reuse_done.h), with its digest and all counters, so that audit
 * and sums are those of a map that ran.
 */
#ifndef ATTEMPT_REUSE_H
#define ATTEMPT_REUSE_H

#include "attempt/reuse_key.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct reuse {
    const Mrlua__TaskStart *start; /* borrowed */
    bool is_on;
    struct run_id id;
    char name[REUSE_KEY_TEXT_BYTES];
    uint64_t replaces; /* in a store: the version that is not good enough; 0: there is none */
};

/* On for a map that leaves a run and whose start.reuse is there. */
void reuse_init(struct reuse *reuse, const Mrlua__TaskStart *start);

/* Changes what a child is told of its task; nothing if it is not on. */
void reuse_start(const struct reuse *reuse, Mrlua__TaskStart *told);

/* 1: the result is there, and the packed Done is appended. 0: there is none. -1: *err says why what
 * there is cannot be used; the map is run as after 0. */
int reuse_find(struct reuse *reuse, struct buf *done, struct err *err);

/* Writes the ids into the packed Done of the child. 0 or -1 (ERR_RETRY: it is none). */
int reuse_name(const struct reuse *reuse, struct buf *done, struct err *err);

/* Keeps the result, which is open as `fd`, and its Done. 1: it is kept; in a store that is where it
 * is now, as `done` says. 0: an input has changed meanwhile, or the place is taken. -1. */
int reuse_keep(const struct reuse *reuse, int fd, struct buf *done, struct err *err);

#endif
