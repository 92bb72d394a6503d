#include "master/job_task.h"

#include "attempt/reuse_key.h"
#include "attempt/run_of.h"
#include "base/mem.h"
#include "master/job_manifest.h"
#include "master/job_plan.h"

#include <stdlib.h>
#include <string.h>

void job_task_map_path(const char *temp_path, uint32_t map, uint64_t attempt_id, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s/map-%u.%llu", temp_path, map, (unsigned long long)attempt_id);
}

void job_task_part_path(const struct publish *publish, const char *temp_path,
                        const struct publish_part *part, struct buf *out)
{
    if (publish && !publish->is_gs) {
        publish_part_path(publish, part, out);
        return;
    }
    buf_clear(out);
    if (!temp_path)
        return;
    buf_printf(out, "%s/", temp_path);
    publish_attempt_name(out, part);
}

/* protobuf-c reads strings and takes them as char *. */
static char *text(const char *string)
{
    return (char *)(uintptr_t)(string ? string : "");
}

static ProtobufCBinaryData bytes_of(struct slice slice)
{
    return (ProtobufCBinaryData){.len = slice.len, .data = (uint8_t *)(uintptr_t)slice.ptr};
}

static void set_common(struct job_task *task, const struct job_source *source, uint32_t number,
                       uint64_t attempt_id)
{
    Mrlua__TaskStart *start = &task->start;

    task->limits.memory_bytes = source->memory_bytes;
    task->limits.progress_ms = source->progress_ms;
    task->limits.record_ms = source->record_ms;
    start->job = source->job;
    start->task = number;
    start->attempt = attempt_id;
    start->worker = source->worker_id;
    start->unsafe = source->unsafe;
    start->bundle = bytes_of(source->bundle);
    start->params = bytes_of(source->params);
    start->view = bytes_of(source->view);
    start->limits = &task->limits;
    start->sort_buffer_bytes = source->sort_buffer_bytes;
    start->input = text(source->input_format);
    start->output = text(source->outputs.format);
    start->tmp_folder = text(source->temp_path);
    if (source->plan)
        start->partition_count = source->plan->reducers;
}

/* Where the job's output is: whoever looks at it there is an attempt. */
static void set_output(struct job_task *task, const struct job_source *source)
{
    task->start.commit = &task->commit;
    task->commit.output_folder = text(source->output_folder);
    task->commit.overwrite = source->overwrite;
    task->commit.job_id = text(source->publish_id);
    task->commit.holder = source->claim_holder;
    task->commit.shuffle = text(source->shuffle);
}

static bool is_on_gs(const struct job_source *source)
{
    return source->publish && source->publish->is_gs;
}

/* What earlier jobs have left may be taken. */
static void set_reuse(struct job_task *task, const struct job_source *source)
{
    if (!source->reuse_folder && !source->reuse_store)
        return;
    mrlua__reuse__init(&task->reuse);
    task->reuse.folder = text(source->reuse_folder);
    task->reuse.store = text(source->reuse_store);
    if (source->plan)
        task->reuse.since_ns = source->plan->checksums_begun_ns;
    task->start.reuse = &task->reuse;
}

/* A map that has told of a run before is asked for it again: that run was no good. */
static void set_reuse_of_map(struct job_task *task, const struct job_source *source)
{
    const struct job_result *told = job_results_of(source->results, STAGE_MAP, task->start.task);

    set_reuse(task, source);
    if (!source->reuse_store)
        return;
    task->reuse.folder = text(NULL); /* it is the plan's */
    task->reuse.lost = told ? told->done->run_generation : 0;
}

static void set_plan(struct job_task *task, const struct job_source *source)
{
    if (is_on_gs(source))
        set_output(task, source);
    task->start.kind = MRLUA__TASK_KIND__PLAN;
    task->start.plan = &task->plan;
    task->plan.n_inputs = source->input_count;
    task->plan.inputs = source->inputs;
    task->plan.n_files = source->file_count;
    task->plan.files = source->files;
    task->plan.n_groups = source->group_count;
    task->plan.groups = source->groups;
    task->plan.folder = text(source->input_folder);
    task->plan.split_bytes = source->split_bytes;
    task->plan.reducers = source->reducers;
    task->plan.map_only = source->outputs.map_only;
    set_reuse(task, source);
}

/* What runs the job's functions may read its side files. */
static void set_files(struct job_task *task, const struct job_source *source)
{
    size_t count = source->plan->n_files;

    for (size_t i = 0; i < count && i < CHILD_FILE_COUNT_MAX; i++) {
        Mrlua__SideFile *file = side_files_add(&task->files, source->plan->files[i]);

        if (!source->temp_path || file->generation == 0 || file->copy[0])
            continue;
        buf_printf(&task->file_copies[i], "%s/file-%zu", source->temp_path, i);
        file->copy = text(buf_string(&task->file_copies[i]));
    }
    task->start.n_files = task->files.count;
    task->start.files = task->files.list;
}

/* How an input of this group is read. */
static enum reader_kind reader_of(const struct job_source *source, uint32_t group)
{
    const char *format =
        group < source->group_count ? source->groups[group]->format : source->input_format;
    enum reader_kind kind = READER_LINES;
    struct err ignored; /* the plan was made with it */

    reader_kind_by_name(slice_of_string(format), &kind, &ignored);
    return kind;
}

static uint32_t plan_sample(const struct job_source *source, struct sample_piece *out)
{
    size_t count = job_plan_input_count(source->plan);
    struct sample_file *files = mem_alloc_array(count, sizeof *files);
    Mrlua__Piece input;
    uint32_t piece_count;

    for (size_t i = 0; i < count; i++) {
        job_plan_input(source->plan, i, &input);
        files[i] = (struct sample_file){input.name, input.size, input.is_gzip,
                                        reader_of(source, input.group)};
    }
    piece_count = sample_plan(files, count, out);
    free(files);
    return piece_count;
}

/* Room for them; the caller fills them in. */
static void set_pieces(struct job_task *task, size_t count)
{
    task->pieces = mem_alloc_array(count, sizeof *task->pieces);
    task->piece_list = mem_alloc_array(count, sizeof(Mrlua__Piece *));
    for (size_t i = 0; i < count; i++)
        task->piece_list[i] = &task->pieces[i];
    task->start.n_pieces = count;
    task->start.pieces = task->piece_list;
}

static void set_sample(struct job_task *task, const struct job_source *source)
{
    struct sample_piece pieces[SAMPLE_PIECE_COUNT_MAX];
    uint32_t count = plan_sample(source, pieces);

    task->start.kind = MRLUA__TASK_KIND__SAMPLE;
    set_files(task, source);
    set_pieces(task, count);
    task->shares = mem_alloc_array(count, sizeof *task->shares);
    for (uint32_t i = 0; i < count; i++) {
        job_plan_input(source->plan, pieces[i].file_index, &task->pieces[i]);
        task->pieces[i].offset = pieces[i].offset;
        task->pieces[i].length = pieces[i].length;
        task->shares[i] = pieces[i].share_bytes;
    }
    task->start.n_groups = source->group_count;
    task->start.groups = source->groups;
    task->start.n_shares = count;
    task->start.shares = task->shares;
}

static void set_cut_points(struct job_task *task, const struct job_source *source)
{
    const struct job_result *sample = job_results_of(source->results, STAGE_SAMPLE, 0);

    if (!sample)
        return;
    task->start.n_cut_points = sample->done->n_cut_points;
    task->start.cut_points = sample->done->cut_points;
}

static void set_part_path(struct job_task *task, const struct job_source *source)
{
    struct publish_part part = job_parts_of_task(&source->outputs, source->plan->reducers,
                                                 task->start.task, task->start.attempt);

    if (is_on_gs(source))
        set_output(task, source);
    job_task_part_path(source->publish, source->temp_path, &part, &task->result_path);
    task->start.result_path = text(buf_string(&task->result_path));
}

/* Whose pieces the map has: it is told of no other. */
static void set_group(struct job_task *task, const struct job_source *source)
{
    uint32_t group = job_plan_split_group(source->plan, task->start.task);

    if (group >= source->group_count)
        return;
    task->group = *source->groups[group];
    task->group.count = 0; /* or a map would be another one when there are more inputs */
    task->group_list[0] = &task->group;
    task->start.n_groups = 1;
    task->start.groups = task->group_list;
    for (size_t i = 0; i < task->start.n_pieces; i++)
        task->pieces[i].group = 0;
}

static void set_outputs(struct job_task *task, const struct job_source *source)
{
    task->start.n_outputs = source->outputs.count;
    task->start.outputs = source->outputs.items;
}

static void set_map(struct job_task *task, const struct job_source *source)
{
    size_t count = job_plan_piece_count(source->plan, task->start.task);

    task->start.kind = MRLUA__TASK_KIND__MAP;
    set_files(task, source);
    set_pieces(task, count);
    for (size_t i = 0; i < count; i++)
        job_plan_piece(source->plan, task->start.task, i, &task->pieces[i]);
    set_group(task, source);
    set_cut_points(task, source);
    set_outputs(task, source);
    if (source->outputs.map_only) {
        set_part_path(task, source);
        return;
    }
    task->start.shuffle = text(source->shuffle);
    set_reuse_of_map(task, source);
    if (!source->temp_path)
        return;
    job_task_map_path(source->temp_path, task->start.task, task->start.attempt, &task->result_path);
    task->start.result_path = text(buf_string(&task->result_path));
}

static void set_map_output(struct job_task *task, const struct job_source *source, uint32_t map)
{
    const struct job_result *result = job_results_of(source->results, STAGE_MAP, map);
    Mrlua__MapOutput *output = &task->map_outputs[map];

    mrlua__map_output__init(output);
    output->map = map;
    output->attempt = result ? result->attempt_id : 0;
    output->run = result ? result->done->run : NULL;
    job_task_map_path(source->temp_path, map, output->attempt, &task->map_paths[map]);
    output->path = text(buf_string(&task->map_paths[map]));
    task->map_output_list[map] = output;
}

static void set_map_outputs(struct job_task *task, const struct job_source *source)
{
    task->map_output_count = job_plan_split_count(source->plan);
    task->map_outputs = mem_alloc_array(task->map_output_count, sizeof *task->map_outputs);
    task->map_output_list = mem_alloc_array(task->map_output_count, sizeof(Mrlua__MapOutput *));
    task->map_paths = mem_alloc_array(task->map_output_count, sizeof *task->map_paths);
    for (uint32_t i = 0; i < task->map_output_count; i++)
        set_map_output(task, source, i);
    task->start.n_map_outputs = task->map_output_count;
    task->start.map_outputs = task->map_output_list;
}

/* What stands in the bytes of a run, if not its own map's ids, and which object it is. */
static void set_kept_run(struct job_task *task, uint32_t map, const Mrlua__Done *done)
{
    struct run_id id = run_of(done->run, 0, 0, 0);
    struct reuse_key key = reuse_key_of_id(&id);

    if (!done->run)
        return;
    memcpy(task->run_keys + (size_t)map * REUSE_KEY_BYTES, key.bytes, REUSE_KEY_BYTES);
    task->run_generations[map] = done->run_generation;
    task->run_note_bytes[map] = done->run_note_bytes;
}

static void set_kept_runs(struct job_task *task, const struct job_source *source, uint32_t count)
{
    task->run_keys = mem_alloc_array(count, REUSE_KEY_BYTES);
    task->run_generations = mem_alloc_array(count, sizeof *task->run_generations);
    task->run_note_bytes = mem_alloc_array(count, sizeof *task->run_note_bytes);
    for (uint32_t i = 0; i < count; i++) {
        const struct job_result *result = job_results_of(source->results, STAGE_MAP, i);

        if (result)
            set_kept_run(task, i, result->done);
    }
    task->start.run_keys =
        (ProtobufCBinaryData){.len = (size_t)count * REUSE_KEY_BYTES, .data = task->run_keys};
    task->start.run_generations = task->run_generations;
    task->start.run_note_bytes = task->run_note_bytes;
    task->start.n_run_generations = task->start.n_run_note_bytes = count;
    task->start.run_store = text(source->reuse_store);
}

/* All maps have answered: what is missing here is lost since, and the reduce will say so. */
static void set_runs(struct job_task *task, const struct job_source *source)
{
    uint32_t count = job_plan_split_count(source->plan);
    uint64_t before = 0;

    task->run_attempts = mem_alloc_array(count, sizeof *task->run_attempts);
    task->run_bytes = mem_alloc_array(count, sizeof *task->run_bytes);
    for (uint32_t i = 0; i < count; i++) {
        const struct job_result *result = job_results_of(source->results, STAGE_MAP, i);
        uint64_t attempt = result ? result->attempt_id : 0;

        task->run_attempts[i] = (int64_t)(attempt - before);
        task->run_bytes[i] = result ? result->done->bytes : 0;
        before = attempt;
    }
    task->start.shuffle = text(source->shuffle);
    task->start.run_attempts = task->run_attempts;
    task->start.run_bytes = task->run_bytes;
    task->start.n_run_attempts = task->start.n_run_bytes = count;
    if (source->reuse_store)
        set_kept_runs(task, source, count);
}

static void set_reduce(struct job_task *task, const struct job_source *source)
{
    task->start.kind = MRLUA__TASK_KIND__REDUCE;
    set_files(task, source);
    set_part_path(task, source);
    set_outputs(task, source);
    if (source->shuffle)
        set_runs(task, source);
    else if (source->temp_path)
        set_map_outputs(task, source);
}

/* What its attempts leave out, and how many more they may find. */
static void set_skip(struct job_task *task, const struct job_source *source, enum stage_kind stage)
{
    uint32_t count = job_bad_count(source->bad);

    task->skip = job_bad_of(source->bad, stage, task->start.task, &task->start.n_skip);
    task->start.skip = task->skip;
    task->start.skip_left = source->skip_bad > count ? source->skip_bad - count : 0;
}

static void set_part(Mrlua__Part *part, const struct job_part *from)
{
    mrlua__part__init(part);
    part->partition = from->file.number;
    part->attempt = from->file.attempt;
    part->bytes = from->file.bytes;
    part->crc32c = from->file.crc32c;
    part->records = from->records;
    part->path = text(from->path);
    part->output = text(from->file.output);
    part->format = text(from->format);
}

static void set_commit(struct job_task *task, const struct job_source *source)
{
    struct job_parts parts;

    task->start.kind = MRLUA__TASK_KIND__COMMIT;
    set_output(task, source);
    job_parts_init(&parts, &source->outputs, source->results);
    task->part_count = parts.count;
    task->parts = mem_alloc_array(task->part_count, sizeof *task->parts);
    task->part_list = mem_alloc_array(task->part_count, sizeof(Mrlua__Part *));
    for (size_t i = 0; i < parts.count; i++) {
        set_part(&task->parts[i], &parts.items[i]);
        task->part_list[i] = &task->parts[i];
    }
    job_parts_deinit(&parts);
    task->commit.n_parts = task->part_count;
    task->commit.parts = task->part_list;
    job_manifest_encode(source, &task->manifest);
    task->commit.manifest = text(buf_string(&task->manifest));
    job_bad_encode(source->bad, source->plan, &task->bad);
    task->commit.bad = bytes_of(buf_slice(&task->bad));
}

uint32_t job_task_sample_count(bool ranged, uint32_t reducers)
{
    return ranged && reducers > 1 ? 1 : 0; /* one part needs no cut */
}

void job_task_init(struct job_task *task, const struct job_source *source, enum stage_kind stage,
                   uint32_t number, uint64_t attempt_id)
{
    *task = (struct job_task){.start = MRLUA__TASK_START__INIT,
                              .limits = MRLUA__LIMITS__INIT,
                              .plan = MRLUA__PLAN_REQUEST__INIT,
                              .commit = MRLUA__COMMIT_REQUEST__INIT};
    set_common(task, source, number, attempt_id);
    switch (stage) {
    case STAGE_PLAN:
        set_plan(task, source);
        return;
    case STAGE_SAMPLE:
        set_sample(task, source);
        set_skip(task, source, stage);
        return;
    case STAGE_MAP:
        set_map(task, source);
        set_skip(task, source, stage);
        return;
    case STAGE_REDUCE:
        set_reduce(task, source);
        set_skip(task, source, stage);
        return;
    case STAGE_COMMIT:
        set_commit(task, source);
        return;
    }
}

void job_task_deinit(struct job_task *task)
{
    for (size_t i = 0; i < task->map_output_count; i++)
        buf_deinit(&task->map_paths[i]);
    free(task->map_paths);
    free(task->map_outputs);
    free(task->map_output_list);
    for (size_t i = 0; i < CHILD_FILE_COUNT_MAX; i++)
        buf_deinit(&task->file_copies[i]);
    free(task->pieces);
    free(task->piece_list);
    free(task->shares);
    free(task->run_attempts);
    free(task->run_bytes);
    free(task->run_keys);
    free(task->run_generations);
    free(task->run_note_bytes);
    free(task->parts);
    free(task->part_list);
    buf_deinit(&task->result_path);
    buf_deinit(&task->manifest);
    free(task->skip);
    buf_deinit(&task->bad);
    *task = (struct job_task){0};
}
