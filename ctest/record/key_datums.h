/*
 * key_datums: a key as a test writes it down, token by token.
 */
#ifndef CTEST_RECORD_KEY_DATUMS_H
#define CTEST_RECORD_KEY_DATUMS_H

#include "test.h"

#include "record/key.h"

static inline void write_datum(struct key_writer *writer, const struct datum *datum)
{
    switch (datum->type) {
    case DATUM_FALSE:
    case DATUM_TRUE:
        key_write_boolean(writer, datum->type == DATUM_TRUE);
        return;
    case DATUM_INTEGER:
        key_write_integer(writer, datum->integer);
        return;
    case DATUM_FLOAT:
        key_write_number(writer, datum->number);
        return;
    case DATUM_STRING:
        key_write_string(writer, datum->string);
        return;
    case DATUM_TUPLE_BEGIN:
        key_write_tuple_begin(writer);
        return;
    case DATUM_TUPLE_END:
        key_write_tuple_end(writer);
        return;
    default:
        fail();
    }
}

/* The only key in `out` afterwards. */
static inline void encode_all(struct buf *out, const struct datum *datums, size_t count)
{
    struct key_writer writer;
    struct err err;

    buf_clear(out);
    key_writer_init(&writer, out);
    for (size_t i = 0; i < count; i++)
        write_datum(&writer, &datums[i]);
    assert_int_equal(key_writer_end(&writer, &err), 0);
}

#endif
