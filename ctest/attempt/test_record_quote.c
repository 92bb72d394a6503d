#include "attempt/record_quote.h"

#include "attempt/kit.h"
#include "folder_of_test.h"

/* What is told of byte `offset` of a file with such a name and text. */
static void expect(const char *reader, const char *name, const char *text, uint64_t offset,
                   const char *format)
{
    char path[FOLDER_PATH_BYTES + 64];
    struct buf told = {0}, expected = {0};
    Mrlua__Piece piece;

    snprintf(path, sizeof path, "%s", folder_path(&folder, name));
    folder_write(&folder, name, text, strlen(text));
    kit_piece(&piece, path, 0, UINT64_MAX);
    piece.name = (char *)(uintptr_t)name;
    record_quote(reader, &piece, offset, &told);
    buf_printf(&expected, "%s", format);
    assert_string_equal(buf_string(&told), buf_string(&expected));
    buf_deinit(&told);
    buf_deinit(&expected);
}

static void a_line_is_quoted_with_its_place(void **state)
{
    (void)state;
    expect("lines", "a.txt", "one\ntwo\033\nthree\n", 4,
           "input: a.txt, at byte 4\nrecord: \"two\\x1b\"\n");
    expect("lines", "a.txt", "one\ntwo", 4, "input: a.txt, at byte 4\nrecord: \"two\"\n");
}

static void a_long_line_is_cut(void **state)
{
    char text[2 * RECORD_QUOTE_BYTES + 1], expected[RECORD_QUOTE_BYTES + 64];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(expected, sizeof expected, "input: a.txt, at byte 1\nrecord: \"%.*s\"\n",
             (int)RECORD_QUOTE_BYTES, text);
    expect("lines", "a.txt", text, 1, expected);
}

static void what_has_no_offset_on_disk_is_not_quoted(void **state)
{
    (void)state;
    expect("lines", "a.gz", "one\n", 0, "");
    expect("file", "a.txt", "one\n", 0, "");
    expect("none", "a.txt", "one\n", 0, "");
}

static void of_an_object_the_place_is_told(void **state)
{
    Mrlua__Piece piece = MRLUA__PIECE__INIT;
    struct buf told = {0};

    (void)state;
    piece.path = piece.name = (char *)(uintptr_t) "gs://bkt/a.txt";
    piece.generation = 7;
    record_quote("lines", &piece, 4, &told);
    assert_string_equal(buf_string(&told), "input: gs://bkt/a.txt, at byte 4\n");
    buf_deinit(&told);
}

static void a_file_that_is_gone_is_left_alone(void **state)
{
    Mrlua__Piece piece = MRLUA__PIECE__INIT;
    struct buf told = {0};

    (void)state;
    piece.path = piece.name = (char *)(uintptr_t) "/nowhere/a.txt";
    record_quote("lines", &piece, 4, &told);
    assert_int_equal(told.len, 0);
    buf_deinit(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_quoted_with_its_place, folder_set_up,
                                        folder_tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut, folder_set_up, folder_tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_offset_on_disk_is_not_quoted, folder_set_up,
                                        folder_tear_down),
        cmocka_unit_test(of_an_object_the_place_is_told),
        cmocka_unit_test(a_file_that_is_gone_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
