#include "base/jsontext.h"

#include "test.h"

#include <math.h>

static const char *text_of(const char *bytes, size_t len)
{
    static struct buf out;

    buf_clear(&out);
    jsontext_text(&out, NULL, slice_of(bytes, len));
    return buf_string(&out);
}

static void values_are_separated_and_named(void **state)
{
    struct buf out = {0};

    (void)state;
    jsontext_object_begin(&out, NULL);
    jsontext_number(&out, "most", UINT64_MAX);
    jsontext_signed(&out, "least", INT64_MIN);
    jsontext_array_begin(&out, "list");
    jsontext_array_end(&out);
    jsontext_array_begin(&out, "pairs");
    for (uint64_t i = 0; i < 2; i++) {
        jsontext_array_begin(&out, NULL);
        jsontext_number(&out, NULL, i);
        jsontext_boolean(&out, NULL, i == 1);
        jsontext_array_end(&out);
    }
    jsontext_array_end(&out);
    jsontext_object_begin(&out, "inner");
    jsontext_object_end(&out);
    jsontext_string(&out, "text", "{[");
    jsontext_string(&out, "none", NULL);
    jsontext_real(&out, "real", 0.5);
    jsontext_object_end(&out);
    assert_string_equal(buf_string(&out),
                        "{\"most\":18446744073709551615,\"least\":-9223372036854775808,\"list\":[],"
                        "\"pairs\":[[0,false],[1,true]],\"inner\":{},\"text\":\"{[\",\"none\":\"\","
                        "\"real\":0.5}");
    buf_deinit(&out);
}

static void what_is_no_number_is_null(void **state)
{
    struct buf out = {0};

    (void)state;
    jsontext_array_begin(&out, NULL);
    jsontext_real(&out, NULL, NAN);
    jsontext_real(&out, NULL, -INFINITY);
    jsontext_array_end(&out);
    assert_string_equal(buf_string(&out), "[null,null]");
    buf_deinit(&out);
}

static void control_bytes_quotes_and_backslashes_are_escaped(void **state)
{
    (void)state;
    assert_string_equal(text_of("a\n\"\\\0\x1b\x7f", 7),
                        "\"a\\u000a\\\"\\\\\\u0000\\u001b\\u007f\"");
    assert_string_equal(text_of("\xc2\x9bK", 3), "\"\\u009bK\""); /* a terminal's other escape */
    assert_string_equal(text_of(NULL, 0), "\"\"");
}

static void characters_of_every_length_stay(void **state)
{
    static const char text[] = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf";

    (void)state;
    assert_string_equal(text_of(text, sizeof text - 1),
                        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"");
}

/* Overlong forms, halves of pairs, what is beyond Unicode, beginnings without an end. */
static void what_is_not_utf8_is_replaced_byte_by_byte(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\xff", 1},         {"\x80", 1},         {"\xc0\x80", 2},         {"\xe0\x9f\xbf", 3},
        {"\xed\xa0\x80", 3}, {"\xe2\x82", 2},     {"\xf0\x8f\xbf\xbf", 4}, {"\xf4\x90\x80\x80", 4},
        {"\xf8", 1},         {"\xf0\x9f\x98", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf want = {0};

        buf_append_byte(&want, '"');
        for (size_t j = 0; j < bad[i].len; j++)
            buf_append_string(&want, "\xef\xbf\xbd");
        buf_append_byte(&want, '"');
        assert_string_equal(text_of(bad[i].bytes, bad[i].len), buf_string(&want));
        buf_deinit(&want);
    }
    assert_string_equal(text_of("\xe2(", 2), "\"\xef\xbf\xbd(\""); /* what follows stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_separated_and_named),
        cmocka_unit_test(what_is_no_number_is_null),
        cmocka_unit_test(control_bytes_quotes_and_backslashes_are_escaped),
        cmocka_unit_test(characters_of_every_length_stay),
        cmocka_unit_test(what_is_not_utf8_is_replaced_byte_by_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
