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
    kit_fetched(&kit, reduce); /* from a map that has not been heard of */
    assert_int_equal(kit_find(&kit, reduce)->state, KIT_STARTED);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 1));
    assert_int_equal(kit_find(&kit, reduce)->state, KIT_GRANTED);
    kit_done(&kit, reduce);
    assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
    kit_deinit(&kit);
}

static void jobs_are_served_in_order_on_request(void **state)
{
    struct sched_options options;
    struct kit kit;

    (void)state;
    sched_options_default(&options);
    options.order = SCHED_FIFO;
    kit_init(&kit, &options);
    kit_join(&kit, 0, 2);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 3, 1);
    kit_submit(&kit, 2, NULL);
    kit_plan(&kit, 2, 3, 1);
    kit_done(&kit, kit_attempt_of(&kit, 1, STAGE_MAP, 0));
    assert_int_equal(kit_attempt_of(&kit, 2, STAGE_MAP, 0), 0);
    assert_true(kit_attempt_of(&kit, 1, STAGE_MAP, 2) != 0);
    kit_done(&kit, kit_attempt_of(&kit, 1, STAGE_MAP, 1));
    assert_true(kit_attempt_of(&kit, 2, STAGE_MAP, 0) != 0);
    kit_deinit(&kit);
}

/* The later job has fetched, and the first one needs the slot for a map that was lost. */
static void order_holds_for_what_has_fetched_too(void **state)
{
    struct sched_options options;
    struct kit kit;
    uint64_t reduce, later;

    (void)state;
    sched_options_default(&options);
    options.order = SCHED_FIFO;
    kit_init(&kit, &options);
    kit_join(&kit, 0, 1);
    for (uint64_t job = 1; job <= 2; job++) {
        kit_submit(&kit, job, NULL);
        kit_plan(&kit, job, 1, 1);
    }
    kit_done(&kit, kit_attempt_of(&kit, 1, STAGE_MAP, 0));
    reduce = kit_attempt_of(&kit, 1, STAGE_REDUCE, 0);
    kit_fetched(&kit, reduce); /* while a map of the later job has the slot */
    kit_done(&kit, kit_attempt_of(&kit, 2, STAGE_MAP, 0));
    assert_int_equal(kit_find(&kit, reduce)->state, KIT_GRANTED);
    later = kit_attempt_of(&kit, 2, STAGE_REDUCE, 0);
    kit_fetched(&kit, later);
    kit_failed_peer(&kit, reduce, 0, kit_output_of(&kit, 0));
    assert_true(kit_attempt_of(&kit, 1, STAGE_MAP, 0) != 0);
    assert_int_equal(kit_find(&kit, later)->state, KIT_STARTED);
    kit_drive_to_end(&kit, 2);
    kit_deinit(&kit);
}

/* Ends whatever map of any job runs; returns how many slots job 1 has then. */
static uint32_t slots_of_first_job_after_turns(struct kit *kit, uint32_t turns)
{
    uint32_t count = 0;

    for (uint32_t turn = 0; turn < turns; turn++)
        for (size_t i = 0; i < kit->attempt_count; i++) {
            const struct kit_attempt *attempt = &kit->attempts[i];

            if (attempt->state != KIT_OVER && attempt->start.stage == STAGE_MAP) {
                kit_done(kit, attempt->start.attempt_id);
                break; /* the oldest */
            }
        }
    for (size_t i = 0; i < kit->attempt_count; i++)
        count += kit->attempts[i].start.job_id == 1 && kit->attempts[i].state != KIT_OVER;
    return count;
}

/* Job 1 has all eight slots when job 2 comes, with rules of its own. */
static void begin_two(struct kit *kit, const struct job_rules *rules)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 8);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, 100, 1);
    kit_submit(kit, 2, rules);
    kit_plan(kit, 2, 100, 1);
}

static void jobs_share_the_slots_by_default(void **state)
{
    struct kit kit;

    (void)state;
    begin_two(&kit, NULL);
    assert_int_equal(slots_of_first_job_after_turns(&kit, 0), 8); /* nothing is taken away */
    assert_int_equal(slots_of_first_job_after_turns(&kit, 4), 4);
    assert_int_equal(slots_of_first_job_after_turns(&kit, 20), 4);
    kit_deinit(&kit);
}

static void weights_are_shares(void **state)
{
    struct job_rules rules = {.attempts_max = 4, .weight = 3};
    struct kit kit;

    (void)state;
    begin_two(&kit, &rules);
    assert_int_equal(slots_of_first_job_after_turns(&kit, 40), 2); /* 1 : 3 */
    kit_deinit(&kit);
}

static void higher_priority_goes_first_and_stops_nobody(void **state)
{
    struct job_rules rules = {.attempts_max = 4, .priority = 1};
    struct kit kit;

    (void)state;
    begin_two(&kit, &rules);
    assert_int_equal(slots_of_first_job_after_turns(&kit, 1), 7);
    assert_int_equal(slots_of_first_job_after_turns(&kit, 7), 0);
    assert_int_equal(slots_of_first_job_after_turns(&kit, 30), 0);
    kit_deinit(&kit);
}

/* A job with many reduces does not keep the maps of another one waiting. */
static void fetched_reduce_waits_for_the_maps_of_a_job_with_less(void **state)
{
    struct kit kit;
    uint64_t first, second;

    (void)state;
    begin(&kit, 1, 3);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    first = kit_attempt(&kit, STAGE_REDUCE, 0);
    second = kit_attempt(&kit, STAGE_REDUCE, 1);
    kit_fetched(&kit, first);
    kit_fetched(&kit, second);
    kit_fetched(&kit, kit_attempt(&kit, STAGE_REDUCE, 2)); /* both slots are taken */
    kit_submit(&kit, 2, NULL);
    kit_plan(&kit, 2, 2, 1);
    kit_done(&kit, first);
    assert_true(kit_attempt_of(&kit, 2, STAGE_MAP, 0) != 0);
    assert_int_equal(kit_find(&kit, kit_attempt(&kit, STAGE_REDUCE, 2))->state, KIT_STARTED);
    kit_done(&kit, second); /* none each: the reduce was there first */
    assert_int_equal(kit_find(&kit, kit_attempt(&kit, STAGE_REDUCE, 2))->state, KIT_GRANTED);
    kit_deinit(&kit);
}

/* A worker, and a job of two maps that is sampled first. */
static void begin_sampled(struct kit *kit, uint32_t slots)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, slots);
    kit_submit(kit, 1, NULL);
    kit_plan_sampled(kit, 1, 2, 1, 1);
}

static void maps_wait_for_the_sample_they_need(void **state)
{
    struct kit kit;

    (void)state;
    begin_sampled(&kit, 2);
    assert_true(kit_attempt(&kit, STAGE_SAMPLE, 0) != 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 0);
    kit_failed(&kit, kit_attempt(&kit, STAGE_SAMPLE, 0), ERR_RETRY);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 0);
    kit_tick_after(&kit, kit.options.retry_delay_ns_min);
    kit_done(&kit, kit_attempt(&kit, STAGE_SAMPLE, 0));
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 2);
    kit_drive_to_end(&kit, 1);
    kit_deinit(&kit);
}

/* The slot is taken by the job whose turn it is, with what it has for it. */
static void a_sample_takes_its_turn_among_the_maps_of_others(void **state)
{
    struct job_rules urgent = {.attempts_max = 4, .priority = 1};
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 3, 1);
    kit_submit(&kit, 2, &urgent);
    kit_plan_sampled(&kit, 2, 1, 1, 1);
    assert_int_equal(kit_attempt_of(&kit, 2, STAGE_SAMPLE, 0), 0); /* the slot is in use */
    kit_done(&kit, kit_attempt_of(&kit, 1, STAGE_MAP, 0));
    assert_true(kit_attempt_of(&kit, 2, STAGE_SAMPLE, 0) != 0);
    assert_int_equal(kit_attempt_of(&kit, 1, STAGE_MAP, 1), 0);
    kit_done(&kit, kit_attempt_of(&kit, 2, STAGE_SAMPLE, 0));
    assert_true(kit_attempt_of(&kit, 2, STAGE_MAP, 0) != 0);
    kit_drive_to_end(&kit, 2);
    kit_deinit(&kit);
}

/* What it answered is not on the worker: it is made once, though its worker goes. */
static void a_sample_outlives_its_worker(void **state)
{
    struct kit kit;

    (void)state;
    begin_sampled(&kit, 1);
    kit_lose(&kit, 0); /* while it samples: another one does */
    assert_int_equal(kit_progress(&kit).stages[STAGE_SAMPLE].idle_count, 1);
    kit_join(&kit, 1, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_SAMPLE, 0));
    kit_lose(&kit, 1);
    assert_int_equal(kit_progress(&kit).stages[STAGE_SAMPLE].completed_count, 1);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].idle_count, 2);
    kit_drive_to_end(&kit, 1);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_maps_run_again_only_if_a_reduce_needs_them),
        cmocka_unit_test(one_worker_with_one_slot_finishes_after_a_lost_output),
        cmocka_unit_test(fetches_hold_no_slot_and_are_as_many_as_slots),
        cmocka_unit_test(fetches_may_begin_before_all_maps_are_done),
        cmocka_unit_test(jobs_are_served_in_order_on_request),
        cmocka_unit_test(order_holds_for_what_has_fetched_too),
        cmocka_unit_test(jobs_share_the_slots_by_default),
        cmocka_unit_test(weights_are_shares),
        cmocka_unit_test(higher_priority_goes_first_and_stops_nobody),
        cmocka_unit_test(fetched_reduce_waits_for_the_maps_of_a_job_with_less),
        cmocka_unit_test(maps_wait_for_the_sample_they_need),
        cmocka_unit_test(a_sample_takes_its_turn_among_the_maps_of_others),
        cmocka_unit_test(a_sample_outlives_its_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
