#include "format/source.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

struct source {
    struct source_input input;
    enum source_kind kind;
    uint64_t position; /* of the next byte to take from the descriptor */
    uint64_t start;    /* of the first one */
    bool is_ended;     /* the descriptor has no more */
    bool is_begun;     /* a gzip member or zstd frame was met */
    bool is_inside;    /* the last one has not ended yet */
    bool is_padding;   /* gzip: only zeros may follow */
    char *block;       /* compressed bytes, not yet used from block_next to block_end */
    size_t block_next, block_end;
    struct inflate_state *gzip;
    ZSTD_DCtx *zstd;
};

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);

    return len >= suffix_len && strcasecmp(name + len - suffix_len, suffix) == 0;
}

enum source_kind source_kind_of(const char *name)
{
    if (has_suffix(name, ".gz"))
        return SOURCE_GZIP;
    return has_suffix(name, ".zst") ? SOURCE_ZSTD : SOURCE_PLAIN;
}

enum source_kind source_input_kind(const struct source_input *input)
{
    return input->is_gzip ? SOURCE_GZIP : source_kind_of(input->name);
}

static bool open_decoder(struct source *source)
{
    if (source->kind == SOURCE_PLAIN)
        return true;
    source->block = malloc(SOURCE_BUFFER_BYTES);
    if (source->kind == SOURCE_GZIP)
        source->gzip = malloc(sizeof *source->gzip);
    else
        source->zstd = ZSTD_createDCtx();
    if (source->zstd)
        ZSTD_DCtx_setParameter(source->zstd, ZSTD_d_windowLogMax, SOURCE_ZSTD_WINDOW_LOG_MAX);
    return source->block && (source->gzip || source->zstd);
}

struct source *source_open(const struct source_input *input, struct err *err)
{
    struct source *source = mem_alloc(sizeof *source);

    source->input = *input;
    source->kind = source_input_kind(input);
    assert(source->kind == SOURCE_PLAIN || input->offset == 0);
    source->position = source->start = input->offset;
    if (!open_decoder(source)) {
        err_set(err, ERR_SETUP, "input %s: not enough memory to read it", input->name);
        source_close(source);
        return NULL;
    }
    return source;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    free(source->block);
    free(source->gzip);
    ZSTD_freeDCtx(source->zstd);
    free(source);
}

void source_seek(struct source *source, uint64_t from)
{
    assert(source->kind == SOURCE_PLAIN && source->position == source->start);
    source->position = source->start = from;
}

uint64_t source_bytes_read(const struct source *source)
{
    return source->position - source->start;
}

/* Bytes of the descriptor: up to `len`, 0 at its end. Not beyond the size that was planned with:
 * what is appended to a file while it is read is not part of the job. */
static ssize_t take(struct source *source, void *to, size_t len, struct err *err)
{
    const struct source_input *input = &source->input;
    ssize_t count;

    if (source->position >= input->size)
        return 0;
    if (len > input->size - source->position)
        len = (size_t)(input->size - source->position);
    do
        count = input->is_stream ? read(input->fd, to, len)
                                 : pread(input->fd, to, len, (off_t)source->position);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return err_set_errno(err, ERR_INPUT, "read input %s", input->name);
    if (count == 0 && input->size != UINT64_MAX)
        return err_set(err, ERR_INPUT,
                       "input %s changed since the job was planned: it ends at byte %" PRIu64
                       " of %" PRIu64,
                       input->name, source->position, input->size);
    source->position += (uint64_t)count;
    return count;
}

/* Makes sure that the block has bytes, unless the descriptor has ended. */
static int fill_block(struct source *source, struct err *err)
{
    ssize_t count;

    if (source->block_next < source->block_end || source->is_ended)
        return 0;
    count = take(source, source->block, SOURCE_BUFFER_BYTES, err);
    if (count < 0)
        return -1;
    source->is_ended = count == 0;
    source->block_next = 0;
    source->block_end = (size_t)count;
    return 0;
}

static int fail(const struct source *source, const char *problem, struct err *err)
{
    return err_set(err, ERR_INPUT, "input %s: %s near byte %" PRIu64, source->input.name, problem,
                   source->position - (source->block_end - source->block_next));
}

static int truncated(const struct source *source, struct err *err)
{
    return err_set(err, ERR_INPUT, "input %s: truncated: it ends inside the compressed data",
                   source->input.name);
}

/* Between two members. 1: one begins. 0: the end. */
static int gzip_begin(struct source *source, struct err *err)
{
    for (;;) {
        if (fill_block(source, err) != 0)
            return -1;
        if (source->block_next == source->block_end)
            return 0;
        if (source->block[source->block_next] != 0 || !source->is_begun)
            break;
        source->is_padding = true;
        source->block_next++;
    }
    if ((unsigned char)source->block[source->block_next] != 0x1f || source->is_padding)
        return fail(source,
                    source->is_begun ? "garbage behind the gzip data" : "not in gzip format", err);
    isal_inflate_init(source->gzip);
    source->gzip->crc_flag = ISAL_GZIP;
    source->is_begun = source->is_inside = true;
    return 1;
}

static int gzip_failed(const struct source *source, int code, struct err *err)
{
    switch (code) {
    case ISAL_INVALID_WRAPPER:
    case ISAL_UNSUPPORTED_METHOD:
        return fail(source, "not in gzip format", err);
    case ISAL_INCORRECT_CHECKSUM:
        return fail(source, "broken gzip data: wrong checksum", err);
    default:
        return fail(source, "broken gzip data", err);
    }
}

/* One call of the decoder. 0: it made no bytes, but may. */
static ssize_t gzip_step(struct source *source, void *to, size_t len, struct err *err)
{
    struct inflate_state *gzip = source->gzip;
    uint32_t room = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
    uint32_t made;
    int code;

    if (fill_block(source, err) != 0)
        return -1;
    gzip->next_in = (uint8_t *)source->block + source->block_next;
    gzip->avail_in = (uint32_t)(source->block_end - source->block_next);
    gzip->next_out = to;
    gzip->avail_out = room;
    code = isal_inflate(gzip);
    source->block_next = source->block_end - gzip->avail_in;
    if (code < 0)
        return gzip_failed(source, code, err);
    made = room - gzip->avail_out;
    source->is_inside = gzip->block_state != ISAL_BLOCK_FINISH;
    if (made == 0 && source->is_inside && source->is_ended)
        return truncated(source, err);
    return made;
}

static ssize_t gzip_read(struct source *source, void *to, size_t len, struct err *err)
{
    for (;;) {
        ssize_t made;

        if (!source->is_inside) {
            int rc = gzip_begin(source, err);

            if (rc != 1)
                return rc;
        }
        made = gzip_step(source, to, len, err);
        if (made != 0)
            return made;
    }
}

static int zstd_failed(const struct source *source, size_t code, struct err *err)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_prefix_unknown:
        return fail(source, "not in zstd format", err);
    case ZSTD_error_frameParameter_windowTooLarge:
        return err_set(
            err, ERR_INPUT,
            "input %s: its zstd window is larger than %d MiB: compress it again, without "
            "--long, --ultra",
            source->input.name, 1 << (SOURCE_ZSTD_WINDOW_LOG_MAX - 20));
    case ZSTD_error_checksum_wrong:
        return fail(source, "broken zstd data: wrong checksum", err);
    case ZSTD_error_memory_allocation:
        return err_set(err, ERR_LIMIT, "input %s: not enough memory for its zstd window",
                       source->input.name);
    default:
        return fail(source, "broken zstd data", err);
    }
}

static ssize_t zstd_read(struct source *source, void *to, size_t len, struct err *err)
{
    for (;;) {
        ZSTD_outBuffer out = {.dst = to, .size = len};
        ZSTD_inBuffer in;
        size_t code;

        if (fill_block(source, err) != 0)
            return -1;
        if (source->block_next == source->block_end && !source->is_inside)
            return 0;
        in = (ZSTD_inBuffer){
            .src = source->block, .size = source->block_end, .pos = source->block_next};
        code = ZSTD_decompressStream(source->zstd, &out, &in);
        source->block_next = in.pos;
        if (ZSTD_isError(code))
            return zstd_failed(source, code, err);
        source->is_inside = code != 0;
        if (out.pos > 0)
            return (ssize_t)out.pos;
        if (source->is_inside && source->is_ended)
            return truncated(source, err);
    }
}

ssize_t source_read(struct source *source, void *to, size_t len, struct err *err)
{
    assert(len > 0);
    switch (source->kind) {
    case SOURCE_PLAIN:
        return take(source, to, len, err);
    case SOURCE_GZIP:
        return gzip_read(source, to, len, err);
    case SOURCE_ZSTD:
        return zstd_read(source, to, len, err);
    }
    abort();
}
