/*
 * Any events in any order: nothing aborts, every invariant holds after each (kit.h), what is
 * restored is what was, and once all goes well every job ends. SEED=n repeats one history.
 */
#include <stdio.h>

#include "sched/kit.h"

#include "base/rand.h"

enum { WORKERS = 5, JOBS = 3, STEPS = 1500, SEEDS = 100 };

struct history {
    struct kit kit;
    struct rand rand;
    uint64_t incarnations[WORKERS];
    uint64_t jobs;
};

static uint64_t draw(struct history *history, uint64_t bound)
{
    return rand_below(&history->rand, bound);
}

static const struct command *any_attempt(struct history *history)
{
    static const struct command NONE = {.attempt_id = 77, .job_id = 1};
    size_t count = history->kit.attempt_count;
    size_t recent = count < 20 ? count : 20;

    if (count == 0)
        return &NONE;
    if (draw(history, 4) == 0)
        return &history->kit.attempts[draw(history, count)].start;
    return &history->kit.attempts[count - 1 - draw(history, recent)].start;
}

/* Work goes on more often than not. */
static enum event_kind any_kind(struct history *history)
{
    static const enum event_kind GOOD[] = {EVENT_ATTEMPT_DONE, EVENT_ATTEMPT_FETCHED,
                                           EVENT_PLAN_MADE, EVENT_WORKER_JOINED, EVENT_TICK};

    if (draw(history, 2))
        return GOOD[draw(history, sizeof GOOD / sizeof GOOD[0])];
    return (enum event_kind)draw(history, EVENT_KIND_COUNT);
}

/* All fields that any kind reads, mostly of things that are there. */
static struct event any_event(struct history *history)
{
    const struct command *about = any_attempt(history);
    uint32_t worker = (uint32_t)draw(history, WORKERS);
    struct event event = {
        .kind = any_kind(history),
        .job_id = about->job_id,
        .rules = {.attempts_max = 4,
                  .unsafe = draw(history, 4) == 0,
                  .skip_bad = (uint32_t)draw(history, 4) * 3,
                  .priority = (int32_t)draw(history, 2),
                  .weight = (uint32_t)draw(history, 3)},
        .map_count = (uint32_t)draw(history, 20),
        .reduce_count = (uint32_t)draw(history, 6),
        .sample_count = (uint32_t)draw(history, 2),
        .worker_id = worker,
        .incarnation = history->incarnations[worker],
        .slot_count = (uint32_t)draw(history, 4),
        .attempt_id = about->attempt_id,
        .progress_permille = (uint32_t)draw(history, 1001),
        .progress_count = draw(history, 3),
        .failure = draw(history, 20) == 0 ? ERR_LIMIT : 1 + (enum err_kind)draw(history, 3),
        .bad_count = 1 + (uint32_t)draw(history, 2),
        .peer_task = about->task,
        .peer_attempt_id = about->attempt_id,
    };

    if ((event.kind >= EVENT_ATTEMPT_PROGRESS && event.kind != EVENT_OUTPUT_LOST) ||
        event.kind == EVENT_PLAN_MADE) {
        event.worker_id = about->worker_id;
        event.incarnation = about->incarnation;
    }
    return event;
}

/* Rarer than the rest: what ends everything, or takes long to get over. */
static bool is_too_early(struct history *history, const struct event *event)
{
    if (event->kind == EVENT_JOB_CANCELLED)
        return draw(history, 200) != 0;
    return event->kind == EVENT_WORKER_LOST && draw(history, 8) != 0;
}

static void assert_restored_is_equal(struct history *history)
{
    struct kit *kit = &history->kit;
    struct sched *copy = sched_open(&kit->options);
    struct err err;

    if (sched_restore(copy, kit->facts, kit->fact_count, &err) != 0)
        fail_msg("%s", err.message);
    sched_check(copy);
    assert_int_equal(sched_hash(copy), sched_hash(kit->sched));
    sched_close(copy);
}

/* The master dies here; another one reads the facts. */
static void restart(struct history *history)
{
    struct kit *kit = &history->kit;
    struct err err;

    sched_close(kit->sched);
    kit->sched = sched_open(&kit->options);
    kit->now_ns = 1;
    assert_int_equal(sched_restore(kit->sched, kit->facts, kit->fact_count, &err), 0);
    for (size_t i = 0; i < kit->attempt_count; i++)
        kit->attempts[i].state = KIT_OVER;
}

static void turn(struct history *history)
{
    struct event event = any_event(history);

    if (draw(history, 300) == 0)
        restart(history);
    if (is_too_early(history, &event))
        return;
    history->kit.now_ns +=
        draw(history, 50) ? draw(history, NS_PER_S / 2) : draw(history, 40 * NS_PER_S);
    if (event.kind == EVENT_JOB_SUBMITTED)
        event.job_id = history->jobs < JOBS ? ++history->jobs : 1 + draw(history, JOBS);
    if (event.kind == EVENT_WORKER_JOINED && draw(history, 8) == 0)
        event.incarnation = history->incarnations[event.worker_id] += 100;
    kit_step(&history->kit, &event);
}

static void live(uint64_t seed)
{
    struct history history = {0};
    struct sched_options options;

    rand_init(&history.rand, seed);
    sched_options_cluster(&options);
    options.seed = seed;
    options.worker_silence_ns = seed % 2 ? 40 * NS_PER_S : 0;
    kit_init(&history.kit, &options);
    for (uint32_t worker = 0; worker < WORKERS; worker++)
        history.incarnations[worker] = 100 + worker;
    for (int i = 0; i < STEPS; i++) {
        turn(&history);
        if (i % 20 == 0 && history.kit.fact_count > 0)
            assert_restored_is_equal(&history);
    }
    history.kit.options.worker_silence_ns = 0;
    kit_drive_to_end(&history.kit, history.jobs);
    assert_restored_is_equal(&history);
    kit_deinit(&history.kit);
}

static void any_history_keeps_the_invariants_and_can_end(void **state)
{
    const char *given = getenv("SEED");

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t this_seed = given ? strtoull(given, NULL, 10) : seed;

        fprintf(stderr, "\rSEED=%llu ", (unsigned long long)this_seed);
        live(this_seed);
        if (given)
            return;
    }
    fprintf(stderr, "\r");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history_keeps_the_invariants_and_can_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
