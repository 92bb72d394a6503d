#include "format/reader.h"

#include "base/mem.h"
#include "record/value.h"

#include <inttypes.h>
#include <stdlib.h>

struct fixed {
    struct reader base;
    struct window window;
    size_t bytes; /* of a record */
    size_t skip;  /* to where the first record starts that is the piece's */
};

static struct fixed *fixed_of(struct reader *reader)
{
    return (struct fixed *)reader;
}

/* Goes to the piece's first record. */
static int begin(struct fixed *fixed, struct err *err)
{
    struct window *window = &fixed->window;

    while (fixed->skip > 0) {
        size_t used = window_unread(window) < fixed->skip ? window_unread(window) : fixed->skip;

        window_use(window, used);
        fixed->skip -= used;
        if (window->is_ended)
            break;
        if (fixed->skip > 0 && window_fill(window, err) != 0)
            return -1;
    }
    fixed->skip = 0;
    return 0;
}

static int fixed_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct fixed *fixed = fixed_of(reader);
    struct window *window = &fixed->window;
    struct slice bytes;

    if (window->stop - window->offset <= fixed->skip || window->offset >= window->stop)
        return 0;
    if (begin(fixed, err) != 0)
        return -1;
    if (window_want(window, fixed->bytes, err) != 0)
        return -1;
    if (window_unread(window) == 0)
        return 0;
    if (window_unread(window) < fixed->bytes)
        return err_set(err, ERR_INPUT,
                       "input %s: the last record, at byte %" PRIu64 ", has %zu bytes instead of "
                       "%zu",
                       window->name, window->offset, window_unread(window), fixed->bytes);
    bytes = slice_of(window_at(window), fixed->bytes);
    record->form = RECORD_AS_READ;
    record->key.type = DATUM_INTEGER;
    record->key.integer = (int64_t)window->offset;
    record->value.type = DATUM_STRING;
    record->value.string = record->text = bytes;
    record->offset = window->offset;
    window_use(window, fixed->bytes);
    return 1;
}

static uint64_t fixed_bytes_read(const struct reader *reader)
{
    return source_bytes_read(((const struct fixed *)reader)->window.source);
}

static void fixed_close(struct reader *reader)
{
    window_deinit(&fixed_of(reader)->window);
    free(reader);
}

static const struct reader_ops fixed_ops = {
    .next = fixed_next,
    .bytes_read = fixed_bytes_read,
    .close = fixed_close,
};

struct reader *reader_fixed_open(const struct source_input *input, struct slice options,
                                 struct err *err)
{
    int64_t bytes = value_field_integer(options, "bytes", 0);
    struct fixed *fixed;

    if (bytes < 1 || bytes > READER_LINE_BYTES_MAX) {
        err_set(err, ERR_SETUP, "input: bytes = %" PRIi64 " is not from 1 to %d", bytes,
                READER_LINE_BYTES_MAX);
        return NULL;
    }
    fixed = mem_alloc(sizeof *fixed);
    fixed->base.ops = &fixed_ops;
    fixed->bytes = (size_t)bytes;
    fixed->window = (struct window){.what = "record", .bytes_max = READER_LINE_BYTES_MAX};
    if (window_open(&fixed->window, input, err) != 0) {
        fixed_close(&fixed->base);
        return NULL;
    }
    if (window_is_piece(input) && input->offset % fixed->bytes != 0)
        fixed->skip = fixed->bytes - (size_t)(input->offset % fixed->bytes);
    return &fixed->base;
}
