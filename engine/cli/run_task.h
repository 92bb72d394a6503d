/*
 * run_task: what an attempt of a run is told (rpc/messages.proto, TaskStart).
 *
 *     run_task_init(&task, &source, stage, number, attempt_id);
 *     attempt_start(nursery, &task.start, &attempt, &err);
 *     run_task_deinit(&task);
 *
 * Pure but for the clock in the manifest of a commit. A task borrows from its source.
 */
#ifndef CLI_RUN_TASK_H
#define CLI_RUN_TASK_H

#include "cli/run_config.h"
#include "cli/run_output.h"
#include "cli/run_results.h"
#include "rpc/message.h"

enum {
    RUN_JOB_ID = 1,    /* of the scheduler and in run files: a run has one job ... */
    RUN_WORKER_ID = 1, /* ... and one worker, this process */
};

/* All that is known of the run. */
struct run_source {
    const struct run_config *config;
    const struct run_output *output;
    const struct run_results *results;
    const Mrlua__Plan *plan; /* NULL before there is one */
    const char *temp_path;
    uint64_t map_ms, reduce_ms; /* how long the stages took, for the manifest */
};

struct run_task {
    Mrlua__TaskStart start;
    Mrlua__Limits limits;
    Mrlua__PlanRequest plan;
    Mrlua__CommitRequest commit;
    struct buf result_path;
    struct buf manifest;
    Mrlua__MapOutput *map_outputs; /* a reduce: every map */
    Mrlua__MapOutput **map_output_list;
    struct buf *map_paths;
    Mrlua__Part *parts; /* a commit: every part */
    Mrlua__Part **part_list;
    size_t map_output_count, part_count;
};

/* The plan must be there for any stage but STAGE_PLAN, and the results of the stages before. */
void run_task_init(struct run_task *task, const struct run_source *source, enum stage_kind stage,
                   uint32_t number, uint64_t attempt_id);
void run_task_deinit(struct run_task *task);

/* Where an attempt of a map leaves its run. `out` is cleared first. */
void run_task_map_path(const char *temp_path, uint32_t map, uint64_t attempt_id, struct buf *out);

#endif
