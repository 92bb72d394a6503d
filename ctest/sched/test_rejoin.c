#include "sched/kit.h"

/* Worker 0 with two slots, job 1 planned with three maps and a reduce. */
static void begin(struct kit *kit)
{
    struct sched_options options;

    sched_options_default(&options);
    options.worker_silence_ns = 10 * NS_PER_S;
    kit_init(kit, &options);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, 3, 1);
}

/* The commands that the worker would be sent again. */
struct told {
    struct command commands[16];
    size_t count;
};

static void see(void *context, const struct command *command)
{
    struct told *told = context;

    assert_true(told->count < 16);
    told->commands[told->count++] = *command;
}

static struct told told_again(struct kit *kit, uint32_t worker)
{
    struct told told = {0};

    sched_worker_attempts(kit->sched, worker, see, &told);
    return told;
}

static struct worker_view view(struct kit *kit, uint32_t worker)
{
    struct worker_view out;

    assert_true(sched_worker_view(kit->sched, worker, &out));
    return out;
}

/* "100 connections cut by the proxy: nothing is re-run." */
static void cut_connection_that_comes_back_reruns_nothing(void **state)
{
    struct kit kit;
    uint64_t hash;

    (void)state;
    begin(&kit);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    hash = sched_hash(kit.sched);
    for (int cut = 0; cut < 100; cut++) {
        kit_reset(&kit, 0);
        assert_int_equal(view(&kit, 0).status, WORKER_STATUS_CUT);
        kit_tick_after(&kit, NS_PER_S - 1);
        kit_join(&kit, 0, 2);
        assert_int_equal(view(&kit, 0).status, WORKER_STATUS_UP);
    }
    assert_int_equal(sched_hash(kit.sched), hash);
    assert_int_equal(sched_stale_count(kit.sched), 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 1));
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 2);
    kit_deinit(&kit);
}

static void cut_connection_is_a_loss_after_its_grace(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_reset(&kit, 0);
    kit_tick_after(&kit, NS_PER_S);
    assert_int_equal(view(&kit, 0).status, WORKER_STATUS_GONE);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].idle_count, 3);
    kit_deinit(&kit);
}

static void silent_worker_is_lost_and_one_that_is_heard_is_not(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit);
    kit_join(&kit, 1, 1);
    for (int s = 0; s < 30; s++) {
        kit_step(&kit,
                 &(struct event){.kind = EVENT_WORKER_HEARD, .worker_id = 1, .incarnation = 101});
        kit_tick_after(&kit, NS_PER_S);
        assert_int_equal(view(&kit, 0).status, s < 9 ? WORKER_STATUS_UP : WORKER_STATUS_GONE);
    }
    assert_int_equal(view(&kit, 1).status, WORKER_STATUS_UP);
    kit_deinit(&kit);
}

/* What a worker never heard, or forgot, it is told again: the same attempts, once more. */
static void commands_can_be_sent_again(void **state)
{
    struct kit kit;
    struct told told;
    uint64_t reduce;

    (void)state;
    begin(&kit);
    told = told_again(&kit, 0);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.commands[0].kind, COMMAND_START_ATTEMPT);
    assert_int_equal(told.commands[0].attempt_id, kit_attempt(&kit, STAGE_MAP, 0));
    assert_int_equal(told.commands[0].incarnation, 100);
    for (uint32_t map = 0; map < 3; map++)
        kit_done(&kit, kit_attempt(&kit, STAGE_MAP, map));
    reduce = kit_attempt(&kit, STAGE_REDUCE, 0);
    assert_int_equal(told_again(&kit, 0).count, 1);
    kit_fetched(&kit, reduce);
    told = told_again(&kit, 0);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.commands[0].kind, COMMAND_START_ATTEMPT);
    assert_int_equal(told.commands[1].kind, COMMAND_RUN_ATTEMPT);
    assert_int_equal(told.commands[1].attempt_id, reduce);
    assert_int_equal(told_again(&kit, 7).count, 0);
    kit_deinit(&kit);
}

/* It takes nothing until it has said what it holds. */
static void worker_that_joins_without_slots_gets_no_work(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit);
    kit_join(&kit, 1, 0);
    assert_int_equal(kit.out.command_count, 0);
    kit_slots(&kit, 1, 1);
    assert_int_equal(kit.out.command_count, 1);
    assert_int_equal(kit.out.commands[0].worker_id, 1);
    kit_deinit(&kit);
}

/* I7: a reduce that has fetched there would wait for its slot for ever. */
static void worker_that_never_says_its_slots_drains(void **state)
{
    struct kit kit;
    uint64_t reduce;

    (void)state;
    begin(&kit);
    for (uint32_t map = 0; map < 3; map++)
        kit_done(&kit, kit_attempt(&kit, STAGE_MAP, map));
    reduce = kit_attempt(&kit, STAGE_REDUCE, 0);
    kit_reset(&kit, 0);
    kit_fetched(&kit, reduce); /* was on its way */
    kit_join(&kit, 0, 0);
    kit_tick_after(&kit, NS_PER_S - 1);
    assert_int_equal(kit_find(&kit, reduce)->state, KIT_STARTED);
    kit_tick_after(&kit, 1);
    assert_int_equal(kit_find(&kit, reduce)->state, KIT_OVER);
    assert_int_equal(kit_progress(&kit).stages[STAGE_REDUCE].failure_count, 0);
    kit_deinit(&kit);
}

static void lost_worker_that_returns_has_its_outputs_counted_again(void **state)
{
    struct kit kit;
    uint64_t first, second;

    (void)state;
    begin(&kit);
    first = kit_attempt(&kit, STAGE_MAP, 0);
    second = kit_attempt(&kit, STAGE_MAP, 1);
    kit_done_with(&kit, first, kit_digest(3));
    kit_done_with(&kit, second, kit_digest(4));
    kit_lose(&kit, 0);
    kit_join(&kit, 1, 2);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 2);
    kit_join(&kit, 0, 0);
    kit_held(&kit, 0, 0, first);
    kit_held(&kit, 0, 1, second);
    assert_int_equal(kit_output_of(&kit, 0), first);
    assert_int_equal(kit_output_of(&kit, 1), second);
    assert_int_equal(kit.forgotten_count, 0);
    kit_slots(&kit, 0, 2);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 2));
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 3);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
    kit_deinit(&kit);
}

/* Row 24: of two runs of a map one counts, and the other one is deleted. */
static void output_that_was_replaced_is_forgotten(void **state)
{
    struct kit kit;
    uint64_t old, new;

    (void)state;
    begin(&kit);
    old = kit_attempt(&kit, STAGE_MAP, 0);
    kit_done(&kit, old);
    kit_lose(&kit, 0);
    kit_join(&kit, 1, 3);
    new = kit_attempt(&kit, STAGE_MAP, 0);
    kit_done(&kit, new);
    kit_join(&kit, 0, 0);
    kit_held(&kit, 0, 0, old);
    assert_int_equal(kit.forgotten_count, 1);
    assert_int_equal(kit_output_of(&kit, 0), new);
    /* Not even when the newer one is lost too: what a reduce may have of it is of that one. */
    kit_lose(&kit, 1);
    kit_held(&kit, 0, 0, old);
    assert_int_equal(kit_output_of(&kit, 0), 0);
    kit_deinit(&kit);
}

/* It was said to be broken: that its worker still has it means nothing. */
static void broken_output_does_not_come_back(void **state)
{
    struct kit kit;
    uint64_t broken;

    (void)state;
    begin(&kit);
    broken = kit_attempt(&kit, STAGE_MAP, 0);
    kit_done(&kit, broken);
    kit_output_lost(&kit, 0, 0);
    kit_reset(&kit, 0); /* before it hears that it may forget it */
    kit_join(&kit, 0, 0);
    kit_held(&kit, 0, 0, broken);
    assert_int_equal(kit_output_of(&kit, 0), 0);
    assert_int_equal(kit.forgotten_count, 2);
    kit_deinit(&kit);
}

/* Its loss was told over a connection that was cut: it is told once. */
static void output_that_is_not_named_is_lost(void **state)
{
    struct kit kit;
    uint64_t named, gone;

    (void)state;
    begin(&kit);
    named = kit_attempt(&kit, STAGE_MAP, 0);
    gone = kit_attempt(&kit, STAGE_MAP, 1);
    kit_done(&kit, named);
    kit_done(&kit, gone);
    kit_reset(&kit, 0);
    kit_join(&kit, 0, 0);
    kit_held(&kit, 0, 0, named);
    assert_int_equal(kit_output_of(&kit, 1), gone);
    kit_slots(&kit, 0, 2);
    assert_int_equal(kit_output_of(&kit, 0), named);
    assert_int_equal(kit_output_of(&kit, 1), 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
    kit_slots(&kit, 0, 2); /* no second look */
    assert_int_equal(kit_output_of(&kit, 0), named);
    kit_deinit(&kit);
}

static void attempts_given_away_are_killed(void **state)
{
    struct kit kit;
    uint64_t old;

    (void)state;
    begin(&kit);
    old = kit_attempt(&kit, STAGE_MAP, 0);
    kit_lose(&kit, 0);
    kit_join(&kit, 0, 0);
    kit_still_has(&kit, 0, 0, old);
    assert_int_equal(kit.killed_count, 1);
    assert_int_equal(kit.out.commands[0].attempt_id, old);
    kit_slots(&kit, 0, 2);
    kit_still_has(&kit, 0, 0, kit_attempt(&kit, STAGE_MAP, 0)); /* its own */
    assert_int_equal(kit.killed_count, 1);
    kit_deinit(&kit);
}

/* The master heard of its end and could not say so: its run, its part, is the task's. */
static void attempt_that_was_heard_is_not_killed(void **state)
{
    struct kit kit;
    uint64_t map, reduce;

    (void)state;
    begin(&kit);
    kit_submit(&kit, 2, NULL); /* so that slots are in use */
    map = kit_attempt(&kit, STAGE_MAP, 0);
    for (uint32_t i = 0; i < 3; i++)
        kit_done(&kit, kit_attempt(&kit, STAGE_MAP, i));
    reduce = kit_attempt(&kit, STAGE_REDUCE, 0);
    kit_reduce(&kit, 0);
    kit_reset(&kit, 0);
    kit_join(&kit, 0, 0);
    kit_still_has(&kit, 0, 0, map);
    kit_still_has(&kit, 0, 0, reduce);
    assert_int_equal(kit.killed_count, 0);
    assert_int_equal(kit.forgotten_count, 0);
    kit_deinit(&kit);
}

/* It is done and says so soon: until then its run is its own. */
static void output_of_a_live_attempt_is_left_alone(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit);
    kit_held(&kit, 0, 0, kit_attempt(&kit, STAGE_MAP, 0));
    assert_int_equal(kit.out.command_count, 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 1);
    kit_deinit(&kit);
}

/* Row 30: killed and started again on the same port, within the grace. */
static void another_incarnation_invalidates_all_of_the_one_before(void **state)
{
    struct kit kit;
    uint64_t map, running;

    (void)state;
    begin(&kit);
    map = kit_attempt(&kit, STAGE_MAP, 0);
    running = kit_attempt(&kit, STAGE_MAP, 1);
    kit_done(&kit, map);
    kit_reset(&kit, 0);
    kit_join_as(&kit, 0, 7, 2);
    assert_int_equal(kit_output_of(&kit, 0), 0);
    kit_done(&kit, running); /* from before */
    assert_int_equal(kit_output_of(&kit, 1), 0);
    kit_held(&kit, 0, 0, map); /* of incarnation 100: nobody there says that */
    assert_int_equal(kit_output_of(&kit, 0), 0);
    assert_int_equal(sched_stale_count(kit.sched), 2);
    kit_deinit(&kit);
}

/* A new epoch: what runs is given up, what is held is believed, and what comes late still counts.
 */
static void outputs_are_believed_after_a_restart_and_come_back_late(void **state)
{
    struct kit kit;
    struct err err;
    uint64_t map, running;

    (void)state;
    begin(&kit);
    map = kit_attempt(&kit, STAGE_MAP, 0);
    running = kit_attempt(&kit, STAGE_MAP, 1);
    kit_done(&kit, map);
    for (int late = 0; late < 2; late++) {
        sched_close(kit.sched);
        kit.sched = sched_open(&kit.options);
        kit.now_ns = 1;
        assert_int_equal(sched_restore(kit.sched, kit.facts, kit.fact_count, &err), 0);
        kit_tick_after(&kit, 0);
        assert_int_equal(view(&kit, 0).status, WORKER_STATUS_AWAITED);
        assert_int_equal(kit_output_of(&kit, 0), map);
        kit_tick_after(&kit, late ? 10 * NS_PER_S : 10 * NS_PER_S - 1);
        assert_int_equal(kit_output_of(&kit, 0), late ? 0 : map);
        kit_join(&kit, 0, 0);
        kit_held(&kit, 0, 0, map);
        kit_still_has(&kit, 0, 1, running);
        assert_int_equal(kit_output_of(&kit, 0), map);
        assert_int_equal(kit.killed_count, 1 + late);
    }
    kit_deinit(&kit);
}

/* It finishes what has a slot; what has none goes elsewhere at once and does not count. */
static void draining_worker_keeps_what_has_a_slot(void **state)
{
    struct kit kit;
    uint64_t map, fetching;

    (void)state;
    begin(&kit);
    for (uint32_t i = 0; i < 3; i++)
        kit_done(&kit, kit_attempt(&kit, STAGE_MAP, i));
    fetching = kit_attempt(&kit, STAGE_REDUCE, 0);
    kit_submit(&kit, 2, NULL);
    kit_plan(&kit, 2, 1, 1);
    map = kit_attempt_of(&kit, 2, STAGE_MAP, 0);
    kit_slots(&kit, 0, 0);
    assert_int_equal(kit_find(&kit, fetching)->state, KIT_OVER);
    assert_int_equal(kit_progress(&kit).stages[STAGE_REDUCE].idle_count, 1);
    assert_int_equal(kit_progress(&kit).stages[STAGE_REDUCE].failure_count, 0);
    kit_done(&kit, map);
    assert_int_equal(kit.out.command_count, 0);
    kit_join(&kit, 1, 1);
    kit_reduce(&kit, 0); /* from the outputs that the draining one serves */
    kit_deinit(&kit);
}

static void attempt_that_is_handed_back_does_not_count(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit);
    for (int i = 0; i < 100; i++) {
        uint64_t map = kit_attempt(&kit, STAGE_MAP, 0);
        struct event event = kit_from(&kit, EVENT_ATTEMPT_RETURNED, map);

        kit_step(&kit, &event);
        kit_find(&kit, map)->state = KIT_OVER;
        kit_slots(&kit, 0, 3); /* the other two are running */
        kit_tick_after(&kit, 100 * NS_PER_MS);
        assert_true(kit_attempt(&kit, STAGE_MAP, 0) > map);
    }
    assert_int_equal(kit.end_count, 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_connection_that_comes_back_reruns_nothing),
        cmocka_unit_test(cut_connection_is_a_loss_after_its_grace),
        cmocka_unit_test(silent_worker_is_lost_and_one_that_is_heard_is_not),
        cmocka_unit_test(commands_can_be_sent_again),
        cmocka_unit_test(worker_that_joins_without_slots_gets_no_work),
        cmocka_unit_test(worker_that_never_says_its_slots_drains),
        cmocka_unit_test(lost_worker_that_returns_has_its_outputs_counted_again),
        cmocka_unit_test(output_that_was_replaced_is_forgotten),
        cmocka_unit_test(broken_output_does_not_come_back),
        cmocka_unit_test(output_that_is_not_named_is_lost),
        cmocka_unit_test(attempts_given_away_are_killed),
        cmocka_unit_test(attempt_that_was_heard_is_not_killed),
        cmocka_unit_test(output_of_a_live_attempt_is_left_alone),
        cmocka_unit_test(another_incarnation_invalidates_all_of_the_one_before),
        cmocka_unit_test(outputs_are_believed_after_a_restart_and_come_back_late),
        cmocka_unit_test(draining_worker_keeps_what_has_a_slot),
        cmocka_unit_test(attempt_that_is_handed_back_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
