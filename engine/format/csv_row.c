#include "format/csv_row.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The text and how far it is read. */
struct reading {
    struct csv_row *row;
    struct slice text;
    size_t at;
    bool is_end;
};

enum step { STEP_FIELD, STEP_ROW, STEP_MORE, STEP_WRONG };

void csv_row_deinit(struct csv_row *row)
{
    free(row->fields);
    buf_deinit(&row->unquoted);
}

static enum step wrong(struct reading *reading, const char *problem, size_t at)
{
    reading->row->problem = problem;
    reading->row->problem_at = at;
    return STEP_WRONG;
}

static enum step add_field(struct reading *reading, size_t start, size_t len, bool is_unquoted)
{
    struct csv_row *row = reading->row;

    if (row->field_count == CSV_FIELD_COUNT_MAX)
        return wrong(reading, "a row of more than 16384 fields", start);
    if (row->field_count == row->field_capacity) {
        row->field_capacity = row->field_capacity ? 2 * row->field_capacity : 16;
        row->fields = mem_realloc_array(row->fields, row->field_capacity, sizeof *row->fields);
    }
    row->fields[row->field_count++] = (struct csv_field){
        .start = (uint32_t)start, .len = (uint32_t)len, .is_unquoted = is_unquoted};
    return STEP_FIELD;
}

/* How many bytes at `at` end the row: 0, none; -1: that is not known yet. */
static int line_end(const struct reading *reading, size_t at)
{
    const char *text = reading->text.ptr;

    if (at == reading->text.len)
        return -1;
    if (text[at] == '\n')
        return 1;
    if (text[at] != '\r')
        return 0;
    if (at + 1 == reading->text.len)
        return reading->is_end ? 1 : -1;
    return text[at + 1] == '\n' ? 2 : 0;
}

/* The field has ended at `at`: what is there? */
static enum step after_field(struct reading *reading, size_t at)
{
    int end = line_end(reading, at);

    if (end < 0) {
        reading->at = at;
        return reading->is_end ? STEP_ROW : STEP_MORE;
    }
    if (end > 0) {
        reading->at = at + (size_t)end;
        return STEP_ROW;
    }
    if (reading->text.ptr[at] == reading->row->separator) {
        reading->at = at + 1;
        return STEP_FIELD;
    }
    return wrong(reading, "a quoted field that goes on behind its closing quote", at);
}

static enum step read_plain(struct reading *reading)
{
    const char *text = reading->text.ptr;
    size_t start = reading->at, at = start;

    while (at < reading->text.len && text[at] != reading->row->separator && text[at] != '\n' &&
           (text[at] != '\r' || line_end(reading, at) == 0))
        at++;
    if (add_field(reading, start, at - start, false) == STEP_WRONG)
        return STEP_WRONG;
    return after_field(reading, at);
}

/* The closing quote of the field whose text begins at `start`; SIZE_MAX: it is not there.
 * *doubled: how many pairs are before it. */
static size_t closing_quote(const struct reading *reading, size_t start, size_t *doubled)
{
    const char *text = reading->text.ptr;
    size_t at = start;

    for (*doubled = 0;; ++*doubled, at += 2) {
        const char *quote = memchr(text + at, '"', reading->text.len - at);

        if (!quote)
            return SIZE_MAX;
        at = (size_t)(quote - text);
        if (at + 1 == reading->text.len)
            return reading->is_end ? at : SIZE_MAX; /* it may be the first of two */
        if (text[at + 1] != '"')
            return at;
    }
}

/* Copies the field without the second quotes of pairs. */
static size_t unquote(struct buf *out, const char *from, size_t len)
{
    size_t start = out->len;

    for (size_t i = 0; i < len; i++) {
        buf_append_byte(out, (unsigned char)from[i]);
        if (from[i] == '"')
            i++;
    }
    return start;
}

static enum step read_quoted(struct reading *reading)
{
    size_t start = reading->at + 1, doubled, len, from = start;
    size_t close = closing_quote(reading, start, &doubled);
    struct buf *unquoted = &reading->row->unquoted;
    const char *text = reading->text.ptr + start;

    len = (close == SIZE_MAX ? reading->text.len : close) - start;
    if (reading->row->is_line && memchr(text, '\n', len))
        return wrong(reading,
                     "a quoted field with a newline (or one that is not closed), but the job says "
                     "quoted_newlines = false",
                     reading->at);
    if (close == SIZE_MAX)
        return reading->is_end ? wrong(reading, "a quote that is not closed", reading->at)
                               : STEP_MORE;
    if (doubled > 0) {
        from = unquote(unquoted, text, len);
        len = unquoted->len - from;
    }
    if (add_field(reading, from, len, doubled > 0) == STEP_WRONG)
        return STEP_WRONG;
    return after_field(reading, close + 1);
}

ssize_t csv_row_parse(struct csv_row *row, struct slice text, bool is_end)
{
    struct reading reading = {.row = row, .text = text, .is_end = is_end};
    enum step step = STEP_FIELD;

    assert(text.len < UINT32_MAX);
    row->field_count = 0;
    row->problem = NULL;
    buf_clear(&row->unquoted);
    if (text.len == 0)
        return 0;
    while (step == STEP_FIELD)
        step = reading.at < text.len && text.ptr[reading.at] == '"' ? read_quoted(&reading)
                                                                    : read_plain(&reading);
    if (step == STEP_WRONG)
        return -1;
    return step == STEP_MORE ? 0 : (ssize_t)reading.at;
}

struct slice csv_row_field(const struct csv_row *row, struct slice text, size_t index)
{
    const struct csv_field *field = &row->fields[index];

    assert(index < row->field_count);
    return slice_of((field->is_unquoted ? row->unquoted.ptr : text.ptr) + field->start, field->len);
}

void csv_field_put(struct buf *out, struct slice field, char separator, bool is_alone)
{
    bool needs_quotes = is_alone && field.len == 0;

    for (size_t i = 0; i < field.len && !needs_quotes; i++)
        needs_quotes = field.ptr[i] == separator || field.ptr[i] == '"' || field.ptr[i] == '\n' ||
                       field.ptr[i] == '\r';
    if (!needs_quotes) {
        if (field.len > 0)
            buf_append(out, field.ptr, field.len);
        return;
    }
    buf_append_byte(out, '"');
    for (size_t i = 0; i < field.len; i++) {
        if (field.ptr[i] == '"')
            buf_append_byte(out, '"');
        buf_append_byte(out, (unsigned char)field.ptr[i]);
    }
    buf_append_byte(out, '"');
}
