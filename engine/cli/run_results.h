/*
 * run_results: what the completed tasks of a run told, and the sums over them. Pure.
 *
 *     run_results_plan(&results, map_count, reduce_count);
 *     run_results_take(&results, stage, task, attempt_id, done);      a task has completed
 *     run_results_drop(&results, stage, task);                        its output was lost
 *     run_results_counters(&results, &counters);                      sums, by name
 *     run_results_deinit(&results);
 *
 * Each task counts once, however often it was tried: only a completed attempt is in here.
 */
#ifndef CLI_RUN_RESULTS_H
#define CLI_RUN_RESULTS_H

#include "rpc/message.h"
#include "sched/sched.h"

#include <stddef.h>
#include <stdint.h>

struct run_result {
    Mrlua__Done *done; /* NULL: not completed */
    uint64_t attempt_id;
};

struct run_results {
    struct run_result *tasks[STAGE_COUNT];
    uint32_t task_counts[STAGE_COUNT];
};

struct run_counter {
    const char *name; /* borrowed from the results */
    int64_t value;
};

struct run_counters {
    struct run_counter *items; /* sorted by name */
    size_t count;
};

/* Safe on a zeroed struct. */
void run_results_deinit(struct run_results *results);

/* One map of each number and one reduce; what was there is gone. */
void run_results_plan(struct run_results *results, uint32_t map_count, uint32_t reduce_count);

/* Takes `done`, also when the task is none of ours. */
void run_results_take(struct run_results *results, enum stage_kind stage, uint32_t task,
                      uint64_t attempt_id, Mrlua__Done *done);
void run_results_drop(struct run_results *results, enum stage_kind stage, uint32_t task);

/* NULL: not completed. */
const struct run_result *run_results_of(const struct run_results *results, enum stage_kind stage,
                                        uint32_t task);

/* The sum of a counter over a stage; 0 where nobody counts it. */
int64_t run_results_sum(const struct run_results *results, enum stage_kind stage,
                        const char *counter);

/* The sum of the bytes of a stage's result files. */
uint64_t run_results_bytes(const struct run_results *results, enum stage_kind stage);

/* The sums of all counters of all stages; release with run_counters_deinit(). */
void run_results_counters(const struct run_results *results, struct run_counters *out);
void run_counters_deinit(struct run_counters *counters);

#endif
