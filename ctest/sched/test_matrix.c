/*
 * Row 12, the full matrix: every event in every state, about the attempt in question, about one
 * that is over, about nobody; from where it lives, and from elsewhere. Nothing aborts; each cell is
 * a transition or is counted as stale; and from each cell the job still ends.
 */
#include <stdio.h>

#include "sched/kit.h"

/* Job 1 has two maps and a reduce, worker 0 two slots. Each answers the attempt in question. */
static uint64_t nothing(struct kit *kit)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    return 0;
}

static uint64_t planning(struct kit *kit)
{
    nothing(kit);
    kit_submit(kit, 1, NULL);
    return kit_attempt(kit, STAGE_PLAN, 0);
}

static uint64_t plan_delayed(struct kit *kit)
{
    uint64_t plan = planning(kit);

    kit_failed(kit, plan, ERR_RETRY);
    return plan;
}

static uint64_t map_running(struct kit *kit)
{
    planning(kit);
    kit_plan(kit, 1, 2, 1);
    return kit_attempt(kit, STAGE_MAP, 0);
}

static uint64_t map_delayed(struct kit *kit)
{
    uint64_t map = map_running(kit);

    kit_failed(kit, map, ERR_DISK);
    return map;
}

static uint64_t map_without_worker(struct kit *kit)
{
    uint64_t map = map_running(kit);

    kit_lose(kit, 0);
    return map;
}

static uint64_t map_completed(struct kit *kit)
{
    uint64_t map = map_running(kit);

    kit_done(kit, map);
    return map;
}

static uint64_t reduce_fetching(struct kit *kit)
{
    map_completed(kit);
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 1));
    return kit_attempt(kit, STAGE_REDUCE, 0);
}

/* All slots are taken by another job, so the reduce of this one waits. */
static uint64_t reduce_fetched(struct kit *kit)
{
    uint64_t reduce = reduce_fetching(kit);

    kit_submit(kit, 2, NULL);
    kit_plan(kit, 2, 2, 1);
    kit_fetched(kit, reduce);
    return reduce;
}

static uint64_t reduce_running(struct kit *kit)
{
    uint64_t reduce = reduce_fetching(kit);

    kit_fetched(kit, reduce);
    return reduce;
}

/* Nobody needs the lost map: the reduce has its segment. */
static uint64_t map_lost_and_not_wanted(struct kit *kit)
{
    uint64_t reduce = reduce_running(kit);

    kit_step(kit, &(struct event){.kind = EVENT_OUTPUT_LOST,
                                  .job_id = 1,
                                  .peer_task = 0,
                                  .peer_attempt_id = kit_output_of(kit, 0)});
    return reduce;
}

static uint64_t map_running_again(struct kit *kit)
{
    uint64_t lost;

    reduce_fetching(kit);
    lost = kit_output_of(kit, 0);
    kit_step(kit,
             &(struct event){
                 .kind = EVENT_OUTPUT_LOST, .job_id = 1, .peer_task = 0, .peer_attempt_id = lost});
    kit_find(kit, lost)->state = KIT_OVER;
    return kit_attempt(kit, STAGE_MAP, 0);
}

static uint64_t committing(struct kit *kit)
{
    kit_done(kit, reduce_running(kit));
    return kit_attempt(kit, STAGE_COMMIT, 0);
}

/* The store had lost what the reduce left there: it runs again. */
static uint64_t part_lost(struct kit *kit)
{
    uint64_t commit = committing(kit), reduce = kit_part_of(kit, 0);

    kit_failed_peer(kit, commit, 0, reduce);
    assert_int_equal(kit_progress(kit).status, JOB_RUNNING);
    return kit_attempt(kit, STAGE_REDUCE, 0);
}

/* The same, and meanwhile its maps went with their worker: the reduce waits for them. */
static uint64_t part_lost_with_its_maps(struct kit *kit)
{
    uint64_t commit = committing(kit), reduce = kit_part_of(kit, 0);

    kit_lose(kit, 0);
    kit_join(kit, 0, 2);
    kit_failed_peer(kit, commit, 0, reduce);
    return kit_attempt(kit, STAGE_MAP, 0);
}

/* Maps' outputs are in a store: nobody is asked to bring them back. */
static uint64_t map_in_store(struct kit *kit)
{
    struct job_rules rules = {.attempts_max = 4, .outputs_in_store = true};
    uint64_t map;

    nothing(kit);
    kit_submit(kit, 1, &rules);
    kit_plan(kit, 1, 2, 1);
    map = kit_attempt(kit, STAGE_MAP, 0);
    kit_done(kit, map);
    return map;
}

static uint64_t commit_delayed(struct kit *kit)
{
    uint64_t commit = committing(kit);

    kit_failed(kit, commit, ERR_RETRY);
    return commit;
}

static uint64_t succeeded(struct kit *kit)
{
    uint64_t commit = committing(kit);

    kit_done(kit, commit);
    return commit;
}

static uint64_t failed(struct kit *kit)
{
    uint64_t map = map_running(kit);

    kit_failed(kit, map, ERR_JOB);
    return map;
}

/* A second life: the worker holds a map and is not back yet. */
static uint64_t worker_awaited(struct kit *kit)
{
    uint64_t map = map_completed(kit);
    struct err err;

    sched_close(kit->sched);
    kit->sched = sched_open(&kit->options);
    assert_int_equal(sched_restore(kit->sched, kit->facts, kit->fact_count, &err), 0);
    for (size_t i = 0; i < kit->attempt_count; i++)
        kit->attempts[i].state = KIT_OVER;
    kit_step(kit, &(struct event){.kind = EVENT_TICK});
    return map;
}

/* Its connection is cut, its grace not over. */
static uint64_t map_of_a_cut_worker(struct kit *kit)
{
    uint64_t map = map_running(kit);

    kit_reset(kit, 0);
    return map;
}

/* Second attempts, as soon as another worker with two slots joins. */
static void begin_with_backups(struct kit *kit)
{
    struct sched_options options;

    sched_options_default(&options);
    options.backup = true;
    kit_init(kit, &options);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, 2, 1);
}

/* Row 13: map 1 is done, map 0 stands still on worker 0 and has a second attempt on worker 1. */
static uint64_t map_backed_up(struct kit *kit)
{
    uint64_t map;

    begin_with_backups(kit);
    map = kit_attempt(kit, STAGE_MAP, 0);
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 1));
    kit_join(kit, 1, 2);
    while (kit_attempt(kit, STAGE_MAP, 0) == map)
        kit_tick(kit);
    assert_true(kit->now_ns < 40 * NS_PER_S);
    return map;
}

/* The same of a reduce that has its slot, or is about to. */
static uint64_t reduce_with_slot_backed_up(struct kit *kit)
{
    uint64_t reduce;

    begin_with_backups(kit);
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 0));
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 1));
    reduce = kit_attempt(kit, STAGE_REDUCE, 0);
    kit_fetched(kit, reduce);
    kit_join(kit, 1, 2);
    while (kit_attempt(kit, STAGE_REDUCE, 0) == reduce)
        kit_tick(kit);
    return reduce;
}

/*
 * What the events do when they are about the attempt in question and come from where it lives.
 * '+': something, '-': stale. In the order of enum event_kind: tick, submitted (job 1 again),
 * cancelled, plan made, joined (worker 0, again), lost (worker 0), reset, heard, slots (of it),
 * progress, fetched, done, failed, records bad, returned, output lost (map 0), output held, attempt
 * held.
 */
static const struct {
    const char *name;
    uint64_t (*reach)(struct kit *kit);
    const char *effects;
} STATES[] = {
    /*                                                      tSCPJLrhspfdFBROha */
    {"nothing", nothing, "++---++++-------++"},
    {"planning", planning, "+-++-+++++--+-+-++"},
    {"plan_delayed", plan_delayed, "+-+--++++-------++"},
    {"map_running", map_running, "+-+--+++++-++++-++"},
    {"map_delayed", map_delayed, "+-+--++++-------++"},
    {"map_without_worker", map_without_worker, "+-+-+-------------"},
    {"map_completed", map_completed, "+-+--++++------+++"},
    {"reduce_fetching", reduce_fetching, "+-+--++++++-++++++"},
    {"reduce_fetched", reduce_fetched, "+-+--+++++--++++++"},
    {"reduce_running", reduce_running, "+-+--+++++-+++++++"},
    {"map_lost_and_not_wanted", map_lost_and_not_wanted, "+-+--+++++-++++-++"},
    {"map_running_again", map_running_again, "+-+--+++++-++++-++"},
    {"committing", committing, "+----+++++-++-+-++"},
    {"part_lost", part_lost, "+-+--++++++-++++++"},
    {"part_lost_with_its_maps", part_lost_with_its_maps, "+-+--+++++-++++-++"},
    {"map_in_store", map_in_store, "+-+--++++------+++"},
    {"commit_delayed", commit_delayed, "+-+--++++-------++"},
    {"succeeded", succeeded, "+----++++-------++"},
    {"failed", failed, "+----++++-------++"},
    {"worker_awaited", worker_awaited, "+-+-++---------+--"},
    {"map_of_a_cut_worker", map_of_a_cut_worker, "+-+-++---+-++++---"},
    {"map_backed_up", map_backed_up, "+-+--+++++-++++-++"},
    {"reduce_with_slot_backed_up", reduce_with_slot_backed_up, "+-+--+++++-+++++++"},
};

enum { STATE_COUNT = sizeof STATES / sizeof STATES[0] };

/* The event of that kind that fits best: about `attempt_id`, from where that lives. */
static bool is_about_an_attempt(enum event_kind kind)
{
    return kind == EVENT_PLAN_MADE ||
           (kind >= EVENT_ATTEMPT_PROGRESS && kind <= EVENT_ATTEMPT_RETURNED);
}

static struct event fitting(struct kit *kit, enum event_kind kind, uint64_t attempt_id)
{
    struct event event = {.kind = kind, .worker_id = 0, .incarnation = 100};

    if (attempt_id != 0 && is_about_an_attempt(kind))
        event = kit_from(kit, kind, attempt_id);
    event.attempt_id = attempt_id;
    event.job_id = 1;
    event.rules.attempts_max = 4;
    event.rules.skip_bad = 3;
    event.slot_count = 2;
    event.map_count = 2;
    event.reduce_count = 1;
    event.failure = ERR_RETRY;
    event.bad_count = 1;
    event.peer_attempt_id = kit_output_of(kit, 0);
    return event;
}

static void each_cell_is_a_transition_or_is_counted(void **state)
{
    (void)state;
    for (int at = 0; at < STATE_COUNT; at++) {
        for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
            struct kit kit;
            uint64_t attempt_id = STATES[at].reach(&kit);
            uint64_t stale_count = sched_stale_count(kit.sched);
            uint64_t hash = sched_hash(kit.sched);
            struct event event = fitting(&kit, (enum event_kind)kind, attempt_id);
            bool did;

            kit_step(&kit, &event);
            did = sched_stale_count(kit.sched) == stale_count;
            if (did != (STATES[at].effects[kind] == '+'))
                fail_msg("%s in %s: %s", event_kind_name(event.kind), STATES[at].name,
                         did ? "did something" : "was stale");
            if (!did)
                assert_int_equal(sched_hash(kit.sched), hash);
            if (event.kind == EVENT_WORKER_LOST && did) /* its attempts are over */
                for (size_t i = 0; i < kit.attempt_count; i++)
                    if (kit.attempts[i].start.worker_id == 0)
                        kit.attempts[i].state = KIT_OVER;
            kit_drive_to_end(&kit, 2);
            kit_deinit(&kit);
        }
    }
}

/* I6: another worker, another incarnation, an attempt that never was. */
static void what_comes_from_elsewhere_changes_nothing(void **state)
{
    (void)state;
    for (int at = 0; at < STATE_COUNT; at++) {
        for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
            struct kit kit;
            uint64_t attempt_id = STATES[at].reach(&kit);
            uint64_t hash = sched_hash(kit.sched);
            struct event event = fitting(&kit, (enum event_kind)kind, attempt_id);

            if (is_about_an_attempt(event.kind)) {
                uint64_t stale_count = sched_stale_count(kit.sched);
                struct event other = event;

                other.worker_id = 3;
                kit_step(&kit, &other);
                other = event;
                other.incarnation++;
                if (event.worker_id != WORKER_NONE)
                    kit_step(&kit, &other);
                other = event;
                other.attempt_id = 77;
                kit_step(&kit, &other);
                assert_int_equal(sched_stale_count(kit.sched) - stale_count,
                                 event.worker_id != WORKER_NONE ? 3 : 2);
                assert_int_equal(sched_hash(kit.sched), hash);
            }
            kit_deinit(&kit);
        }
    }
}

/* Every failure kind, from every attempt that lives; then the job ends one way or the other. */
static void every_failure_in_every_state_is_judged(void **state)
{
    (void)state;
    for (int at = 0; at < STATE_COUNT; at++) {
        for (int failure = ERR_RETRY; failure < ERR_KIND_COUNT; failure++) {
            struct kit kit;
            uint64_t attempt_id = STATES[at].reach(&kit);
            struct event event = fitting(&kit, EVENT_ATTEMPT_FAILED, attempt_id);

            event.failure = (enum err_kind)failure;
            event.peer_task = 12345; /* from a worker: it may be anything */
            kit_step(&kit, &event);
            if (attempt_id != 0 && sched_stale_count(kit.sched) == 0)
                kit_find(&kit, attempt_id)->state = KIT_OVER;
            kit_drive_to_end(&kit, 2);
            kit_deinit(&kit);
        }
    }
}

/*
 * Row 14: nobody ever says anything again. Whatever lives is over after its silence, and what waits
 * for a slot after that of who had the slot.
 */
static void every_state_has_a_deadline(void **state)
{
    (void)state;
    for (int at = 0; at < STATE_COUNT; at++) {
        struct kit kit;
        size_t count;
        uint64_t end_ns;

        STATES[at].reach(&kit);
        count = kit.attempt_count;
        end_ns = kit.now_ns + 3 * kit.options.silence_ns;
        for (size_t i = 0; i < count; i++)
            if (kit.attempts[i].start.worker_id == 0 && kit_has_ended(&kit, i))
                kit.attempts[i].state = KIT_OVER;
        while (sched_next_due_ns(kit.sched) < end_ns)
            kit_tick(&kit);
        for (size_t i = 0; i < count; i++)
            assert_true(kit_has_ended(&kit, i));
        kit_deinit(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cell_is_a_transition_or_is_counted),
        cmocka_unit_test(what_comes_from_elsewhere_changes_nothing),
        cmocka_unit_test(every_failure_in_every_state_is_judged),
        cmocka_unit_test(every_state_has_a_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
