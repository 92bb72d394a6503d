#include "format/reader.h"

#include "test.h"

#include <string.h>

static void names_and_kinds_are_one_to_one(void **state)
{
    (void)state;
    for (enum reader_kind i = READER_LINES; i <= READER_GRAMMAR_WHOLE; i++) {
        struct err err = {0};
        enum reader_kind kind;

        assert_int_equal(reader_kind_by_name(slice_of_string(reader_kind_name(i)), &kind, &err), 0);
        assert_int_equal(kind, i);
    }
}

static void unknown_name_is_a_setup_error_that_names_the_known_ones(void **state)
{
    struct err err = {0};
    enum reader_kind kind;

    (void)state;
    assert_int_equal(reader_kind_by_name(slice_of_string("line"), &kind, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message,
                        "input = \"line\": not one of \"lines\", \"file\", \"run\", \"csv\", "
                        "\"csv-lines\", \"csv-header\", \"fixed\", \"jsonl\", \"grammar\", "
                        "\"grammar-whole\"");
}

static void only_what_is_plain_can_be_cut(void **state)
{
    static const enum reader_kind cut[] = {READER_LINES, READER_CSV_LINES, READER_CSV_HEADER,
                                           READER_FIXED, READER_JSONL,     READER_GRAMMAR};

    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        assert_false(reader_needs_whole_file(cut[i], "a.txt"));
        assert_true(reader_needs_whole_file(cut[i], "a.gz"));
        assert_int_equal(reader_needs_whole_file(cut[i], "gs://b/a"), cut[i] == READER_CSV_HEADER);
    }
    assert_true(reader_needs_whole_file(READER_CSV, "a.csv"));
    assert_true(reader_needs_whole_file(READER_GRAMMAR_WHOLE, "a.txt"));
    assert_false(reader_needs_whole_file(READER_LINES, "a.txt"));
    assert_true(reader_needs_whole_file(READER_LINES, "a.gz"));
    assert_true(reader_needs_whole_file(READER_LINES, "a.zst"));
    assert_true(reader_needs_whole_file(READER_FILE, "a.txt"));
    assert_true(reader_needs_whole_file(READER_RUN, "part-00000"));
}

static void a_piece_begins_where_its_reader_can_see_enough(void **state)
{
    (void)state;
    assert_int_equal(reader_start(READER_LINES, 0), 0);
    assert_int_equal(reader_start(READER_LINES, 10), 9);
    assert_int_equal(reader_start(READER_JSONL, 10), 9);
    assert_int_equal(reader_start(READER_CSV_LINES, 10), 9);
    assert_int_equal(reader_start(READER_FIXED, 10), 10);
    assert_int_equal(reader_start(READER_GRAMMAR, 10), 0);
    assert_int_equal(reader_start(READER_GRAMMAR, 300), 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_kinds_are_one_to_one),
        cmocka_unit_test(unknown_name_is_a_setup_error_that_names_the_known_ones),
        cmocka_unit_test(only_what_is_plain_can_be_cut),
        cmocka_unit_test(a_piece_begins_where_its_reader_can_see_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
