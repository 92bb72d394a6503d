/*
 * encode: keys and values for tests of text, in one call. Each answers bytes in a buffer of its
 * own kind, good until the next call for that kind.
 */
#ifndef CTEST_FORMAT_ENCODE_H
#define CTEST_FORMAT_ENCODE_H

#include "record/key.h"
#include "record/value.h"
#include "test.h"

static inline struct buf *encode_buf(int kind)
{
    static struct buf bufs[2]; /* never released: two small buffers per test program */

    buf_clear(&bufs[kind]);
    return &bufs[kind];
}

static inline struct slice encode_key_string(const char *text, size_t len)
{
    struct buf *out = encode_buf(0);
    struct err err;

    assert_int_equal(key_encode_string(out, slice_of(text, len), &err), 0);
    return buf_slice(out);
}

static inline struct slice encode_key_number(double number)
{
    struct buf *out = encode_buf(0);
    struct key_writer writer;
    struct err err;

    key_writer_init(&writer, out);
    key_write_number(&writer, number);
    assert_int_equal(key_writer_end(&writer, &err), 0);
    return buf_slice(out);
}

static inline struct slice encode_value_string(const char *text, size_t len)
{
    struct buf *out = encode_buf(1);

    value_write_string(out, slice_of(text, len));
    return buf_slice(out);
}

static inline struct slice encode_value_integer(int64_t integer)
{
    struct buf *out = encode_buf(1);

    value_write_integer(out, integer);
    return buf_slice(out);
}

static inline struct slice encode_value_number(double number)
{
    struct buf *out = encode_buf(1);

    value_write_number(out, number);
    return buf_slice(out);
}

static inline struct slice encode_value_boolean(bool boolean)
{
    struct buf *out = encode_buf(1);

    value_write_boolean(out, boolean);
    return buf_slice(out);
}

#endif
