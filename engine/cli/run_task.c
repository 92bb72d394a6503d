#include "cli/run_task.h"

#include "base/mem.h"
#include "cli/run_manifest.h"

#include <stdlib.h>

void run_task_map_path(const char *temp_path, uint32_t map, uint64_t attempt_id, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s/map-%u.%llu", temp_path, map, (unsigned long long)attempt_id);
}

static ProtobufCBinaryData bytes_of(struct slice slice)
{
    return (ProtobufCBinaryData){.len = slice.len, .data = (uint8_t *)(uintptr_t)slice.ptr};
}

static void set_common(struct run_task *task, const struct run_source *source, uint32_t number,
                       uint64_t attempt_id)
{
    const struct run_config *config = source->config;
    Mrlua__TaskStart *start = &task->start;

    task->limits.memory_bytes = config->memory_bytes;
    task->limits.progress_ms = config->progress_ms;
    task->limits.record_ms = config->record_ms;
    start->job = RUN_JOB_ID;
    start->task = number;
    start->attempt = attempt_id;
    start->worker = RUN_WORKER_ID;
    start->unsafe = config->unsafe;
    start->bundle = bytes_of(config->bundle);
    start->params = bytes_of(config->params);
    start->view = bytes_of(config->view);
    start->limits = &task->limits;
    start->sort_buffer_bytes = config->sort_buffer_bytes;
    start->input = config->input_format;
    start->output = config->output_format;
    start->tmp_folder = (char *)(uintptr_t)source->temp_path;
    if (source->plan)
        start->partition_count = source->plan->reducers;
}

static void set_plan(struct run_task *task, const struct run_source *source)
{
    const struct run_config *config = source->config;

    task->start.kind = MRLUA__TASK_KIND__PLAN;
    task->start.plan = &task->plan;
    task->plan.n_inputs = config->input_count;
    task->plan.inputs = config->inputs;
    task->plan.split_bytes = config->split_bytes;
    task->plan.reducers = config->reducers;
}

static void set_map(struct run_task *task, const struct run_source *source)
{
    const Mrlua__Split *split = source->plan->splits[task->start.task];

    task->start.kind = MRLUA__TASK_KIND__MAP;
    task->start.n_pieces = split->n_pieces;
    task->start.pieces = split->pieces;
    run_task_map_path(source->temp_path, task->start.task, task->start.attempt, &task->result_path);
    task->start.result_path = (char *)(uintptr_t)buf_string(&task->result_path);
}

static void set_map_output(struct run_task *task, const struct run_source *source, uint32_t map)
{
    const struct run_result *result = run_results_of(source->results, STAGE_MAP, map);
    Mrlua__MapOutput *output = &task->map_outputs[map];

    mrlua__map_output__init(output);
    output->map = map;
    output->attempt = result ? result->attempt_id : 0;
    run_task_map_path(source->temp_path, map, output->attempt, &task->map_paths[map]);
    output->path = (char *)(uintptr_t)buf_string(&task->map_paths[map]);
    task->map_output_list[map] = output;
}

static void set_reduce(struct run_task *task, const struct run_source *source)
{
    task->start.kind = MRLUA__TASK_KIND__REDUCE;
    run_output_part_path(source->output, task->start.task, task->start.attempt, &task->result_path);
    task->start.result_path = (char *)(uintptr_t)buf_string(&task->result_path);
    task->map_output_count = source->plan->n_splits;
    task->map_outputs = mem_alloc_array(task->map_output_count, sizeof *task->map_outputs);
    task->map_output_list = mem_alloc_array(task->map_output_count, sizeof(Mrlua__MapOutput *));
    task->map_paths = mem_alloc_array(task->map_output_count, sizeof *task->map_paths);
    for (uint32_t i = 0; i < task->map_output_count; i++)
        set_map_output(task, source, i);
    task->start.n_map_outputs = task->map_output_count;
    task->start.map_outputs = task->map_output_list;
}

static void set_part(struct run_task *task, const struct run_source *source, uint32_t partition)
{
    const struct run_result *result = run_results_of(source->results, STAGE_REDUCE, partition);
    Mrlua__Part *part = &task->parts[partition];

    mrlua__part__init(part);
    part->partition = partition;
    task->part_list[partition] = part;
    if (!result)
        return;
    part->attempt = result->attempt_id;
    part->path = result->done->path;
    part->bytes = result->done->bytes;
    part->records = result->done->records;
    part->crc32c = result->done->crc32c;
}

static void set_commit(struct run_task *task, const struct run_source *source)
{
    task->start.kind = MRLUA__TASK_KIND__COMMIT;
    task->start.commit = &task->commit;
    task->part_count = source->plan->reducers;
    task->parts = mem_alloc_array(task->part_count, sizeof *task->parts);
    task->part_list = mem_alloc_array(task->part_count, sizeof(Mrlua__Part *));
    for (uint32_t i = 0; i < task->part_count; i++)
        set_part(task, source, i);
    task->commit.n_parts = task->part_count;
    task->commit.parts = task->part_list;
    task->commit.output_folder = source->config->output;
    task->commit.overwrite = source->config->overwrite;
    task->commit.job_id = (char *)(uintptr_t)source->output->job_id;
    run_manifest_encode(source, &task->manifest);
    task->commit.manifest = (char *)(uintptr_t)buf_string(&task->manifest);
}

void run_task_init(struct run_task *task, const struct run_source *source, enum stage_kind stage,
                   uint32_t number, uint64_t attempt_id)
{
    *task = (struct run_task){.start = MRLUA__TASK_START__INIT,
                              .limits = MRLUA__LIMITS__INIT,
                              .plan = MRLUA__PLAN_REQUEST__INIT,
                              .commit = MRLUA__COMMIT_REQUEST__INIT};
    set_common(task, source, number, attempt_id);
    switch (stage) {
    case STAGE_PLAN:
        set_plan(task, source);
        return;
    case STAGE_MAP:
        set_map(task, source);
        return;
    case STAGE_REDUCE:
        set_reduce(task, source);
        return;
    case STAGE_COMMIT:
        set_commit(task, source);
        return;
    }
}

void run_task_deinit(struct run_task *task)
{
    for (size_t i = 0; i < task->map_output_count; i++)
        buf_deinit(&task->map_paths[i]);
    free(task->map_paths);
    free(task->map_outputs);
    free(task->map_output_list);
    free(task->parts);
    free(task->part_list);
    buf_deinit(&task->result_path);
    buf_deinit(&task->manifest);
    *task = (struct run_task){0};
}
