#include "master/job_manifest.h"

#include "base/hash.h"
#include "base/mem.h"
#include "format/writer.h"
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

static void add_parts(struct manifest *manifest, const struct job_source *source, struct buf *names)
{
    uint32_t count = job_results_part_count(source->results);

    manifest->parts = mem_alloc_array(count, sizeof *manifest->parts);
    manifest->part_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct job_result *result = job_results_part(source->results, i);

        publish_part_name(&names[i], i, writer_suffix(source->output_format));
        manifest->parts[i].name = buf_string(&names[i]);
        if (!result)
            continue;
        manifest->parts[i].bytes = result->done->bytes;
        manifest->parts[i].records = result->done->records;
        manifest->parts[i].crc32c = result->done->crc32c;
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
    uint32_t part_count = job_results_part_count(source->results);
    struct buf *names = mem_alloc_array(part_count, sizeof *names);
    struct buf input_format = {0};
    struct manifest_number times[] = {{"map", source->map_ms}, {"reduce", source->reduce_ms}};
    struct manifest manifest = {.job_id = source->publish_id,
                                .job_name = source->name,
                                .input_format = input_format_of(source, &input_format),
                                .output_format = source->output_format,
                                .split_count = job_plan_split_count(source->plan),
                                .split_bytes = source->plan->split_bytes,
                                .reducer_count = source->plan->reducers,
                                .sort_buffer_bytes = source->sort_buffer_bytes,
                                .times_ms = times,
                                .time_count = sizeof times / sizeof *times};
    struct job_counters counters;
    struct buf bad = {0};

    job_results_counters(source->results, &counters);
    add_inputs(&manifest, source->plan);
    add_parts(&manifest, source, names);
    add_bad(&manifest, source, &bad);
    add_counters(&manifest, &counters);
    manifest_encode(&manifest, out);
    for (uint32_t i = 0; i < part_count; i++)
        buf_deinit(&names[i]);
    free(names);
    buf_deinit(&input_format);
    buf_deinit(&bad);
    free(manifest.inputs);
    free(manifest.parts);
    free(manifest.counters);
    job_counters_deinit(&counters);
}
