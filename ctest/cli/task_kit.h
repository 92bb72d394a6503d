/*
 * task_kit: a run that is planned, in memory only: two maps over two inputs, two reduces.
 *
 *     struct task_kit kit;
 *     task_kit_open(&kit, "out");            NULL: no output folder
 *     run_task_init(&task, &kit.source, ...);
 *     task_kit_close(&kit);
 */
#ifndef CTEST_CLI_TASK_KIT_H
#define CTEST_CLI_TASK_KIT_H

#include "cli/kit.h"

#include "cli/run_task.h"

#include <stdio.h>

struct task_kit {
    struct run_config config;
    struct run_output output;
    struct run_results results;
    Mrlua__Piece pieces[2], *piece_list[2];
    Mrlua__Split splits[2], *split_list[2];
    Mrlua__Plan plan;
    struct run_source source;
};

static inline void task_kit_plan(struct task_kit *kit)
{
    static char name[] = "a.txt", spooled[] = "/var/tmp/x/stdin-0", standard_input[] = "-";

    mrlua__plan__init(&kit->plan);
    for (size_t i = 0; i < 2; i++) {
        mrlua__piece__init(&kit->pieces[i]);
        mrlua__split__init(&kit->splits[i]);
        kit->pieces[i].name = i ? standard_input : name;
        kit->pieces[i].path = i ? spooled : name;
        kit->pieces[i].size = 10 + i;
        kit->pieces[i].length = 10 + i;
        kit->pieces[i].mtime_ns = 5;
        kit->piece_list[i] = &kit->pieces[i];
        kit->splits[i].n_pieces = 1;
        kit->splits[i].pieces = &kit->piece_list[i];
        kit->split_list[i] = &kit->splits[i];
    }
    kit->plan.n_splits = 2;
    kit->plan.splits = kit->split_list;
    kit->plan.n_inputs = 2;
    kit->plan.inputs = kit->piece_list;
    kit->plan.reducers = 2;
    kit->plan.bytes = 21;
    kit->plan.split_bytes = 1024;
}

static inline void task_kit_config(struct task_kit *kit, const char *folder)
{
    static const char *const inputs[] = {"a.txt", "-", NULL};
    struct buf args = {0}, bundle = {0};
    struct err err;

    kit_bundle(&bundle, "job.lua", "return {}");
    kit_args_begin(&args, buf_slice(&bundle), buf_slice(&bundle), inputs);
    field_integer(&args, "slots", 1);
    field_integer(&args, "split_bytes", 4096);
    field_integer(&args, "reducers", 2);
    if (folder)
        field_string(&args, "output", folder);
    kit_args_end(&args);
    assert_int_equal(run_config_init(&kit->config, buf_slice(&args), &err), 0);
    buf_deinit(&args);
    buf_deinit(&bundle);
}

static inline void task_kit_open(struct task_kit *kit, const char *folder)
{
    *kit = (struct task_kit){0};
    task_kit_config(kit, folder);
    task_kit_plan(kit);
    kit->output.temp_path = "/tmp/run";
    snprintf(kit->output.job_id, sizeof kit->output.job_id, "run-1");
    if (folder) {
        kit->output.has_folder = true;
        publish_init(&kit->output.publish, folder, "run-1", false);
    }
    run_results_plan(&kit->results, 2, 2);
    for (uint32_t i = 0; i < 2; i++) {
        run_results_take(&kit->results, STAGE_MAP, i, 11 + i, kit_done("map_in", 5, 100, 1));
        run_results_take(&kit->results, STAGE_REDUCE, i, 21 + i,
                         kit_done("reduce_in", 7, 30 + i, 3 + i));
    }
    kit->source = (struct run_source){.config = &kit->config,
                                      .output = &kit->output,
                                      .results = &kit->results,
                                      .plan = &kit->plan,
                                      .temp_path = "/tmp/run",
                                      .map_ms = 12,
                                      .reduce_ms = 3};
}

static inline void task_kit_close(struct task_kit *kit)
{
    if (kit->output.has_folder)
        publish_deinit(&kit->output.publish);
    run_results_deinit(&kit->results);
    run_config_deinit(&kit->config);
}

#endif
