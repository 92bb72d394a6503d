#include "format/reader.h"

#include <stdlib.h>

static const char *const names[] = {
    [READER_LINES] = "lines",
    [READER_FILE] = "file",
    [READER_RUN] = "run",
};

int reader_kind_by_name(struct slice name, enum reader_kind *out, struct err *err)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_equal(name, slice_of_string(names[i]))) {
            *out = (enum reader_kind)i;
            return 0;
        }
    }
    return err_set(err, ERR_SETUP, "input = \"%.*s\": not one of \"lines\", \"file\", \"run\"",
                   (int)(name.len < 100 ? name.len : 100), name.ptr);
}

const char *reader_kind_name(enum reader_kind kind)
{
    return names[kind];
}

bool reader_needs_whole_file(enum reader_kind kind, const char *name)
{
    return kind != READER_LINES || source_kind_of(name) != SOURCE_PLAIN;
}

struct reader *reader_open(enum reader_kind kind, const struct source_input *input, struct err *err)
{
    switch (kind) {
    case READER_LINES:
        return reader_lines_open(input, err);
    case READER_FILE:
        return reader_file_open(input, err);
    case READER_RUN:
        return reader_run_open(input, err);
    }
    abort();
}

void reader_close(struct reader *reader)
{
    if (reader)
        reader->ops->close(reader);
}
