#include "sched/kit.h"

/* Worker 0 with two slots, job 1 planned. */
static void begin(struct kit *kit, uint32_t maps, uint32_t reduces)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, maps, reduces);
}

static void lost_worker_takes_its_map_outputs(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 3, 1);
    kit_join(&kit, 1, 2);
    assert_int_equal(kit_find(&kit, kit_attempt(&kit, STAGE_MAP, 2))->start.worker_id, 1);
    for (uint32_t map = 0; map < 3; map++)
        kit_done(&kit, kit_attempt(&kit, STAGE_MAP, map));
    kit_lose(&kit, 0);
    /* Maps 0 and 1 are started again in one go; map 2 is kept. */
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 2);
    assert_true(kit_output_of(&kit, 2) != 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 1));
    kit_reduce(&kit, 0);
    assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
    kit_deinit(&kit);
}

/* Row 27: not one map at a time. */
static void all_outputs_of_a_lost_worker_run_again_in_one_step(void **state)
{
    enum { MAPS = 200 };
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, MAPS);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, MAPS, 1);
    for (uint32_t map = 0; map < MAPS; map++)
        kit_done(&kit, kit_attempt(&kit, STAGE_MAP, map));
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, MAPS);
    kit_join(&kit, 1, MAPS);
    kit_lose(&kit, 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, MAPS);
    kit_deinit(&kit);
}

static void peer_failure_reruns_the_map(void **state)
{
    struct kit kit;
    uint64_t made_by;

    (void)state;
    begin(&kit, 1, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    made_by = kit_output_of(&kit, 0);
    kit_failed_peer(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), 0, made_by);
    assert_int_equal(kit_progress(&kit).stages[STAGE_REDUCE].failure_count, 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    /* A report about the attempt that was replaced takes nothing away. */
    kit_failed_peer(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), 0, made_by);
    assert_true(kit_output_of(&kit, 0) != 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_REDUCE].failure_count, 1);
    kit_deinit(&kit);
}

/* Row 28: an attempt that is over tells the truth about an output all the same. */
static void report_of_an_old_attempt_still_takes_the_output_away(void **state)
{
    struct kit kit;
    uint64_t old;
    struct event event;

    (void)state;
    begin(&kit, 1, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    old = kit_attempt(&kit, STAGE_REDUCE, 0);
    kit_failed(&kit, old, ERR_RETRY);
    event = kit_from(&kit, EVENT_ATTEMPT_FAILED, old);
    event.failure = ERR_PEER;
    event.job_id = 1;
    event.peer_attempt_id = kit_output_of(&kit, 0);
    kit_step(&kit, &event);
    assert_int_equal(kit_output_of(&kit, 0), 0);
    assert_int_equal(sched_stale_count(kit.sched), 0);
    kit_step(&kit, &event); /* about what is gone: of no use to anybody */
    assert_int_equal(sched_stale_count(kit.sched), 1);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 1);
    kit_deinit(&kit);
}

static void full_disk_of_a_reduce_is_not_blamed_on_the_map(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 1, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_failed(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), ERR_DISK);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
    assert_true(kit_output_of(&kit, 0) != 0);
    kit_tick(&kit);
    kit_reduce(&kit, 0);
    assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
    kit_deinit(&kit);
}

/* Fails map 0 with `failure` until the job ends; returns how many times it took. */
static uint32_t failures_until_end(struct kit *kit, enum err_kind failure)
{
    uint32_t count = 0;

    while (kit->end_count == 0) {
        if (kit_attempt(kit, STAGE_MAP, 0) == 0) {
            kit_tick(kit);
            continue;
        }
        kit_failed(kit, kit_attempt(kit, STAGE_MAP, 0), failure);
        count++;
        assert_true(count < 100);
    }
    return count;
}

static void limit_is_tried_four_times(void **state)
{
    struct kit kit;
    struct cause causes[8];

    (void)state;
    begin(&kit, 1, 1);
    assert_int_equal(failures_until_end(&kit, ERR_LIMIT), 4);
    assert_int_equal(kit.end.status, JOB_FAILED);
    assert_int_equal(kit.end.reason, END_ATTEMPTS);
    assert_int_equal(kit.end.stage, STAGE_MAP);
    assert_int_equal(sched_causes(kit.sched, 1, causes, 8), 4);
    assert_int_equal(causes[0].attempt_id, kit.end.attempt_id);
    assert_int_equal(causes[3].failure, ERR_LIMIT);
    kit_deinit(&kit);
}

static void job_error_ends_job_at_once(void **state)
{
    static const enum err_kind FAULTS[] = {ERR_JOB, ERR_INPUT, ERR_SETUP};

    (void)state;
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        struct kit kit;

        begin(&kit, 2, 1);
        assert_int_equal(failures_until_end(&kit, FAULTS[i]), 1);
        assert_int_equal(kit.end.reason, END_FAULT);
        assert_int_equal(kit.end.failure, FAULTS[i]);
        assert_int_equal(kit_attempt(&kit, STAGE_MAP, 1), 0); /* was killed */
        kit_deinit(&kit);
    }
}

static void unsafe_job_may_raise_attempts_times(void **state)
{
    struct job_rules rules = {.attempts_max = 7, .unsafe = true};
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, &rules);
    kit_plan(&kit, 1, 1, 1);
    assert_int_equal(failures_until_end(&kit, ERR_JOB), 7);
    assert_int_equal(kit.end.reason, END_ATTEMPTS);
    kit_deinit(&kit);
}

static void thirty_failures_of_the_world_end_the_job_with_all_causes(void **state)
{
    struct cause causes[40];
    struct kit kit;

    (void)state;
    begin(&kit, 1, 1);
    assert_int_equal(failures_until_end(&kit, ERR_RETRY), 30);
    assert_int_equal(kit.end.reason, END_FAILURES);
    assert_int_equal(sched_causes(kit.sched, 1, causes, 40), 30);
    assert_int_equal(sched_causes(kit.sched, 1, causes, 3), 3);
    kit_deinit(&kit);
}

static void lost_workers_never_count(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 1, 1);
    for (int i = 0; i < 100; i++) {
        kit_lose(&kit, 0);
        kit_join(&kit, 0, 1);
    }
    assert_int_equal(kit.end_count, 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
    kit_deinit(&kit);
}

static void retries_wait_longer_each_time_but_not_for_ever(void **state)
{
    struct kit kit;
    uint64_t waited_ns = 0;

    (void)state;
    begin(&kit, 1, 1);
    for (int i = 0; i < 29; i++) {
        uint64_t failed_ns = kit.now_ns;

        kit_failed(&kit, kit_attempt(&kit, STAGE_MAP, 0), ERR_RETRY);
        while (kit_attempt(&kit, STAGE_MAP, 0) == 0)
            kit_tick(&kit);
        assert_true(kit.now_ns - failed_ns <= kit.options.retry_delay_ns_max);
        waited_ns += kit.now_ns - failed_ns;
    }
    assert_true(waited_ns > 60 * NS_PER_S); /* about 20 times half of 30 s, in the mean */
    kit_deinit(&kit);
}

static void silent_attempt_is_killed_and_counted(void **state)
{
    struct kit kit;
    uint64_t silent, other;

    (void)state;
    begin(&kit, 2, 1);
    silent = kit_attempt(&kit, STAGE_MAP, 0);
    other = kit_attempt(&kit, STAGE_MAP, 1);
    kit_tick_after(&kit, kit.options.silence_ns - 1);
    struct event alive = kit_from(&kit, EVENT_ATTEMPT_PROGRESS, other);
    kit_step(&kit, &alive);
    kit_tick_after(&kit, 1);
    assert_int_equal(kit.out.commands[0].kind, COMMAND_KILL_ATTEMPT);
    assert_int_equal(kit.out.commands[0].failure, ERR_RETRY);
    assert_int_equal(kit_find(&kit, silent)->state, KIT_OVER);
    assert_int_equal(kit_attempt(&kit, STAGE_MAP, 1), other);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 1);
    kit_deinit(&kit);
}

static void job_sets_its_own_deadline(void **state)
{
    struct job_rules rules = {.attempts_max = 4, .silence_ns = NS_PER_S};
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_submit(&kit, 1, &rules);
    kit_tick_after(&kit, NS_PER_S);
    assert_int_equal(kit_progress(&kit).stages[STAGE_PLAN].failure_count, 1);
    kit_deinit(&kit);
}

static void different_second_answer_restarts_reduces(void **state)
{
    struct kit kit;
    uint64_t reduce;

    (void)state;
    begin(&kit, 1, 2);
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(5));
    reduce = kit_attempt(&kit, STAGE_REDUCE, 1);
    kit_failed_peer(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), 0, kit_output_of(&kit, 0));
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(6));
    assert_int_equal(kit_find(&kit, reduce)->state, KIT_OVER);
    assert_true(kit_attempt(&kit, STAGE_REDUCE, 1) > reduce); /* a new attempt */
    assert_int_equal(kit.end_count, 0);
    kit_deinit(&kit);
}

static void different_second_answer_fails_the_job_once_a_reduce_completed(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 1, 2);
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(5));
    kit_reduce(&kit, 0);
    kit_failed_peer(&kit, kit_attempt(&kit, STAGE_REDUCE, 1), 0, kit_output_of(&kit, 0));
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(6));
    assert_int_equal(kit.end.status, JOB_FAILED);
    assert_int_equal(kit.end.reason, END_NOT_DETERMINISTIC);
    assert_int_equal(kit.end.stage, STAGE_MAP);
    assert_int_equal(kit.end.task, 0);
    kit_deinit(&kit);
}

static void sums_that_differ_fail_the_job_before_its_commit(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 1, 1);
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(5));
    kit_fetched(&kit, kit_attempt(&kit, STAGE_REDUCE, 0));
    kit_done_with(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), kit_digest(4));
    assert_int_equal(kit.end.reason, END_AUDIT);
    assert_int_equal(kit_attempt(&kit, STAGE_COMMIT, 0), 0);
    kit_deinit(&kit);
}

/* P6: what differs is detected, and named, when a reduce has read what it should not have. */
static void sums_that_differ_name_the_map_that_has_differed(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 1, 1);
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(5));
    kit_output_lost(&kit, 0, 0);
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(6));
    kit_fetched(&kit, kit_attempt(&kit, STAGE_REDUCE, 0));
    kit_done_with(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), kit_digest(5)); /* the old run */
    assert_int_equal(kit.end.reason, END_NOT_DETERMINISTIC);
    assert_int_equal(kit.end.task, 0);
    assert_int_not_equal(kit.end.attempt_id, 0);
    kit_deinit(&kit);
}

static void cancel_kills_what_runs(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 2, 1);
    kit_step(&kit, &(struct event){.kind = EVENT_JOB_CANCELLED, .job_id = 1});
    assert_int_equal(kit.end.status, JOB_CANCELLED);
    assert_int_equal(kit_attempt(&kit, STAGE_MAP, 0), 0);
    assert_int_equal(kit_attempt(&kit, STAGE_MAP, 1), 0);
    kit_step(&kit, &(struct event){.kind = EVENT_JOB_CANCELLED, .job_id = 1});
    assert_int_equal(kit.end_count, 1);
    assert_int_equal(sched_stale_count(kit.sched), 1);
    kit_deinit(&kit);
}

static void cancel_is_too_late_for_a_running_commit(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 0, 0);
    kit_step(&kit, &(struct event){.kind = EVENT_JOB_CANCELLED, .job_id = 1});
    assert_int_equal(kit.end_count, 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_COMMIT, 0));
    assert_int_equal(kit.end.status, JOB_SUCCEEDED);
    kit_deinit(&kit);
}

static void other_incarnation_takes_the_place_of_the_one_before(void **state)
{
    struct kit kit;
    uint64_t old;

    (void)state;
    begin(&kit, 3, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    old = kit_attempt(&kit, STAGE_MAP, 1);
    kit_join_as(&kit, 0, 7, 2);
    assert_int_equal(kit_output_of(&kit, 0), 0);
    kit_done(&kit, old); /* from the grave */
    assert_int_equal(kit_output_of(&kit, 1), 0);
    kit_lose(&kit, 0); /* late news of the old one */
    assert_int_equal(sched_stale_count(kit.sched), 2);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 2);
    kit_deinit(&kit);
}

/* One map, two reduces, all done; the commit runs. */
static void begin_commit(struct kit *kit, const struct job_rules *rules)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, rules);
    kit_plan(kit, 1, 1, 2);
    kit_done_with(kit, kit_attempt(kit, STAGE_MAP, 0), kit_digest(5));
    kit_fetched(kit, kit_attempt(kit, STAGE_REDUCE, 0));
    kit_fetched(kit, kit_attempt(kit, STAGE_REDUCE, 1));
    kit_done_with(kit, kit_attempt(kit, STAGE_REDUCE, 0), kit_digest(5));
    kit_done(kit, kit_attempt(kit, STAGE_REDUCE, 1));
    assert_int_equal(kit_progress(kit).status, JOB_COMMITTING);
}

/* A store drops what nobody has finished: that reduce runs again, and no other task. */
static void part_that_a_commit_finds_gone_is_made_again(void **state)
{
    struct kit kit;
    uint64_t lost;

    (void)state;
    begin_commit(&kit, NULL);
    lost = kit_part_of(&kit, 0);
    kit_failed_peer(&kit, kit_attempt(&kit, STAGE_COMMIT, 0), 0, lost);
    assert_int_equal(kit_progress(&kit).status, JOB_RUNNING);
    assert_int_equal(kit_attempt(&kit, STAGE_COMMIT, 0), 0);
    assert_int_equal(kit_attempt(&kit, STAGE_REDUCE, 1), 0);
    assert_int_equal(kit_attempt(&kit, STAGE_MAP, 0), 0);
    kit_fetched(&kit, kit_attempt(&kit, STAGE_REDUCE, 0));
    kit_done_with(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), kit_digest(5));
    assert_int_not_equal(kit_part_of(&kit, 0), lost);
    kit_done(&kit, kit_attempt(&kit, STAGE_COMMIT, 0));
    assert_int_equal(kit.end.status, JOB_SUCCEEDED);
    kit_deinit(&kit);
}

/* Its map went with its worker meanwhile, and is needed again. */
static void part_that_is_gone_brings_back_the_lost_maps_it_needs(void **state)
{
    struct kit kit;

    (void)state;
    begin_commit(&kit, NULL);
    kit_lose(&kit, 0);
    kit_join(&kit, 1, 1);
    assert_int_equal(kit_attempt(&kit, STAGE_MAP, 0), 0);
    kit_failed_peer(&kit, kit_attempt(&kit, STAGE_COMMIT, 0), 0, kit_part_of(&kit, 0));
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(5));
    kit_fetched(&kit, kit_attempt(&kit, STAGE_REDUCE, 0));
    kit_done_with(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), kit_digest(5));
    kit_done(&kit, kit_attempt(&kit, STAGE_COMMIT, 0));
    assert_int_equal(kit.end.status, JOB_SUCCEEDED);
    kit_deinit(&kit);
}

/* Not the one that is the part now: a commit of before. */
static void part_of_an_attempt_of_before_is_not_taken_away(void **state)
{
    struct kit kit;
    uint64_t part;

    (void)state;
    begin_commit(&kit, NULL);
    part = kit_part_of(&kit, 0);
    kit_failed_peer(&kit, kit_attempt(&kit, STAGE_COMMIT, 0), 0, part - 1);
    assert_int_equal(kit_part_of(&kit, 0), part);
    assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
    kit_tick(&kit);
    kit_done(&kit, kit_attempt(&kit, STAGE_COMMIT, 0));
    assert_int_equal(kit.end.status, JOB_SUCCEEDED);
    kit_deinit(&kit);
}

static void part_that_is_always_gone_ends_the_job_with_all_causes(void **state)
{
    struct kit kit;
    struct cause causes[SCHED_FAILURE_COUNT_MAX];

    (void)state;
    begin_commit(&kit, NULL);
    for (int loss = 1; loss < SCHED_FAILURE_COUNT_MAX; loss++) {
        kit_failed_peer(&kit, kit_attempt(&kit, STAGE_COMMIT, 0), 0, kit_part_of(&kit, 0));
        while (kit_attempt(&kit, STAGE_REDUCE, 0) == 0)
            kit_tick(&kit);
        kit_fetched(&kit, kit_attempt(&kit, STAGE_REDUCE, 0));
        kit_done_with(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), kit_digest(5));
    }
    kit_failed_peer(&kit, kit_attempt(&kit, STAGE_COMMIT, 0), 0, kit_part_of(&kit, 0));
    assert_int_equal(kit.end.reason, END_FAILURES);
    assert_int_equal(kit.end.stage, STAGE_REDUCE);
    assert_int_equal(sched_causes(kit.sched, 1, causes, SCHED_FAILURE_COUNT_MAX),
                     SCHED_FAILURE_COUNT_MAX);
    kit_deinit(&kit);
}

static const struct job_rules IN_STORE = {.attempts_max = 4, .outputs_in_store = true};

static void lost_worker_takes_nothing_out_of_a_store(void **state)
{
    struct kit kit;
    uint64_t output;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 2);
    kit_submit(&kit, 1, &IN_STORE);
    kit_plan(&kit, 1, 2, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    output = kit_output_of(&kit, 0);
    kit_lose(&kit, 0);
    assert_int_equal(kit_output_of(&kit, 0), output);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 1);
    kit_deinit(&kit);
}

/* An object that is damaged, or was removed: two reports of it are no word about a worker. */
static void output_that_a_store_has_lost_is_made_again(void **state)
{
    struct kit kit;
    uint64_t first;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 2);
    kit_join(&kit, 1, 2);
    kit_submit(&kit, 1, &IN_STORE);
    kit_plan(&kit, 1, 2, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 1));
    first = kit_output_of(&kit, 0);
    kit_output_lost(&kit, 0, 0);
    assert_int_equal(kit_output_of(&kit, 0), 0);
    assert_int_not_equal(kit_output_of(&kit, 1), 0);
    kit_output_lost(&kit, 1, 1);
    assert_int_equal(kit.forgotten_count, 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    assert_int_not_equal(kit_output_of(&kit, 0), first);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_worker_takes_its_map_outputs),
        cmocka_unit_test(all_outputs_of_a_lost_worker_run_again_in_one_step),
        cmocka_unit_test(peer_failure_reruns_the_map),
        cmocka_unit_test(report_of_an_old_attempt_still_takes_the_output_away),
        cmocka_unit_test(full_disk_of_a_reduce_is_not_blamed_on_the_map),
        cmocka_unit_test(limit_is_tried_four_times),
        cmocka_unit_test(job_error_ends_job_at_once),
        cmocka_unit_test(unsafe_job_may_raise_attempts_times),
        cmocka_unit_test(thirty_failures_of_the_world_end_the_job_with_all_causes),
        cmocka_unit_test(lost_workers_never_count),
        cmocka_unit_test(retries_wait_longer_each_time_but_not_for_ever),
        cmocka_unit_test(silent_attempt_is_killed_and_counted),
        cmocka_unit_test(job_sets_its_own_deadline),
        cmocka_unit_test(different_second_answer_restarts_reduces),
        cmocka_unit_test(different_second_answer_fails_the_job_once_a_reduce_completed),
        cmocka_unit_test(sums_that_differ_fail_the_job_before_its_commit),
        cmocka_unit_test(sums_that_differ_name_the_map_that_has_differed),
        cmocka_unit_test(cancel_kills_what_runs),
        cmocka_unit_test(cancel_is_too_late_for_a_running_commit),
        cmocka_unit_test(other_incarnation_takes_the_place_of_the_one_before),
        cmocka_unit_test(part_that_a_commit_finds_gone_is_made_again),
        cmocka_unit_test(part_that_is_gone_brings_back_the_lost_maps_it_needs),
        cmocka_unit_test(part_of_an_attempt_of_before_is_not_taken_away),
        cmocka_unit_test(part_that_is_always_gone_ends_the_job_with_all_causes),
        cmocka_unit_test(lost_worker_takes_nothing_out_of_a_store),
        cmocka_unit_test(output_that_a_store_has_lost_is_made_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
