#include "sched/kit.h"

/* Worker 0 with two slots; job 1, with 3 bad records at most, is planned. */
static void begin(struct kit *kit, uint32_t maps, uint32_t samples)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan_sampled(kit, 1, maps, 1, samples);
}

static void task_with_bad_records_is_run_again_at_once_and_not_counted(void **state)
{
    struct kit kit;
    uint64_t first;

    (void)state;
    begin(&kit, 1, 0);
    first = kit_attempt(&kit, STAGE_MAP, 0);
    kit_bad(&kit, first, 2);
    assert_true(kit_attempt(&kit, STAGE_MAP, 0) > first); /* in the same step */
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_reduce(&kit, 0);
    assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
    kit_deinit(&kit);
}

/* Maps and reduces share what may be set aside. */
static void one_bad_record_too_many_ends_the_job(void **state)
{
    struct kit kit;
    uint64_t reduce;

    (void)state;
    begin(&kit, 1, 0);
    kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 1);
    kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_bad(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), 1);
    assert_int_equal(kit.end_count, 0);
    reduce = kit_attempt(&kit, STAGE_REDUCE, 0);
    kit_bad(&kit, reduce, 1);
    assert_int_equal(kit.end_count, 1);
    assert_int_equal(kit.end.status, JOB_FAILED);
    assert_int_equal(kit.end.reason, END_BAD_RECORDS);
    assert_int_equal(kit.end.stage, STAGE_REDUCE);
    assert_int_equal(kit.end.attempt_id, reduce);
    assert_int_equal(kit.end.failure, ERR_JOB);
    kit_deinit(&kit);
}

static void more_at_once_than_are_left_end_the_job(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 1, 0);
    kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 4);
    assert_int_equal(kit.end.reason, END_BAD_RECORDS);
    kit_deinit(&kit);
}

static void job_that_skips_none_ends_at_the_first(void **state)
{
    struct job_rules rules = {.attempts_max = 4};
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 2);
    kit_submit(&kit, 1, &rules);
    kit_plan(&kit, 1, 1, 1);
    kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 1);
    assert_int_equal(kit.end.reason, END_BAD_RECORDS);
    kit_deinit(&kit);
}

/* A record that kills its VM is believed to have done so when it has done it twice. */
static void earlier_failures_of_the_task_are_forgiven(void **state)
{
    struct kit kit;
    struct cause causes[SCHED_FAILURE_COUNT_MAX];

    (void)state;
    begin(&kit, 1, 0);
    for (int i = 0; i < 3; i++) {
        kit_failed(&kit, kit_attempt(&kit, STAGE_MAP, 0), ERR_LIMIT);
        kit_tick(&kit);
        kit_failed(&kit, kit_attempt(&kit, STAGE_MAP, 0), ERR_LIMIT);
        kit_tick(&kit);
        kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 1);
        assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
    }
    for (int i = 0; i < 4; i++) {
        kit_failed(&kit, kit_attempt(&kit, STAGE_MAP, 0), ERR_LIMIT);
        if (i < 3)
            kit_tick(&kit);
    }
    assert_int_equal(kit.end.reason, END_ATTEMPTS);
    assert_int_equal(sched_causes(kit.sched, 1, causes, SCHED_FAILURE_COUNT_MAX), 4);
    kit_deinit(&kit);
}

/* The maps meet what the sample has met, and count it. */
static void what_a_sample_meets_counts_apart(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 1, 1);
    kit_bad(&kit, kit_attempt(&kit, STAGE_SAMPLE, 0), 3);
    kit_done(&kit, kit_attempt(&kit, STAGE_SAMPLE, 0));
    kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 3);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_reduce(&kit, 0);
    assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
    kit_deinit(&kit);
}

static void sample_with_one_too_many_ends_the_job(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 1, 1);
    kit_bad(&kit, kit_attempt(&kit, STAGE_SAMPLE, 0), 3);
    kit_bad(&kit, kit_attempt(&kit, STAGE_SAMPLE, 0), 1);
    assert_int_equal(kit.end.reason, END_BAD_RECORDS);
    assert_int_equal(kit.end.stage, STAGE_SAMPLE);
    kit_deinit(&kit);
}

/* Map 0 stands still on worker 0 and has a second attempt on worker 1. */
static uint64_t back_up(struct kit *kit)
{
    struct sched_options options;
    uint64_t map;

    sched_options_default(&options);
    options.backup = true;
    kit_init(kit, &options);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, 2, 1);
    map = kit_attempt(kit, STAGE_MAP, 0);
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 1));
    kit_join(kit, 1, 2);
    while (kit_attempt(kit, STAGE_MAP, 0) == map)
        kit_tick(kit);
    return map;
}

/* Both would name the same records; who names them first speaks for both. */
static void other_attempt_of_the_task_is_killed_and_counts_nothing_twice(void **state)
{
    for (int newest_speaks = 0; newest_speaks < 2; newest_speaks++) {
        struct kit kit;
        uint64_t older = back_up(&kit), newer = kit_attempt(&kit, STAGE_MAP, 0);
        uint64_t speaks = newest_speaks ? newer : older, stale_count;
        struct event event;

        (void)state;
        kit_bad(&kit, speaks, 3);
        assert_int_equal(kit.killed_count, 1);
        stale_count = sched_stale_count(kit.sched);
        event = kit_from(&kit, EVENT_RECORDS_BAD, newest_speaks ? older : newer);
        event.failure = ERR_JOB;
        event.bad_count = 3;
        kit_step(&kit, &event);
        assert_int_equal(sched_stale_count(kit.sched), stale_count + 1);
        assert_int_equal(kit.end_count, 0);
        kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
        kit_reduce(&kit, 0);
        assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
        kit_deinit(&kit);
    }
}

static void restart_knows_how_many_are_left(void **state)
{
    struct kit kit;
    struct sched *other;
    struct err err;

    (void)state;
    begin(&kit, 1, 0);
    kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 2);
    other = sched_open(&kit.options);
    assert_int_equal(sched_restore(other, kit.facts, kit.fact_count, &err), 0);
    assert_int_equal(sched_hash(other), sched_hash(kit.sched));
    sched_close(kit.sched);
    kit.sched = other;
    for (size_t i = 0; i < kit.attempt_count; i++)
        kit.attempts[i].state = KIT_OVER;
    kit_step(&kit, &(struct event){.kind = EVENT_TICK});
    kit_join_as(&kit, 0, 200, 2);
    kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 2);
    assert_int_equal(kit.end.reason, END_BAD_RECORDS);
    kit_deinit(&kit);
}

/* A journal of something else: the fact does not fit those before it. */
static void facts_that_set_aside_too_many_are_refused(void **state)
{
    struct kit kit;
    struct sched *other;
    struct err err;

    (void)state;
    begin(&kit, 1, 0);
    kit_bad(&kit, kit_attempt(&kit, STAGE_MAP, 0), 3);
    for (uint32_t count = 0; count <= 4; count += 4) {
        for (size_t i = 0; i < kit.fact_count; i++)
            if (kit.facts[i].kind == FACT_RECORDS_BAD)
                kit.facts[i].bad_count = count;
        other = sched_open(&kit.options);
        assert_int_equal(sched_restore(other, kit.facts, kit.fact_count, &err), -1);
        sched_close(other);
    }
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(task_with_bad_records_is_run_again_at_once_and_not_counted),
        cmocka_unit_test(one_bad_record_too_many_ends_the_job),
        cmocka_unit_test(more_at_once_than_are_left_end_the_job),
        cmocka_unit_test(job_that_skips_none_ends_at_the_first),
        cmocka_unit_test(earlier_failures_of_the_task_are_forgiven),
        cmocka_unit_test(what_a_sample_meets_counts_apart),
        cmocka_unit_test(sample_with_one_too_many_ends_the_job),
        cmocka_unit_test(other_attempt_of_the_task_is_killed_and_counts_nothing_twice),
        cmocka_unit_test(restart_knows_how_many_are_left),
        cmocka_unit_test(facts_that_set_aside_too_many_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
