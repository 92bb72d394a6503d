#include "format/text.h"

#include "encode.h"
#include "seed.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const char *text_of(struct buf *out)
{
    static char text[1000];

    snprintf(text, sizeof text, "%.*s", (int)out->len, out->ptr);
    buf_deinit(out);
    *out = (struct buf){0};
    return text;
}

static const char *integer_text(int64_t integer)
{
    struct buf out = {0};

    text_integer(&out, integer);
    return text_of(&out);
}

static const char *float_text(double number)
{
    struct buf out = {0};

    text_float(&out, number);
    return text_of(&out);
}

static const char *json_value(struct slice value)
{
    struct buf out = {0};
    struct err err = {0};
    uint64_t replaced = 0;

    if (text_json_value(&out, value, &replaced, &err) != 0)
        fail_msg("%s", err.message);
    return text_of(&out);
}

static const char *json_key(struct slice key)
{
    struct buf out = {0};
    struct err err = {0};
    uint64_t replaced = 0;

    if (text_json_key(&out, key, &replaced, &err) != 0)
        fail_msg("%s", err.message);
    return text_of(&out);
}

/* Checked against lua5.4: for _, n in ipairs { ... } do print(n) end */
static void numbers_are_as_lua_prints_them(void **state)
{
    (void)state;
    assert_string_equal(integer_text(0), "0");
    assert_string_equal(integer_text(-17), "-17");
    assert_string_equal(integer_text(INT64_MAX), "9223372036854775807");
    assert_string_equal(integer_text(INT64_MIN), "-9223372036854775808");
    assert_string_equal(float_text(1.0), "1.0");
    assert_string_equal(float_text(-0.0), "-0.0");
    assert_string_equal(float_text(0.1), "0.1");
    assert_string_equal(float_text(1.0 / 3), "0.33333333333333");
    assert_string_equal(float_text(1e15), "1e+15");
    assert_string_equal(float_text(123456789012345.0), "1.2345678901234e+14");
    assert_string_equal(float_text(12345678901234.0), "12345678901234.0");
    assert_string_equal(float_text(1e100), "1e+100");
    assert_string_equal(float_text(INFINITY), "inf");
    assert_string_equal(float_text(-INFINITY), "-inf");
    assert_string_equal(float_text((double)NAN), "nan");
    assert_string_equal(float_text(-(double)NAN), "-nan");
}

static void json_floats_are_short_and_read_back_the_same(void **state)
{
    struct rand rand = seed_rand();

    (void)state;
    assert_string_equal(json_value(encode_value_number(1.0)), "1.0");
    assert_string_equal(json_value(encode_value_number(0.1)), "0.1");
    assert_string_equal(json_value(encode_value_number(-0.0)), "-0.0");
    assert_string_equal(json_value(encode_value_number(1.0 / 3)), "0.3333333333333333");
    assert_string_equal(json_value(encode_value_number(DBL_MAX)), "1.7976931348623157e+308");
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rand_next(&rand);
        double number;

        memcpy(&number, &bits, sizeof number);
        if (isfinite(number))
            assert_true(strtod(json_value(encode_value_number(number)), NULL) == number);
    }
}

static void json_has_no_inf_and_no_nan(void **state)
{
    static const double numbers[] = {INFINITY, -INFINITY, NAN};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct buf out = {0};
        struct err err = {0};
        uint64_t replaced = 0;

        assert_int_equal(text_json_value(&out, encode_value_number(numbers[i]), &replaced, &err),
                         -1);
        assert_int_equal(err.kind, ERR_JOB);
        assert_non_null(strstr(err.message, "a number that JSON does not have"));
        buf_deinit(&out);
    }
}

static void json_string_is(const char *bytes, size_t len, const char *expected, uint64_t replaced)
{
    struct buf out = {0};

    assert_int_equal(text_json_string(&out, slice_of(bytes, len)), replaced);
    assert_string_equal(text_of(&out), expected);
}

#define JSON_STRING(bytes, expected, replaced)                                                     \
    json_string_is(bytes, sizeof(bytes) - 1, "\"" expected "\"", replaced)

static void json_strings_are_utf8(void **state)
{
    (void)state;
    JSON_STRING("", "", 0);
    JSON_STRING("a\"b\\c/\n\r\t\x01\x1f\x7f", "a\\\"b\\\\c/\\n\\r\\t\\u0001\\u001f\x7f", 0);
    JSON_STRING("nul\0!", "nul\\u0000!", 0);
    JSON_STRING("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 0);
    JSON_STRING("\xff|", "\xef\xbf\xbd|", 1);
    JSON_STRING("\xc3", "\xef\xbf\xbd", 1);                                 /* cut off */
    JSON_STRING("\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd", 2);                 /* too long */
    JSON_STRING("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3); /* surrogate */
    JSON_STRING("\xf4\x90\x80\x80|", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|", 4);
}

static struct slice nested_tuple(void)
{
    struct buf *out = encode_buf(0);
    struct key_writer writer;
    struct err err;

    key_writer_init(&writer, out);
    key_write_tuple_begin(&writer);
    key_write_string(&writer, slice_of("a\0\"", 3));
    key_write_tuple_begin(&writer);
    key_write_tuple_end(&writer);
    key_write_tuple_begin(&writer);
    key_write_integer(&writer, -1);
    key_write_number(&writer, 2.5);
    key_write_tuple_end(&writer);
    key_write_boolean(&writer, true);
    key_write_tuple_end(&writer);
    assert_int_equal(key_writer_end(&writer, &err), 0);
    return buf_slice(out);
}

static void tuples_are_json_arrays(void **state)
{
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_string_equal(json_key(nested_tuple()), "[\"a\\u0000\\\"\",[],[-1,2.5],true]");
    assert_int_equal(text_tsv_key(&out, nested_tuple(), &err), 0);
    assert_string_equal(text_of(&out), "[\"a\\u0000\\\"\",[],[-1,2.5],true]");
    assert_string_equal(json_key(encode_key_number(2.0)), "2");
}

/* {"x", {}, {a = {1, 2}, [7] = false, [1.5] = "s", [true] = 0}} */
static struct slice nested_table(void)
{
    struct buf *out = encode_buf(1);

    value_write_list_begin(out, 3);
    value_write_string(out, slice_of_string("x\t"));
    value_write_table_begin(out);
    value_write_table_end(out);
    value_write_table_begin(out);
    value_write_boolean(out, true);
    value_write_integer(out, 0);
    value_write_number(out, 1.5);
    value_write_string(out, slice_of_string("s"));
    value_write_integer(out, 7);
    value_write_boolean(out, false);
    value_write_string(out, slice_of_string("a"));
    value_write_list_begin(out, 2);
    value_write_integer(out, 1);
    value_write_integer(out, 2);
    value_write_table_end(out);
    return buf_slice(out);
}

static void tables_are_json_arrays_or_objects(void **state)
{
    const char *expected = "[\"x\\t\",{},{\"true\":0,\"1.5\":\"s\",\"7\":false,\"a\":[1,2]}]";
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(value_check(nested_table(), &err), 0);
    assert_string_equal(json_value(nested_table()), expected);
    assert_int_equal(text_raw_value(&out, nested_table(), &err), 0);
    assert_string_equal(text_of(&out), expected);
}

static void tsv_escapes_what_would_end_a_field(void **state)
{
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(text_tsv_value(&out, encode_value_string("\ta\\b\nc\rd\xff\0e\n", 12), &err),
                     0);
    assert_true(slice_equal(buf_slice(&out), slice_of("\\ta\\\\b\\nc\\rd\xff\0e\\n", 17)));
    buf_clear(&out);
    assert_int_equal(text_raw_value(&out, encode_value_string("\ta\\b\n", 5), &err), 0);
    assert_true(slice_equal(buf_slice(&out), slice_of("\ta\\b\n", 5)));
    buf_clear(&out);
    assert_int_equal(text_tsv_key(&out, encode_key_number(-INFINITY), &err), 0);
    assert_true(slice_equal(buf_slice(&out), slice_of_string("-inf")));
    buf_deinit(&out);
}

/* Goal: bytes that are no key or value are an error, and nothing is read beyond them (ASan).
 * Method: cut and flip good ones. */
static void broken_encodings_are_errors(void **state)
{
    struct rand rand = seed_rand();
    char bytes[200];

    (void)state;
    for (int round = 0; round < 4000; round++) {
        struct slice good = round % 2 ? nested_tuple() : nested_table();
        size_t len = round % 4 < 2 ? good.len : rand_below(&rand, good.len);
        char *copy = malloc(len ? len : 1);
        struct buf out = {0};
        struct err err = {0};
        uint64_t replaced = 0;
        int rc, is_good;

        assert_true(good.len <= sizeof bytes);
        assert_non_null(copy);
        memcpy(copy, good.ptr, len);
        if (len > 0 && round % 4 < 2)
            copy[rand_below(&rand, len)] ^= (char)(1 << rand_below(&rand, 8));
        if (round % 2) {
            rc = text_json_key(&out, slice_of(copy, len), &replaced, &err);
            is_good = key_check(slice_of(copy, len), &err) == 0;
        } else {
            rc = text_json_value(&out, slice_of(copy, len), &replaced, &err);
            is_good = value_check(slice_of(copy, len), &err) == 0;
        }
        assert_true(!is_good || rc == 0 || err.kind == ERR_JOB);
        assert_true(len == 0 ? rc == -1 : rc <= 0);
        free(copy);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_as_lua_prints_them),
        cmocka_unit_test(json_floats_are_short_and_read_back_the_same),
        cmocka_unit_test(json_has_no_inf_and_no_nan),
        cmocka_unit_test(json_strings_are_utf8),
        cmocka_unit_test(tuples_are_json_arrays),
        cmocka_unit_test(tables_are_json_arrays_or_objects),
        cmocka_unit_test(tsv_escapes_what_would_end_a_field),
        cmocka_unit_test(broken_encodings_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
