#include "master/job_timeline.h"

#include "test.h"

static struct job_timeline timeline;

static int tear_down(void **state)
{
    (void)state;
    job_timeline_deinit(&timeline);
    return 0;
}

static void add(uint64_t attempt_id)
{
    const struct timeline_entry entry = {.attempt_id = attempt_id, .task = 3};

    job_timeline_add(&timeline, &entry);
}

static void an_empty_one_has_nothing(void **state)
{
    (void)state;
    assert_int_equal(timeline.count, 0);
    assert_int_equal(job_timeline_first(&timeline), 0);
}

static void entries_keep_their_numbers_while_it_grows(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < JOB_TIMELINE_COUNT_MAX; i++) {
        add(100 + i);
        assert_int_equal(job_timeline_first(&timeline), 0);
        assert_int_equal(job_timeline_get(&timeline, i / 2)->attempt_id, 100 + i / 2);
    }
}

static void the_newest_are_kept_when_it_is_full(void **state)
{
    const uint64_t count = 3 * JOB_TIMELINE_COUNT_MAX + 1;

    (void)state;
    for (uint64_t i = 0; i < count; i++)
        add(i);
    assert_int_equal(timeline.count, count);
    assert_int_equal(timeline.capacity, JOB_TIMELINE_COUNT_MAX);
    assert_int_equal(job_timeline_first(&timeline), count - JOB_TIMELINE_COUNT_MAX);
    for (uint64_t i = job_timeline_first(&timeline); i < count; i++)
        assert_int_equal(job_timeline_get(&timeline, i)->attempt_id, i);
}

static void an_attempt_is_found_as_long_as_it_is_kept(void **state)
{
    (void)state;
    assert_null(job_timeline_find(&timeline, 1));
    for (uint64_t i = 1; i <= JOB_TIMELINE_COUNT_MAX + 1; i++)
        add(i);
    assert_null(job_timeline_find(&timeline, 1));
    assert_int_equal(job_timeline_find(&timeline, 2)->attempt_id, 2);
    assert_int_equal(job_timeline_find(&timeline, JOB_TIMELINE_COUNT_MAX + 1)->task, 3);
    assert_null(job_timeline_find(&timeline, JOB_TIMELINE_COUNT_MAX + 2));
}

static void facts_say_how_an_attempt_ended(void **state)
{
    struct fact facts[] = {{.kind = FACT_ATTEMPT_ENDED, .job_id = 1},
                           {.kind = FACT_TASK_COMPLETED, .job_id = 1}};
    enum attempt_outcome outcome;

    (void)state;
    assert_true(attempt_outcome_of(&facts[1], NULL, &outcome));
    assert_int_equal(outcome, OUTCOME_COMPLETED);
    assert_true(attempt_outcome_of(&facts[0], NULL, &outcome));
    assert_int_equal(outcome, OUTCOME_GIVEN_UP);
    assert_true(attempt_outcome_of(&facts[0], &facts[1], &outcome));
    assert_int_equal(outcome, OUTCOME_LOST_RACE);
    facts[0].failure = ERR_JOB;
    assert_true(attempt_outcome_of(&facts[0], &facts[1], &outcome));
    assert_int_equal(outcome, OUTCOME_FAILED);
    facts[0].kind = FACT_ATTEMPT_STARTED;
    assert_false(attempt_outcome_of(&facts[0], NULL, &outcome));
}

static void outcomes_have_names(void **state)
{
    (void)state;
    assert_string_equal(attempt_outcome_name(OUTCOME_COMPLETED), "completed");
    assert_string_equal(attempt_outcome_name(OUTCOME_WORKER_LOST), "worker_lost");
    assert_string_equal(attempt_outcome_name(OUTCOME_LOST_RACE), "lost_race");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_empty_one_has_nothing, tear_down),
        cmocka_unit_test_teardown(facts_say_how_an_attempt_ended, tear_down),
        cmocka_unit_test_teardown(entries_keep_their_numbers_while_it_grows, tear_down),
        cmocka_unit_test_teardown(the_newest_are_kept_when_it_is_full, tear_down),
        cmocka_unit_test_teardown(an_attempt_is_found_as_long_as_it_is_kept, tear_down),
        cmocka_unit_test_teardown(outcomes_have_names, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
