#include "sched/kit.h"

#include "base/rand.h"

/* A made-up fleet: attempts that take as long as `takes` says, and move all the time. */
struct fleet {
    struct kit kit;
    uint64_t *end_ns; /* by number in kit.attempts; 0: not known yet */
    size_t known_count;
    uint32_t backup_count, backup_count_at_once_max;
    uint64_t (*takes)(struct fleet *fleet, const struct command *start);
    struct rand rand;
};

static void fleet_init(struct fleet *fleet, uint32_t workers, uint32_t slots, bool unsafe)
{
    struct job_rules rules = {.attempts_max = 4, .unsafe = unsafe};
    struct sched_options options;

    *fleet = (struct fleet){0};
    rand_init(&fleet->rand, 1);
    sched_options_default(&options);
    options.backup = true;
    kit_init(&fleet->kit, &options);
    for (uint32_t worker = 0; worker < workers; worker++)
        kit_join(&fleet->kit, worker, slots);
    kit_submit(&fleet->kit, 1, &rules);
}

static void fleet_deinit(struct fleet *fleet)
{
    free(fleet->end_ns);
    kit_deinit(&fleet->kit);
}

static bool is_live_map(const struct kit_attempt *attempt)
{
    return attempt->state != KIT_OVER && attempt->start.stage == STAGE_MAP;
}

/* Notes attempts that began, and whether they are the second of their task. */
static void look_at_new_ones(struct fleet *fleet)
{
    struct kit *kit = &fleet->kit;
    uint32_t at_once = 0;

    fleet->end_ns = realloc(fleet->end_ns, kit->attempt_count * sizeof *fleet->end_ns);
    for (; fleet->known_count < kit->attempt_count; fleet->known_count++)
        fleet->end_ns[fleet->known_count] =
            kit->now_ns + fleet->takes(fleet, &kit->attempts[fleet->known_count].start);
    for (size_t i = 0; i < kit->attempt_count; i++)
        for (size_t k = 0; is_live_map(&kit->attempts[i]) && k < i; k++)
            if (is_live_map(&kit->attempts[k]) &&
                kit->attempts[k].start.task == kit->attempts[i].start.task) {
                at_once++;
                assert_int_not_equal(kit->attempts[k].start.worker_id,
                                     kit->attempts[i].start.worker_id);
            }
    if (at_once > fleet->backup_count_at_once_max)
        fleet->backup_count_at_once_max = at_once;
}

/* A tenth of a second: attempts that are through answer, all others say that they move. */
static void fleet_turn(struct fleet *fleet)
{
    struct kit *kit = &fleet->kit;

    look_at_new_ones(fleet);
    kit_tick_after(kit, 100 * NS_PER_MS);
    look_at_new_ones(fleet);
    for (size_t i = 0; i < kit->attempt_count; i++) {
        uint64_t id = kit->attempts[i].start.attempt_id;

        if (!is_live_map(&kit->attempts[i]))
            continue;
        if (fleet->end_ns[i] <= kit->now_ns) {
            kit_done(kit, id);
            look_at_new_ones(fleet);
        } else if (kit->now_ns % NS_PER_S < 100 * NS_PER_MS) {
            struct event alive = kit_from(kit, EVENT_ATTEMPT_PROGRESS, id);

            alive.progress_count = kit->now_ns;
            kit_step(kit, &alive);
        }
    }
}

/* Runs so many maps to their end; returns how many second attempts there were. */
static uint32_t backups_of(struct fleet *fleet, uint32_t maps)
{
    size_t before = fleet->kit.attempt_count;

    kit_plan(&fleet->kit, 1, maps, 1);
    while (kit_progress(&fleet->kit).stages[STAGE_MAP].completed_count < maps) {
        fleet_turn(fleet);
        assert_true(fleet->kit.now_ns < 3600 * NS_PER_S);
    }
    assert_int_equal(kit_progress(&fleet->kit).stages[STAGE_MAP].failure_count, 0);
    for (size_t i = before; i < fleet->kit.attempt_count; i++)
        maps -= fleet->kit.attempts[i].start.stage == STAGE_MAP;
    return 0 - maps;
}

static uint64_t alike(struct fleet *fleet, const struct command *start)
{
    (void)start;
    return 20 * NS_PER_S + rand_below(&fleet->rand, 200 * NS_PER_MS);
}

static uint64_t one_straggler(struct fleet *fleet, const struct command *start)
{
    bool is_first = start->task == 17 && start->worker_id == 17 % 50;

    return is_first ? 200 * NS_PER_S : alike(fleet, start);
}

static uint64_t two_kinds(struct fleet *fleet, const struct command *start)
{
    return (start->task % 10 == 9 ? 12 : 1) * alike(fleet, start);
}

/* Row 16: what is usual is not slow. */
static void equal_tasks_get_no_second_attempts(void **state)
{
    struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 50, 4, false);
    fleet.takes = alike;
    assert_int_equal(backups_of(&fleet, 1000), 0);
    fleet_deinit(&fleet);
}

static void one_straggler_gets_exactly_one(void **state)
{
    struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 50, 4, false);
    fleet.takes = one_straggler;
    assert_int_equal(backups_of(&fleet, 1000), 1);
    assert_true(fleet.kit.now_ns < 190 * NS_PER_S); /* the second one won */
    fleet_deinit(&fleet);
}

static void skew_takes_a_tenth_of_the_slots_at_most(void **state)
{
    struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 50, 4, false);
    fleet.takes = two_kinds;
    assert_true(backups_of(&fleet, 1000) > 0);
    assert_in_range(fleet.backup_count_at_once_max, 2, 20);
    fleet_deinit(&fleet);
}

static void unsafe_jobs_get_no_second_attempts(void **state)
{
    struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 50, 4, true);
    fleet.takes = one_straggler;
    assert_int_equal(backups_of(&fleet, 1000), 0);
    fleet_deinit(&fleet);
}

/* Two workers, a job with so many maps that have begun on worker 0. */
static void begin_maps(struct kit *kit, uint32_t maps)
{
    struct sched_options options;

    sched_options_default(&options);
    options.backup = true;
    kit_init(kit, &options);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, maps, 1);
    kit_join(kit, 1, 2);
}

/* Map 1 was done after 5 s, map 0 is still there. */
static void begin_late(struct kit *kit)
{
    begin_maps(kit, 2);
    kit->now_ns += 5 * NS_PER_S;
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 1));
}

/* Signs of life without work, each second. */
static void live_on(struct kit *kit, uint64_t attempt_id, uint32_t seconds, uint32_t permille)
{
    struct event alive = kit_from(kit, EVENT_ATTEMPT_PROGRESS, attempt_id);

    alive.progress_permille = permille;
    for (uint32_t s = 0; s < seconds; s++) {
        alive.progress_count += permille > 0;
        kit_tick_after(kit, NS_PER_S);
        if (kit_find(kit, attempt_id)->state != KIT_OVER)
            kit_step(kit, &alive);
    }
}

/* Row 18: no other task is there to say what is usual. */
static void attempt_that_stands_still_for_30_seconds_gets_a_second(void **state)
{
    struct kit kit;
    uint64_t stuck;

    (void)state;
    begin_maps(&kit, 1);
    stuck = kit_attempt(&kit, STAGE_MAP, 0);
    live_on(&kit, stuck, 29, 0);
    assert_int_equal(kit_attempt(&kit, STAGE_MAP, 0), stuck);
    live_on(&kit, stuck, 2, 0);
    assert_true(kit_attempt(&kit, STAGE_MAP, 0) > stuck);
    assert_int_equal(kit_find(&kit, kit_attempt(&kit, STAGE_MAP, 0))->start.worker_id, 1);
    kit_deinit(&kit);
}

/* It is late, but nearly through: another one would not be earlier. */
static void attempt_that_ends_before_a_fresh_one_would_gets_none(void **state)
{
    (void)state;
    for (uint32_t permille = 100; permille <= 990; permille += 890) {
        struct kit kit;
        uint64_t late;

        begin_late(&kit);
        late = kit_attempt(&kit, STAGE_MAP, 0);
        live_on(&kit, late, 100, permille);
        assert_int_equal(kit_attempt(&kit, STAGE_MAP, 0) == late, permille == 990);
        kit_deinit(&kit);
    }
}

/* Rows 19 and 23: the loser is killed in the same step, its slot is free, it never counts. */
static void first_answer_wins_and_the_loser_is_killed(void **state)
{
    (void)state;
    for (int winner = 0; winner < 2; winner++) {
        struct kit kit;
        uint64_t both[2], loser;
        struct worker_view view;

        begin_late(&kit);
        both[0] = kit_attempt(&kit, STAGE_MAP, 0);
        live_on(&kit, both[0], 31, 0);
        both[1] = kit_attempt(&kit, STAGE_MAP, 0);
        loser = both[1 - winner];
        kit_done_with(&kit, both[winner], kit_digest(5));
        assert_int_equal(kit_find(&kit, loser)->state, KIT_OVER);
        assert_int_equal(kit.out.commands[0].kind, COMMAND_KILL_ATTEMPT);
        assert_int_equal(kit.out.commands[0].failure, ERR_NONE);
        assert_int_equal(kit.out.facts[0].attempt_id, loser);
        assert_true(fact_is_lost_race(&kit.out.facts[0], &kit.out.facts[1]));
        assert_false(fact_is_lost_race(&kit.out.facts[1], &kit.out.facts[0]));
        assert_false(fact_is_lost_race(&kit.out.facts[0], NULL));
        assert_int_equal(kit_output_of(&kit, 0), both[winner]);
        assert_true(sched_worker_view(kit.sched, kit_find(&kit, loser)->start.worker_id, &view));
        assert_int_equal(view.slots_used, 0);
        kit_done_with(&kit, loser, kit_digest(6)); /* both finished together */
        assert_int_equal(sched_stale_count(kit.sched), 1);
        assert_int_equal(kit_output_of(&kit, 0), both[winner]);
        assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 0);
        kit_deinit(&kit);
    }
}

/* Row 21: what has failed cannot win any more; what is left of two goes on alone. */
static void either_of_two_may_fail_or_be_lost(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++)
        for (int lost = 0; lost < 2; lost++) {
            struct kit kit;
            uint64_t both[2];

            begin_late(&kit);
            both[0] = kit_attempt(&kit, STAGE_MAP, 0);
            live_on(&kit, both[0], 31, 0);
            both[1] = kit_attempt(&kit, STAGE_MAP, 0);
            if (lost)
                kit_lose(&kit, kit_find(&kit, both[who])->start.worker_id);
            else
                kit_failed(&kit, both[who], ERR_LIMIT);
            assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, !lost);
            kit_done(&kit, both[who]);
            assert_int_equal(sched_stale_count(kit.sched), 1);
            kit_done(&kit, both[1 - who]);
            assert_int_equal(kit_output_of(&kit, 0), both[1 - who]);
            kit_deinit(&kit);
        }
}

static void both_attempts_end_with_their_job(void **state)
{
    struct kit kit;
    uint64_t both[2];

    (void)state;
    begin_late(&kit);
    both[0] = kit_attempt(&kit, STAGE_MAP, 0);
    live_on(&kit, both[0], 31, 0);
    both[1] = kit_attempt(&kit, STAGE_MAP, 0);
    kit_failed(&kit, both[1], ERR_JOB); /* a sandboxed attempt is deterministic: the other too */
    assert_int_equal(kit.end.reason, END_FAULT);
    assert_int_equal(kit_find(&kit, both[0])->state, KIT_OVER);
    assert_int_equal(sched_next_due_ns(kit.sched), UINT64_MAX);
    kit_deinit(&kit);
}

static void two_attempts_last_over_a_restart_as_none(void **state)
{
    struct kit kit;
    struct sched *copy;
    struct err err;

    (void)state;
    begin_late(&kit);
    live_on(&kit, kit_attempt(&kit, STAGE_MAP, 0), 31, 0);
    copy = sched_open(&kit.options);
    assert_int_equal(sched_restore(copy, kit.facts, kit.fact_count, &err), 0);
    sched_check(copy);
    assert_int_equal(sched_hash(copy), sched_hash(kit.sched));
    sched_close(kit.sched);
    kit.sched = copy;
    kit.now_ns = 1;
    kit_tick_after(&kit, 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].idle_count, 1);
    kit_deinit(&kit);
}

/* A reduce fetches again beside the slow one; which of them gets done first is the task's. */
static void slow_reduce_gets_a_second_attempt(void **state)
{
    struct kit kit;
    uint64_t slow, second;

    (void)state;
    begin_late(&kit);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    slow = kit_attempt(&kit, STAGE_REDUCE, 0);
    live_on(&kit, slow, 31, 0); /* its fetch stands still */
    second = kit_attempt(&kit, STAGE_REDUCE, 0);
    assert_true(second > slow);
    kit_fetched(&kit, slow);
    kit_fetched(&kit, second);
    assert_int_equal(kit_find(&kit, second)->state, KIT_GRANTED);
    kit_done(&kit, second);
    assert_int_equal(kit_find(&kit, slow)->state, KIT_OVER);
    assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
    kit_deinit(&kit);
}

static uint32_t completions_of(const struct kit *kit, enum stage_kind stage, uint64_t attempt_id)
{
    uint32_t count = 0;

    for (size_t i = 0; i < kit->fact_count; i++)
        count += kit->facts[i].kind == FACT_TASK_COMPLETED && kit->facts[i].stage == stage &&
                 kit->facts[i].task == 0 &&
                 (attempt_id == 0 || kit->facts[i].attempt_id == attempt_id);
    return count;
}

/* Both attempts of the task say that they are done, in one moment; the first heard is the task's,
 * whatever is heard again of either. */
static void race(struct kit *kit, struct rand *rand, enum stage_kind stage, uint64_t first)
{
    uint64_t both[2] = {first, kit_attempt(kit, stage, 0)};
    uint32_t winner = (uint32_t)rand_below(rand, 2);

    assert_true(both[1] > both[0]);
    for (uint32_t i = 0; stage == STAGE_REDUCE && i < 2; i++)
        kit_fetched(kit, both[i]);
    kit_done(kit, both[winner]);
    for (uint64_t again = 1 + rand_below(rand, 4); again > 0; again--)
        kit_done(kit, both[again == 1 ? 1 - winner : rand_below(rand, 2)]);
    assert_int_equal(completions_of(kit, stage, 0), 1);
    assert_int_equal(completions_of(kit, stage, both[winner]), 1);
}

/* As live_on() without work, in three steps: it gets a second attempt. */
static void stand_still(struct kit *kit, uint64_t attempt_id)
{
    for (int i = 0; i < 3; i++) {
        struct event alive = kit_from(kit, EVENT_ATTEMPT_PROGRESS, attempt_id);

        kit_step(kit, &alive);
        kit_tick_after(kit, i < 2 ? 16 * NS_PER_S : NS_PER_S);
    }
}

/* Row 19. Each a race of two maps, then one of two reduces: one output, one part. */
static void of_1000_races_each_has_one_result(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, 19);
    for (int round = 0; round < 1000; round++) {
        struct kit kit;
        uint64_t first;

        begin_late(&kit);
        first = kit_attempt(&kit, STAGE_MAP, 0);
        stand_still(&kit, first);
        race(&kit, &rand, STAGE_MAP, first);
        first = kit_attempt(&kit, STAGE_REDUCE, 0);
        stand_still(&kit, first);
        race(&kit, &rand, STAGE_REDUCE, first);
        assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
        assert_int_equal(kit_progress(&kit).stages[STAGE_REDUCE].failure_count, 0);
        kit_deinit(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_tasks_get_no_second_attempts),
        cmocka_unit_test(one_straggler_gets_exactly_one),
        cmocka_unit_test(skew_takes_a_tenth_of_the_slots_at_most),
        cmocka_unit_test(unsafe_jobs_get_no_second_attempts),
        cmocka_unit_test(attempt_that_stands_still_for_30_seconds_gets_a_second),
        cmocka_unit_test(attempt_that_ends_before_a_fresh_one_would_gets_none),
        cmocka_unit_test(first_answer_wins_and_the_loser_is_killed),
        cmocka_unit_test(either_of_two_may_fail_or_be_lost),
        cmocka_unit_test(both_attempts_end_with_their_job),
        cmocka_unit_test(two_attempts_last_over_a_restart_as_none),
        cmocka_unit_test(slow_reduce_gets_a_second_attempt),
        cmocka_unit_test(of_1000_races_each_has_one_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
