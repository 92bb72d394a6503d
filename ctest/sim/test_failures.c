/*
 * What went wrong in systems before this one, each as one story told at every moment of a small
 * job's life, or in a weather of its own. (What the scheduler alone can show is in ctest/sched.)
 */
#include "test.h"

#include <string.h>

#include "run.h"

enum { SEEDS_EACH = 300 };

/* How a small job goes when all goes well. */
struct measure {
    uint64_t turn_count, message_count, attempt_count;
};

static struct measure measure(void)
{
    struct cluster_setup setup;
    struct cluster cluster;
    struct measure out;

    cluster_setup_small(&setup, 1);
    cluster_init(&cluster, &setup);
    while (!cluster.jobs[0].client_knows)
        cluster_turn(&cluster);
    out = (struct measure){.turn_count = cluster.turn_count,
                           .message_count = cluster.net.message_count,
                           .attempt_count = cluster.tally.attempts};
    cluster_deinit(&cluster);
    return out;
}

/* Its job must succeed. attempt_count 0: with any number of attempts. */
static void succeeds(const struct cluster_setup *setup, uint64_t attempt_count)
{
    struct cluster cluster;

    run_to_end(&cluster, setup);
    for (uint32_t i = 0; i < setup->job_count; i++)
        if (cluster.jobs[i].end.status != JOB_SUCCEEDED)
            abort();
    if (attempt_count > 0 && cluster.tally.attempts != attempt_count)
        abort();
    cluster_deinit(&cluster);
}

/* "A master stopped for 30 s and continued: nothing is re-run." */
static void master_that_sleeps_reruns_nothing(void **state)
{
    struct measure well = measure();
    struct cluster_setup setup;

    (void)state;
    cluster_setup_small(&setup, 1);
    setup.sleep_node = NODE_MASTER;
    setup.sleep_ns = 30 * NS_PER_S;
    for (setup.sleep_at = 1; setup.sleep_at <= well.turn_count; setup.sleep_at++)
        succeeds(&setup, well.attempt_count);
}

static void worker_that_sleeps_for_a_minute_breaks_nothing(void **state)
{
    struct measure well = measure();
    struct cluster_setup setup;

    (void)state;
    cluster_setup_small(&setup, 1);
    setup.sleep_ns = 60 * NS_PER_S;
    for (uint32_t worker = 0; worker < setup.worker_count; worker++) {
        setup.sleep_node = NODE_WORKER + worker;
        for (setup.sleep_at = 1; setup.sleep_at <= well.turn_count; setup.sleep_at++)
            succeeds(&setup, 0);
    }
}

/* "Cut connections: nothing is re-run." */
static void connection_that_is_cut_reruns_nothing(void **state)
{
    struct measure well = measure();
    struct cluster_setup setup;

    (void)state;
    cluster_setup_small(&setup, 1);
    for (uint32_t strike = STRIKE_LOST; strike <= STRIKE_UNHEARD; strike++) {
        setup.strike = (enum net_strike)strike;
        for (setup.strike_at = 1; setup.strike_at <= well.message_count; setup.strike_at++)
            succeeds(&setup, well.attempt_count);
    }
}

/* CELEBORN-1233: a worker killed and restarted on its port, before anybody noticed. */
static void restart_on_the_same_port_is_another_worker(void **state)
{
    struct measure well = measure();
    struct cluster_setup setup;

    (void)state;
    cluster_setup_small(&setup, 1);
    setup.back_ns = 1;
    for (uint32_t worker = 0; worker < setup.worker_count; worker++) {
        setup.crash = CRASH_WORKER + worker;
        for (setup.crash_at = 1; setup.crash_at <= well.turn_count; setup.crash_at++)
            succeeds(&setup, 0);
    }
}

/* MAPREDUCE-3186: the master restarts between any two messages of a submit. audit.c: one job. */
static void submit_that_is_repeated_is_one_job(void **state)
{
    struct measure well = measure();
    struct cluster_setup setup;

    (void)state;
    cluster_setup_small(&setup, 1);
    for (setup.crash = CRASH_MASTER_UNWRITTEN; setup.crash <= CRASH_MASTER; setup.crash++)
        for (setup.crash_at = 1; setup.crash_at <= well.turn_count; setup.crash_at++)
            succeeds(&setup, 0);
}

/* MAPREDUCE-6957, TEZ-4338: the segment port of a worker is dead to another, for ever. */
static void worker_that_cannot_be_fetched_from_stops_no_job(void **state)
{
    struct measure well = measure();
    struct cluster_setup setup;

    (void)state;
    cluster_setup_small(&setup, 1);
    setup.part_nodes[0] = NODE_WORKER;
    setup.part_nodes[1] = NODE_SERVER + 1;
    for (setup.part_at = 1; setup.part_at <= well.turn_count; setup.part_at++)
        succeeds(&setup, 0);
}

/* No faults of jobs, none with more bad records than it skips, and none that answers differently
 * each time: all must succeed. */
static void setup_well_meaning(struct cluster_setup *setup, uint64_t seed)
{
    cluster_setup_random(setup, seed);
    memset(&setup->weather, 0, sizeof setup->weather);
    for (uint32_t i = 0; i < setup->job_count; i++) {
        setup->jobs[i].is_random = false;
        setup->jobs[i].rules.skip_bad = SCHED_SKIP_BAD_MAX;
    }
}

/* MAPREDUCE-4842: fetch-done, fetch-failed, lost and found in any order hang no reduce. */
static void shuffle_in_trouble_ends(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS_EACH; seed++) {
        struct cluster_setup setup;

        setup_well_meaning(&setup, seed);
        setup.weather.conn_cut = 50;
        setup.weather.conn_mute = 100;
        setup.weather.bytes_flip = 30;
        setup.weather.server_busy = 200;
        setup.weather.run_lost = 100;
        setup.weather.run_rots = 100;
        setup.weather.parted = 30;
        succeeds(&setup, 0);
    }
}

/* MAPREDUCE-4819, 5485: masters that die all the time, also while names are given. */
static void master_that_dies_at_any_moment_fails_no_job(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS_EACH; seed++) {
        struct cluster_setup setup;

        setup_well_meaning(&setup, seed);
        setup.weather.master_crash = 100;
        setup.weather.crash_in_turn = 20;
        succeeds(&setup, 0);
    }
}

/* MAPREDUCE-1316: reports of jobs that are over, from workers that hear of it late (run_to_end()
 * looks for what is left). */
static void jobs_that_are_over_leave_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS_EACH; seed++) {
        struct cluster_setup setup;
        struct cluster cluster;

        cluster_setup_random(&setup, seed);
        setup.weather.job_cancelled = 60;
        setup.weather.parted = 60;
        run_to_end(&cluster, &setup);
        cluster_deinit(&cluster);
    }
}

/* I10. */
static void any_prefix_of_a_journal_can_be_finished(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS_EACH; seed++) {
        struct cluster_setup setup;
        struct cluster cluster;

        cluster_setup_random(&setup, seed);
        run_to_end(&cluster, &setup);
        for (size_t step = 0; step <= 4; step++)
            cluster_finish_prefix(&cluster,
                                  (size_t)rand_below(&cluster.rand, cluster.fact_count + 1));
        cluster_deinit(&cluster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(master_that_sleeps_reruns_nothing),
        cmocka_unit_test(worker_that_sleeps_for_a_minute_breaks_nothing),
        cmocka_unit_test(connection_that_is_cut_reruns_nothing),
        cmocka_unit_test(restart_on_the_same_port_is_another_worker),
        cmocka_unit_test(submit_that_is_repeated_is_one_job),
        cmocka_unit_test(worker_that_cannot_be_fetched_from_stops_no_job),
        cmocka_unit_test(shuffle_in_trouble_ends),
        cmocka_unit_test(master_that_dies_at_any_moment_fails_no_job),
        cmocka_unit_test(jobs_that_are_over_leave_nothing),
        cmocka_unit_test(any_prefix_of_a_journal_can_be_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
