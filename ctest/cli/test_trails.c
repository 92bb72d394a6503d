#include "cli/trails.h"

#include "cli/functions.h"
#include "cli/kit.h"
#include "home_of_test.h"

static struct err err;

/* What is answered is a table; release it with buf_deinit(). */
static struct buf write_file(struct functions *functions, const char *name)
{
    struct buf args = {0}, result = {0};

    value_write_table_begin(&args);
    field_string(&args, "name", name);
    field_string(&args, "text", "text");
    value_write_table_end(&args);
    assert_int_equal(trails_write(functions, NULL, buf_slice(&args), &result, &err), 0);
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
    buf_deinit(&args);
    return result;
}

static void files_of_a_process_are_in_one_folder(void **state)
{
    struct functions functions = {0};
    struct buf result;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        result = write_file(&functions, i == 0 ? "a" : "b");
        assert_true(
            slice_equal(value_field_string(buf_slice(&result), "run", ""), slice_of_string("r1")));
        buf_deinit(&result);
    }
    assert_true(folder_has(&folder, "mrlua/runs/r1/a"));
    assert_true(folder_has(&folder, "mrlua/runs/r1/b"));
    functions_deinit(&functions);
}

static void a_name_with_a_slash_is_refused(void **state)
{
    struct functions functions = {0};
    struct buf args = {0}, result = {0};

    (void)state;
    value_write_table_begin(&args);
    field_string(&args, "name", "../a");
    value_write_table_end(&args);
    assert_int_equal(trails_write(&functions, NULL, buf_slice(&args), &result, &err), -1);
    assert_int_equal(folder_count(&folder), 0);
    buf_deinit(&args);
    buf_deinit(&result);
}

static void what_cannot_be_written_is_told_once(void **state)
{
    struct functions functions = {0};
    struct buf result;
    struct slice error;

    (void)state;
    folder_write(&folder, "mrlua", "a file", 6);
    result = write_file(&functions, "a");
    assert_true(value_field_table(buf_slice(&result), "error", &error));
    buf_deinit(&result);
    result = write_file(&functions, "a");
    assert_false(value_field_table(buf_slice(&result), "error", &error));
    assert_int_equal(value_field_string(buf_slice(&result), "run", "").len, 0);
    buf_deinit(&result);
    functions_deinit(&functions);
}

static void runs_are_listed_newest_first(void **state)
{
    struct buf result = {0};
    struct slice runs;

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct functions functions = {0};

        result = write_file(&functions, "a");
        buf_deinit(&result);
        functions_deinit(&functions);
    }
    result = (struct buf){0};
    assert_int_equal(trails_list(NULL, NULL, (struct slice){0}, &result, &err), 0);
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
    assert_true(slice_equal(value_field_string(buf_slice(&result), "folder", ""),
                            slice_of_string(folder_path(&folder, "mrlua/runs"))));
    assert_true(value_field_table(buf_slice(&result), "runs", &runs));
    assert_true(memmem(runs.ptr, runs.len, "r10", 3) < memmem(runs.ptr, runs.len, "r9", 2));
    buf_deinit(&result);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_set_up, home_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(files_of_a_process_are_in_one_folder),
        TEST(a_name_with_a_slash_is_refused),
        TEST(what_cannot_be_written_is_told_once),
        TEST(runs_are_listed_newest_first),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
