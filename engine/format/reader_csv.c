#include "format/reader.h"

#include "base/mem.h"
#include "format/csv_columns.h"
#include "format/csv_row.h"
#include "record/value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

struct csv {
    struct reader base;
    struct source_input input;
    struct window window;
    struct csv_row row;
    struct csv_columns columns; /* none: rows are lists */
    bool has_header;            /* of the file, not of the piece */
    bool is_begun;
    struct buf value;
};

static struct csv *csv_of(struct reader *reader)
{
    return (struct csv *)reader;
}

/* ---- rows ---- */

static int row_error(const struct csv *csv, const struct window *window, struct err *err)
{
    return err_set(err, ERR_INPUT, "input %s: %s at byte %" PRIu64 ", in the row at byte %" PRIu64,
                   csv->input.name, csv->row.problem, window->offset + csv->row.problem_at,
                   window->offset);
}

static bool is_empty_line(const struct csv *csv, struct slice text)
{
    return csv->row.field_count == 1 && csv_row_field(&csv->row, text, 0).len == 0 &&
           text.ptr[0] != '"';
}

/* Parses the row that begins at hand; empty lines are skipped. 1: text->len bytes are it, and not
 * used yet. 0: the input has ended, or what is left is another piece's. */
static int find_row(struct csv *csv, struct window *window, struct slice *text, struct err *err)
{
    while (window->offset < window->stop) {
        ssize_t used;

        *text = slice_of(window_at(window), window_unread(window));
        used = csv_row_parse(&csv->row, *text, window->is_ended);
        if (used < 0)
            return row_error(csv, window, err);
        if (used > 0) {
            bool is_empty = is_empty_line(csv, *text);

            text->len = (size_t)used;
            if (!is_empty)
                return 1;
            window_use(window, text->len);
        } else if (window->is_ended) {
            return 0;
        } else if (window_fill(window, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int skip_byte_order_mark(struct window *window, struct err *err)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (window->offset > 0)
        return 0;
    if (window_want(window, 3, err) != 0)
        return -1;
    if (window_unread(window) >= 3 && memcmp(window_at(window), mark, 3) == 0)
        window_use(window, 3);
    return 0;
}

static void window_of_rows(struct window *window)
{
    *window = (struct window){
        .what = "row",
        .hint = "; is a quote not closed?",
        .bytes_max = READER_LINE_BYTES_MAX,
        .end_bytes = 2,
    };
}

/* ---- the header ---- */

/* The names from the first row of the file. */
static int take_names(struct csv *csv, struct window *window, struct err *err)
{
    struct slice text;
    int rc = find_row(csv, window, &text, err);

    if (rc != 1)
        return rc; /* an empty file has no rows either */
    csv_columns_init(&csv->columns, csv->row.field_count);
    for (size_t i = 0; i < csv->row.field_count; i++) {
        struct slice name = csv_row_field(&csv->row, text, i);
        int64_t other = csv_columns_add(&csv->columns, name);

        if (other >= 0)
            return err_set(err, ERR_INPUT,
                           "input %s: columns %" PRIi64 " and %zu of the header at byte %" PRIu64
                           " have the same name '%.*s'",
                           csv->input.name, other + 1, i + 1, window->offset,
                           (int)(name.len < 60 ? name.len : 60), name.ptr);
    }
    window_use(window, text.len);
    return 0;
}

/* The piece is not the file's first: its names are read from the file's start. */
static int read_names(struct csv *csv, struct err *err)
{
    struct source_input input = csv->input;
    struct window window;
    int rc = -1;

    input.length += input.offset;
    input.offset = 0;
    window_of_rows(&window);
    assert(!input.is_stream); /* reader_needs_whole_file() */
    if (window_open(&window, &input, err) == 0 && skip_byte_order_mark(&window, err) == 0)
        rc = take_names(csv, &window, err);
    window_deinit(&window);
    return rc;
}

/* Goes to the first row of the piece, with the names known. */
static int begin(struct csv *csv, struct err *err)
{
    csv->is_begun = true;
    if (csv->input.offset > 0) {
        if (csv->has_header && read_names(csv, err) != 0)
            return -1;
        return window_skip_line(&csv->window, err);
    }
    if (skip_byte_order_mark(&csv->window, err) != 0)
        return -1;
    return csv->has_header ? take_names(csv, &csv->window, err) : 0;
}

/* ---- records ---- */

static void encode_row(struct csv *csv, struct slice text)
{
    const struct csv_columns *columns = &csv->columns;
    struct buf *value = &csv->value;

    buf_clear(value);
    if (columns->count == 0) {
        value_write_list_begin(value, csv->row.field_count);
        for (size_t i = 0; i < csv->row.field_count; i++)
            value_write_string(value, csv_row_field(&csv->row, text, i));
        return;
    }
    value_write_table_begin(value);
    for (size_t i = 0; i < columns->count; i++) {
        uint32_t column = columns->in_order[i];

        buf_append(value, columns->names[column].ptr, columns->names[column].len);
        value_write_string(value, csv_row_field(&csv->row, text, column));
    }
    value_write_table_end(value);
}

static int csv_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct csv *csv = csv_of(reader);
    struct window *window = &csv->window;
    struct slice text;
    int rc;

    if (!csv->is_begun && begin(csv, err) != 0)
        return -1;
    rc = find_row(csv, window, &text, err);
    if (rc != 1)
        return rc;
    if (csv->columns.count > 0 && csv->row.field_count != csv->columns.count)
        return err_set(err, ERR_INPUT,
                       "input %s: the row at byte %" PRIu64 " has %zu fields, and there are %zu "
                       "columns",
                       csv->input.name, window->offset, csv->row.field_count, csv->columns.count);
    encode_row(csv, text);
    if (csv->value.len > RECORD_VALUE_BYTES_MAX)
        return window_too_long(window, err);
    *record = (struct reader_record){
        .form = RECORD_VALUE_ENCODED,
        .key = {.type = DATUM_INTEGER, .integer = (int64_t)window->offset},
        .value_bytes = buf_slice(&csv->value),
        .text = text,
        .offset = window->offset,
    };
    window_use(window, text.len);
    return 1;
}

static uint64_t csv_bytes_read(const struct reader *reader)
{
    return source_bytes_read(((const struct csv *)reader)->window.source);
}

static void csv_close(struct reader *reader)
{
    struct csv *csv = csv_of(reader);

    window_deinit(&csv->window);
    csv_row_deinit(&csv->row);
    csv_columns_deinit(&csv->columns);
    buf_deinit(&csv->value);
    free(csv);
}

static const struct reader_ops csv_ops = {
    .next = csv_next,
    .bytes_read = csv_bytes_read,
    .close = csv_close,
};

struct reader *reader_csv_open(enum reader_kind kind, const struct source_input *input,
                               struct slice options, struct err *err)
{
    struct csv *csv = mem_alloc(sizeof *csv);
    struct slice separator = value_field_string(options, "separator", ","), names;
    int rc = 0;

    csv->base.ops = &csv_ops;
    csv->input = *input;
    csv->row.separator = separator.len == 1 ? separator.ptr[0] : ',';
    csv->row.is_line = kind != READER_CSV;
    csv->has_header = value_field_boolean(options, "header", true);
    window_of_rows(&csv->window);
    if (value_field_table(options, "columns", &names)) {
        csv->has_header = false;
        rc = csv_columns_of_job(&csv->columns, names, err);
    }
    if (rc != 0 || window_open(&csv->window, input, err) != 0) {
        csv_close(&csv->base);
        return NULL;
    }
    if (window_is_piece(input) && input->offset > 0)
        window_seek(&csv->window, reader_start(kind, input->offset));
    return &csv->base;
}
