#include "format/csv_columns.h"

#include "base/mem.h"
#include "format/csv_row.h"
#include "record/value.h"

#include <stdlib.h>
#include <string.h>

void csv_columns_init(struct csv_columns *columns, size_t count)
{
    *columns = (struct csv_columns){
        .names = mem_alloc_array(count, sizeof *columns->names),
        .in_order = mem_alloc_array(count, sizeof *columns->in_order),
    };
}

void csv_columns_deinit(struct csv_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        buf_deinit(&columns->names[i]);
    free(columns->names);
    free(columns->in_order);
}

struct slice csv_columns_name(const struct csv_columns *columns, size_t index)
{
    struct value_reader reader;
    struct datum name;
    struct err ignored;

    value_reader_init(&reader, buf_slice(&columns->names[index]));
    value_read(&reader, &name, &ignored); /* it is what csv_columns_add() wrote */
    return name.string;
}

/* Where the name is in the order, or would be. */
static size_t place_of(const struct csv_columns *columns, struct slice name, int64_t *found)
{
    size_t low = 0, high = columns->count;

    *found = -1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = slice_compare(csv_columns_name(columns, columns->in_order[middle]), name);

        if (order == 0) {
            *found = columns->in_order[middle];
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t csv_columns_find(const struct csv_columns *columns, struct slice name)
{
    int64_t found;

    place_of(columns, name, &found);
    return found;
}

int64_t csv_columns_add(struct csv_columns *columns, struct slice name)
{
    int64_t other;
    size_t place = place_of(columns, name, &other);

    if (other >= 0)
        return other;
    memmove(columns->in_order + place + 1, columns->in_order + place,
            (columns->count - place) * sizeof *columns->in_order);
    columns->in_order[place] = (uint32_t)columns->count;
    value_write_string(&columns->names[columns->count++], name);
    return -1;
}

int csv_columns_of_job(struct csv_columns *columns, struct slice list, struct err *err)
{
    struct value_reader reader;
    struct datum datum, name;
    int rc;

    value_reader_init(&reader, list);
    if (value_read(&reader, &datum, err) != 1 || datum.type != DATUM_TABLE_BEGIN ||
        datum.integer < 1 || datum.integer > CSV_FIELD_COUNT_MAX)
        return err_set(err, ERR_SETUP, "the option columns is no list of 1 to %d names",
                       CSV_FIELD_COUNT_MAX);
    csv_columns_init(columns, (size_t)datum.integer);
    while ((rc = value_read_pair(&reader, &datum, &name, err)) == 1)
        if (name.type != DATUM_STRING || csv_columns_add(columns, name.string) >= 0)
            return err_set(err, ERR_SETUP, "the option columns has what is no name, or one twice");
    return rc;
}
