#include "record/segment_writer.h"

#include "base/bytes.h"
#include "base/io.h"
#include "record/run_format.h"

#include <assert.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OUT_BYTES = 4 * (RUN_BLOCK_BYTES + RUN_BLOCK_HEADER_BYTES),
    PACKED_SHARE = 2,  /* compressing pays where it halves a block: see the header */
    PLAIN_BLOCKS = 15, /* those behind one that it does not halve, before it is tried again */
};
static_assert((int)OUT_BYTES >= (int)RUN_HEADER_BYTES, "a header goes out in one piece");

int segment_writer_init(struct segment_writer *writer, int fd, uint64_t offset, const char *what,
                        struct pulse pulse, struct err *err)
{
    *writer = (struct segment_writer){.fd = fd, .offset = offset, .pulse = pulse};
    snprintf(writer->what, sizeof writer->what, "%s", what);
    writer->out = malloc(OUT_BYTES);
    writer->raw = malloc(RUN_BLOCK_BYTES);
    writer->compressor = malloc((size_t)LZ4_sizeofState());
    if (writer->out && writer->raw && writer->compressor)
        return 0;
    segment_writer_deinit(writer);
    return err_set(err, ERR_LIMIT, "write %s: no memory for its blocks", what);
}

void segment_writer_deinit(struct segment_writer *writer)
{
    free(writer->out);
    free(writer->raw);
    free(writer->compressor);
    writer->out = writer->raw = NULL;
    writer->compressor = NULL;
}

uint64_t segment_writer_offset(const struct segment_writer *writer)
{
    return writer->offset + writer->out_len;
}

int segment_writer_flush(struct segment_writer *writer, struct err *err)
{
    if (io_pwrite(writer->fd, writer->out, writer->out_len, writer->offset, writer->what, err) != 0)
        return -1;
    writer->offset += writer->out_len;
    writer->out_len = 0;
    pulse_beat(writer->pulse);
    return 0;
}

int segment_writer_put(struct segment_writer *writer, const char *bytes, size_t len,
                       struct err *err)
{
    while (len > 0) {
        size_t room = OUT_BYTES - writer->out_len;
        size_t step = len < room ? len : room;

        memcpy(writer->out + writer->out_len, bytes, step);
        writer->out_len += step;
        bytes += step;
        len -= step;
        if (writer->out_len == OUT_BYTES && segment_writer_flush(writer, err) != 0)
            return -1;
    }
    return 0;
}

int segment_writer_begin(struct segment_writer *writer, const struct run_id *id, uint32_t partition,
                         struct err *err)
{
    struct run_header header = {.id = *id, .partition = partition};
    char bytes[RUN_HEADER_BYTES];

    run_header_encode(bytes, &header);
    writer->begin = segment_writer_offset(writer);
    writer->seed = header.crc;
    writer->block_number = 0;
    writer->record_count = 0;
    return segment_writer_put(writer, bytes, sizeof bytes, err);
}

/* Where the next block is filled: in its place in `out` if it is to stand as it is. */
static int begin_block(struct segment_writer *writer, struct err *err)
{
    writer->block = writer->raw;
    writer->block_is_plain = writer->plain_left > 0;
    if (!writer->block_is_plain)
        return 0;
    writer->plain_left--;
    if (OUT_BYTES - writer->out_len < RUN_BLOCK_HEADER_BYTES + RUN_BLOCK_BYTES &&
        segment_writer_flush(writer, err) != 0)
        return -1;
    writer->block = writer->out + writer->out_len + RUN_BLOCK_HEADER_BYTES;
    return 0;
}

/* Compresses into `out`, which has room for a block, or copies where that is not larger. */
static struct run_block pack(struct segment_writer *writer, char *out)
{
    int raw_len = (int)writer->raw_len;
    int packed_len =
        LZ4_compress_fast_extState(writer->compressor, writer->raw, out, raw_len, raw_len - 1, 1);
    struct run_block block = {.raw_bytes = (uint32_t)raw_len};

    block.is_plain = packed_len <= 0;
    block.stored_bytes = block.is_plain ? (uint32_t)raw_len : (uint32_t)packed_len;
    if (block.is_plain)
        memcpy(out, writer->raw, writer->raw_len);
    if (!writer->packs_all && block.raw_bytes == RUN_BLOCK_BYTES &&
        block.stored_bytes > RUN_BLOCK_BYTES / PACKED_SHARE)
        writer->plain_left = PLAIN_BLOCKS;
    return block;
}

/* Puts the block that was filled into `out`, with its header. */
static int write_block(struct segment_writer *writer, struct err *err)
{
    struct run_block block = {.raw_bytes = (uint32_t)writer->raw_len,
                              .stored_bytes = (uint32_t)writer->raw_len,
                              .is_plain = true};
    char *to;

    if (writer->raw_len == 0)
        return 0;
    if (!writer->block_is_plain &&
        OUT_BYTES - writer->out_len < RUN_BLOCK_HEADER_BYTES + writer->raw_len &&
        segment_writer_flush(writer, err) != 0)
        return -1;
    to = writer->out + writer->out_len;
    if (!writer->block_is_plain)
        block = pack(writer, to + RUN_BLOCK_HEADER_BYTES);
    run_block_encode(to, &block, writer->seed, writer->block_number++, to + RUN_BLOCK_HEADER_BYTES);
    writer->out_len += RUN_BLOCK_HEADER_BYTES + block.stored_bytes;
    writer->raw_len = 0;
    return 0;
}

static int append_bytes(struct segment_writer *writer, const char *bytes, size_t len,
                        struct err *err)
{
    while (len > 0) {
        size_t room = RUN_BLOCK_BYTES - writer->raw_len;
        size_t step = len < room ? len : room;

        if (writer->raw_len == 0 && begin_block(writer, err) != 0)
            return -1;
        memcpy(writer->block + writer->raw_len, bytes, step);
        writer->raw_len += step;
        bytes += step;
        len -= step;
        if (writer->raw_len == RUN_BLOCK_BYTES && write_block(writer, err) != 0)
            return -1;
    }
    return 0;
}

/* A record that lies across blocks, or at the start of one. */
static int append_in_pieces(struct segment_writer *writer, struct slice key, struct slice value,
                            struct err *err)
{
    char lengths[2 * VARINT_BYTES_MAX];
    size_t lengths_len = put_varint(lengths, key.len);

    lengths_len += put_varint(lengths + lengths_len, value.len);
    if (append_bytes(writer, lengths, lengths_len, err) != 0 ||
        append_bytes(writer, key.ptr, key.len, err) != 0)
        return -1;
    return append_bytes(writer, value.ptr, value.len, err);
}

int segment_writer_append(struct segment_writer *writer, struct slice key, struct slice value,
                          struct err *err)
{
    char *to;

    writer->record_count++;
    /* Less than the room: the block is not full behind it, and is written with a later one. */
    if (writer->raw_len == 0 ||
        2 * VARINT_BYTES_MAX + key.len + value.len >= RUN_BLOCK_BYTES - writer->raw_len)
        return append_in_pieces(writer, key, value, err);
    to = writer->block + writer->raw_len;
    to += put_varint(to, key.len);
    to += put_varint(to, value.len);
    if (key.len > 0)
        memcpy(to, key.ptr, key.len);
    if (value.len > 0)
        memcpy(to + key.len, value.ptr, value.len);
    writer->raw_len = (size_t)(to - writer->block) + key.len + value.len;
    return 0;
}

int segment_writer_end(struct segment_writer *writer, struct run_segment *extent, struct err *err)
{
    struct run_block end = {.stored_bytes = RUN_END_BYTES - RUN_BLOCK_HEADER_BYTES};
    char bytes[RUN_END_BYTES];

    if (write_block(writer, err) != 0)
        return -1;
    put_u64le(bytes + RUN_BLOCK_HEADER_BYTES, writer->record_count);
    run_block_encode(bytes, &end, writer->seed, writer->block_number,
                     bytes + RUN_BLOCK_HEADER_BYTES);
    if (segment_writer_put(writer, bytes, sizeof bytes, err) != 0)
        return -1;
    extent->offset = writer->begin;
    extent->bytes = segment_writer_offset(writer) - writer->begin;
    extent->record_count = writer->record_count;
    return 0;
}
