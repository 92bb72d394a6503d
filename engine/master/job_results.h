/*
 * job_results: what the completed tasks of a job told, and the sums over them. Pure.
 *
 *     job_results_plan(&results, map_count, reduce_count);
 *     job_results_take(&results, stage, task, attempt_id, done);      a task has completed
 *     job_results_drop(&results, stage, task);                        its output was lost
 *     job_results_counters(&results, &counters);                      sums, by name
 *     job_results_deinit(&results);
 *
 * Each task counts once, however often it was tried: only a completed attempt is in here.
 */
#ifndef MASTER_JOB_RESULTS_H
#define MASTER_JOB_RESULTS_H

#include "rpc/message.h"
#include "sched/sched.h"

#include <stddef.h>
#include <stdint.h>

struct job_result {
    Mrlua__Done *done; /* NULL: not completed */
    uint64_t attempt_id;
};

struct job_results {
    struct job_result *tasks[STAGE_COUNT];
    uint32_t task_counts[STAGE_COUNT];
    uint32_t output_count; /* so many of the reduces, the last ones, have no keys (job_parts.h) */
};

enum {
    /* Names that a job's functions may count under, over all its tasks: each attempt has 64
     * (mr.count in vm/vm.h), and they are the same 64 unless the job makes names of its data. So
     * an answer about a job stays far below a frame's 1 MiB, and a page readable. What comes
     * under further names is added up under one. */
    JOB_USER_COUNTER_COUNT_MAX = 256,
};

#define JOB_COUNTER_OTHERS MESSAGE_COUNTER_USER "(others)" /* no name that a job can give */

struct job_counter {
    const char *name; /* borrowed from the results */
    int64_t value;    /* INT64_MAX: or more */
};

struct job_counters {
    struct job_counter *items; /* sorted by name */
    size_t count;
};

/* Safe on a zeroed struct. */
void job_results_deinit(struct job_results *results);

/* Room for the maps, the reduces and a sample; what was there is gone. */
void job_results_plan(struct job_results *results, uint32_t map_count, uint32_t reduce_count);

/* Takes `done`, also when the task is none of ours. */
void job_results_take(struct job_results *results, enum stage_kind stage, uint32_t task,
                      uint64_t attempt_id, Mrlua__Done *done);
void job_results_drop(struct job_results *results, enum stage_kind stage, uint32_t task);

/* NULL: not completed. */
const struct job_result *job_results_of(const struct job_results *results, enum stage_kind stage,
                                        uint32_t task);

/* The stage whose tasks write the parts: the reduces, or the maps of a job that has none. */
enum stage_kind job_results_part_stage(const struct job_results *results);
uint32_t job_results_part_count(const struct job_results *results);
const struct job_result *job_results_part(const struct job_results *results, uint32_t partition);

/* The sum of a counter over a stage; 0 where nobody counts it. */
int64_t job_results_sum(const struct job_results *results, enum stage_kind stage,
                        const char *counter);

/* The sum of the bytes of a stage's result files. */
uint64_t job_results_bytes(const struct job_results *results, enum stage_kind stage);

/* The sums of all counters of all stages; release with job_counters_deinit(). */
void job_results_counters(const struct job_results *results, struct job_counters *out);
/* The same of what the job's functions have counted. */
void job_results_user_counters(const struct job_results *results, struct job_counters *out);
void job_counters_deinit(struct job_counters *counters);

#endif
