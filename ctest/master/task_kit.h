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
    struct job_bad bad;
    uint64_t input_paths[2], input_names[2], input_sizes[2], input_inodes[2], input_devices[2];
    int64_t input_mtimes_ns[2];
    uint32_t split_ends[2], piece_inputs[2];
    uint64_t piece_offsets[2], piece_lengths[2];
    Mrlua__Plan plan;
    struct job_source source;
};

static inline void task_kit_plan(struct task_kit *kit)
{
    static char texts[] = "a.txt\0/var/tmp/x/stdin-0\0-";

    mrlua__plan__init(&kit->plan);
    for (size_t i = 0; i < 2; i++) {
        kit->input_paths[i] = i ? 6 : 0;
        kit->input_names[i] = i ? 25 : 0;
        kit->input_sizes[i] = 10 + i;
        kit->input_mtimes_ns[i] = 5;
        kit->split_ends[i] = (uint32_t)i + 1;
        kit->piece_inputs[i] = (uint32_t)i;
        kit->piece_lengths[i] = 10 + i;
    }
    kit->plan.input_texts = (ProtobufCBinaryData){sizeof texts, (uint8_t *)texts};
    kit->plan.n_input_paths = kit->plan.n_input_names = kit->plan.n_input_sizes = 2;
    kit->plan.n_input_mtimes_ns = kit->plan.n_input_inodes = kit->plan.n_input_devices = 2;
    kit->plan.input_paths = kit->input_paths;
    kit->plan.input_names = kit->input_names;
    kit->plan.input_sizes = kit->input_sizes;
    kit->plan.input_mtimes_ns = kit->input_mtimes_ns;
    kit->plan.input_inodes = kit->input_inodes;
    kit->plan.input_devices = kit->input_devices;
    kit->plan.n_split_ends = kit->plan.n_piece_inputs = 2;
    kit->plan.n_piece_offsets = kit->plan.n_piece_lengths = 2;
    kit->plan.split_ends = kit->split_ends;
    kit->plan.piece_inputs = kit->piece_inputs;
    kit->plan.piece_offsets = kit->piece_offsets;
    kit->plan.piece_lengths = kit->piece_lengths;
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
                                      .outputs.format = "tsv",
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
                                      .bad = &kit->bad,
                                      .plan = &kit->plan,
                                      .map_ms = 12,
                                      .reduce_ms = 3};
}

static inline void task_kit_close(struct task_kit *kit)
{
    publish_deinit(&kit->publish);
    job_results_deinit(&kit->results);
    job_bad_deinit(&kit->bad);
}

#endif
