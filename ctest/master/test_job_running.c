#include "master/job_running.h"

#include "test.h"

static void of_a_tasks_attempts_the_furthest_counts(void **state)
{
    struct job_running all[] = {
        {.task = 7, .fraction = 0.25, .records = 1}, {.task = 2, .fraction = 0.5, .records = 2},
        {.task = 7, .fraction = 0.75, .records = 3}, {.task = 2, .fraction = 0.25, .records = 4},
        {.task = 9, .fraction = 0, .records = 5},
    };

    (void)state;
    assert_int_equal(job_running_furthest(all, 5), 3);
    assert_int_equal(all[0].task, 2);
    assert_int_equal(all[0].records, 2);
    assert_int_equal(all[1].task, 7);
    assert_int_equal(all[1].records, 3);
    assert_int_equal(all[2].task, 9);
}

static void two_that_are_as_far_count_once(void **state)
{
    struct job_running all[] = {{.task = 1, .fraction = 1}, {.task = 1, .fraction = 1}};

    (void)state;
    assert_int_equal(job_running_furthest(all, 2), 1);
}

static void of_none_none_is_left(void **state)
{
    (void)state;
    assert_int_equal(job_running_furthest(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_tasks_attempts_the_furthest_counts),
        cmocka_unit_test(two_that_are_as_far_count_once),
        cmocka_unit_test(of_none_none_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
