#include "master/job_parts.h"

#include "base/mem.h"
#include "format/writer.h"
#include "record/value.h"

#include <stdlib.h>
#include <string.h>

uint32_t job_parts_reduce_count(uint32_t reducers, size_t output_count)
{
    return reducers > 0 ? reducers + (uint32_t)output_count : 0;
}

void job_parts_plan(struct job_results *results, uint32_t map_count, uint32_t reducers,
                    size_t output_count)
{
    job_results_plan(results, map_count, job_parts_reduce_count(reducers, output_count));
    results->output_count = reducers > 0 ? (uint32_t)output_count : 0;
}

struct publish_part job_parts_of_task(const struct job_outputs *outputs, uint32_t reducers,
                                      uint32_t task, uint64_t attempt)
{
    const char *format = outputs->format, *name = NULL;

    if (!outputs->map_only && task >= reducers) {
        format = outputs->items[task - reducers]->format;
        name = outputs->items[task - reducers]->name;
    }
    return (struct publish_part){
        .output = name, .suffix = writer_suffix(format), .number = task, .attempt = attempt};
}

static void add(struct job_parts *parts, const struct job_part *part)
{
    parts->items[parts->count++] = *part;
    parts->bytes += part->file.bytes;
    parts->records += part->records;
}

/* What a task wrote as its own part. A further output without records has none. */
static void add_own(struct job_parts *parts, const struct job_outputs *outputs,
                    const struct job_results *results, uint32_t reducers, uint32_t task)
{
    const struct job_result *result = job_results_part(results, task);
    struct job_part part = {
        .file = job_parts_of_task(outputs, reducers, task, result ? result->attempt_id : 0)};

    if (result) {
        part.file.bytes = result->done->bytes;
        part.file.crc32c = result->done->crc32c;
        part.records = result->done->records;
        part.path = result->done->path;
    }
    if (part.file.output)
        part.format = outputs->items[task - reducers]->format;
    if (!part.file.output || part.records > 0)
        add(parts, &part);
}

/* What a task wrote to a further output beside its own part. */
static void add_file(struct job_parts *parts, const Mrlua__Output *output, uint32_t number,
                     const struct job_result *result, uint32_t task)
{
    for (size_t i = 0; result && i < result->done->n_files; i++) {
        const Mrlua__OutputFile *file = result->done->files[i];
        struct job_part part = {.file = {.output = output->name,
                                         .suffix = writer_suffix(output->format),
                                         .number = task,
                                         .attempt = result->attempt_id,
                                         .bytes = file->bytes,
                                         .crc32c = file->crc32c},
                                .records = file->records,
                                .format = output->format};

        if (file->output == number)
            add(parts, &part);
    }
}

void job_parts_init(struct job_parts *parts, const struct job_outputs *outputs,
                    const struct job_results *results)
{
    uint32_t task_count = job_results_part_count(results);
    uint32_t main_count = task_count - results->output_count;

    *parts = (struct job_parts){
        .items = mem_alloc_array(task_count + (size_t)main_count * outputs->count + 1,
                                 sizeof *parts->items)};
    for (uint32_t task = 0; task < main_count; task++)
        add_own(parts, outputs, results, main_count, task);
    for (uint32_t i = 0; i < outputs->count; i++) {
        for (uint32_t task = 0; task < main_count; task++)
            add_file(parts, outputs->items[i], i, job_results_part(results, task), task);
        if (i < results->output_count)
            add_own(parts, outputs, results, main_count, main_count + i);
    }
}

void job_parts_deinit(struct job_parts *parts)
{
    free(parts->items);
    *parts = (struct job_parts){0};
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(Mrlua__Output *const *)a)->name, (*(Mrlua__Output *const *)b)->name);
}

void job_output_list_read(struct job_output_list *outputs, struct slice view)
{
    enum { ROOM = OUTPUT_COUNT_MAX + 1 };
    struct value_reader reader;
    struct datum key, value;
    struct err ignored; /* the view was checked */

    *outputs = (struct job_output_list){0};
    if (!value_open_field(&reader, view, "outputs"))
        return;
    outputs->items = mem_alloc_array(ROOM, sizeof *outputs->items);
    outputs->list = mem_alloc_array(ROOM, sizeof(Mrlua__Output *));
    while (outputs->count < ROOM && value_read_pair(&reader, &key, &value, &ignored) == 1) {
        Mrlua__Output *output = &outputs->items[outputs->count];
        struct slice format = value_field_string(value.string, "format", "");

        if (key.type != DATUM_STRING || value.type != DATUM_TABLE_BEGIN)
            continue;
        mrlua__output__init(output);
        output->name = mem_strndup(key.string.ptr, key.string.len);
        output->format = mem_strndup(format.ptr, format.len);
        outputs->list[outputs->count++] = output;
    }
    qsort(outputs->list, outputs->count, sizeof(Mrlua__Output *), by_name);
}

void job_output_list_deinit(struct job_output_list *outputs)
{
    for (size_t i = 0; i < outputs->count; i++) {
        free(outputs->items[i].name);
        free(outputs->items[i].format);
    }
    free(outputs->items);
    free(outputs->list);
    *outputs = (struct job_output_list){0};
}

int job_parts_check(Mrlua__Output *const *outputs, size_t count, struct err *err)
{
    struct writer_format format;

    if (count > OUTPUT_COUNT_MAX)
        return err_set(err, ERR_SETUP, "%zu further outputs: %d are the most", count,
                       OUTPUT_COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!publish_is_output_name(outputs[i]->name) ||
            (i > 0 && strcmp(outputs[i - 1]->name, outputs[i]->name) >= 0))
            return err_set(err, ERR_SETUP,
                           "'%.40s' is no name of a further output, or not in order",
                           outputs[i]->name);
        if (writer_format_by_name(slice_of_string(outputs[i]->format), &format, err) != 0)
            return -1;
    }
    return 0;
}
