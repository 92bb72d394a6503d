#include "cli/line_history.h"

#include "test.h"

#include "fault/fault.h"
#include "folder_of_test.h"

#include <errno.h>

static struct buf lines;
static struct err err;

static const char *history(void)
{
    return folder_path(&folder, "state/mrlua/history");
}

static const char *load(void)
{
    buf_clear(&lines);
    assert_int_equal(line_history_load(history(), &lines, &err), 0);
    return buf_string(&lines);
}

static void append_all(int from, int to)
{
    for (int i = from; i <= to; i++) {
        char line[32];

        snprintf(line, sizeof line, "line %d", i);
        assert_int_equal(line_history_append(history(), line, &err), 0);
    }
}

static int tear_down(void **state)
{
    buf_deinit(&lines);
    return folder_tear_down(state);
}

static void lines_come_back_in_order(void **state)
{
    (void)state;
    assert_string_equal(load(), "");
    append_all(1, 3);
    assert_string_equal(load(), "line 1\nline 2\nline 3\n");
}

static void nobody_else_reads_it(void **state)
{
    struct stat status;

    (void)state;
    umask(0);
    append_all(1, LINE_HISTORY_COUNT_MAX + 1);
    assert_int_equal(stat(history(), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    load(); /* writes it anew */
    assert_int_equal(stat(history(), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    umask(022);
}

static void the_last_lines_are_kept_up_to_the_limit(void **state)
{
    char last[32];

    (void)state;
    append_all(1, LINE_HISTORY_COUNT_MAX);
    assert_memory_equal(load(), "line 1\n", 7);
    append_all(LINE_HISTORY_COUNT_MAX + 1, LINE_HISTORY_COUNT_MAX + 2);
    assert_memory_equal(load(), "line 3\n", 7);
    snprintf(last, sizeof last, "line %d\n", LINE_HISTORY_COUNT_MAX + 2);
    assert_string_equal(buf_string(&lines) + lines.len - strlen(last), last);
    assert_memory_equal(load(), "line 3\n", 7); /* and the file has no more either */
    assert_int_equal(folder_count(&folder), 3); /* two folders and the file */
}

/* A file of somebody else's making: its end is taken, from the beginning of a line. */
static void no_more_than_its_end_is_read(void **state)
{
    struct buf text = {0};
    size_t before = LINE_HISTORY_BYTES_MAX - strlen("\nlast\n");

    (void)state;
    append_all(1, 1);
    memset(buf_reserve(&text, before), 'x', before);
    text.len = before;
    buf_append_string(&text, "\nlast\n");
    folder_write(&folder, "state/mrlua/history", text.ptr, text.len);
    assert_int_equal(strlen(load()), LINE_HISTORY_BYTES_MAX);
    buf_append_string(&text, "and one more\n");
    folder_write(&folder, "state/mrlua/history", text.ptr, text.len);
    assert_string_equal(load(), "last\nand one more\n");
    buf_deinit(&text);
}

static void a_line_ends_at_its_newline(void **state)
{
    (void)state;
    assert_int_equal(line_history_append(history(), "", &err), 0);
    assert_int_equal(line_history_append(history(), "\nx", &err), 0);
    assert_string_equal(load(), "");
    assert_int_equal(line_history_append(history(), "a\nb", &err), 0);
    assert_string_equal(load(), "a\n");
}

static void a_last_line_without_newline_counts(void **state)
{
    (void)state;
    append_all(1, 1);
    folder_write(&folder, "state/mrlua/history", "a\nb", 3);
    assert_string_equal(load(), "a\nb\n");
}

static void what_fails_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    append_all(1, LINE_HISTORY_COUNT_MAX + 1);
    fault_arm(FAULT_RENAME, 0, EACCES);
    buf_clear(&lines);
    assert_int_equal(line_history_load(history(), &lines, &err), -1);
    assert_true(fault_disarm());
    assert_non_null(strstr(err.message, "history"));
    assert_int_equal(folder_count(&folder), 3);
    fault_arm(FAULT_WRITE, 0, ENOSPC);
    assert_int_equal(line_history_append(history(), "x", &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(line_history_append(folder_path(&folder, "state/mrlua/history/x"), "x", &err),
                     -1);
    assert_int_equal(line_history_load(folder_path(&folder, "state"), &lines, &err), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_come_back_in_order),
        TEST(nobody_else_reads_it),
        TEST(the_last_lines_are_kept_up_to_the_limit),
        TEST(no_more_than_its_end_is_read),
        TEST(a_line_ends_at_its_newline),
        TEST(a_last_line_without_newline_counts),
        TEST(what_fails_is_told_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
