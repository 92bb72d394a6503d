#include "sched/kit.h"

/* Worker 0 with two slots, job 1 planned. */
static void begin(struct kit *kit, uint32_t maps, uint32_t reduces)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, maps, reduces);
}

static void lost_maps_run_again_only_if_a_reduce_needs_them(void **state)
{
    struct kit kit;
    uint64_t reduce;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 1, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    reduce = kit_attempt(&kit, STAGE_REDUCE, 0);
    kit_fetched(&kit, reduce); /* it holds its input now */
    kit_join(&kit, 1, 1);      /* somebody is free */
    kit_step(&kit, &(struct event){.kind = EVENT_OUTPUT_LOST,
                                   .job_id = 1,
                                   .peer_task = 0,
                                   .peer_attempt_id = kit_output_of(&kit, 0)});
    assert_int_equal(kit_output_of(&kit, 0), 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].idle_count, 1);
    /* When that reduce fails, the map is needed after all. */
    kit_failed(&kit, reduce, ERR_DISK);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 1);
    kit_deinit(&kit);
}

static void one_worker_with_one_slot_finishes_after_a_lost_output(void **state)
{
    struct kit kit;
    uint64_t reduce;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 2, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 1));
    reduce = kit_attempt(&kit, STAGE_REDUCE, 0);
    kit_step(&kit, &(struct event){.kind = EVENT_OUTPUT_LOST,
                                   .job_id = 1,
                                   .peer_task = 1,
                                   .peer_attempt_id = kit_output_of(&kit, 1)});
    assert_int_equal(kit.forgotten_count, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 1)); /* while the reduce goes on fetching */
    assert_int_equal(kit_attempt(&kit, STAGE_REDUCE, 0), reduce);
    kit_reduce(&kit, 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_COMMIT, 0));
    assert_int_equal(kit.end.status, JOB_SUCCEEDED);
    kit_deinit(&kit);
}

static void fetches_hold_no_slot_and_are_as_many_as_slots(void **state)
{
    struct kit kit;
    uint64_t first, second;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 1, 3);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    first = kit_attempt(&kit, STAGE_REDUCE, 0);
    assert_int_equal(kit_attempt(&kit, STAGE_REDUCE, 1), 0);
    kit_fetched(&kit, first);
    assert_int_equal(kit_find(&kit, first)->state, KIT_GRANTED);
    /* The first has a slot now, so the second may fetch; then it waits. */
    second = kit_attempt(&kit, STAGE_REDUCE, 1);
    kit_fetched(&kit, second);
    assert_int_equal(kit_find(&kit, second)->state, KIT_STARTED);
    assert_int_equal(kit_attempt(&kit, STAGE_REDUCE, 2), 0);
    kit_done(&kit, first);
    assert_int_equal(kit_find(&kit, second)->state, KIT_GRANTED);
    kit_deinit(&kit);
}

static void fetches_may_begin_before_all_maps_are_done(void **state)
{
    struct sched_options options;
    struct kit kit;
    uint64_t reduce;

    (void)state;
    sched_options_default(&options);
    options.fetch_start_percent = 50;
    kit_init(&kit, &options);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 2, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    reduce = kit_attempt(&kit, STAGE_REDUCE, 0);
    assert_true(reduce != 0);
    kit_fetched(&kit, reduce); /* it cannot hold what was never made */
    assert_int_equal(sched_stale_count(kit.sched), 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 1));
    kit_reduce(&kit, 0);
    kit_deinit(&kit);
}

static void jobs_are_served_in_order(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 3, 1);
    kit_submit(&kit, 2, NULL);
    kit_plan(&kit, 2, 3, 1);
    kit_done(&kit, kit_attempt_of(&kit, 1, STAGE_MAP, 0));
    assert_int_equal(kit_attempt_of(&kit, 2, STAGE_MAP, 0), 0);
    assert_true(kit_attempt_of(&kit, 1, STAGE_MAP, 2) != 0);
    kit_done(&kit, kit_attempt_of(&kit, 1, STAGE_MAP, 1));
    assert_true(kit_attempt_of(&kit, 2, STAGE_MAP, 0) != 0);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_maps_run_again_only_if_a_reduce_needs_them),
        cmocka_unit_test(one_worker_with_one_slot_finishes_after_a_lost_output),
        cmocka_unit_test(fetches_hold_no_slot_and_are_as_many_as_slots),
        cmocka_unit_test(fetches_may_begin_before_all_maps_are_done),
        cmocka_unit_test(jobs_are_served_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
