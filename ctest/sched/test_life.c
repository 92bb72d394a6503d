#include "test.h"

#include "sched/life.h"

enum { ANYWHERE = (1 << OUTPUT_HOME_COUNT) - 1 };

/* The whole table of tasks: what is not in this list is refused. */
static void task_table_is_as_drawn(void **state)
{
    static const struct {
        enum task_state from;
        enum task_change change;
        unsigned homes; /* bits; where the output may be */
        enum task_state to;
    } ARROWS[] = {
        {TASK_IDLE, TASK_STARTED, ANYWHERE, TASK_IN_PROGRESS},
        {TASK_IN_PROGRESS, TASK_ENDED, ANYWHERE, TASK_IDLE},
        {TASK_IN_PROGRESS, TASK_ANSWERED, ANYWHERE, TASK_COMPLETED},
        {TASK_IN_PROGRESS, TASK_BACKED_UP, ANYWHERE, TASK_IN_PROGRESS},
        {TASK_IN_PROGRESS, TASK_ONE_ENDED, ANYWHERE, TASK_IN_PROGRESS},
        {TASK_COMPLETED, TASK_OUTPUT_LOST, ANYWHERE & ~(1U << OUTPUT_WITH_MASTER), TASK_IDLE},
        {TASK_IDLE, TASK_OUTPUT_FOUND, 1U << OUTPUT_ON_WORKER, TASK_COMPLETED},
    };
    int allowed = 0, drawn = 0;

    (void)state;
    for (int from = 0; from < TASK_STATE_COUNT; from++)
        for (int change = 0; change < TASK_CHANGE_COUNT; change++)
            for (int home = 0; home < OUTPUT_HOME_COUNT; home++) {
                enum task_state now = (enum task_state)from;
                bool can = task_next(&now, (enum task_change)change, (enum output_home)home);

                allowed += can;
                assert_true(can || (int)now == from);
            }
    for (size_t i = 0; i < sizeof ARROWS / sizeof ARROWS[0]; i++)
        for (int home = 0; home < OUTPUT_HOME_COUNT; home++) {
            enum task_state now = ARROWS[i].from;
            bool may = ARROWS[i].homes & (1U << home);

            drawn += may;
            assert_int_equal(task_next(&now, ARROWS[i].change, (enum output_home)home), may);
            assert_int_equal(now, may ? ARROWS[i].to : ARROWS[i].from);
        }
    assert_int_equal(allowed, drawn);
}

static void attempt_goes_forward_only(void **state)
{
    enum attempt_phase phase = ATTEMPT_FETCHING;

    (void)state;
    assert_false(attempt_next(&phase, ATTEMPT_IS_DONE));
    assert_false(attempt_next(&phase, ATTEMPT_WAS_GIVEN_SLOT));
    assert_true(attempt_next(&phase, ATTEMPT_HAS_FETCHED));
    assert_false(attempt_next(&phase, ATTEMPT_HAS_FETCHED));
    assert_false(attempt_next(&phase, ATTEMPT_IS_DONE)); /* no slot, no result */
    assert_true(attempt_next(&phase, ATTEMPT_WAS_GIVEN_SLOT));
    assert_false(attempt_next(&phase, ATTEMPT_HAS_FETCHED));
    assert_false(attempt_next(&phase, ATTEMPT_WAS_GIVEN_SLOT));
    assert_true(attempt_next(&phase, ATTEMPT_IS_DONE));
}

static void worker_that_never_left_does_not_join(void **state)
{
    enum worker_state worker = WORKER_GONE;

    (void)state;
    assert_false(worker_next(&worker, WORKER_LEAVES));
    assert_false(worker_next(&worker, WORKER_REPLACED));
    assert_true(worker_next(&worker, WORKER_JOINS));
    assert_false(worker_next(&worker, WORKER_JOINS));
    assert_true(worker_next(&worker, WORKER_REPLACED));
    assert_int_equal(worker, WORKER_UP);
    assert_true(worker_next(&worker, WORKER_LEAVES));
    assert_int_equal(worker, WORKER_GONE);
    assert_false(worker_next(&worker, WORKER_IS_CUT));
    worker = WORKER_AWAITED;
    assert_false(worker_next(&worker, WORKER_IS_CUT));
    assert_true(worker_next(&worker, WORKER_LEAVES));
    worker = WORKER_AWAITED;
    assert_true(worker_next(&worker, WORKER_JOINS));
    assert_int_equal(worker, WORKER_UP);
}

static void worker_that_is_cut_comes_back_or_leaves(void **state)
{
    enum worker_state worker = WORKER_UP;

    (void)state;
    assert_true(worker_next(&worker, WORKER_IS_CUT));
    assert_int_equal(worker, WORKER_CUT);
    assert_false(worker_next(&worker, WORKER_IS_CUT));
    assert_true(worker_next(&worker, WORKER_JOINS));
    assert_int_equal(worker, WORKER_UP);
    assert_true(worker_next(&worker, WORKER_IS_CUT));
    assert_true(worker_next(&worker, WORKER_REPLACED));
    assert_int_equal(worker, WORKER_UP);
    assert_true(worker_next(&worker, WORKER_IS_CUT));
    assert_true(worker_next(&worker, WORKER_LEAVES));
    assert_int_equal(worker, WORKER_GONE);
}

static void job_ends_once(void **state)
{
    (void)state;
    for (int status = JOB_SUCCEEDED; status < JOB_STATUS_COUNT; status++)
        for (int change = 0; change < JOB_CHANGE_COUNT; change++) {
            enum job_status now = (enum job_status)status;

            assert_false(job_next(&now, (enum job_change)change));
            assert_int_equal(now, status);
        }
}

static void job_commits_only_after_its_data(void **state)
{
    enum job_status status = JOB_PLANNING;

    (void)state;
    assert_false(job_next(&status, JOB_DATA_DONE));
    assert_false(job_next(&status, JOB_COMMITTED));
    assert_true(job_next(&status, JOB_PLAN_MADE));
    assert_false(job_next(&status, JOB_PLAN_MADE));
    assert_false(job_next(&status, JOB_COMMITTED));
    assert_true(job_next(&status, JOB_DATA_DONE));
    assert_true(job_next(&status, JOB_COMMITTED));
    assert_int_equal(status, JOB_SUCCEEDED);
}

/* A part was gone when the commit came to it. */
static void job_commits_again_when_its_data_is_there_again(void **state)
{
    enum job_status status = JOB_RUNNING;

    (void)state;
    assert_false(job_next(&status, JOB_DATA_LOST));
    assert_true(job_next(&status, JOB_DATA_DONE));
    assert_true(job_next(&status, JOB_DATA_LOST));
    assert_int_equal(status, JOB_RUNNING);
    assert_false(job_next(&status, JOB_COMMITTED));
    assert_true(job_next(&status, JOB_DATA_DONE));
    assert_true(job_next(&status, JOB_COMMITTED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(task_table_is_as_drawn),
        cmocka_unit_test(attempt_goes_forward_only),
        cmocka_unit_test(worker_that_never_left_does_not_join),
        cmocka_unit_test(worker_that_is_cut_comes_back_or_leaves),
        cmocka_unit_test(job_ends_once),
        cmocka_unit_test(job_commits_only_after_its_data),
        cmocka_unit_test(job_commits_again_when_its_data_is_there_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
