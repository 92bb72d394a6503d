#include "master/job_manifest.h"

#include "base/hash.h"
#include "base/mem.h"
#include "master/job_plan.h"
#include "master/job_task.h"
#include "store/manifest.h"

#include <stdlib.h>

static void add_inputs(struct manifest *manifest, const Mrlua__Plan *plan)
{
    size_t count = job_plan_input_count(plan);
    Mrlua__Piece input;

    manifest->inputs = mem_alloc_array(count, sizeof *manifest->inputs);
    manifest->input_count = count;
    for (size_t i = 0; i < count; i++) {
        job_plan_input(plan, i, &input);
        manifest->inputs[i] = (struct manifest_input){.path = input.name,
                                                      .bytes = input.size,
                                                      .mtime_ns = input.mtime_ns,
                                                      .generation = input.generation};
    }
}

static void add_parts(struct manifest *manifest, const struct job_parts *parts, struct buf *names)
{
    manifest->parts = mem_alloc_array(parts->count, sizeof *manifest->parts);
    manifest->part_count = parts->count;
    for (size_t i = 0; i < parts->count; i++) {
        const struct job_part *part = &parts->items[i];

        publish_part_name(&names[i], &part->file);
        manifest->parts[i].name = buf_string(&names[i]);
        manifest->parts[i].bytes = part->file.bytes;
        manifest->parts[i].records = part->records;
        manifest->parts[i].crc32c = part->file.crc32c;
    }
}

/* `text`: the list itself, of which the manifest tells. */
static void add_bad(struct manifest *manifest, const struct job_source *source, struct buf *text)
{
    job_bad_encode(source->bad, source->plan, text);
    if (text->len == 0)
        return;
    manifest->bad = (struct manifest_part){.name = PUBLISH_BAD_NAME,
                                           .bytes = text->len,
                                           .records = job_bad_count(source->bad),
                                           .crc32c = crc32c(0, text->ptr, text->len)};
}

static void add_counters(struct manifest *manifest, const struct job_counters *counters)
{
    manifest->counters = mem_alloc_array(counters->count, sizeof *manifest->counters);
    manifest->counter_count = counters->count;
    for (size_t i = 0; i < counters->count; i++)
        manifest->counters[i] = (struct manifest_number){
            .name = counters->items[i].name, .value = (uint64_t)counters->items[i].value};
}

/* "lines", or "clicks=lines users=csv" of a job with several inputs. */
static const char *input_format_of(const struct job_source *source, struct buf *text)
{
    if (source->group_count == 0)
        return source->input_format;
    for (size_t i = 0; i < source->group_count; i++)
        buf_printf(text, "%s%s=%s", i ? " " : "", source->groups[i]->name,
                   source->groups[i]->format);
    return buf_string(text);
}

void job_manifest_encode(const struct job_source *source, struct buf *out)
{
    struct job_parts parts;
    struct buf *names;
    struct buf input_format = {0};
    struct manifest_number times[] = {{"map", source->map_ms}, {"reduce", source->reduce_ms}};
    struct manifest manifest = {.job_id = source->publish_id,
                                .job_name = source->name,
                                .input_format = input_format_of(source, &input_format),
                                .output_format = source->outputs.format,
                                .split_count = job_plan_split_count(source->plan),
                                .split_bytes = source->plan->split_bytes,
                                .reducer_count = source->plan->reducers,
                                .sort_buffer_bytes = source->sort_buffer_bytes,
                                .times_ms = times,
                                .time_count = sizeof times / sizeof *times};
    struct job_counters counters;
    struct buf bad = {0};

    job_parts_init(&parts, &source->outputs, source->results);
    names = mem_alloc_array(parts.count, sizeof *names);
    job_results_counters(source->results, &counters);
    add_inputs(&manifest, source->plan);
    add_parts(&manifest, &parts, names);
    add_bad(&manifest, source, &bad);
    add_counters(&manifest, &counters);
    manifest_encode(&manifest, out);
    for (size_t i = 0; i < parts.count; i++)
        buf_deinit(&names[i]);
    free(names);
    buf_deinit(&input_format);
    buf_deinit(&bad);
    job_parts_deinit(&parts);
    free(manifest.inputs);
    free(manifest.parts);
    free(manifest.counters);
    job_counters_deinit(&counters);
}
