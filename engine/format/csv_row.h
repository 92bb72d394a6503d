/*
 * csv_row: one row of CSV as fields, and a field as CSV. Pure.
 *
 *     struct csv_row row = {.separator = ','};
 *     used = csv_row_parse(&row, text, is_end);
 *     if (used > 0)
 *         for (i = 0; i < row.field_count; i++)
 *             field = csv_row_field(&row, text, i);
 *     csv_row_deinit(&row);
 *
 * RFC 4180, and what is met beside it:
 *   - A row ends with LF, CR LF, or the end of the input (a CR before that is dropped, too).
 *   - A field that begins with a quote ends at the next one that is alone; two are one quote. It
 *     may hold separators and line ends. Anything but a separator or a line end behind it is wrong.
 *   - In a field that does not begin with a quote a quote is a byte like any other. Blanks are part
 *     of their field.
 */
#ifndef FORMAT_CSV_ROW_H
#define FORMAT_CSV_ROW_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CSV_FIELD_COUNT_MAX = 16384 }; /* as many columns as a sheet of the common programs has */

/* Where a field is: in the text, or (with doubled quotes in it) in `unquoted`. */
struct csv_field {
    uint32_t start, len;
    bool is_unquoted;
};

struct csv_row {
    char separator;
    bool is_line; /* a newline within quotes is wrong */
    struct csv_field *fields;
    size_t field_count, field_capacity;
    struct buf unquoted;
    const char *problem; /* after -1: "a quote is not closed" */
    size_t problem_at;   /* where in the text */
};

void csv_row_deinit(struct csv_row *row);

/*
 * The row at the start of `text`, which is less than 4 GiB. Returns its bytes with its line end; 0:
 * it goes on behind the text, or the text is empty; -1: row->problem. `is_end`: nothing follows the
 * text.
 */
ssize_t csv_row_parse(struct csv_row *row, struct slice text, bool is_end);

/* Good as long as the text, and until the next parse. */
struct slice csv_row_field(const struct csv_row *row, struct slice text, size_t index);

/* Appends a field; within quotes if it has a separator, a quote, a CR or LF. An empty one has them
 * where `is_alone`: an empty line is no row. */
void csv_field_put(struct buf *out, struct slice field, char separator, bool is_alone);

#endif
