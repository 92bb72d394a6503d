/* Without a terminal: with one, spec/mrlua/repl/prompt_spec.lua. */
#include "cli/line.h"

#include "cli/functions.h"
#include "cli/kit.h"
#include "folder_of_test.h"

static struct functions functions;
static struct buf args, result, lines;
static struct err err;

static int tear_down(void **state)
{
    functions_deinit(&functions);
    buf_deinit(&args);
    buf_deinit(&result);
    buf_deinit(&lines);
    return folder_tear_down(state);
}

static void make_args(const char *name, const char *value)
{
    buf_clear(&args);
    buf_clear(&result);
    value_write_table_begin(&args);
    field_string(&args, name, value);
    value_write_table_end(&args);
}

static int path_count; /* of the last paths() */

/* The paths, a line each. */
static const char *paths(const char *prefix)
{
    struct value_reader reader;
    struct datum key, value;

    make_args("prefix", prefix);
    assert_int_equal(line_paths(&functions, NULL, buf_slice(&args), &result, &err), 0);
    buf_clear(&lines);
    value_reader_init(&reader, buf_slice(&result));
    assert_int_equal(value_read(&reader, &key, &err), 1);
    for (path_count = 0; value_read_pair(&reader, &key, &value, &err) == 1; path_count++) {
        buf_append(&lines, value.string.ptr, value.string.len);
        buf_append_byte(&lines, '\n');
    }
    return buf_string(&lines);
}

static void paths_that_begin_so_are_sorted_and_folders_marked(void **state)
{
    char want[3 * FOLDER_PATH_BYTES];

    (void)state;
    folder_write(&folder, "b.txt", "", 0);
    folder_write(&folder, "a.txt", "", 0);
    folder_write(&folder, ".hidden", "", 0);
    folder_mkdir(&folder, "ab");
    snprintf(want, sizeof want, "%s/a.txt\n%s/ab/\n", folder.path, folder.path);
    assert_string_equal(paths(folder_path(&folder, "a")), want);
    snprintf(want, sizeof want, "%s/.hidden\n", folder.path);
    assert_string_equal(paths(folder_path(&folder, ".")), want);
    assert_string_equal(paths(folder_path(&folder, "c")), "");
    assert_string_equal(paths(folder_path(&folder, "nowhere/a")), "");
}

static void paths_of_the_current_folder_have_no_prefix(void **state)
{
    (void)state;
    assert_int_equal(chdir(folder.path), 0);
    folder_write(&folder, "only", "", 0);
    assert_string_equal(paths("o"), "only\n");
    assert_string_equal(paths(""), "only\n");
    assert_int_equal(chdir("/"), 0);
}

static void there_is_a_limit_to_what_is_listed(void **state)
{
    (void)state;
    for (int i = 0; i < LINE_PATHS_MAX + 1; i++) {
        char name[16];

        snprintf(name, sizeof name, "f%d", i);
        folder_write(&folder, name, "", 0);
    }
    paths(folder_path(&folder, "f"));
    assert_int_equal(path_count, LINE_PATHS_MAX);
}

static void without_a_terminal_nothing_is_open(void **state)
{
    int in = dup(STDIN_FILENO), null = open("/dev/null", O_RDONLY);

    (void)state;
    dup2(null, STDIN_FILENO);
    make_args("history", folder_path(&folder, "history"));
    assert_int_equal(line_open(&functions, NULL, buf_slice(&args), &result, &err), 0);
    assert_false(value_field_boolean(buf_slice(&result), "edits", true));
    assert_false(value_field_boolean(buf_slice(&result), "is_terminal", true));
    assert_null(functions.line);
    assert_int_equal(line_read(&functions, NULL, buf_slice(&args), &result, &err), -1);
    assert_non_null(strstr(err.message, "no prompt is open"));
    assert_int_equal(line_close(&functions, NULL, buf_slice(&args), &result, &err), 0);
    dup2(in, STDIN_FILENO);
    close(in);
    close(null);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths_that_begin_so_are_sorted_and_folders_marked),
        TEST(paths_of_the_current_folder_have_no_prefix),
        TEST(there_is_a_limit_to_what_is_listed),
        TEST(without_a_terminal_nothing_is_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
