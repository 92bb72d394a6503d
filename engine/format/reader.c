#include "format/reader.h"

#include "store/uri.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {
    [READER_LINES] = "lines",
    [READER_FILE] = "file",
    [READER_RUN] = "run",
    [READER_CSV] = "csv",
    [READER_CSV_LINES] = "csv-lines",
    [READER_CSV_HEADER] = "csv-header",
    [READER_FIXED] = "fixed",
    [READER_JSONL] = "jsonl",
    [READER_GRAMMAR] = "grammar",
    [READER_GRAMMAR_WHOLE] = "grammar-whole",
};

static int unknown_name(struct slice name, struct err *err)
{
    char known[200] = "";
    size_t len = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        len +=
            (size_t)snprintf(known + len, sizeof known - len, "%s\"%s\"", i ? ", " : "", names[i]);
    return err_set(err, ERR_SETUP, "input = \"%.*s\": not one of %s",
                   (int)(name.len < 60 ? name.len : 60), name.ptr, known);
}

int reader_kind_by_name(struct slice name, enum reader_kind *out, struct err *err)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_equal(name, slice_of_string(names[i]))) {
            *out = (enum reader_kind)i;
            return 0;
        }
    }
    return unknown_name(name, err);
}

const char *reader_kind_name(enum reader_kind kind)
{
    return names[kind];
}

bool reader_needs_whole_file(enum reader_kind kind, const char *name)
{
    switch (kind) {
    case READER_LINES:
    case READER_CSV_LINES:
    case READER_FIXED:
    case READER_JSONL:
    case READER_GRAMMAR:
        return source_kind_of(name) != SOURCE_PLAIN;
    case READER_CSV_HEADER:
        return source_kind_of(name) != SOURCE_PLAIN || uri_is_gs(name);
    case READER_FILE:
    case READER_RUN:
    case READER_CSV:
    case READER_GRAMMAR_WHOLE:
        return true;
    }
    abort();
}

bool reader_is_of_lines(enum reader_kind kind)
{
    return kind == READER_LINES || kind == READER_JSONL || kind == READER_CSV_LINES ||
           kind == READER_CSV_HEADER;
}

uint64_t reader_start(enum reader_kind kind, uint64_t offset)
{
    uint64_t before = kind == READER_GRAMMAR ? READER_LOOK_BEHIND_BYTES : reader_is_of_lines(kind);

    return offset < before ? 0 : offset - before;
}

bool reader_needs_lua(enum reader_kind kind)
{
    return kind == READER_JSONL || kind == READER_GRAMMAR || kind == READER_GRAMMAR_WHOLE;
}

struct reader *reader_open(enum reader_kind kind, const struct source_input *input,
                           struct slice options, struct err *err)
{
    switch (kind) {
    case READER_LINES:
        return reader_lines_open(input, err);
    case READER_FILE:
        return reader_file_open(input, err);
    case READER_RUN:
        return reader_run_open(input, err);
    case READER_CSV:
    case READER_CSV_LINES:
    case READER_CSV_HEADER:
        return reader_csv_open(kind, input, options, err);
    case READER_FIXED:
        return reader_fixed_open(input, options, err);
    case READER_JSONL:
    case READER_GRAMMAR:
    case READER_GRAMMAR_WHOLE:
        break;
    }
    abort(); /* reader_needs_lua() was asked */
}

void reader_close(struct reader *reader)
{
    if (reader)
        reader->ops->close(reader);
}
