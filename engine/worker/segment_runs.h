/*
 * segment_runs: the runs that a worker holds, by job and number, and their indexes, as far as
 * there is room for them. What segment_server.h serves from; no sockets here.
 *
 *     runs = segment_runs_open(index_bytes_max);
 *     segment_runs_add(runs, job, map, attempt, path);
 *     job = segment_runs_job(runs, id);                      NULL: not known
 *     run = segment_job_next(job, &sequence);                NULL: none from there on
 *     rc = segment_run_open(runs, job, run, partition, &found, &err);
 *     segment_runs_close(runs);
 */
#ifndef WORKER_SEGMENT_RUNS_H
#define WORKER_SEGMENT_RUNS_H

#include "base/err.h"
#include "record/run.h"

#include <stdbool.h>
#include <stdint.h>

struct segment_run {
    uint32_t map;
    uint64_t attempt;
    char *path;
    bool is_lost;
    struct run_index *index;           /* NULL: not kept */
    struct segment_run *newer, *older; /* of those kept, by last use */
};

struct segment_job {
    uint64_t id;
    struct segment_run **runs; /* by number; NULL: forgotten */
    uint32_t count, room;      /* of numbers */
    uint32_t first;            /* those before it are forgotten */
    uint32_t held;
    struct segment_job *next;
};

struct segment_runs;

struct segment_runs *segment_runs_open(uint64_t index_bytes_max);
void segment_runs_close(struct segment_runs *runs);

void segment_runs_add(struct segment_runs *runs, uint64_t job, uint32_t map, uint64_t attempt,
                      const char *path);
/* A look at every number from the first that is held on: the oldest are mostly the first to go. */
void segment_runs_forget(struct segment_runs *runs, uint64_t job, uint64_t attempt);
void segment_runs_forget_job(struct segment_runs *runs, uint64_t job);

struct segment_job *segment_runs_job(const struct segment_runs *runs, uint64_t id);
uint64_t segment_runs_index_bytes(const struct segment_runs *runs);

/* The first run that is held from *sequence on, which becomes its number. */
struct segment_run *segment_job_next(const struct segment_job *job, uint64_t *sequence);

/* One partition of a run. */
struct segment_found {
    int fd; /* the caller's to close; -1 if it has no records */
    struct run_segment extent;
};

/* 1: *found. 0: not now, memory or descriptors are short. -1: the run cannot be read, it is not
 * the one it should be, or has no such partition: *err (ERR_PEER). */
int segment_run_open(struct segment_runs *runs, const struct segment_job *job,
                     struct segment_run *run, uint32_t partition, struct segment_found *found,
                     struct err *err);

#endif
