#include "test.h"

#include "record/key.h"
#include "record/key_print.h"

static void assert_prints(const char *bytes, size_t len, const char *want)
{
    char out[KEY_PRINT_BYTES];

    assert_string_equal(key_print(out, sizeof out, slice_of(bytes, len)), want);
}

static void keys_look_as_in_lua(void **state)
{
    (void)state;
    assert_prints("F", 1, "false");
    assert_prints("T", 1, "true");
    assert_prints("\x61\x07", 2, "7");
    assert_prints("\x5f\xfe", 2, "-1");
    assert_prints("\x60\xff\xbf\xe0\0\0\0\0\0\0", 10, "0.5");
    assert_prints("sthe", 4, "\"the\"");
    assert_prints("sa\"\\\n\0\xc3", 7, "\"a\\\"\\\\\\x0a\\x00\\xc3\"");
    assert_prints("t", 1, "{}");
    assert_prints("tsa\0\xff"
                  "b\0t\x61\x01T\0\x60",
                  13, "{\"a\\x00b\", {1, true}, 0}");
}

static void what_is_no_key_is_quoted(void **state)
{
    (void)state;
    assert_prints("", 0, "\"\"");
    assert_prints("tsa", 3, "\"tsa\"");
    assert_prints("\x69", 1, "\"i\"");
}

static void what_does_not_fit_is_cut(void **state)
{
    static char letters[1000];
    char out[KEY_PRINT_BYTES], small[9];

    (void)state;
    memset(letters, 's', sizeof letters);
    key_print(out, sizeof out, slice_of(letters, sizeof letters));
    assert_int_equal(strlen(out), sizeof out - 1);
    assert_string_equal(out + sizeof out - 5, "s...");
    assert_string_equal(key_print(small, sizeof small, slice_of("sabc", 4)), "\"abc\"");
    assert_string_equal(key_print(small, sizeof small, slice_of("sabcd", 5)), "\"abcd...");
    assert_string_equal(key_print(small, sizeof small, slice_of("s\0\0", 3)), "\"\\x00...");
}

static void assert_prints_head(const char *bytes, size_t len, size_t key_bytes, const char *want)
{
    char out[KEY_PRINT_BYTES];

    assert_string_equal(key_print_head(out, sizeof out, slice_of(bytes, len), key_bytes), want);
}

static void of_a_key_that_was_cut_the_beginning_is_printed(void **state)
{
    static char letters[1000];
    char out[KEY_PRINT_BYTES];

    (void)state;
    assert_prints_head("sthe", 4, 4, "\"the\"");
    assert_prints_head("sthe", 4, 5, "\"the\"...");
    assert_prints_head("tsa\0\x61\x07sbc", 9, 20, "{\"a\", 7, \"bc\"...");
    assert_prints_head("tsab", 4, 20, "{\"ab\"...");
    assert_prints_head("tsa\0\x61\x07", 6, 20, "{\"a\", 7}...");
    assert_prints_head("tsa\0\x62\x01", 6, 20, "{\"a\"...");
    assert_prints_head("", 0, 20, "...");
    assert_prints_head("\xff\xff", 2, 20, "...");
    memset(letters, 's', sizeof letters);
    key_print_head(out, sizeof out, slice_of(letters, sizeof letters), sizeof letters + 1);
    assert_int_equal(strlen(out), sizeof out - 1);
    assert_string_equal(out + sizeof out - 5, "s...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_look_as_in_lua),
        cmocka_unit_test(what_is_no_key_is_quoted),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(of_a_key_that_was_cut_the_beginning_is_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
