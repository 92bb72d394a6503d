/*
 * table_text: encoded values as text: {a='1',b='2'}, ['1','2'].
 */
#ifndef CTEST_FORMAT_TABLE_TEXT_H
#define CTEST_FORMAT_TABLE_TEXT_H

#include "base/buf.h"
#include "record/value.h"
#include "test.h"

static inline void table_text_put(struct buf *out, const struct datum *datum)
{
    if (datum->type == DATUM_INTEGER) {
        buf_printf(out, "%lld", (long long)datum->integer);
        return;
    }
    assert_int_equal(datum->type, DATUM_STRING);
    buf_append_byte(out, '\'');
    if (datum->string.len > 0)
        buf_append(out, datum->string.ptr, datum->string.len);
    buf_append_byte(out, '\'');
}

/* A flat table, or a list. */
static inline void table_text(struct buf *out, struct slice value)
{
    struct value_reader reader;
    struct datum key, field;
    struct err err;
    bool is_list, is_first = true;

    value_reader_init(&reader, value);
    assert_int_equal(value_read(&reader, &key, &err), 1);
    assert_int_equal(key.type, DATUM_TABLE_BEGIN);
    is_list = key.integer > 0;
    buf_append_byte(out, is_list ? '[' : '{');
    while (value_read_pair(&reader, &key, &field, &err) == 1) {
        if (!is_first)
            buf_append_byte(out, ',');
        is_first = false;
        if (!is_list) {
            buf_append(out, key.string.ptr, key.string.len);
            buf_append_byte(out, '=');
        }
        table_text_put(out, &field);
    }
    buf_append_byte(out, is_list ? ']' : '}');
}

/* A list of strings as a value: the option `columns`. */
static inline void table_text_columns(struct buf *out, const char *const *names, size_t count)
{
    value_write_table_begin(out);
    value_write_string(out, slice_of_string("columns"));
    value_write_list_begin(out, count);
    for (size_t i = 0; i < count; i++)
        value_write_string(out, slice_of_string(names[i]));
    value_write_table_end(out);
}

#endif
