#include "sched/kit.h"

/* So many workers with one slot each, job 1 planned. */
static void begin(struct kit *kit, uint32_t workers, uint32_t maps)
{
    kit_init(kit, NULL);
    for (uint32_t worker = 0; worker < workers; worker++)
        kit_join(kit, worker, 1);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, maps, 1);
}

static bool is_aside(struct kit *kit, uint32_t worker)
{
    struct worker_view view;

    assert_true(sched_worker_view(kit->sched, worker, &view));
    return view.aside_until_ns != 0;
}

/* The live attempt on a worker; 0: none. */
static uint64_t on_worker(struct kit *kit, uint32_t worker)
{
    for (size_t i = kit->attempt_count; i > 0; i--)
        if (kit->attempts[i - 1].start.worker_id == worker &&
            kit->attempts[i - 1].state != KIT_OVER)
            return kit->attempts[i - 1].start.attempt_id;
    return 0;
}

static void fail_on(struct kit *kit, uint32_t worker, enum err_kind failure)
{
    kit_failed(kit, on_worker(kit, worker), failure);
}

static void full_disk_sets_a_worker_aside_for_ten_minutes(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 3, 100);
    fail_on(&kit, 1, ERR_DISK);
    assert_true(is_aside(&kit, 1));
    assert_int_equal(on_worker(&kit, 1), 0);
    kit.now_ns += 599 * NS_PER_S;
    kit_done(&kit, on_worker(&kit, 0));
    assert_int_equal(on_worker(&kit, 1), 0);
    kit_tick_after(&kit, NS_PER_S);
    assert_false(is_aside(&kit, 1));
    assert_true(on_worker(&kit, 1) != 0);
    kit_deinit(&kit);
}

/* P3: a job ends while one worker is healthy, so nobody is set aside where that would be the last.
 */
static void never_more_than_a_third_and_never_the_last(void **state)
{
    (void)state;
    for (uint32_t workers = 1; workers <= 9; workers++) {
        struct kit kit;
        uint32_t aside_count = 0;

        begin(&kit, workers, 100);
        for (uint32_t worker = 0; worker < workers; worker++)
            fail_on(&kit, worker, ERR_DISK);
        for (uint32_t worker = 0; worker < workers; worker++)
            aside_count += is_aside(&kit, worker);
        assert_int_equal(aside_count, workers / 3);
        kit_deinit(&kit);
    }
}

static void who_is_aside_is_let_back_when_others_leave(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 6, 100);
    fail_on(&kit, 0, ERR_DISK);
    fail_on(&kit, 1, ERR_DISK);
    assert_true(is_aside(&kit, 0) && is_aside(&kit, 1));
    kit_lose(&kit, 5);
    assert_false(is_aside(&kit, 0)); /* who came first */
    assert_true(is_aside(&kit, 1));
    kit_slots(&kit, 4, 0); /* drains: it is no help either */
    kit_slots(&kit, 3, 0);
    assert_true(is_aside(&kit, 1));
    kit_slots(&kit, 2, 0);
    assert_false(is_aside(&kit, 1));
    kit_deinit(&kit);
}

static void its_outputs_and_what_runs_there_still_count(void **state)
{
    struct kit kit;
    uint64_t output;

    (void)state;
    kit_init(&kit, NULL);
    for (uint32_t worker = 0; worker < 3; worker++)
        kit_join(&kit, worker, 2);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 7, 1);
    output = on_worker(&kit, 0);
    kit_done(&kit, output);
    fail_on(&kit, 0, ERR_DISK);
    assert_true(is_aside(&kit, 0));
    assert_int_equal(kit_output_of(&kit, kit_find(&kit, output)->start.task), output);
    kit_done(&kit, on_worker(&kit, 0));
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 2);
    assert_int_equal(on_worker(&kit, 0), 0);
    kit_deinit(&kit);
}

/* A task that failed on worker 0 completes on another one. */
static void fail_here_complete_elsewhere(struct kit *kit, enum err_kind failure)
{
    uint64_t attempt = on_worker(kit, 0), again = 0;
    uint32_t task;

    assert_true(attempt != 0);
    task = kit_find(kit, attempt)->start.task;
    kit_failed(kit, attempt, failure);
    for (int pass = 0; again == 0; pass++) {
        uint64_t next = kit_attempt(kit, STAGE_MAP, task);

        assert_true(pass < 100);
        if (next != 0 && kit_find(kit, next)->start.worker_id != 0)
            again = next;
        else if (next != 0)
            kit_failed(kit, next, failure); /* here again: one task is one doubt */
        else if (pass % 2)
            kit_done(kit, on_worker(kit, 1)); /* makes room there */
        else
            kit_tick_after(kit, NS_PER_S);
    }
    kit_done(kit, again);
}

static void three_tasks_that_completed_elsewhere_set_a_worker_aside(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 3, 100);
    fail_here_complete_elsewhere(&kit, ERR_RETRY);
    fail_here_complete_elsewhere(&kit, ERR_RETRY);
    assert_false(is_aside(&kit, 0));
    fail_here_complete_elsewhere(&kit, ERR_RETRY);
    assert_true(is_aside(&kit, 0));
    assert_false(is_aside(&kit, 1));
    kit_deinit(&kit);
}

static void what_the_job_does_itself_says_nothing_about_a_worker(void **state)
{
    struct job_rules rules = {.attempts_max = 30, .unsafe = true};
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    for (uint32_t worker = 0; worker < 3; worker++)
        kit_join(&kit, worker, 1);
    kit_submit(&kit, 1, &rules);
    kit_plan(&kit, 1, 100, 1);
    for (int i = 0; i < 5; i++)
        fail_here_complete_elsewhere(&kit, i % 2 ? ERR_JOB : ERR_INPUT);
    assert_false(is_aside(&kit, 0));
    kit_deinit(&kit);
}

static void another_incarnation_is_not_blamed_for_the_one_before(void **state)
{
    struct kit kit;
    uint64_t failed;

    (void)state;
    begin(&kit, 3, 100);
    fail_here_complete_elsewhere(&kit, ERR_RETRY);
    fail_here_complete_elsewhere(&kit, ERR_RETRY);
    failed = on_worker(&kit, 0);
    kit_failed(&kit, failed, ERR_RETRY);
    kit_join_as(&kit, 0, 7, 1);
    kit_tick_after(&kit, NS_PER_S);
    kit_done(&kit, on_worker(&kit, 1));
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, kit_find(&kit, failed)->start.task));
    assert_false(is_aside(&kit, 0));
    kit_deinit(&kit);
}

/* Ten maps that worker 0 made, reduces on workers 1 and 2. */
static void begin_reduces(struct kit *kit)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 10);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, 10, 4);
    for (uint32_t map = 0; map < 10; map++)
        kit_done(kit, kit_attempt(kit, STAGE_MAP, map));
    for (uint32_t worker = 1; worker < 4; worker++)
        kit_join(kit, worker, 4);
}

/* Row 33. */
static void worker_that_two_cannot_read_from_loses_all_its_outputs_at_once(void **state)
{
    struct kit kit;

    (void)state;
    begin_reduces(&kit);
    kit_output_lost(&kit, 0, 1);
    kit_output_lost(&kit, 1, 1); /* the same one again: it may be its own network */
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 8);
    kit_output_lost(&kit, 2, 2);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 10); /* in parallel */
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 3);
    assert_int_equal(kit.forgotten_count, 10);
    assert_true(is_aside(&kit, 0)); /* or it would make what nobody can read, again */
    kit_deinit(&kit);
}

static void two_reports_of_one_output_are_about_that_output(void **state)
{
    struct kit kit;
    uint64_t made_by;

    (void)state;
    begin_reduces(&kit);
    made_by = kit_output_of(&kit, 0);
    kit_output_lost(&kit, 0, 1);
    kit_step(&kit, &(struct event){.kind = EVENT_OUTPUT_LOST,
                                   .worker_id = 2,
                                   .incarnation = 102,
                                   .job_id = 1,
                                   .peer_attempt_id = made_by});
    assert_int_equal(sched_stale_count(kit.sched), 1);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 9);
    kit_deinit(&kit);
}

static void reports_far_apart_do_not_belong_together(void **state)
{
    struct kit kit;

    (void)state;
    begin_reduces(&kit);
    kit_output_lost(&kit, 0, 1);
    kit.now_ns += 60 * NS_PER_S;
    kit_output_lost(&kit, 1, 2);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 8);
    kit_output_lost(&kit, 2, 0); /* its own word is about one output */
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 7);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_disk_sets_a_worker_aside_for_ten_minutes),
        cmocka_unit_test(never_more_than_a_third_and_never_the_last),
        cmocka_unit_test(who_is_aside_is_let_back_when_others_leave),
        cmocka_unit_test(its_outputs_and_what_runs_there_still_count),
        cmocka_unit_test(three_tasks_that_completed_elsewhere_set_a_worker_aside),
        cmocka_unit_test(what_the_job_does_itself_says_nothing_about_a_worker),
        cmocka_unit_test(another_incarnation_is_not_blamed_for_the_one_before),
        cmocka_unit_test(worker_that_two_cannot_read_from_loses_all_its_outputs_at_once),
        cmocka_unit_test(two_reports_of_one_output_are_about_that_output),
        cmocka_unit_test(reports_far_apart_do_not_belong_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
