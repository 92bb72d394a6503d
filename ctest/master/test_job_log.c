#include "master/job_log.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static struct job_log job_log;

static int tear_down(void **state)
{
    (void)state;
    job_log_deinit(&job_log);
    return 0;
}

static uint64_t add_numbered(uint64_t epoch, unsigned number)
{
    char text[32];

    snprintf(text, sizeof text, "line %u", number);
    return job_log_add(&job_log, epoch, text);
}

static void what_was_seen_is_left_out(void **state)
{
    uint64_t first = job_log_add(&job_log, 1, "one"), second = job_log_add(&job_log, 1, "two");

    (void)state;
    assert_int_equal(second, first + 1);
    assert_int_equal(job_log_next(&job_log, 0), first);
    assert_string_equal(job_log_line(&job_log, first), "one");
    assert_int_equal(job_log_next(&job_log, first), second);
    assert_string_equal(job_log_line(&job_log, second), "two");
    assert_int_equal(job_log_next(&job_log, second), 0);
    assert_int_equal(job_log_lost(&job_log, 0), 0);
}

static void a_notice_is_none_of_what_the_job_printed(void **state)
{
    uint64_t printed = job_log_add(&job_log, 1, "one");
    uint64_t notice = job_log_add_notice(&job_log, 1, "two");

    (void)state;
    assert_false(job_log_is_notice(&job_log, printed));
    assert_true(job_log_is_notice(&job_log, notice));
    assert_string_equal(job_log_line(&job_log, notice), "two");
    assert_int_equal(job_log.bytes, 6);
}

static void nothing_was_printed(void **state)
{
    (void)state;
    assert_int_equal(job_log_next(&job_log, 0), 0);
    assert_int_equal(job_log_next(&job_log, 77), 0);
    assert_int_equal(job_log_lost(&job_log, 77), 0);
}

static void at_the_limit_the_oldest_goes(void **state)
{
    uint64_t first = add_numbered(1, 0), last = first;

    (void)state;
    for (unsigned i = 1; i < JOB_LOG_LINE_COUNT_MAX; i++)
        last = add_numbered(1, i);
    assert_int_equal(job_log_lost(&job_log, 0), 0);
    assert_int_equal(job_log_next(&job_log, 0), first);
    last = add_numbered(1, JOB_LOG_LINE_COUNT_MAX);
    assert_int_equal(job_log_lost(&job_log, 0), 1);
    assert_int_equal(job_log_lost(&job_log, first), 0); /* it was seen */
    assert_int_equal(job_log_next(&job_log, 0), first + 1);
    assert_string_equal(job_log_line(&job_log, first + 1), "line 1");
    assert_string_equal(job_log_line(&job_log, last), "line 1000");
}

static void long_lines_are_cut_and_push_out_others(void **state)
{
    static char text[JOB_LOG_LINE_BYTES_MAX + 2];
    uint64_t first, last;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    first = job_log_add(&job_log, 1, text);
    assert_int_equal(strlen(job_log_line(&job_log, first)), JOB_LOG_LINE_BYTES_MAX);
    for (int i = 1; i < JOB_LOG_BYTES_MAX / JOB_LOG_LINE_BYTES_MAX; i++)
        job_log_add(&job_log, 1, text);
    assert_int_equal(job_log_lost(&job_log, 0), 0);
    last = job_log_add(&job_log, 1, "short");
    assert_int_equal(job_log_lost(&job_log, 0), 1);
    assert_string_equal(job_log_line(&job_log, last), "short");
}

static void numbers_of_another_life_are_new(void **state)
{
    uint64_t seen = job_log_add(&job_log, 1, "before"), number;

    (void)state;
    job_log_deinit(&job_log); /* the master has ended */
    number = job_log_add(&job_log, 2, "after");
    assert_true(number > seen);
    assert_int_equal(job_log_next(&job_log, seen), number);
    assert_int_equal(job_log_lost(&job_log, seen), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_notice_is_none_of_what_the_job_printed, tear_down),
        cmocka_unit_test_teardown(what_was_seen_is_left_out, tear_down),
        cmocka_unit_test_teardown(nothing_was_printed, tear_down),
        cmocka_unit_test_teardown(at_the_limit_the_oldest_goes, tear_down),
        cmocka_unit_test_teardown(long_lines_are_cut_and_push_out_others, tear_down),
        cmocka_unit_test_teardown(numbers_of_another_life_are_new, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
