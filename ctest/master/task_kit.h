/*
 * task_kit: a job that is planned, in memory only: two maps over two inputs, two reduces.
 *
 *     struct task_kit kit;
 *     task_kit_open(&kit, "out");            NULL: no output folder
 *     job_task_init(&task, &kit.source, ...);
 *     task_kit_close(&kit);
 */
#ifndef CTEST_MASTER_TASK_KIT_H
#define CTEST_MASTER_TASK_KIT_H

#include "master/job_task.h"
#include "master/kit.h"

enum { TASK_KIT_JOB = 9 };

struct task_kit {
    struct publish publish;
    struct job_results results;
    Mrlua__Piece pieces[2], *piece_list[2];
    uint32_t split_ends[2], piece_inputs[2];
    uint64_t piece_offsets[2], piece_lengths[2];
    Mrlua__Plan plan;
    struct job_source source;
};

static inline void task_kit_plan(struct task_kit *kit)
{
    static char name[] = "a.txt", spooled[] = "/var/tmp/x/stdin-0", standard_input[] = "-";

    mrlua__plan__init(&kit->plan);
    for (size_t i = 0; i < 2; i++) {
        mrlua__piece__init(&kit->pieces[i]);
        kit->pieces[i].name = i ? standard_input : name;
        kit->pieces[i].path = i ? spooled : name;
        kit->pieces[i].size = 10 + i;
        kit->pieces[i].length = 10 + i;
        kit->pieces[i].mtime_ns = 5;
        kit->piece_list[i] = &kit->pieces[i];
        kit->split_ends[i] = (uint32_t)i + 1;
        kit->piece_inputs[i] = (uint32_t)i;
        kit->piece_lengths[i] = 10 + i;
    }
    kit->plan.n_split_ends = kit->plan.n_piece_inputs = 2;
    kit->plan.n_piece_offsets = kit->plan.n_piece_lengths = 2;
    kit->plan.split_ends = kit->split_ends;
    kit->plan.piece_inputs = kit->piece_inputs;
    kit->plan.piece_offsets = kit->piece_offsets;
    kit->plan.piece_lengths = kit->piece_lengths;
    kit->plan.n_inputs = 2;
    kit->plan.inputs = kit->piece_list;
    kit->plan.reducers = 2;
    kit->plan.bytes = 21;
    kit->plan.split_bytes = 1024;
}

static inline void task_kit_open(struct task_kit *kit, const char *folder)
{
    static char a[] = "a.txt", standard_input[] = "-";
    static char *inputs[] = {a, standard_input};

    *kit = (struct task_kit){0};
    task_kit_plan(kit);
    if (folder)
        publish_init(&kit->publish, folder, "run-1", false);
    job_results_plan(&kit->results, 2, 2);
    for (uint32_t i = 0; i < 2; i++) {
        job_results_take(&kit->results, STAGE_MAP, i, 11 + i, kit_done("map_in", 5, 100, 1));
        job_results_take(&kit->results, STAGE_REDUCE, i, 21 + i,
                         kit_done("reduce_in", 7, 30 + i, 3 + i));
    }
    kit->source = (struct job_source){.job = TASK_KIT_JOB,
                                      .worker_id = 1,
                                      .name = "job",
                                      .input_format = "lines",
                                      .output_format = "tsv",
                                      .inputs = inputs,
                                      .input_count = 2,
                                      .output_folder = folder,
                                      .publish_id = "run-1",
                                      .publish = folder ? &kit->publish : NULL,
                                      .reducers = 2,
                                      .split_bytes = 4096,
                                      .sort_buffer_bytes = 1 << 20,
                                      .memory_bytes = 64 << 20,
                                      .progress_ms = 60000,
                                      .record_ms = 60000,
                                      .bundle = slice_of_string("bundle"),
                                      .temp_path = "/tmp/run",
                                      .results = &kit->results,
                                      .plan = &kit->plan,
                                      .map_ms = 12,
                                      .reduce_ms = 3};
}

static inline void task_kit_close(struct task_kit *kit)
{
    publish_deinit(&kit->publish);
    job_results_deinit(&kit->results);
}

#endif
