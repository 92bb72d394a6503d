#include "format/reader.h"

#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Room for the longest line, "\r\n" included. */
    BLOCK_BYTES_MAX = READER_LINE_BYTES_MAX + 2,
#ifdef MRLUA_TINY
    TAIL_BYTES = 16,
#else
    TAIL_BYTES = 16 * 1024, /* read at once behind the piece, for the end of its last line */
#endif
};

/*
 * The block: used bytes, then the bytes of the line in hand and those behind it.
 *
 *     block            next                end              capacity
 *       |    used       |      unread       |     free         |
 */
struct lines {
    struct reader base;
    struct source *source;
    const char *name;
    char *block;
    size_t next, end, capacity;
    uint64_t offset; /* of block[next] in the (decompressed) input */
    uint64_t stop;   /* lines that start here or later are another piece's */
    bool is_ended;   /* the source has no more */
    bool is_cut;     /* `offset` may lie inside a line: it is to be skipped */
};

static struct lines *lines_of(struct reader *reader)
{
    return (struct lines *)reader;
}

static int grow(struct lines *lines, struct err *err)
{
    size_t capacity = lines->capacity * 2 < BLOCK_BYTES_MAX ? lines->capacity * 2 : BLOCK_BYTES_MAX;
    char *block;

    if (lines->capacity == BLOCK_BYTES_MAX)
        return err_set(err, ERR_INPUT,
                       "input %s: the line at byte %" PRIu64
                       " is longer than %d bytes; for binary data, use input = \"file\"",
                       lines->name, lines->offset, READER_LINE_BYTES_MAX);
    block = realloc(lines->block, capacity + READER_PADDING_BYTES);
    if (!block)
        return err_set(err, ERR_LIMIT, "input %s: not enough memory for the line at byte %" PRIu64,
                       lines->name, lines->offset);
    lines->block = block;
    lines->capacity = capacity;
    return 0;
}

/* Reads more behind `end`. */
static int fill(struct lines *lines, struct err *err)
{
    uint64_t position;
    size_t room;
    ssize_t count;

    if (lines->next > 0) {
        memmove(lines->block, lines->block + lines->next, lines->end - lines->next);
        lines->end -= lines->next;
        lines->next = 0;
    }
    if (lines->end == lines->capacity && grow(lines, err) != 0)
        return -1;
    position = lines->offset + lines->end;
    room = lines->capacity - lines->end;
    if (position >= lines->stop && room > TAIL_BYTES)
        room = TAIL_BYTES;
    else if (position < lines->stop && room > lines->stop - position)
        room = (size_t)(lines->stop - position);
    count = source_read(lines->source, lines->block + lines->end, room, err);
    if (count < 0)
        return -1;
    lines->is_ended = count == 0;
    lines->end += (size_t)count;
    return 0;
}

static void use(struct lines *lines, size_t bytes)
{
    lines->next += bytes;
    lines->offset += bytes;
}

/* Goes behind the next newline: what is before it belongs to the piece before this one. */
static int skip_cut_line(struct lines *lines, struct err *err)
{
    while (!lines->is_ended && lines->offset < lines->stop) {
        char *at = lines->block + lines->next;
        size_t unread = lines->end - lines->next;
        char *newline = unread ? memchr(at, '\n', unread) : NULL;

        if (newline) {
            use(lines, (size_t)(newline - at) + 1);
            break;
        }
        use(lines, unread);
        if (fill(lines, err) != 0)
            return -1;
    }
    lines->is_cut = false;
    return 0;
}

/* The line of `len` bytes at `next`, with its newline if it has one. */
static int take_line(struct lines *lines, size_t len, bool has_newline,
                     struct reader_record *record, struct err *err)
{
    const char *line = lines->block + lines->next;
    size_t text = len;

    if (has_newline) {
        text--;
        if (text > 0 && line[text - 1] == '\r')
            text--;
    }
    if (text > READER_LINE_BYTES_MAX)
        return err_set(err, ERR_INPUT,
                       "input %s: the line at byte %" PRIu64
                       " is longer than %d bytes; for binary data, use input = \"file\"",
                       lines->name, lines->offset, READER_LINE_BYTES_MAX);
    record->is_encoded = false;
    record->key.type = DATUM_INTEGER;
    record->key.integer = (int64_t)lines->offset;
    record->value.type = DATUM_STRING;
    record->value.string = slice_of(line, text);
    record->offset = lines->offset;
    use(lines, len);
    return 1;
}

static int lines_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct lines *lines = lines_of(reader);
    size_t seen = 0; /* bytes at `next` that hold no newline */

    if (lines->is_cut && skip_cut_line(lines, err) != 0)
        return -1;
    if (lines->offset >= lines->stop)
        return 0;
    for (;;) {
        const char *at = lines->block + lines->next;
        size_t unread = lines->end - lines->next;
        const char *newline = unread > seen ? memchr(at + seen, '\n', unread - seen) : NULL;

        if (newline)
            return take_line(lines, (size_t)(newline - at) + 1, true, record, err);
        if (lines->is_ended)
            return unread == 0 ? 0 : take_line(lines, unread, false, record, err);
        seen = unread;
        if (fill(lines, err) != 0)
            return -1;
    }
}

/* How many bytes at `next` are whole lines that are the piece's; 0: more is to be read. The first
 * `seen` of them hold no newline. */
static size_t whole_lines(const struct lines *lines, size_t seen)
{
    const char *at = lines->block + lines->next, *newline = NULL;
    size_t unread = lines->end - lines->next, own = unread;

    if (lines->stop - lines->offset < unread) {
        /* The line with the piece's last byte is its last line, wherever that ends. */
        size_t from = seen;

        own = (size_t)(lines->stop - lines->offset);
        if (from < own - 1)
            from = own - 1;
        newline = memchr(at + from, '\n', unread - from);
    }
    if (!newline && own > seen)
        newline = memrchr(at + seen, '\n', own - seen);
    if (newline)
        return (size_t)(newline - at) + 1;
    return lines->is_ended ? unread : 0;
}

static int lines_next_block(struct reader *reader, struct slice *block, uint64_t *offset,
                            struct err *err)
{
    struct lines *lines = lines_of(reader);
    size_t len, seen = 0; /* bytes at `next` that hold no newline */

    if (lines->is_cut && skip_cut_line(lines, err) != 0)
        return -1;
    if (lines->offset >= lines->stop)
        return 0;
    while ((len = whole_lines(lines, seen)) == 0) {
        if (lines->is_ended)
            return 0;
        seen = lines->end - lines->next;
        if (fill(lines, err) != 0)
            return -1;
    }
    *block = slice_of(lines->block + lines->next, len);
    *offset = lines->offset;
    if (len > READER_LINE_BYTES_MAX) { /* it may be one line, and too long */
        struct reader_record record;

        if (lines_next(reader, &record, err) != 1)
            return -1;
        block->len = (size_t)(lines->offset - *offset);
        return 1;
    }
    use(lines, len);
    return 1;
}

static uint64_t lines_bytes_read(const struct reader *reader)
{
    return source_bytes_read(((const struct lines *)reader)->source);
}

static void lines_close(struct reader *reader)
{
    struct lines *lines = lines_of(reader);

    source_close(lines->source);
    free(lines->block);
    free(lines);
}

static const struct reader_ops lines_ops = {
    .next = lines_next,
    .next_block = lines_next_block,
    .bytes_read = lines_bytes_read,
    .close = lines_close,
};

struct reader *reader_lines_open(const struct source_input *input, struct err *err)
{
    struct lines *lines = mem_alloc(sizeof *lines);
    bool is_piece = source_input_kind(input) == SOURCE_PLAIN;

    lines->base.ops = &lines_ops;
    lines->name = input->name;
    lines->offset = input->offset;
    lines->stop = UINT64_MAX;
    if (is_piece && input->length < UINT64_MAX - input->offset)
        lines->stop = input->offset + input->length;
    lines->capacity = READER_BUFFER_BYTES;
    lines->block = malloc(lines->capacity + READER_PADDING_BYTES);
    lines->source = source_open(input, err);
    if (lines->source && !lines->block)
        err_set(err, ERR_SETUP, "input %s: not enough memory to read it", input->name);
    if (!lines->source || !lines->block) {
        lines_close(&lines->base);
        return NULL;
    }
    if (is_piece && input->offset > 0) {
        /* From the byte before: if that is a newline, the line at `offset` is this piece's. */
        lines->offset = input->offset - 1;
        lines->is_cut = true;
        source_seek(lines->source, lines->offset);
    }
    return &lines->base;
}
