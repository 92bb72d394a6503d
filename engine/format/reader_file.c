#include "format/reader.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct whole {
    struct reader base;
    struct source *source;
    struct source_input input;
    char *contents;
    size_t len, capacity;
    bool is_done;
};

static int too_large(const struct whole *whole, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "input %s: larger than %d bytes, the most that input = \"file\" reads; "
                   "input = \"lines\" has no such limit",
                   whole->input.name, READER_FILE_BYTES_MAX);
}

/* One byte more than is allowed, at most, so that a file that is too large is seen. */
static int grow(struct whole *whole, struct err *err)
{
    size_t capacity = whole->capacity ? 2 * whole->capacity : READER_BUFFER_BYTES;
    char *contents;

    if (whole->capacity == 0 && whole->input.size < READER_FILE_BYTES_MAX &&
        source_input_kind(&whole->input) == SOURCE_PLAIN)
        capacity = (size_t)whole->input.size + 1;
    if (capacity > READER_FILE_BYTES_MAX + 1)
        capacity = READER_FILE_BYTES_MAX + 1;
    contents = realloc(whole->contents, capacity);
    if (!contents)
        return err_set(err, ERR_LIMIT, "input %s: not enough memory for its contents",
                       whole->input.name);
    whole->contents = contents;
    whole->capacity = capacity;
    return 0;
}

static int read_all(struct whole *whole, struct err *err)
{
    ssize_t count;

    do {
        if (whole->len > READER_FILE_BYTES_MAX)
            return too_large(whole, err);
        if (whole->len == whole->capacity && grow(whole, err) != 0)
            return -1;
        count = source_read(whole->source, whole->contents + whole->len,
                            whole->capacity - whole->len, err);
        if (count < 0)
            return -1;
        whole->len += (size_t)count;
    } while (count > 0);
    return 0;
}

static int whole_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct whole *whole = (struct whole *)reader;

    if (whole->is_done)
        return 0;
    whole->is_done = true;
    if (source_input_kind(&whole->input) == SOURCE_PLAIN && whole->input.size != UINT64_MAX &&
        whole->input.size > READER_FILE_BYTES_MAX)
        return too_large(whole, err);
    if (read_all(whole, err) != 0)
        return -1;
    *record = (struct reader_record){
        .key = {.type = DATUM_STRING, .string = slice_of_string(whole->input.name)},
        .value = {.type = DATUM_STRING, .string = slice_of(whole->contents, whole->len)},
    };
    return 1;
}

static uint64_t whole_bytes_read(const struct reader *reader)
{
    return source_bytes_read(((const struct whole *)reader)->source);
}

static void whole_close(struct reader *reader)
{
    struct whole *whole = (struct whole *)reader;

    source_close(whole->source);
    free(whole->contents);
    free(whole);
}

static const struct reader_ops whole_ops = {
    .next = whole_next,
    .bytes_read = whole_bytes_read,
    .close = whole_close,
};

struct reader *reader_file_open(const struct source_input *input, struct err *err)
{
    struct whole *whole = mem_alloc(sizeof *whole);

    whole->base.ops = &whole_ops;
    whole->input = *input;
    whole->source = source_open(input, err);
    if (!whole->source) {
        whole_close(&whole->base);
        return NULL;
    }
    return &whole->base;
}
