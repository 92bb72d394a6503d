/*
 * csv_columns: the names of the columns of CSV, found by name and in the order of the names.
 *
 *     csv_columns_init(&columns, count);
 *     other = csv_columns_add(&columns, name);         -1, or the column that has that name
 *     at = csv_columns_find(&columns, name);           -1: none has it
 *     csv_columns_deinit(&columns);
 *
 * A zeroed struct has no columns.
 */
#ifndef FORMAT_CSV_COLUMNS_H
#define FORMAT_CSV_COLUMNS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct csv_columns {
    size_t count;
    struct buf *names;  /* encoded, as record/value.h has strings */
    uint32_t *in_order; /* the columns in the order of their names */
};

/* Room for `count` of them. */
void csv_columns_init(struct csv_columns *columns, size_t count);
void csv_columns_deinit(struct csv_columns *columns);

int64_t csv_columns_add(struct csv_columns *columns, struct slice name);
int64_t csv_columns_find(const struct csv_columns *columns, struct slice name);

/* The text of a name. */
struct slice csv_columns_name(const struct csv_columns *columns, size_t index);

/* From the job's option `columns`, a value list that it checked; init is done here. 0, or -1:
 * ERR_SETUP, it is no such list. */
int csv_columns_of_job(struct csv_columns *columns, struct slice list, struct err *err);

#endif
