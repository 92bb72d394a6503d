#include "format/reader.h"

#include "base/mem.h"
#include "format/window.h"

#include <stdlib.h>
#include <string.h>

struct lines {
    struct reader base;
    struct window window;
    bool is_cut; /* the window may begin inside a line: it is to be skipped */
};

static struct window *window_of(struct reader *reader)
{
    return &((struct lines *)reader)->window;
}

/* The line of `len` bytes at hand, with its newline if it has one. */
static int take_line(struct window *window, size_t len, bool has_newline,
                     struct reader_record *record, struct err *err)
{
    const char *line = window_at(window);
    size_t text = len;

    if (has_newline) {
        text--;
        if (text > 0 && line[text - 1] == '\r')
            text--;
    }
    if (text > READER_LINE_BYTES_MAX)
        return window_too_long(window, err);
    record->form = RECORD_AS_READ;
    record->key.type = DATUM_INTEGER;
    record->key.integer = (int64_t)window->offset;
    record->value.type = DATUM_STRING;
    record->value.string = record->text = slice_of(line, text);
    record->offset = window->offset;
    window_use(window, len);
    return 1;
}

/* Goes to the first line that is the piece's. */
static int begin(struct reader *reader, struct err *err)
{
    struct lines *lines = (struct lines *)reader;

    if (!lines->is_cut)
        return 0;
    lines->is_cut = false;
    return window_skip_line(&lines->window, err);
}

static int lines_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct window *window = window_of(reader);
    size_t seen = 0; /* bytes at hand that hold no newline */

    if (begin(reader, err) != 0)
        return -1;
    if (window->offset >= window->stop)
        return 0;
    for (;;) {
        const char *at = window_at(window);
        size_t unread = window_unread(window);
        const char *newline = unread > seen ? memchr(at + seen, '\n', unread - seen) : NULL;

        if (newline)
            return take_line(window, (size_t)(newline - at) + 1, true, record, err);
        if (window->is_ended)
            return unread == 0 ? 0 : take_line(window, unread, false, record, err);
        seen = unread;
        if (window_fill(window, err) != 0)
            return -1;
    }
}

/* How many bytes at hand are whole lines that are the piece's; 0: more is to be read. The first
 * `seen` of them hold no newline. */
static size_t whole_lines(const struct window *window, size_t seen)
{
    const char *at = window_at(window), *newline = NULL;
    size_t unread = window_unread(window), own = unread;

    if (window->stop - window->offset < unread) {
        /* The line with the piece's last byte is its last line, wherever that ends. */
        size_t from = seen;

        own = (size_t)(window->stop - window->offset);
        if (from < own - 1)
            from = own - 1;
        newline = memchr(at + from, '\n', unread - from);
    }
    if (!newline && own > seen)
        newline = memrchr(at + seen, '\n', own - seen);
    if (newline)
        return (size_t)(newline - at) + 1;
    return window->is_ended ? unread : 0;
}

static int lines_next_block(struct reader *reader, struct slice *block, uint64_t *offset,
                            struct err *err)
{
    struct window *window = window_of(reader);
    size_t len, seen = 0; /* bytes at hand that hold no newline */

    if (begin(reader, err) != 0)
        return -1;
    if (window->offset >= window->stop)
        return 0;
    while ((len = whole_lines(window, seen)) == 0) {
        if (window->is_ended)
            return 0;
        seen = window_unread(window);
        if (window_fill(window, err) != 0)
            return -1;
    }
    *block = slice_of(window_at(window), len);
    *offset = window->offset;
    if (len > READER_LINE_BYTES_MAX) { /* it may be one line, and too long */
        struct reader_record record;

        if (lines_next(reader, &record, err) != 1)
            return -1;
        block->len = (size_t)(window->offset - *offset);
        return 1;
    }
    window_use(window, len);
    return 1;
}

static uint64_t lines_bytes_read(const struct reader *reader)
{
    return source_bytes_read(((const struct lines *)reader)->window.source);
}

static void lines_close(struct reader *reader)
{
    window_deinit(window_of(reader));
    free(reader);
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

    lines->base.ops = &lines_ops;
    lines->window = (struct window){
        .what = "line",
        .hint = "; for binary data, use input = \"file\"",
        .bytes_max = READER_LINE_BYTES_MAX,
        .end_bytes = 2, /* "\r\n" */
    };
    if (window_open(&lines->window, input, err) != 0) {
        lines_close(&lines->base);
        return NULL;
    }
    if (window_is_piece(input) && input->offset > 0) {
        window_seek(&lines->window, reader_start(READER_LINES, input->offset));
        lines->is_cut = true;
    }
    return &lines->base;
}
