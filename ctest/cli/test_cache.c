#include "cli/cache.h"

#include "cli/kit.h"
#include "home_of_test.h"
#include "store/cache.h"

/* An entry that was last used at the beginning of 1970. */
static void keep(void)
{
    static const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct err err;

    folder_write(&folder, "run", "a run", 5);
    assert_int_equal(cache_make(folder_path(&folder, "mrlua"), &err), 0);
    assert_int_equal(cache_keep(folder_path(&folder, "mrlua"), "aabbccddee",
                                folder_path(&folder, "run"), slice_of_string("note"), &err),
                     0);
    assert_int_equal(
        utimensat(AT_FDCWD, folder_path(&folder, "mrlua/files/aa/aabbccddee/note"), long_ago, 0),
        0);
}

static int64_t look(const char *field)
{
    struct buf result = {0};
    struct err err;
    int64_t value;

    assert_int_equal(cache_command_look(NULL, NULL, (struct slice){0}, &result, &err), 0);
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
    value = value_field_integer(buf_slice(&result), field, -1);
    buf_deinit(&result);
    return value;
}

static int64_t clear(int64_t older_seconds)
{
    struct buf args = {0}, result = {0};
    struct err err;
    int64_t value;

    value_write_table_begin(&args);
    value_write_string(&args, slice_of_string("older_seconds"));
    value_write_integer(&args, older_seconds);
    value_write_table_end(&args);
    assert_int_equal(cache_command_clear(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
    value = value_field_integer(buf_slice(&result), "files", -1);
    buf_deinit(&args);
    buf_deinit(&result);
    return value;
}

static void a_cache_is_told_in_numbers(void **state)
{
    struct buf result = {0};
    struct err err;

    (void)state;
    assert_int_equal(look("files"), 0);
    keep();
    assert_int_equal(look("files"), 1);
    assert_true(look("file_bytes") > 0);
    assert_int_equal(look("sums"), 0);
    assert_int_equal(cache_command_look(NULL, NULL, (struct slice){0}, &result, &err), 0);
    assert_true(value_field_number(buf_slice(&result), "oldest_seconds", -1) > 1e9);
    assert_true(value_field_number(buf_slice(&result), "newest_seconds", -1) > 1e9);
    buf_deinit(&result);
}

static void all_goes_or_what_is_older(void **state)
{
    (void)state;
    keep();
    assert_int_equal(clear(4000000000), 0); /* 126 years */
    assert_int_equal(look("files"), 1);
    assert_int_equal(clear(0), 1);
    assert_int_equal(look("files"), 0);
    keep();
    assert_int_equal(clear(-1), 1);
    assert_int_equal(look("files"), 0);
}

static void a_folder_that_is_none_is_an_answer(void **state)
{
    struct buf result = {0};
    struct slice error;
    struct err err;

    (void)state;
    folder_mkdir(&folder, "mrlua");
    folder_write(&folder, "mrlua/files", "in the way", 10);
    assert_int_equal(cache_command_look(NULL, NULL, (struct slice){0}, &result, &err), 0);
    assert_true(value_field_table(buf_slice(&result), "error", &error));
    assert_true(value_field_boolean(error, "is_setup", false));
    buf_deinit(&result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, home_set_up, home_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cache_is_told_in_numbers),
        TEST(all_goes_or_what_is_older),
        TEST(a_folder_that_is_none_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
