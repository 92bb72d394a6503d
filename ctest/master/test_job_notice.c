#include "master/job_notice.h"

#include "test.h"

static struct buf text;

static int tear_down(void **state)
{
    (void)state;
    buf_deinit(&text);
    return 0;
}

static void a_retry_names_its_task_and_why(void **state)
{
    struct fact fact = {.stage = STAGE_REDUCE, .task = 7};
    struct job_fault fault = {.attempt_id = 1};

    (void)state;
    err_set(&fault.err, ERR_DISK, "write /tmp/x: No space left on device");
    job_notice_retry(&fact, &(struct job_notice_of){.worker = "w3"}, &fault, &text);
    assert_string_equal(buf_string(&text), "mrlua: reduce 7, on worker w3, is tried again: "
                                           "write /tmp/x: No space left on device");
}

static void what_there_is_one_of_has_no_number(void **state)
{
    struct fact fact = {.stage = STAGE_COMMIT};

    (void)state;
    job_notice_retry(&fact, &(struct job_notice_of){0}, NULL, &text);
    assert_string_equal(buf_string(&text), "mrlua: commit is tried again: nothing was heard of it");
    buf_clear(&text);
    fact.stage = STAGE_PLAN;
    job_notice_retry(&fact, &(struct job_notice_of){.is_driver = true}, NULL, &text);
    assert_string_equal(buf_string(&text),
                        "mrlua: the driver is tried again: nothing was heard of it");
}

static void a_task_of_a_step_is_called_by_its_step(void **state)
{
    struct fact fact = {.stage = STAGE_MAP, .task = 3};

    (void)state;
    job_notice_retry(&fact, &(struct job_notice_of){.step = 2}, NULL, &text);
    assert_string_equal(buf_string(&text),
                        "mrlua: step 2, map 3 is tried again: nothing was heard of it");
}

static void a_lost_worker_had_something(void **state)
{
    (void)state;
    job_notice_worker_lost("w3", 1, 20, &text);
    assert_string_equal(buf_string(&text),
                        "mrlua: lost worker w3, with 1 attempt and 20 outputs of "
                        "this job: they run again where they are needed");
}

static void only_a_failure_that_its_job_survives_is_a_retry(void **state)
{
    struct fact facts[] = {{.kind = FACT_ATTEMPT_ENDED, .job_id = 2, .failure = ERR_LIMIT},
                           {.kind = FACT_ATTEMPT_ENDED, .job_id = 2},
                           {.kind = FACT_JOB_ENDED, .job_id = 3}};

    (void)state;
    assert_true(job_notice_is_retry(facts, 3));
    assert_false(job_notice_is_retry(facts + 1, 2)); /* given up */
    facts[2].job_id = 2;
    assert_false(job_notice_is_retry(facts, 3));
    assert_true(job_notice_is_retry(facts, 2));
    facts[0].kind = FACT_RECORDS_BAD;
    assert_false(job_notice_is_retry(facts, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_retry_names_its_task_and_why, tear_down),
        cmocka_unit_test_teardown(what_there_is_one_of_has_no_number, tear_down),
        cmocka_unit_test_teardown(a_task_of_a_step_is_called_by_its_step, tear_down),
        cmocka_unit_test_teardown(a_lost_worker_had_something, tear_down),
        cmocka_unit_test_teardown(only_a_failure_that_its_job_survives_is_a_retry, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
