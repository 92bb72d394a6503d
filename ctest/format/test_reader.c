#include "format/reader.h"

#include "test.h"

#include <string.h>

static void names_and_kinds_are_one_to_one(void **state)
{
    static const enum reader_kind kinds[] = {READER_LINES, READER_FILE, READER_RUN};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct err err = {0};
        enum reader_kind kind;

        assert_int_equal(
            reader_kind_by_name(slice_of_string(reader_kind_name(kinds[i])), &kind, &err), 0);
        assert_int_equal(kind, kinds[i]);
    }
}

static void unknown_name_is_a_setup_error_that_names_the_known_ones(void **state)
{
    struct err err = {0};
    enum reader_kind kind;

    (void)state;
    assert_int_equal(reader_kind_by_name(slice_of_string("line"), &kind, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "input = \"line\": not one of \"lines\", \"file\", \"run\"");
}

static void only_plain_lines_can_be_cut(void **state)
{
    (void)state;
    assert_false(reader_needs_whole_file(READER_LINES, "a.txt"));
    assert_true(reader_needs_whole_file(READER_LINES, "a.gz"));
    assert_true(reader_needs_whole_file(READER_LINES, "a.zst"));
    assert_true(reader_needs_whole_file(READER_FILE, "a.txt"));
    assert_true(reader_needs_whole_file(READER_RUN, "part-00000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_kinds_are_one_to_one),
        cmocka_unit_test(unknown_name_is_a_setup_error_that_names_the_known_ones),
        cmocka_unit_test(only_plain_lines_can_be_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
