#include "record/collector.h"

#include "base/bytes.h"
#include "record/combine.h"
#include "record/hot_groups.h"
#include "record/key_group.h"
#include "record/merger.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct collector {
    struct collector_options options;
    struct sortbuf buf;
    struct merger merger;
    struct run_writer *writer; /* of the result; kept for its table of segments */
    struct hot_groups hot;     /* of the result */
    uint64_t records_emitted;
    uint32_t spill_count;
};

struct collector *collector_open(const struct collector_options *options, struct err *err)
{
    enum builtin fold = options->combiner ? options->combiner->builtin : BUILTIN_NONE;
    struct collector *collector;

    assert(options->partition_count > 0 && options->parcel_count <= OUTPUT_COUNT_MAX &&
           options->partition_count + options->parcel_count <= PARTITION_COUNT_MAX);
    if (options->sort_buffer_bytes < SORTBUF_BYTES_MIN ||
        options->sort_buffer_bytes > SORTBUF_BYTES_MAX) {
        err_set(err, ERR_SETUP, "a sort buffer of %zu bytes is not within %zu and %zu",
                options->sort_buffer_bytes, (size_t)SORTBUF_BYTES_MIN, SORTBUF_BYTES_MAX);
        return NULL;
    }
    collector = calloc(1, sizeof *collector);
    if (!collector) {
        err_set(err, ERR_SETUP, "no memory for a map's output");
        return NULL;
    }
    collector->options = *options;
    merger_init(&collector->merger, &(struct merger_options){.scratch[0] = options->scratch[0],
                                                             .scratch[1] = options->scratch[1],
                                                             .id = options->id,
                                                             .partition = RUN_PARTITION_ALL,
                                                             .fan_in = options->fan_in,
                                                             .combiner = options->combiner,
                                                             .pulse = options->pulse});
    if (sortbuf_init(&collector->buf, options->sort_buffer_bytes, fold, err) != 0) {
        collector_close(collector);
        return NULL;
    }
    return collector;
}

void collector_close(struct collector *collector)
{
    if (!collector)
        return;
    run_writer_close(collector->writer);
    merger_deinit(&collector->merger);
    sortbuf_deinit(&collector->buf);
    free(collector);
}

static int spill(struct collector *collector, struct cursor *cursor, struct err *err)
{
    collector->spill_count++;
    return merger_spill(&collector->merger, cursor, err);
}

static int spill_buffer(struct collector *collector, struct err *err)
{
    if (collector->buf.entry_count == 0)
        return 0;
    if (spill(collector, sortbuf_sort(&collector->buf, collector->options.pulse), err) != 0)
        return -1;
    sortbuf_clear(&collector->buf);
    return 0;
}

/* A cursor of one placed record. */
struct lone_cursor {
    struct cursor cursor;
    struct slice value;
    bool is_read;
};

static int lone_next(struct cursor *cursor, struct err *err)
{
    struct lone_cursor *lone = (struct lone_cursor *)cursor;

    (void)err;
    if (lone->is_read)
        return 0;
    lone->is_read = true;
    return 1;
}

static int lone_value(struct cursor *cursor, struct slice *value, struct err *err)
{
    (void)err;
    *value = ((struct lone_cursor *)cursor)->value;
    return 0;
}

static void lone_close(struct cursor *cursor)
{
    (void)cursor;
}

static const struct cursor_ops lone_ops = {
    .next = lone_next,
    .value = lone_value,
    .close = lone_close,
};

/* What does not fit the empty buffer is a spill of its own. */
static int spill_alone(struct collector *collector, uint32_t partition, struct slice key,
                       struct slice value, struct err *err)
{
    struct lone_cursor lone = {.cursor.ops = &lone_ops, .value = value};
    struct room room = {0};
    int rc;

    if (room_reserve(&room, SORTBUF_PARTITION_BYTES + key.len, err) != 0)
        return -1;
    put_u32be(room.ptr, partition);
    if (key.len > 0)
        memcpy(room.ptr + SORTBUF_PARTITION_BYTES, key.ptr, key.len);
    lone.cursor.key = slice_of(room.ptr, SORTBUF_PARTITION_BYTES + key.len);
    rc = spill(collector, &lone.cursor, err);
    room_deinit(&room);
    return rc;
}

int collector_emit(struct collector *collector, uint32_t partition, struct slice key,
                   struct slice value, struct err *err)
{
    assert(partition < collector->options.partition_count + collector->options.parcel_count);
    assert(key.len <= RECORD_KEY_BYTES_MAX); /* the key writer refused longer ones */
    if (value.len > RECORD_VALUE_BYTES_MAX)
        return err_set(err, ERR_JOB, "emit: a value of %zu bytes is larger than %d", value.len,
                       RECORD_VALUE_BYTES_MAX);
    collector->records_emitted++;
    if (sortbuf_add(&collector->buf, partition, key, value))
        return 0;
    if (spill_buffer(collector, err) != 0)
        return -1;
    if (sortbuf_add(&collector->buf, partition, key, value))
        return 0;
    return spill_alone(collector, partition, key, value, err);
}

bool collector_fold(struct collector *collector, struct slice text, int64_t number)
{
    if (!sortbuf_fold_text(&collector->buf, text, number))
        return false;
    collector->records_emitted++;
    return true;
}

bool collector_fold_ones(struct collector *collector, struct slice text, uint64_t count)
{
    if (!sortbuf_fold_ones(&collector->buf, text, count))
        return false;
    collector->records_emitted += count;
    return true;
}

void collector_look_up(struct collector *collector, const struct slice *texts, size_t count,
                       struct sortbuf_lookup *lookups)
{
    sortbuf_look_up(&collector->buf, texts, count, lookups);
}

bool collector_fold_one(struct collector *collector, const struct sortbuf_lookup *lookup)
{
    if (!sortbuf_fold_lookup(&collector->buf, lookup, 1))
        return false;
    collector->records_emitted++;
    return true;
}

/* Takes placed records and writes the result. */
struct result_sink {
    struct sink sink;
    struct run_writer *writer;
    struct hot_groups *hot;
    struct key_group group;   /* of a job with `group` */
    uint32_t partition_count; /* of keys, which may be hot */
    uint32_t begun_count;     /* the partition being written, + 1 */
    struct digest digest;
};

static int result_write(struct result_sink *result, uint32_t partition, struct slice key,
                        struct slice value, struct err *err)
{
    if (partition + 1 != result->begun_count) {
        if (run_writer_begin(result->writer, partition, err) != 0)
            return -1;
        result->begun_count = partition + 1;
    }
    return run_writer_append(result->writer, key, value, err);
}

/* Takes the partition off a placed key. */
static uint32_t unplace(struct slice *key)
{
    uint32_t partition = get_u32be(key->ptr);

    *key = slice_of(key->ptr + SORTBUF_PARTITION_BYTES, key->len - SORTBUF_PARTITION_BYTES);
    return partition;
}

static int emit_by_key(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct result_sink *result = (struct result_sink *)sink;
    uint32_t partition = unplace(&key);
    uint64_t hash = digest_add_record(&result->digest, partition, key, value);

    if (partition < result->partition_count)
        hot_groups_add(result->hot, hash, partition, key);
    return result_write(result, partition, key, value, err);
}

static int emit_by_group(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct result_sink *result = (struct result_sink *)sink;
    uint32_t partition = unplace(&key);

    digest_add_record(&result->digest, partition, key, value);
    if (partition < result->partition_count) {
        if (key_group_next(&result->group, partition, key, err) != 0)
            return -1;
        hot_groups_add(result->hot, result->group.hash, partition, result->group.prefix);
    }
    return result_write(result, partition, key, value, err);
}

/* The records to write: from the buffer, or from all spills once the buffer is released. */
static struct cursor *open_output(struct collector *collector, struct err *err)
{
    if (collector->spill_count == 0)
        return sortbuf_sort(&collector->buf, collector->options.pulse);
    if (spill_buffer(collector, err) != 0)
        return NULL;
    sortbuf_deinit(&collector->buf);
    return merger_open(&collector->merger, err);
}

static int write_result(struct collector *collector, struct cursor *cursor, struct digest *digest,
                        struct err *err)
{
    const struct collector_options *options = &collector->options;
    struct result_sink result = {
        .sink.emit = options->group_parts > 0 ? emit_by_group : emit_by_key,
        .hot = &collector->hot,
        .group.parts = options->group_parts,
        .partition_count = options->partition_count,
    };
    char what[RUN_WHAT_BYTES];
    int rc;

    snprintf(what, sizeof what, "run of map %u", options->id.task);
    collector->writer = run_writer_open(options->result, &options->id,
                                        options->partition_count + options->parcel_count, what,
                                        options->pulse, err);
    if (!collector->writer)
        return -1;
    result.writer = collector->writer;
    hot_groups_init(result.hot);
    rc = combine_drain(cursor, options->combiner, &result.sink, err);
    key_group_deinit(&result.group);
    if (rc != 0)
        return -1;
    hot_groups_end(result.hot);
    *digest = result.digest;
    return run_writer_finish(collector->writer, err);
}

int collector_finish(struct collector *collector, struct run_summary *summary, struct err *err)
{
    struct cursor *cursor;
    int rc;

    assert(!collector->writer); /* called once */
    *summary = (struct run_summary){0};
    cursor = open_output(collector, err);
    if (!cursor)
        return -1;
    rc = write_result(collector, cursor, &summary->digest, err);
    cursor_close(cursor);
    if (rc != 0)
        return -1;
    summary->bytes = run_writer_bytes(collector->writer);
    summary->records_emitted = collector->records_emitted;
    summary->spill_count = collector->spill_count;
    summary->partition_count = collector->options.partition_count;
    summary->segments = run_writer_segments(collector->writer);
    summary->hot_keys = &collector->hot.keys;
    return 0;
}
