#include "format/csv_writer.h"

#include "base/mem.h"
#include "format/csv_row.h"
#include "format/text.h"
#include "record/value.h"

#include <stdlib.h>

int csv_writer_init(struct csv_writer *csv, struct slice options, struct err *err)
{
    struct slice separator = value_field_string(options, "separator", ","), names;

    *csv = (struct csv_writer){.separator = separator.len == 1 ? separator.ptr[0] : ','};
    if (!value_field_table(options, "columns", &names))
        return 0;
    if (csv_columns_of_job(&csv->columns, names, err) != 0)
        return -1;
    csv->has_header = value_field_boolean(options, "header", true);
    csv->fields = mem_alloc_array(csv->columns.count, sizeof *csv->fields);
    return 0;
}

void csv_writer_deinit(struct csv_writer *csv)
{
    for (size_t i = 0; csv->fields && i < csv->columns.count; i++)
        buf_deinit(&csv->fields[i]);
    free(csv->fields);
    csv_columns_deinit(&csv->columns);
    buf_deinit(&csv->text);
    *csv = (struct csv_writer){0};
}

void csv_writer_header(const struct csv_writer *csv, struct buf *out)
{
    size_t count = csv->columns.count;

    if (!csv->has_header)
        return;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_byte(out, (unsigned char)csv->separator);
        csv_field_put(out, csv_columns_name(&csv->columns, i), csv->separator, count == 1);
    }
    buf_append_byte(out, '\n');
}

/* Null is an empty field, as what is absent is. */
static int put_text(struct buf *out, const struct datum *field, struct err *err)
{
    return field->type == DATUM_NULL ? 0 : text_raw_field(out, field, err);
}

/* The text of each column. */
static int fill_fields(struct csv_writer *csv, struct slice value, struct err *err)
{
    struct value_reader reader;
    struct datum name, field;
    int rc;

    for (size_t i = 0; i < csv->columns.count; i++)
        buf_clear(&csv->fields[i]);
    value_reader_init(&reader, value);
    if (value_read(&reader, &field, err) != 1 || field.type != DATUM_TABLE_BEGIN)
        return err_set(err, ERR_JOB, "output: columns are fields of a table, not of a %s",
                       datum_type_name(field.type));
    while ((rc = value_read_pair(&reader, &name, &field, err)) == 1) {
        int64_t column =
            name.type == DATUM_STRING ? csv_columns_find(&csv->columns, name.string) : -1;

        if (column < 0 && name.type == DATUM_STRING)
            return err_set(err, ERR_JOB, "output: the value has a field '%.*s', which is no column",
                           (int)(name.string.len < 60 ? name.string.len : 60), name.string.ptr);
        if (column < 0)
            return err_set(err, ERR_JOB,
                           "output: columns have names, and the value has a %s as key",
                           datum_type_name(name.type));
        if (put_text(&csv->fields[column], &field, err) != 0)
            return -1;
    }
    return rc;
}

static int put_columns(struct csv_writer *csv, struct slice value, struct buf *out, struct err *err)
{
    size_t count = csv->columns.count;

    if (fill_fields(csv, value, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_byte(out, (unsigned char)csv->separator);
        csv_field_put(out, buf_slice(&csv->fields[i]), csv->separator, count == 1);
    }
    return 0;
}

/* The field in csv->text, behind a key. */
static void put_next(struct csv_writer *csv, struct buf *out)
{
    buf_append_byte(out, (unsigned char)csv->separator);
    csv_field_put(out, buf_slice(&csv->text), csv->separator, false);
}

static int put_items(struct csv_writer *csv, struct value_reader *reader, struct buf *out,
                     struct err *err)
{
    struct datum number, item;
    int rc;

    while ((rc = value_read_pair(reader, &number, &item, err)) == 1) {
        buf_clear(&csv->text);
        if (put_text(&csv->text, &item, err) != 0)
            return -1;
        put_next(csv, out);
    }
    return rc;
}

int csv_writer_put(struct csv_writer *csv, struct slice key, struct slice value, struct buf *out,
                   struct err *err)
{
    struct value_reader reader;
    struct datum first;
    bool is_alone;

    if (csv->columns.count > 0)
        return put_columns(csv, value, out, err);
    value_reader_init(&reader, value);
    if (value_read(&reader, &first, err) != 1)
        return -1;
    is_alone = first.type == DATUM_TRUE;
    buf_clear(&csv->text);
    if (text_raw_key(&csv->text, key, err) != 0)
        return -1;
    csv_field_put(out, buf_slice(&csv->text), csv->separator, is_alone);
    if (is_alone)
        return 0;
    if (first.type == DATUM_TABLE_BEGIN && first.integer > 0)
        return put_items(csv, &reader, out, err);
    buf_clear(&csv->text);
    if (text_raw_value(&csv->text, value, err) != 0)
        return -1;
    put_next(csv, out);
    return 0;
}
