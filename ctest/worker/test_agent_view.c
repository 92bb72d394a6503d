/*
 * A property: whatever the master says, is lost, comes twice or in another order, and whatever
 * processes do, the agent keeps its promises; and when the world is kind again, all that ended is
 * heard of and nothing is left.
 */
#include <stdio.h>
#include <string.h>

#include "seed.h"
#include "worker/kit.h"

enum {
    ATTEMPT_COUNT = 60,
    JOB_COUNT = 4,
    BAG_COUNT_MAX = 64, /* messages on their way to the worker, in no order */
    STEP_COUNT = 3000,
};

/* What the world knows of an attempt that the agent does not. */
struct truth {
    bool reduces;
    bool started, allowed; /* START_ATTEMPT, RUN_ATTEMPT were done */
    bool has_process;      /* of a reduce: with or without a slot */
    bool dropped;
    bool may_go; /* somebody said KILL, FORGET, JOB_OVER or BROKEN: its output need not last */
    bool done;
    bool heard; /* the master has heard an end and said so at least once */
};

struct world {
    struct kit kit;
    struct rand rand;
    struct truth truths[ATTEMPT_COUNT + 1];
    struct agent_event bag[BAG_COUNT_MAX];
    size_t bag_count;
    bool job_is_over[JOB_COUNT + 1];
    bool is_open, exited;
    bool is_kind; /* nothing is lost any more */
};

static uint64_t job_of(uint64_t attempt_id)
{
    return 1 + attempt_id % JOB_COUNT;
}

static bool chance(struct world *world, uint64_t percent)
{
    return rand_below(&world->rand, 100) < percent;
}

static void post(struct world *world, const struct agent_event *event)
{
    if (world->bag_count < BAG_COUNT_MAX && (world->is_kind || !chance(world, 10)))
        world->bag[world->bag_count++] = *event;
}

/* ---- what the agent does ---- */

static uint32_t slots_taken(const struct world *world)
{
    uint32_t count = 0;

    for (int id = 1; id <= ATTEMPT_COUNT; id++) {
        const struct truth *truth = &world->truths[id];

        count += truth->has_process && (!truth->reduces || truth->allowed);
    }
    return count;
}

static void hear(struct world *world, const struct agent_action *action)
{
    struct agent_event event = kit_message(&world->kit, AGENT_HEARD, action->attempt_id);

    event.report = action->report;
    if (action->report == AGENT_REPORT_RETURNED)
        event.report = AGENT_REPORT_FAILED;
    if (action->report == AGENT_REPORT_FETCHED && chance(world, 60))
        event.kind = AGENT_RUN;
    if (action->report != AGENT_REPORT_FETCHED)
        world->truths[action->attempt_id].heard = true;
    if (world->is_kind || chance(world, 80))
        post(world, &event);
}

static void see_attempt(struct world *world, const struct agent_action *action)
{
    struct truth *truth = &world->truths[action->attempt_id];

    assert_int_equal(action->job_id, job_of(action->attempt_id));
    switch (action->kind) {
    case AGENT_START_ATTEMPT:
        assert_false(truth->started); /* at most once */
        assert_false(truth->dropped);
        truth->started = truth->has_process = true;
        break;
    case AGENT_RUN_ATTEMPT:
        assert_true(truth->has_process && truth->reduces && !truth->allowed);
        truth->allowed = true;
        break;
    case AGENT_KILL_ATTEMPT:
        assert_true(truth->has_process);
        break;
    case AGENT_DROP_ATTEMPT:
        assert_false(truth->has_process || truth->dropped);
        truth->dropped = true;
        break;
    case AGENT_DELETE_OUTPUT:
        assert_false(truth->reduces);
        assert_true(truth->may_go || !truth->done);
        break;
    default:
        abort();
    }
    assert_true(slots_taken(world) <= world->kit.options.slot_count);
}

static void see(struct world *world, const struct agent_action *action)
{
    switch (action->kind) {
    case AGENT_CONNECT:
        assert_false(world->is_open);
        return;
    case AGENT_DISCONNECT:
        world->is_open = false;
        return;
    case AGENT_SEND_REPORT:
        assert_true(world->is_open && action->connection == world->kit.connection);
        assert_false(world->truths[action->attempt_id].dropped);
        hear(world, action);
        return;
    case AGENT_SEND_JOIN:
    case AGENT_SEND_HEARTBEAT:
    case AGENT_SEND_OUTPUT_LOST:
        assert_true(world->is_open);
        return;
    case AGENT_PASS_SOURCES:
        return;
    case AGENT_DELETE_JOB:
        assert_true(world->job_is_over[action->job_id]);
        for (uint64_t id = 1; id <= ATTEMPT_COUNT; id++)
            assert_false(job_of(id) == action->job_id && world->truths[id].has_process);
        return;
    case AGENT_EXIT:
        world->exited = true;
        return;
    default:
        see_attempt(world, action);
    }
}

static void step(struct world *world, const struct agent_event *event)
{
    struct agent_output seen;

    kit_step(&world->kit, event);
    seen = world->kit.out; /* posts change nothing in it */
    for (size_t i = 0; i < seen.action_count; i++)
        see(world, &seen.actions[i]);
}

/* ---- what the world does ---- */

static void deliver(struct world *world)
{
    size_t at = rand_below(&world->rand, world->bag_count);
    struct agent_event event = world->bag[at];

    if (world->is_kind || !chance(world, 15)) /* if not: it comes again */
        world->bag[at] = world->bag[--world->bag_count];
    if (event.kind == AGENT_JOB_OVER) {
        world->job_is_over[event.job_id] = true;
        for (uint64_t id = 1; id <= ATTEMPT_COUNT; id++)
            world->truths[id].may_go |= job_of(id) == event.job_id;
    }
    if (event.kind == AGENT_KILL || event.kind == AGENT_FORGET)
        world->truths[event.attempt_id].may_go = true;
    step(world, &event);
}

static void connect_or_cut(struct world *world)
{
    struct agent_event event = kit_message(&world->kit, AGENT_CONNECTED, 0);

    if (world->is_open) {
        event.kind = AGENT_DISCONNECTED;
        world->is_open = false;
        if (chance(world, 20))
            world->kit.epoch++;
        step(world, &event);
        return;
    }
    world->is_open = true; /* it is, if the agent was waiting for it */
    step(world, &event);
    world->is_open = kit_did(&world->kit, AGENT_SEND_JOIN, 0) != NULL;
    event = kit_message(&world->kit, AGENT_WELCOME, 0);
    if (world->is_open)
        step(world, &event);
}

static void say(struct world *world)
{
    static const enum agent_event_kind kinds[] = {AGENT_START,  AGENT_START,  AGENT_START,
                                                  AGENT_START,  AGENT_RUN,    AGENT_KILL,
                                                  AGENT_FORGET, AGENT_SOURCES};
    uint64_t id = 1 + rand_below(&world->rand, ATTEMPT_COUNT);
    struct agent_event event = kit_message(&world->kit, kinds[rand_below(&world->rand, 8)], id);

    event.job_id = job_of(id);
    event.fetches = world->truths[id].reduces;
    event.keeps_output = !event.fetches;
    if (rand_below(&world->rand, 400) == 0)
        event.kind = AGENT_JOB_OVER;
    else if (event.kind >= AGENT_KILL && event.kind <= AGENT_FORGET && chance(world, 80))
        return;
    post(world, &event);
}

/* One that has a process; 0: none has. */
static uint64_t any_process(struct world *world)
{
    uint64_t first = rand_below(&world->rand, ATTEMPT_COUNT);

    for (uint64_t i = 0; i < ATTEMPT_COUNT; i++) {
        uint64_t id = 1 + (first + i) % ATTEMPT_COUNT;

        if (world->truths[id].has_process)
            return id;
    }
    return 0;
}

static enum agent_event_kind any_word(struct world *world, const struct truth *truth)
{
    uint64_t dice = rand_below(&world->rand, 10);

    if (dice == 0)
        return AGENT_ATTEMPT_FAILED;
    if (dice < 4)
        return AGENT_ATTEMPT_ENDED;
    return truth->reduces && !truth->allowed ? AGENT_ATTEMPT_FETCHED : AGENT_ATTEMPT_DONE;
}

static void live(struct world *world)
{
    struct agent_event event = {.attempt_id = any_process(world), .failure = ERR_JOB};
    struct truth *truth = &world->truths[event.attempt_id];

    if (event.attempt_id == 0)
        return;
    event.kind = any_word(world, truth);
    if (event.kind == AGENT_ATTEMPT_DONE)
        truth->done |= kit_state(&world->kit, event.attempt_id) == AGENT_ATTEMPT_RUNNING;
    if (event.kind == AGENT_ATTEMPT_ENDED)
        truth->has_process = false;
    step(world, &event);
}

/* The disk loses a run now and then. */
static void rot(struct world *world)
{
    struct agent_event event = {.kind = AGENT_OUTPUT_BROKEN,
                                .attempt_id = 1 + rand_below(&world->rand, ATTEMPT_COUNT)};

    if (chance(world, 90))
        return;
    world->truths[event.attempt_id].may_go = true;
    step(world, &event);
}

static void happen(struct world *world)
{
    struct agent_event tick = {.kind = AGENT_TICK};

    switch (rand_below(&world->rand, 10)) {
    case 0:
        world->kit.now_ns += rand_below(&world->rand, 2 * NS_PER_S);
        step(world, &tick);
        return;
    case 1:
        if (!world->is_open || chance(world, 10))
            connect_or_cut(world);
        return;
    case 2:
    case 3:
        say(world);
        return;
    case 4:
        rot(world);
        return;
    case 5:
    case 6:
        live(world);
        return;
    default:
        if (world->bag_count > 0)
            deliver(world);
    }
}

/* ---- the end ---- */

/* Messages arrive, processes end: then all that has ended is heard of. */
static void be_kind(struct world *world)
{
    size_t count = 1;

    world->is_kind = true;
    for (int round = 0; count > 0 || !world->is_open; round++) {
        const struct agent_attempt *attempts = agent_attempts(world->kit.agent, &count);

        assert_true(round < 1000);
        if (count > 0 && attempts[0].has_process) {
            struct agent_event event = {.kind = AGENT_ATTEMPT_ENDED, .attempt_id = attempts[0].id};

            world->truths[attempts[0].id].has_process = false;
            step(world, &event);
        }
        if (!world->is_open)
            connect_or_cut(world);
        world->kit.now_ns += NS_PER_S;
        step(world, &(struct agent_event){.kind = AGENT_TICK});
        while (world->bag_count > 0)
            deliver(world);
        agent_attempts(world->kit.agent, &count);
    }
    for (uint64_t id = 1; id <= ATTEMPT_COUNT; id++) {
        const struct truth *truth = &world->truths[id];

        assert_int_equal(truth->started && !truth->dropped, 0);
        assert_true(!truth->done || truth->heard || truth->may_go);
        if (truth->done && !truth->reduces && !truth->may_go)
            assert_true(agent_holds(world->kit.agent, id));
    }
}

static void end_all_jobs_and_drain(struct world *world)
{
    for (uint64_t job = 1; job <= JOB_COUNT; job++) {
        struct agent_event event = kit_message(&world->kit, AGENT_JOB_OVER, 0);

        event.job_id = job;
        world->job_is_over[job] = true;
        step(world, &event);
    }
    assert_false(world->exited);
    step(world, &(struct agent_event){.kind = AGENT_DRAIN});
    assert_true(world->exited);
}

static void promises_are_kept_in_any_world(void **state)
{
    struct rand seeds = seed_rand();

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct world world = {.is_open = false};

        rand_init(&world.rand, rand_next(&seeds));
        kit_init(&world.kit, 1 + (uint32_t)rand_below(&world.rand, 3));
        for (int id = 1; id <= ATTEMPT_COUNT; id++)
            world.truths[id].reduces = chance(&world, 40);
        step(&world, &(struct agent_event){.kind = AGENT_TICK});
        for (int i = 0; i < STEP_COUNT; i++)
            happen(&world);
        be_kind(&world);
        end_all_jobs_and_drain(&world);
        kit_deinit(&world.kit);
    }
}

/* ---- what is seen ---- */

static void every_kind_and_state_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < AGENT_EVENT_KIND_COUNT; i++)
        assert_non_null(agent_event_kind_name((enum agent_event_kind)i));
    for (int i = 0; i < AGENT_ACTION_KIND_COUNT; i++)
        assert_non_null(agent_action_kind_name((enum agent_action_kind)i));
    for (int i = 0; i < AGENT_ATTEMPT_STATE_COUNT; i++)
        assert_non_null(agent_attempt_state_name((enum agent_attempt_state)i));
    assert_string_equal(agent_event_kind_name(AGENT_DRAIN), "drain");
    assert_string_equal(agent_action_kind_name(AGENT_EXIT), "exit");
    assert_string_equal(agent_attempt_state_name(AGENT_ATTEMPT_DYING), "dying");
}

static void it_tells_who_it_is_to_its_master(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    assert_int_equal(agent_epoch(kit.agent), 0);
    kit.epoch = 3;
    kit_join(&kit);
    assert_int_equal(agent_epoch(kit.agent), 3);
    assert_int_equal(agent_worker_id(kit.agent), 7);
    assert_false(agent_is_draining(kit.agent));
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promises_are_kept_in_any_world),
        cmocka_unit_test(every_kind_and_state_has_a_name_of_its_own),
        cmocka_unit_test(it_tells_who_it_is_to_its_master),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
