/*
 * csv_writer: records as rows of CSV. A row is what csv_row.h reads, with LF as its end.
 *
 *     rc = csv_writer_init(&csv, options, &err);          the job's `output_options`
 *     csv_writer_header(&csv, &out);                      at the start of a part
 *     rc = csv_writer_put(&csv, key, value, &out, &err);  without the newline
 *     csv_writer_deinit(&csv);
 *
 * Without columns the fields are the key and the value; the items of the value, if it is a list;
 * the key alone, if it is `true`. With columns they are the value's fields of these names, which
 * must be a table; what it does not have is an empty field, and a field that is no column is an
 * error: it would be lost. Strings stand as they are, numbers as in "tsv", tables and tuples as
 * JSON; whatever has a separator, quote, CR or LF is quoted.
 */
#ifndef FORMAT_CSV_WRITER_H
#define FORMAT_CSV_WRITER_H

#include "format/csv_columns.h"

#include <stdbool.h>

struct csv_writer {
    char separator;
    bool has_header;
    struct csv_columns columns;
    struct buf *fields; /* one per column */
    struct buf text;
};

/* 0, or -1: ERR_SETUP. In both cases deinit is due; it is safe on a zeroed struct. */
int csv_writer_init(struct csv_writer *csv, struct slice options, struct err *err);
void csv_writer_deinit(struct csv_writer *csv);

/* Appends the row of names with its newline, if there is to be one. */
void csv_writer_header(const struct csv_writer *csv, struct buf *out);

/* 0, or -1: ERR_JOB, and `out` may hold a part of the row. */
int csv_writer_put(struct csv_writer *csv, struct slice key, struct slice value, struct buf *out,
                   struct err *err);

#endif
