#include "attempt/map_sink.h"

#include "attempt/part.h"
#include "record/key.h"
#include "record/parcel.h"
#include "record/value.h"

/* ---- what map emits ---- */

static int emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct map_sink *out = (struct map_sink *)sink;
    uint32_t partition;

    if (map_partition_find(&out->partition, key, &partition, err) != 0)
        return -1;
    page_add(&out->page->records_out, 1);
    if (collector_emit(out->collector, partition, key, value, err) == 0)
        return 0;
    out->failed = true;
    return -1;
}

/* What the sort buffer does not know: it is encoded, and its partition asked for. */
static int emit_new(struct map_sink *out, struct slice text, int64_t number, struct err *err)
{
    buf_clear(&out->key);
    buf_clear(&out->value);
    if (key_encode_string(&out->key, text, err) != 0)
        return err_prefix(err, "emit");
    value_write_integer(&out->value, number);
    return emit(&out->sink, buf_slice(&out->key), buf_slice(&out->value), err);
}

static int emit_counted(struct sink *sink, struct slice text, int64_t number, struct err *err)
{
    struct map_sink *out = (struct map_sink *)sink;

    if (!collector_fold(out->collector, text, number))
        return emit_new(out, text, number, err);
    page_add(&out->page->records_out, 1);
    return 0;
}

static int emit_ones(struct sink *sink, struct slice text, uint64_t count, struct err *err)
{
    struct map_sink *out = (struct map_sink *)sink;

    for (; count > 0; count--) {
        if (collector_fold_ones(out->collector, text, count)) {
            page_add(&out->page->records_out, count);
            break;
        }
        if (emit_new(out, text, 1, err) != 0)
            return -1;
    }
    return 0;
}

static int emit_each(struct sink *sink, const struct slice *texts, size_t count, size_t *emitted,
                     struct err *err)
{
    struct map_sink *out = (struct map_sink *)sink;
    struct sortbuf_lookup lookups[SORTBUF_LOOKUP_COUNT_MAX];

    for (*emitted = 0; *emitted < count; ++*emitted) {
        size_t at = *emitted % SORTBUF_LOOKUP_COUNT_MAX, left = count - *emitted;

        if (at == 0)
            collector_look_up(out->collector, texts + *emitted,
                              left < SORTBUF_LOOKUP_COUNT_MAX ? left : SORTBUF_LOOKUP_COUNT_MAX,
                              lookups);
        if (collector_fold_one(out->collector, &lookups[at]))
            page_add(&out->page->records_out, 1);
        else if (emit_new(out, texts[*emitted], 1, err) != 0)
            return -1;
    }
    return 0;
}

/* Nothing is sorted: the part has the records in the order of the input. */
static int emit_to_part(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct map_sink *out = (struct map_sink *)sink;

    page_add(&out->page->records_out, 1);
    return writer_write(out->writer, key, value, err);
}

/* What the format of a further output cannot hold is refused while its record is in hand: a reduce
 * writes it, and does not know where it came from. */
static int check_output(struct map_sink *out, uint32_t output, struct slice key, struct slice value,
                        struct err *err)
{
    struct writer **check = &out->checks[output];

    if (!*check) {
        struct writer_format format;

        if (outputs_format(out->child, output, &format, err) != 0)
            return -1;
        if (format.kind == WRITER_RUN)
            return 0; /* as the sort buffer */
        format.packing = SOURCE_PLAIN;
        *check = writer_open(&format, -1, "", &(struct writer_id){0}, err);
        if (!*check)
            return -1;
    }
    if (writer_check(*check, key, value, err) != 0)
        return outputs_name_error(out->child->start, output, err);
    return 0;
}

/* To a further output: behind the partitions, as a parcel. Its value is not counted. */
static int emit_parcel(struct sink *sink, uint32_t output, struct slice key, struct slice value,
                       struct err *err)
{
    struct map_sink *out = (struct map_sink *)sink;

    if (check_output(out, output, key, value, err) != 0)
        return -1;
    page_add(&out->page->records_out, 1);
    buf_clear(&out->value);
    parcel_wrap(&out->value, key, value);
    if (collector_emit(out->collector, out->partition.count + output, parcel_key(),
                       buf_slice(&out->value), err) == 0)
        return 0;
    out->failed = true;
    return -1;
}

static int emit_to_output(struct sink *sink, uint32_t output, struct slice key, struct slice value,
                          struct err *err)
{
    struct map_sink *out = (struct map_sink *)sink;

    page_add(&out->page->records_out, 1);
    return outputs_write(&out->outputs, output, key, value, err);
}

/* A sample is of what goes to the partitions. */
static int emit_nowhere(struct sink *sink, uint32_t output, struct slice key, struct slice value,
                        struct err *err)
{
    (void)sink, (void)output, (void)key, (void)value, (void)err;
    return 0;
}

/* A sample: the key is kept, and where it would go is not known yet. */
static int emit_sample(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct map_sink *out = (struct map_sink *)sink;

    page_add(&out->page->records_out, 1);
    return sample_add(out->sample, key, value.len, err);
}

static int combine_by_job(void *context, struct group *group, struct sink *sink, struct err *err)
{
    struct map_sink *out = context;
    uint64_t phase = page_get(&out->page->phase);
    int rc;

    page_set(&out->page->phase, PAGE_COMBINE);
    rc = vm_combine(out->vm, group->key, group, sink, err);
    page_set(&out->page->phase, phase);
    return rc;
}

/* ---- opening ---- */

static void open_sample(struct map_sink *out)
{
    struct sample_options options = {
        .partition_count = out->partition.count,
        .piece_count = (uint32_t)(out->child->start->n_shares + out->child->start->n_groups),
        .group_parts = out->partition.group_parts,
        .combines = vm_has(out->vm, "combine"),
    };

    out->sample = sample_open(&options);
    out->sink.emit = emit_sample;
    out->sink.emit_to = emit_nowhere;
}

static const struct combiner *choose_combiner(struct map_sink *out)
{
    enum builtin builtin = vm_builtin(out->vm, "combine");

    if (!vm_has(out->vm, "combine"))
        return NULL;
    out->combine_call = builtin_call_of(builtin, buf_slice(&out->child->view));
    out->combiner = builtin != BUILTIN_NONE
                        ? builtin_combiner(&out->combine_call)
                        : (struct combiner){.combine = combine_by_job, .context = out};
    out->combiner.partition_end = out->partition.count;
    return &out->combiner;
}

static int open_collector(struct map_sink *out, struct err *err)
{
    const Mrlua__TaskStart *start = out->child->start;
    struct collector_options options = {
        .sort_buffer_bytes = start->sort_buffer_bytes,
        .partition_count = start->partition_count,
        .parcel_count = (uint32_t)start->n_outputs,
        .group_parts = out->partition.group_parts,
        .combiner = choose_combiner(out),
        .id = {.job = start->job, .attempt = start->attempt, .task = start->task},
        .scratch = {child_fd(CHILD_SCRATCH_A), child_fd(CHILD_SCRATCH_B)},
        .result = child_fd(CHILD_RESULT),
        .pulse = child_pulse(out->child),
    };

    out->collector = collector_open(&options, err);
    return out->collector ? 0 : -1;
}

/* A partition function of the job is asked when its key is emitted: nothing may wait for it. */
static void offer_folds(struct map_sink *out)
{
    enum builtin combine = vm_builtin(out->vm, "combine");

    if (!builtin_folds_in_place(combine))
        return;
    out->sink.emit_counted = emit_counted;
    out->sink.emit_each = emit_each;
    if (combine == BUILTIN_SUM && !map_partition_is_by_job(&out->partition))
        out->sink.emit_ones = emit_ones;
}

int map_sink_open(struct map_sink *out, struct child *child, struct err *err)
{
    const Mrlua__TaskStart *start = child->start;

    *out =
        (struct map_sink){.sink.emit = emit, .child = child, .page = child->page, .vm = child->vm};
    if (map_partition_init(&out->partition, start, buf_slice(&child->view), child->vm, err) != 0)
        return -1;
    if (start->kind == MRLUA__TASK_KIND__SAMPLE) {
        open_sample(out);
        return 0;
    }
    if (start->partition_count == 0) {
        out->sink.emit = emit_to_part;
        out->sink.emit_to = emit_to_output;
        out->writer = part_open(child, err);
        return out->writer ? outputs_receive(&out->outputs, child, err) : -1;
    }
    out->sink.emit_to = emit_parcel;
    offer_folds(out);
    return open_collector(out, err);
}

void map_sink_close(struct map_sink *out)
{
    writer_close(out->writer);
    outputs_close(&out->outputs);
    for (size_t i = 0; i < OUTPUT_COUNT_MAX; i++)
        writer_close(out->checks[i]);
    collector_close(out->collector);
    sample_close(out->sample);
    map_partition_deinit(&out->partition);
    buf_deinit(&out->key);
    buf_deinit(&out->value);
}

/* ---- the end ---- */

/* What went to further outputs is in the digest, too: another attempt must have written the same.
 */
static int finish_part(struct map_sink *out, struct task_result *result, struct err *err)
{
    if (part_finish(out->child, out->writer, result, err) != 0 ||
        outputs_finish(&out->outputs, result, err) != 0)
        return -1;
    for (uint32_t i = 0; i < result->file_count; i++)
        digest_add_record(&result->digest, result->files[i].output,
                          slice_of(&result->files[i].crc32c, sizeof result->files[i].crc32c),
                          slice_of(&result->files[i].bytes, sizeof result->files[i].bytes));
    result->digest.record_count = result->records;
    return 0;
}

int map_sink_finish(struct map_sink *out, struct task_result *result, struct err *err)
{
    struct run_summary summary;

    if (out->writer)
        return finish_part(out, result, err);
    page_enter(out->page, PAGE_SORT);
    if (collector_finish(out->collector, &summary, err) != 0)
        return -1;
    result->digest = summary.digest;
    result->bytes = summary.bytes;
    result->records = summary.digest.record_count;
    task_result_count(result, "map_", "records_out", summary.records_emitted);
    task_result_count(result, "map_", "records_written", summary.digest.record_count);
    task_result_count(result, "map_", "bytes_written", summary.bytes);
    task_result_count(result, "map_", "spills", summary.spill_count);
    map_skew_take(&result->skew, &summary, buf_slice(&out->child->view));
    return 0;
}
