#include "cli/fs_parallel.h"

#include "test.h"

#include <string.h>
#include <unistd.h>

/* Of a hundred items: those below 5 fail, odd ones had nothing to do, 99 dies if asked to. */
static int one(void *context, struct gcs *gcs, size_t index, struct fs_meter *meter,
               struct err *err)
{
    (void)gcs;
    if (index == 99 && context)
        _exit(3);
    if (index < 5)
        return err_set(err, ERR_RETRY, "item %zu", index);
    fs_meter_add(meter, index);
    return index % 2 == 0;
}

static void count_calls(void *context, const struct fs_result *so_far)
{
    (void)so_far;
    ++*(int *)context;
}

static void every_item_is_done_once_and_failures_are_kept(void **state)
{
    struct fs_work work = {.one = one};
    struct fs_result result;
    struct err err;

    (void)state;
    assert_int_equal(fs_parallel(100, FS_PROCESS_COUNT, &work, &result, &err), 0);
    assert_int_equal(result.done_count, 47);
    assert_int_equal(result.skipped_count, 48);
    assert_int_equal(result.error_count, 5);
    assert_int_equal(result.bytes, 99 * 100 / 2 - 10);
    for (int i = 0; i < 5; i++)
        assert_non_null(strstr(result.errors[i].message, "item "));
}

static void a_process_that_dies_is_an_error(void **state)
{
    int calls = 0;
    struct fs_work work = {
        .one = one, .context = "dies", .told = count_calls, .told_context = &calls};
    struct fs_result result;
    struct err err;

    (void)state;
    assert_int_equal(fs_parallel(100, 3, &work, &result, &err), -1);
    assert_string_equal(err.message, "a process that copied died");
    assert_true(calls > 0);
}

static void no_items_need_no_process(void **state)
{
    struct fs_work work = {.one = one};
    struct fs_result result;
    struct err err;

    (void)state;
    assert_int_equal(fs_parallel(0, FS_PROCESS_COUNT, &work, &result, &err), 0);
    assert_int_equal(result.done_count, 0);
}

static int refuse(void *context, struct gcs *gcs, size_t index, struct fs_meter *meter,
                  struct err *err)
{
    (void)context, (void)gcs, (void)meter;
    return err_set(err, ERR_RETRY, "item %zu", index);
}

static void failures_beyond_the_limit_are_counted(void **state)
{
    struct fs_work work = {.one = refuse};
    struct fs_result result;
    struct err err;

    (void)state;
    assert_int_equal(fs_parallel(FS_ERRORS_MAX + 1, 2, &work, &result, &err), 0);
    assert_int_equal(result.error_count, FS_ERRORS_MAX + 1);
    assert_non_null(strstr(result.errors[FS_ERRORS_MAX - 1].message, "item "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_done_once_and_failures_are_kept),
        cmocka_unit_test(a_process_that_dies_is_an_error),
        cmocka_unit_test(no_items_need_no_process),
        cmocka_unit_test(failures_beyond_the_limit_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
