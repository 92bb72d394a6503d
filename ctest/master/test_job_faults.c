#include "master/job_faults.h"

#include "test.h"

#include <string.h>

static struct job_faults faults;
static struct err err;
static struct buf detail;

static int set_up(void **state)
{
    (void)state;
    faults = (struct job_faults){0};
    detail = (struct buf){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    job_faults_deinit(&faults);
    buf_deinit(&detail);
    return 0;
}

static void add(uint64_t attempt_id, enum err_kind kind, const char *message, const char *text)
{
    struct err fault;

    err_set(&fault, kind, "%s", message);
    job_faults_add(&faults, attempt_id, &fault, text);
}

static void explain(enum end_reason reason, uint64_t attempt_id, size_t cause_count)
{
    struct job_progress progress = {.status = JOB_FAILED,
                                    .reason = reason,
                                    .stage = STAGE_MAP,
                                    .task = 3,
                                    .attempt_id = attempt_id,
                                    .failure = ERR_LIMIT};
    struct cause causes[8] = {0};

    for (size_t i = 0; i < cause_count; i++) /* newest first */
        causes[i] = (struct cause){.attempt_id = attempt_id - i, .failure = ERR_LIMIT};
    assert_int_equal(job_faults_explain(&faults, &progress, causes, cause_count, &err, &detail),
                     -1);
}

static void a_fault_that_ends_the_job_is_told_as_it_was(void **state)
{
    (void)state;
    add(1, ERR_LIMIT, "too slow", NULL);
    add(2, ERR_JOB, "job.lua:1: boom", "stack traceback\n");
    explain(END_FAULT, 2, 1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, "job.lua:1: boom");
    assert_string_equal(buf_string(&detail), "stack traceback\n");
}

static void attempts_that_failed_alike_are_told_once(void **state)
{
    (void)state;
    add(1, ERR_LIMIT, "too slow", "");
    add(2, ERR_LIMIT, "too slow", "at byte 7\n");
    explain(END_ATTEMPTS, 2, 2);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.message, "too slow (map 3 failed 2 times)");
    assert_string_equal(buf_string(&detail), "at byte 7\n");
}

static void attempts_that_failed_differently_are_all_told(void **state)
{
    (void)state;
    add(1, ERR_RETRY, "gone", "");
    add(2, ERR_LIMIT, "too large", "");
    add(3, ERR_LIMIT, "too slow", "at byte 7\n");
    explain(END_FAILURES, 3, 3);
    assert_string_equal(err.message, "too slow (map 3 failed 3 times)");
    assert_string_equal(buf_string(&detail),
                        "at byte 7\nbefore that: too large\nbefore that: gone\n");
}

static void one_attempt_is_not_counted(void **state)
{
    (void)state;
    add(1, ERR_LIMIT, "too slow", "");
    explain(END_ATTEMPTS, 1, 1);
    assert_string_equal(err.message, "too slow");
}

static void the_newest_faults_are_kept(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= JOB_FAULT_COUNT_MAX + 5; i++)
        add(i, ERR_RETRY, "gone", "a detail to be freed");
    assert_int_equal(faults.count, JOB_FAULT_COUNT_MAX);
    explain(END_FAULT, JOB_FAULT_COUNT_MAX + 5, 1);
    assert_string_equal(err.message, "gone");
    explain(END_FAULT, 2, 1); /* forgotten: said without its words */
    assert_string_equal(err.message, "map 3 failed (limit)");
}

static void what_no_attempt_says_is_said(void **state)
{
    (void)state;
    explain(END_NOT_DETERMINISTIC, 0, 0);
    assert_int_equal(err.kind, ERR_JOB);
    assert_non_null(strstr(err.message, "map 3 is not deterministic"));
    explain(END_AUDIT, 0, 0);
    assert_non_null(strstr(err.message, "not committed"));
    explain(END_CANCELLED, 0, 0);
    assert_string_equal(err.message, "cancelled");
}

static void a_fault_is_found_by_its_attempt_as_long_as_it_is_kept(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= JOB_FAULT_COUNT_MAX + 1; id++)
        add(id, ERR_DISK, id == 2 ? "the second" : "another", NULL);
    assert_null(job_faults_find(&faults, 1));
    assert_string_equal(job_faults_find(&faults, 2)->err.message, "the second");
    assert_null(job_faults_find(&faults, JOB_FAULT_COUNT_MAX + 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fault_that_ends_the_job_is_told_as_it_was, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(attempts_that_failed_alike_are_told_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(attempts_that_failed_differently_are_all_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_attempt_is_not_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_faults_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_no_attempt_says_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fault_is_found_by_its_attempt_as_long_as_it_is_kept,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
