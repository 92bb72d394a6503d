#include "test.h"

#include "base/clock.h"
#include "sched/blame.h"

static const struct job_rules SAFE = {.attempts_max = 4};
static const struct job_rules UNSAFE = {.attempts_max = 4, .unsafe = true};

static void raised_errors_and_bad_input_end_a_job_at_once(void **state)
{
    (void)state;
    assert_int_equal(blame_verdict(&SAFE, true, ERR_JOB, 1, 1), END_FAULT);
    assert_int_equal(blame_verdict(&SAFE, true, ERR_INPUT, 1, 1), END_FAULT);
    assert_int_equal(blame_verdict(&SAFE, true, ERR_SETUP, 1, 1), END_FAULT);
}

static void unsafe_code_is_tried_again_but_not_our_own(void **state)
{
    (void)state;
    assert_int_equal(blame_verdict(&UNSAFE, true, ERR_JOB, 3, 3), END_NONE);
    assert_int_equal(blame_verdict(&UNSAFE, true, ERR_JOB, 4, 4), END_ATTEMPTS);
    assert_int_equal(blame_verdict(&UNSAFE, false, ERR_INPUT, 1, 1), END_FAULT);
}

static void limits_are_tried_attempts_times(void **state)
{
    (void)state;
    assert_int_equal(blame_verdict(&SAFE, true, ERR_LIMIT, 3, 3), END_NONE);
    assert_int_equal(blame_verdict(&SAFE, true, ERR_LIMIT, 4, 4), END_ATTEMPTS);
}

/* I11: four failures of the network are not a fault of the job, unsafe or not. */
static void the_world_is_not_the_job(void **state)
{
    static const enum err_kind WORLD[] = {ERR_RETRY, ERR_DISK, ERR_PEER};

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_false(blame_is_on_job(WORLD[i]));
        assert_int_equal(blame_verdict(&UNSAFE, true, WORLD[i], 0, 29), END_NONE);
        assert_int_equal(blame_verdict(&SAFE, true, WORLD[i], 3, 29), END_NONE);
        assert_int_equal(blame_verdict(&SAFE, true, WORLD[i], 0, 30), END_FAILURES);
    }
}

static void delay_doubles_up_to_its_bound(void **state)
{
    struct sched_options options;

    (void)state;
    sched_options_default(&options);
    assert_int_equal(blame_delay_ns_max(&options, 1), 100 * NS_PER_MS);
    assert_int_equal(blame_delay_ns_max(&options, 3), 400 * NS_PER_MS);
    assert_int_equal(blame_delay_ns_max(&options, 30), 30 * NS_PER_S);
    assert_int_equal(blame_delay_ns_max(&options, UINT32_MAX), 30 * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raised_errors_and_bad_input_end_a_job_at_once),
        cmocka_unit_test(unsafe_code_is_tried_again_but_not_our_own),
        cmocka_unit_test(limits_are_tried_attempts_times),
        cmocka_unit_test(the_world_is_not_the_job),
        cmocka_unit_test(delay_doubles_up_to_its_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
