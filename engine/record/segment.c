#include "base/bytes.h"
#include "base/io.h"
#include "record/run_format.h"

#include <assert.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEY_BYTES_MAX = RECORD_KEY_BYTES_MAX + 4, /* with a partition in front */
    STORED_BYTES = RUN_BLOCK_BYTES_MAX + RUN_BLOCK_HEADER_BYTES,
};

struct segment_cursor {
    struct cursor cursor;
    int fd;
    uint64_t offset, left; /* of what was not read from the file yet */
    enum err_kind kind;
    char what[RUN_WHAT_BYTES];
    struct pulse pulse;
    uint32_t number, *failed_number;

    uint32_t seed, block_number;         /* of the block to be read next */
    char header[RUN_BLOCK_HEADER_BYTES]; /* of that block, read with the one before */
    char *stored, *raw;
    const char *block; /* the raw bytes of the block in hand: in `raw` or in `stored` */
    size_t block_len, block_at;
    bool has_ended;

    uint64_t raw_bytes; /* of all blocks so far */
    uint64_t record_count;
    size_t value_left; /* bytes of the record in hand that were not read or skipped */
    struct room key, value;
};

static int damaged(struct segment_cursor *cursor, const char *why, struct err *err)
{
    if (cursor->failed_number)
        *cursor->failed_number = cursor->number;
    return err_set(err, cursor->kind, "read %s: block %u: %s", cursor->what, cursor->block_number,
                   why);
}

/* Reads the next `len` bytes of the segment. */
static int read_bytes(struct segment_cursor *cursor, void *to, size_t len, struct err *err)
{
    /* A disk that cannot be read is this worker's, whoever made the segment. */
    enum err_kind kind = cursor->kind == ERR_PEER ? ERR_DISK : cursor->kind;
    ssize_t count;

    if (len > cursor->left)
        return damaged(cursor, "it is cut off", err);
    count = io_pread(cursor->fd, to, len, cursor->offset, cursor->what, kind, err);
    if (count < 0)
        return -1;
    if ((size_t)count < len)
        return damaged(cursor, "the file is cut off", err);
    cursor->offset += len;
    cursor->left -= len;
    pulse_beat(cursor->pulse);
    return 0;
}

static int check_end(struct segment_cursor *cursor, struct err *err)
{
    if (cursor->left != 0)
        return damaged(cursor, "bytes behind the end mark", err);
    if (get_u64le(cursor->stored) != cursor->record_count)
        return damaged(cursor, "records are missing", err);
    cursor->has_ended = true;
    return 0;
}

/* Takes the payload apart that was read into `stored`. */
static int unpack(struct segment_cursor *cursor, const struct run_block *block, struct err *err)
{
    int len;

    cursor->block = cursor->stored;
    cursor->block_len = block->raw_bytes;
    cursor->block_at = 0;
    cursor->raw_bytes += block->raw_bytes;
    if (block->is_plain)
        return 0;
    cursor->block = cursor->raw;
    len = LZ4_decompress_safe(cursor->stored, cursor->raw, (int)block->stored_bytes,
                              RUN_BLOCK_BYTES_MAX);
    if (len < 0 || (uint32_t)len != block->raw_bytes)
        return damaged(cursor, "it does not decompress", err);
    return 0;
}

/* Reads the next block, or the end mark. 1: a block. 0: the end. -1: error. */
static int next_block(struct segment_cursor *cursor, struct err *err)
{
    struct run_block block;
    size_t len;

    if (cursor->has_ended)
        return 0;
    if (!run_block_decode(cursor->header, &block))
        return damaged(cursor, "its header is damaged", err);
    len = block.stored_bytes;
    if (block.raw_bytes > 0)
        len += RUN_BLOCK_HEADER_BYTES; /* the header of the one behind it */
    if (read_bytes(cursor, cursor->stored, len, err) != 0)
        return -1;
    if (!run_block_crc_is_good(cursor->header, cursor->seed, cursor->block_number, cursor->stored))
        return damaged(cursor, "wrong checksum", err);
    if (block.raw_bytes == 0)
        return check_end(cursor, err);
    cursor->block_number++;
    memcpy(cursor->header, cursor->stored + block.stored_bytes, RUN_BLOCK_HEADER_BYTES);
    return unpack(cursor, &block, err) == 0 ? 1 : -1;
}

/* Makes at least one raw byte available. 1, 0 at the end, -1. */
static int fill(struct segment_cursor *cursor, struct err *err)
{
    return cursor->block_at < cursor->block_len ? 1 : next_block(cursor, err);
}

/* The same inside a record, where the end is an error. */
static int fill_inside(struct segment_cursor *cursor, struct err *err)
{
    int rc = fill(cursor, err);

    return rc == 0 ? damaged(cursor, "it ends inside a record", err) : rc;
}

static int read_varint_slowly(struct segment_cursor *cursor, uint64_t *value, struct err *err)
{
    char bytes[VARINT_BYTES_MAX];
    size_t len = 0;

    do {
        if (fill_inside(cursor, err) < 0)
            return -1;
        bytes[len] = cursor->block[cursor->block_at++];
    } while ((bytes[len++] & 0x80) && len < VARINT_BYTES_MAX);
    if (get_varint(bytes, len, value) != len)
        return damaged(cursor, "a length is no number", err);
    return 0;
}

static int read_varint(struct segment_cursor *cursor, uint64_t *value, struct err *err)
{
    size_t len =
        get_varint(cursor->block + cursor->block_at, cursor->block_len - cursor->block_at, value);

    if (len == 0 || len > VARINT_BYTES_MAX)
        return read_varint_slowly(cursor, value, err);
    cursor->block_at += len;
    return 0;
}

/* The next `len` raw bytes: a view into the block, or copied to `room` when they cross it. */
static int take(struct segment_cursor *cursor, size_t len, struct room *room, struct slice *out,
                struct err *err)
{
    size_t done = 0;

    if (len <= cursor->block_len - cursor->block_at) {
        *out = slice_of(cursor->block + cursor->block_at, len);
        cursor->block_at += len;
        return 0;
    }
    if (room_reserve(room, len, err) != 0)
        return -1;
    while (done < len) {
        size_t step;

        if (fill_inside(cursor, err) < 0)
            return -1;
        step = cursor->block_len - cursor->block_at;
        step = step < len - done ? step : len - done;
        memcpy(room->ptr + done, cursor->block + cursor->block_at, step);
        cursor->block_at += step;
        done += step;
    }
    *out = slice_of(room->ptr, len);
    return 0;
}

static int skip_value(struct segment_cursor *cursor, struct err *err)
{
    while (cursor->value_left > 0) {
        size_t step;

        if (fill_inside(cursor, err) < 0)
            return -1;
        step = cursor->block_len - cursor->block_at;
        step = step < cursor->value_left ? step : cursor->value_left;
        cursor->block_at += step;
        cursor->value_left -= step;
    }
    return 0;
}

static int segment_next(struct cursor *base, struct err *err)
{
    struct segment_cursor *cursor = (struct segment_cursor *)base;
    uint64_t key_len, value_len;
    int rc;

    if (cursor->value.capacity > RUN_BLOCK_BYTES_MAX)
        room_deinit(&cursor->value); /* one large value among all cursors, not one in each */
    if (skip_value(cursor, err) != 0)
        return -1;
    rc = fill(cursor, err);
    if (rc != 1)
        return rc;
    if (read_varint(cursor, &key_len, err) != 0 || read_varint(cursor, &value_len, err) != 0)
        return -1;
    if (key_len > KEY_BYTES_MAX || value_len > RECORD_VALUE_BYTES_MAX)
        return damaged(cursor, "a record is too large", err);
    if (take(cursor, (size_t)key_len, &cursor->key, &base->key, err) != 0)
        return -1;
    cursor->value_left = (size_t)value_len;
    cursor->record_count++;
    return 1;
}

/* A value that crosses the block takes the key's bytes with it: keep them first. */
static int keep_key(struct segment_cursor *cursor, struct err *err)
{
    struct slice key = cursor->cursor.key;

    if (key.len == 0 || key.ptr == cursor->key.ptr)
        return 0;
    if (room_reserve(&cursor->key, key.len, err) != 0)
        return -1;
    memcpy(cursor->key.ptr, key.ptr, key.len);
    cursor->cursor.key.ptr = cursor->key.ptr;
    return 0;
}

static int segment_value(struct cursor *base, struct slice *value, struct err *err)
{
    struct segment_cursor *cursor = (struct segment_cursor *)base;
    size_t len = cursor->value_left;

    if (len > cursor->block_len - cursor->block_at && keep_key(cursor, err) != 0)
        return -1;
    if (take(cursor, len, &cursor->value, value, err) != 0)
        return -1;
    cursor->value_left = 0;
    return 0;
}

static void segment_close(struct cursor *base)
{
    struct segment_cursor *cursor = (struct segment_cursor *)base;

    room_deinit(&cursor->key);
    room_deinit(&cursor->value);
    free(cursor->stored);
    free(cursor->raw);
    free(cursor);
}

static const struct cursor_ops segment_ops = {
    .next = segment_next,
    .value = segment_value,
    .close = segment_close,
};

static bool id_is(const struct run_id *id, const struct run_id *expected)
{
    return !expected || (id->job == expected->job && id->attempt == expected->attempt &&
                         id->task == expected->task);
}

/* Reads the header, and that of the first block. */
static int begin(struct segment_cursor *cursor, const struct segment *segment, struct err *err)
{
    struct run_header header;
    char bytes[RUN_HEADER_BYTES];

    if (segment->bytes < RUN_SEGMENT_BYTES_MIN)
        return damaged(cursor, "it is cut off", err);
    if (read_bytes(cursor, bytes, sizeof bytes, err) != 0)
        return -1;
    if (!run_header_decode(bytes, &header))
        return damaged(cursor, "the segment's header is damaged", err);
    if (header.partition != segment->partition || !id_is(&header.id, segment->expected))
        return damaged(cursor, "it is another segment", err);
    cursor->seed = header.crc;
    return read_bytes(cursor, cursor->header, sizeof cursor->header, err);
}

struct cursor *segment_cursor_open(const struct segment *segment, struct err *err)
{
    struct segment_cursor *cursor = calloc(1, sizeof *cursor);

    if (!cursor)
        goto no_memory;
    cursor->cursor.ops = &segment_ops;
    cursor->fd = segment->fd;
    cursor->offset = segment->offset;
    cursor->left = segment->bytes;
    cursor->kind = segment->kind;
    cursor->pulse = segment->pulse;
    cursor->number = segment->number;
    cursor->failed_number = segment->failed_number;
    snprintf(cursor->what, sizeof cursor->what, "%s", segment->what);
    cursor->stored = malloc(STORED_BYTES);
    cursor->raw = malloc(RUN_BLOCK_BYTES_MAX);
    if (!cursor->stored || !cursor->raw)
        goto no_memory;
    cursor->block = cursor->raw;
    if (begin(cursor, segment, err) == 0)
        return &cursor->cursor;
    segment_close(&cursor->cursor);
    return NULL;
no_memory:
    err_set(err, ERR_LIMIT, "read %s: no memory for its blocks", segment->what);
    if (cursor)
        segment_close(&cursor->cursor);
    return NULL;
}

void segment_cursor_counts(const struct cursor *base, uint32_t *block_count, uint64_t *raw_bytes)
{
    const struct segment_cursor *cursor = (const struct segment_cursor *)base;

    *block_count = cursor->block_number;
    *raw_bytes = cursor->raw_bytes;
}
