#include "cli/scratch.h"

#include "cli/functions.h"
#include "cli/kit.h"
#include "folder_of_test.h"

static struct functions functions;
static struct buf args, result;
static struct err err;

static int tear_down(void **state)
{
    functions_deinit(&functions);
    buf_deinit(&args);
    buf_deinit(&result);
    return folder_tear_down(state);
}

/* The folder; free() it. NULL: *err. */
static char *ask(const char *tmp)
{
    buf_clear(&args);
    buf_clear(&result);
    value_write_table_begin(&args);
    field_string(&args, "tmp", tmp);
    value_write_table_end(&args);
    if (scratch_folder(&functions, NULL, buf_slice(&args), &result, &err) != 0)
        return NULL;
    return field_text(buf_slice(&result), "folder");
}

static void it_is_one_folder_and_goes_with_all_that_is_in_it(void **state)
{
    char *first = ask(folder.path), *second = ask(folder.path), path[FOLDER_PATH_BYTES + 8];

    (void)state;
    assert_string_equal(first, second);
    assert_int_equal(strncmp(first, folder.path, strlen(folder.path)), 0);
    snprintf(path, sizeof path, "%s/job-1", first);
    assert_int_equal(mkdir(path, 0700), 0);
    functions_deinit(&functions);
    assert_int_equal(folder_count(&folder), 0);
    free(first);
    free(second);
}

static void where_there_can_be_none_it_says_so(void **state)
{
    (void)state;
    assert_null(ask(folder_path(&folder, "nowhere")));
    assert_non_null(strstr(err.message, "nowhere"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_one_folder_and_goes_with_all_that_is_in_it),
        TEST(where_there_can_be_none_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
