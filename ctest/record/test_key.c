#include "record/key_datums.h"

#include <math.h>

static struct slice text(const char *string)
{
    return slice_of_string(string);
}

static void assert_bytes(struct slice got, const void *want, size_t len)
{
    assert_int_equal(got.len, len);
    assert_memory_equal(got.ptr, want, len);
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* The drawing in key.h, and the order it is for: ascending. Never change a line of it. */
static const struct {
    size_t count;
    struct datum items[6];
    size_t len;
    const char *bytes;
} DRAWN[] = {
#define INTEGER(value)                                                                             \
    {                                                                                              \
        .type = DATUM_INTEGER, .integer = value                                                    \
    }
#define FLOAT(value)                                                                               \
    {                                                                                              \
        .type = DATUM_FLOAT, .number = value                                                       \
    }
#define STRING(value)                                                                              \
    {                                                                                              \
        .type = DATUM_STRING, .string = { value, sizeof(value) - 1 }                               \
    }
#define BEGIN                                                                                      \
    {                                                                                              \
        .type = DATUM_TUPLE_BEGIN                                                                  \
    }
#define END                                                                                        \
    {                                                                                              \
        .type = DATUM_TUPLE_END                                                                    \
    }
    {1, {{.type = DATUM_FALSE}}, 1, "F"},
    {1, {{.type = DATUM_TRUE}}, 1, "T"},
    {1, {FLOAT(-INFINITY)}, 9, "\x57\x00\x0f\xff\xff\xff\xff\xff\xff"},
    {1, {FLOAT(-0x1p64)}, 9, "\x57\x3c\x0f\xff\xff\xff\xff\xff\xff"},
    {1, {INTEGER(INT64_MIN)}, 9, "\x58\x7f\xff\xff\xff\xff\xff\xff\xff"},
    {1, {INTEGER(INT64_MIN + 1)}, 9, "\x58\x80\x00\x00\x00\x00\x00\x00\x00"},
    {1, {INTEGER(-256)}, 3, "\x5e\xfe\xff"},
    {1, {INTEGER(-255)}, 2, "\x5f\x00"},
    {1, {INTEGER(-2)}, 2, "\x5f\xfd"},
    {1, {FLOAT(-1.5)}, 11, "\x5f\xfd\xff\x40\x07\xff\xff\xff\xff\xff\xff"},
    {1, {INTEGER(-1)}, 2, "\x5f\xfe"},
    {1, {FLOAT(-0x1p-1074)}, 11, "\x5f\xfe\xff\x7f\xff\xff\xff\xff\xff\xff\xfe"},
    {1, {INTEGER(0)}, 1, "\x60"},
    {1, {FLOAT(0.5)}, 10, "\x60\xff\xbf\xe0\x00\x00\x00\x00\x00\x00"},
    {1, {INTEGER(1)}, 2, "\x61\x01"},
    {1, {FLOAT(1.5)}, 11, "\x61\x01\xff\xbf\xf8\x00\x00\x00\x00\x00\x00"},
    {1, {INTEGER(2)}, 2, "\x61\x02"},
    {1, {INTEGER(256)}, 3, "\x62\x01\x00"},
    {1, {INTEGER((INT64_C(1) << 53) + 1)}, 8, "\x67\x20\x00\x00\x00\x00\x00\x01"},
    {1, {INTEGER(INT64_MAX)}, 9, "\x68\x7f\xff\xff\xff\xff\xff\xff\xff"},
    {1, {FLOAT(0x1p63)}, 9, "\x69\xc3\xe0\x00\x00\x00\x00\x00\x00"},
    {1, {FLOAT(INFINITY)}, 9, "\x69\xff\xf0\x00\x00\x00\x00\x00\x00"},
    {1, {STRING("")}, 1, "s"},
    {1, {STRING("\0")}, 2, "s\0"},
    {1, {STRING("the")}, 4, "sthe"},
    {2, {BEGIN, END}, 1, "t"},
    {3, {BEGIN, INTEGER(1), END}, 3, "t\x61\x01"},
    {4, {BEGIN, INTEGER(1), INTEGER(0), END}, 4, "t\x61\x01\x60"},
    {3, {BEGIN, FLOAT(1.5), END}, 12, "t\x61\x01\xff\xbf\xf8\x00\x00\x00\x00\x00\x00"},
    {3, {BEGIN, STRING("a"), END}, 4, "tsa\0"},
    {4, {BEGIN, STRING("a"), INTEGER(0), END}, 5, "tsa\0\x60"},
    {3,
     {BEGIN, STRING("a\0b"), END},
     7,
     "tsa\0\xff"
     "b\0"},
    {4, {BEGIN, BEGIN, END, END}, 3, "tt\0"},
    {5, {BEGIN, BEGIN, STRING("a"), END, END}, 6, "ttsa\0\0"},
};
enum { DRAWN_COUNT = sizeof DRAWN / sizeof DRAWN[0] };

static void the_bytes_are_as_drawn(void **state)
{
    struct buf key = {0};
    struct err err;

    (void)state;
    for (size_t i = 0; i < DRAWN_COUNT; i++) {
        encode_all(&key, DRAWN[i].items, DRAWN[i].count);
        assert_bytes(buf_slice(&key), DRAWN[i].bytes, DRAWN[i].len);
        assert_int_equal(key_check(buf_slice(&key), &err), 0);
        for (size_t j = 0; j < DRAWN_COUNT; j++)
            assert_int_equal(
                sign(slice_compare(buf_slice(&key), slice_of(DRAWN[j].bytes, DRAWN[j].len))),
                (i > j) - (i < j));
    }
    buf_deinit(&key);
}

static void equal_numbers_are_one_key(void **state)
{
    static const struct {
        double number;
        int64_t integer;
    } pairs[] = {{1.0, 1}, {-0.0, 0}, {-0x1p63, INT64_MIN}, {0x1p53, INT64_C(1) << 53}};
    struct buf a = {0}, b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        encode_all(&a, &(struct datum)FLOAT(pairs[i].number), 1);
        encode_all(&b, &(struct datum)INTEGER(pairs[i].integer), 1);
        assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
    }
    buf_deinit(&a);
    buf_deinit(&b);
}

/* What a job may do wrong. */

static void assert_refused(struct key_writer *writer, const char *message)
{
    struct err err = {0};

    assert_true(key_writer_failed(writer));
    assert_int_equal(key_writer_end(writer, &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, message);
    assert_bytes(buf_slice(writer->out), "before", 6);
}

static void nan_is_refused_and_leaves_nothing(void **state)
{
    struct buf out = {0};
    struct key_writer writer;

    (void)state;
    buf_append_string(&out, "before");
    key_writer_init(&writer, &out);
    key_write_tuple_begin(&writer);
    key_write_string(&writer, text("a"));
    key_write_number(&writer, NAN);
    key_write_integer(&writer, 1);
    assert_refused(&writer, "key: NaN is not a key");
    buf_deinit(&out);
}

static void write_nested(struct key_writer *writer, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        key_write_tuple_begin(writer);
    for (uint32_t i = 0; i < depth; i++)
        key_write_tuple_end(writer);
}

static void tuples_nest_to_the_limit(void **state)
{
    struct buf out = {0};
    struct key_writer writer;
    struct err err;

    (void)state;
    key_writer_init(&writer, &out);
    write_nested(&writer, KEY_DEPTH_MAX);
    assert_int_equal(key_writer_end(&writer, &err), 0);
    assert_int_equal(key_check(buf_slice(&out), &err), 0);
    buf_clear(&out);
    buf_append_string(&out, "before");
    key_writer_init(&writer, &out);
    write_nested(&writer, KEY_DEPTH_MAX + 1);
    assert_refused(&writer, "key: tuples nested deeper than 16");
    buf_deinit(&out);
}

static void a_string_fills_a_key_to_the_limit(void **state)
{
    static char zeros[RECORD_KEY_BYTES_MAX];
    struct buf out = {0};
    struct key_writer writer;
    struct err err = {0};

    (void)state;
    assert_int_equal(key_encode_string(&out, slice_of(zeros, sizeof zeros - 1), &err), 0);
    assert_int_equal(out.len, RECORD_KEY_BYTES_MAX);
    assert_int_equal(key_check(buf_slice(&out), &err), 0);
    assert_int_equal(key_encode_string(&out, slice_of(zeros, sizeof zeros), &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, "key: longer than 65536 bytes");
    assert_int_equal(out.len, RECORD_KEY_BYTES_MAX);
    buf_append_byte(&out, 'x');
    assert_int_equal(key_check(buf_slice(&out), &err), -1);
    assert_string_equal(err.message, "key: byte 0: longer than 65536 bytes");
    buf_clear(&out);
    buf_append_string(&out, "before");
    key_writer_init(&writer, &out);
    key_write_string(&writer, slice_of(zeros, sizeof zeros));
    assert_refused(&writer, "key: longer than 65536 bytes");
    buf_deinit(&out);
}

/* Escapes count: 't' 's' and 00, and two bytes for each NUL. */
static void a_tuple_fills_a_key_to_the_limit(void **state)
{
    static char zeros[RECORD_KEY_BYTES_MAX];
    size_t len = (RECORD_KEY_BYTES_MAX - 3) / 2;
    struct buf out = {0};
    struct key_writer writer;
    struct err err;

    (void)state;
    buf_append_string(&out, "before");
    for (int extra = 0; extra < 3; extra++) {
        key_writer_init(&writer, &out);
        key_write_tuple_begin(&writer);
        key_write_string(&writer, slice_of(zeros, len));
        for (int i = 0; i < extra; i++)
            key_write_boolean(&writer, true);
        key_write_tuple_end(&writer);
        if (extra == 2)
            break;
        assert_int_equal(key_writer_end(&writer, &err), 0);
        assert_int_equal(out.len - 6, RECORD_KEY_BYTES_MAX - 1 + extra);
        out.len = 6;
    }
    assert_refused(&writer, "key: longer than 65536 bytes");
    buf_deinit(&out);
}

static void what_is_no_key_is_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *message;
    } bad[] = {
        {"", 0, "key: byte 0: key is cut off"},
        {"x", 1, "key: byte 0: not a part of a key"},
        {"FF", 2, "key: byte 1: bytes behind the end"},
        {"\0", 1, "key: byte 0: end of a tuple that has not begun"},
        {"t\0", 2, "key: byte 1: end of a tuple that has not begun"},
        {"tt", 2, "key: byte 2: key is cut off"},
        {"tsa", 3, "key: byte 1: string is cut off"},
        {"tsa\0\xff", 5, "key: byte 1: string is cut off"},
        {"\x61\x01", 1, "key: byte 0: integer is cut off or not the shortest"},
        {"\x61\x00", 2, "key: byte 0: integer is cut off or not the shortest"},
        {"\x62\x00\x01", 3, "key: byte 0: integer is cut off or not the shortest"},
        {"\x5e\xff\xfe", 3, "key: byte 0: integer is cut off or not the shortest"},
        {"\x58\xff\xff\xff\xff\xff\xff\xff\xff", 9,
         "key: byte 0: integer is cut off or not the shortest"},
        {"\x68\x80\x00\x00\x00\x00\x00\x00\x00", 9,
         "key: byte 0: integer is cut off or not the shortest"},
        {"\x60\xff\xbf", 3, "key: byte 0: fraction is cut off"},
        {"\x60\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10, /* 0.0 */
         "key: byte 0: fraction does not belong to its integer"},
        {"\x60\xff\xff\xf8\x00\x00\x00\x00\x00\x00", 10, /* NaN */
         "key: byte 0: fraction does not belong to its integer"},
        {"\x61\x02\xff\xbf\xf8\x00\x00\x00\x00\x00\x00", 11, /* 1.5 behind 2 */
         "key: byte 0: fraction does not belong to its integer"},
        {"\x69\xff", 2, "key: byte 0: number is cut off"},
        {"\x69\xbf\xf8\x00\x00\x00\x00\x00\x00", 9, "key: byte 0: number is not where it belongs"},
        {"\x69\xff\xf8\x00\x00\x00\x00\x00\x00", 9, "key: byte 0: number is not where it belongs"},
        {"\x57\x3c\x1f\xff\xff\xff\xff\xff\xff", 9, /* -2^63: an integer */
         "key: byte 0: number is not where it belongs"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};

        assert_int_equal(key_check(slice_of(bad[i].bytes, bad[i].len), &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_string_equal(err.message, bad[i].message);
    }
}

/* The short ways. */

static void short_ways_make_the_same_bytes(void **state)
{
    static const int64_t integers[] = {0, 1, -1, 255, 256, -256, INT64_MAX, INT64_MIN};
    struct buf a = {0}, b = {0};
    struct slice string;
    int64_t integer;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        encode_all(&a, &(struct datum)INTEGER(integers[i]), 1);
        buf_clear(&b);
        key_encode_integer(&b, integers[i]);
        assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
        assert_true(key_integer(buf_slice(&b), &integer));
        assert_true(integer == integers[i]);
        assert_false(key_string(buf_slice(&b), &string));
    }
    encode_all(&a, &(struct datum)STRING("a\0b"), 1);
    buf_clear(&b);
    assert_int_equal(key_encode_string(&b, slice_of("a\0b", 3), &err), 0);
    assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
    assert_true(key_string(buf_slice(&b), &string));
    assert_ptr_equal(string.ptr, b.ptr + 1);
    assert_int_equal(string.len, 3);
    assert_false(key_integer(buf_slice(&b), &integer));
    assert_false(key_integer(slice_of("\x60\xff\xbf\xe0\0\0\0\0\0\0", 10), &integer));
    assert_false(key_integer(slice_of("", 0), &integer));
    assert_false(key_string(slice_of("", 0), &string));
    buf_deinit(&a);
    buf_deinit(&b);
}

static void assert_prefix(struct slice key, uint32_t part_count, size_t len)
{
    struct slice prefix;
    struct err err;

    assert_int_equal(key_prefix(key, part_count, &prefix, &err), 0);
    assert_ptr_equal(prefix.ptr, key.ptr);
    assert_int_equal(prefix.len, len);
    assert_int_equal(key_check(prefix, &err), 0);
}

static void a_prefix_is_the_tuple_of_the_first_parts(void **state)
{
    /* {"a\0", {1, "x"}, 1.5} */
    static const char tuple[] =
        "tsa\0\xff\0t\x61\x01sx\0\0\x61\x01\xff\xbf\xf8\x00\x00\x00\x00\x00\x00";
    struct slice key = slice_of(tuple, sizeof tuple - 1), prefix;
    struct err err = {0};

    (void)state;
    assert_prefix(key, 0, key.len);
    assert_prefix(key, 1, 6);
    assert_prefix(key, 2, 13);
    assert_prefix(key, 3, key.len);
    assert_prefix(key, 4, key.len);
    assert_prefix(slice_of("t", 1), 1, 1);
    assert_prefix(text("sab"), 1, 3);
    assert_int_equal(key_prefix(slice_of("tsa", 3), 1, &prefix, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_as_drawn),
        cmocka_unit_test(equal_numbers_are_one_key),
        cmocka_unit_test(nan_is_refused_and_leaves_nothing),
        cmocka_unit_test(tuples_nest_to_the_limit),
        cmocka_unit_test(a_string_fills_a_key_to_the_limit),
        cmocka_unit_test(a_tuple_fills_a_key_to_the_limit),
        cmocka_unit_test(what_is_no_key_is_named),
        cmocka_unit_test(short_ways_make_the_same_bytes),
        cmocka_unit_test(a_prefix_is_the_tuple_of_the_first_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
