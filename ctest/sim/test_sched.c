/*
 * The real scheduler in a made-up world (world.h). SEED=n repeats one history and SEEDS=n runs so
 * many; a failure prints its seed and aborts.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include "world.h"

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t seed_in_hand;

/* What an abort leaves to be read. */
static void say_seed(void)
{
    fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed_in_hand);
}

static void on_abort(int signal_number)
{
    (void)signal_number;
    say_seed();
    _Exit(134);
}

/* Counts that show that the histories are not tame. */
struct tally {
    uint64_t by_status[JOB_CANCELLED + 1], by_reason[END_BAD_RECORDS + 1];
    uint64_t restarts, facts, stale, attempts;
    uint64_t skipping; /* jobs that succeeded without some of their records */
};

static bool skips_any(const struct sim_job *job)
{
    uint32_t count = 0;

    for (size_t slot = 0; slot < WORLD_TASKS_MAX; slot++)
        count += job->bad.left_out[slot];
    return count > 0;
}

static void add(struct tally *tally, const struct world *world)
{
    for (uint32_t i = 0; i < world->job_count; i++) {
        tally->by_status[world->jobs[i].end.status]++;
        tally->by_reason[world->jobs[i].end.reason]++;
        tally->skipping += world->jobs[i].end.status == JOB_SUCCEEDED && skips_any(&world->jobs[i]);
    }
    tally->restarts += world->restart_count;
    tally->facts += world->fact_count;
    tally->stale += sched_stale_count(world->sched);
    tally->attempts += world->proc_count;
}

static void run_seed(uint64_t seed, struct tally *tally)
{
    struct world world;
    struct rand rand;

    seed_in_hand = seed;
    world_init(&world, seed);
    while (!world_has_ended(&world))
        world_turn(&world);
    world_check_ends(&world);
    rand_init(&rand, seed);
    world_finish_prefix(&world, (size_t)rand_below(&rand, world.fact_count + 1));
    add(tally, &world);
    world_deinit(&world);
}

static void every_job_ends_as_it_must_once_faults_stop(void **state)
{
    uint64_t first = number_from("SEED", 1);
    uint64_t count = number_from("SEEDS", getenv("SEED") ? 1 : 1000);
    struct tally tally = {0};

    (void)state;
    signal(SIGABRT, on_abort);
    for (uint64_t seed = first; seed < first + count; seed++)
        run_seed(seed, &tally);
    printf("seeds %llu to %llu: succeeded %llu, failed %llu (fault %llu, attempts %llu, failures "
           "%llu, not deterministic %llu, bad records %llu), cancelled %llu; restarts %llu, facts "
           "%llu, attempts %llu, stale %llu\n",
           (unsigned long long)first, (unsigned long long)(first + count - 1),
           (unsigned long long)tally.by_status[JOB_SUCCEEDED],
           (unsigned long long)tally.by_status[JOB_FAILED],
           (unsigned long long)tally.by_reason[END_FAULT],
           (unsigned long long)tally.by_reason[END_ATTEMPTS],
           (unsigned long long)tally.by_reason[END_FAILURES],
           (unsigned long long)tally.by_reason[END_NOT_DETERMINISTIC],
           (unsigned long long)tally.by_reason[END_BAD_RECORDS],
           (unsigned long long)tally.by_status[JOB_CANCELLED], (unsigned long long)tally.restarts,
           (unsigned long long)tally.facts, (unsigned long long)tally.attempts,
           (unsigned long long)tally.stale);
    if (count >= 1000) { /* or the world has become tame */
        assert_true(tally.by_status[JOB_SUCCEEDED] > count / 2);
        assert_true(tally.by_reason[END_FAULT] > 0);
        assert_true(tally.by_reason[END_ATTEMPTS] > 0);
        assert_true(tally.by_reason[END_NOT_DETERMINISTIC] > 0);
        assert_true(tally.by_reason[END_BAD_RECORDS] > 0);
        assert_true(tally.skipping > 0);
        assert_true(tally.by_status[JOB_CANCELLED] > 0);
        assert_true(tally.restarts > count / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_ends_as_it_must_once_faults_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
