/*
 * job_timeline: the attempts of a job that have ended, in the order they ended. Pure.
 *
 *     job_timeline_add(&timeline, &entry);
 *     for (number = job_timeline_first(&timeline); number < timeline.count; number++)
 *         use(job_timeline_get(&timeline, number));
 *     job_timeline_deinit(&timeline);
 *
 * Entries are numbered from 0 and never change, so who has seen some asks for those behind them.
 * The newest JOB_TIMELINE_COUNT_MAX are kept.
 */
#ifndef MASTER_JOB_TIMELINE_H
#define MASTER_JOB_TIMELINE_H

#include "sched/sched.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
#ifdef MRLUA_TINY
    JOB_TIMELINE_COUNT_MAX = 16,
#else
    JOB_TIMELINE_COUNT_MAX = 16 * 1024, /* 640 KB: what one looks at fits on a screen */
#endif
};

enum attempt_outcome {
    OUTCOME_COMPLETED,
    OUTCOME_FAILED,
    OUTCOME_GIVEN_UP,    /* nobody's fault: its worker drains, a cancel */
    OUTCOME_WORKER_LOST, /* with its worker */
    OUTCOME_LOST_RACE,   /* killed: another attempt of its task was faster */
    OUTCOME_COUNT,
};

struct timeline_entry {
    uint64_t attempt_id;
    uint64_t begun_ns, ended_ns; /* monotonic */
    uint32_t task, worker_id;
    enum stage_kind stage;
    enum attempt_outcome outcome;
};

/* Zeroed, it is empty. */
struct job_timeline {
    struct timeline_entry *entries; /* a ring once it is full */
    size_t capacity;
    uint64_t count; /* ever added */
};

void job_timeline_deinit(struct job_timeline *timeline);

void job_timeline_add(struct job_timeline *timeline, const struct timeline_entry *entry);

/* The oldest that is kept; `count` when there is none. */
uint64_t job_timeline_first(const struct job_timeline *timeline);

/* `number` is from job_timeline_first() on and below `count`. */
const struct timeline_entry *job_timeline_get(const struct job_timeline *timeline, uint64_t number);

/* The entry of an attempt; NULL: it is not kept. It looks from the newest on. */
const struct timeline_entry *job_timeline_find(const struct job_timeline *timeline,
                                               uint64_t attempt_id);

/* How the attempt of this fact has ended; `next` is the fact after it, or NULL. False: it says of
 * none that it has ended. */
bool attempt_outcome_of(const struct fact *fact, const struct fact *next,
                        enum attempt_outcome *outcome);

/* "completed", "failed", "given_up", "worker_lost", "lost_race" */
const char *attempt_outcome_name(enum attempt_outcome outcome);

#endif
