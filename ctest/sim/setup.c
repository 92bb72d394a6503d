/* What a seed makes of a cluster: its size, its jobs, its weather. */
#include "cluster.h"

/* A kind of trouble is there in one seed of two, so that each can be had without the others. */
static uint32_t maybe(struct rand *rand, uint32_t per_thousand_max)
{
    return rand_below(rand, 2) ? (uint32_t)rand_below(rand, per_thousand_max + 1) : 0;
}

static void draw_weather(struct weather *weather, struct rand *rand)
{
    weather->conn_cut = maybe(rand, 20);
    weather->conn_mute = maybe(rand, 500);
    weather->worker_crash = maybe(rand, 60);
    weather->worker_power = maybe(rand, 500);
    weather->worker_restart = maybe(rand, 30);
    weather->worker_sleep = maybe(rand, 30);
    weather->master_crash = maybe(rand, 60);
    weather->master_sleep = maybe(rand, 40);
    weather->parted = maybe(rand, 40);
    weather->disk_full = maybe(rand, 40);
    weather->run_lost = maybe(rand, 100);
    weather->run_rots = maybe(rand, 100);
    weather->job_cancelled = rand_below(rand, 5) == 0 ? 10 : 0;
    weather->crash_in_turn = maybe(rand, 4);
    weather->bytes_flip = maybe(rand, 50);
    weather->server_busy = maybe(rand, 200);
    weather->part_lost = maybe(rand, 150);
    weather->attempt_fails = maybe(rand, 60);
    weather->attempt_limit = maybe(rand, 120);
    weather->attempt_raises = rand_below(rand, 5) == 0 ? 5 : 0;
    weather->attempt_dies = maybe(rand, 30);
    weather->attempt_hangs = maybe(rand, 20);
}

void cluster_setup_random(struct cluster_setup *setup, uint64_t seed)
{
    struct rand rand, bad_rand;

    rand_init(&rand, seed * 7919 + 1);
    rand_init(&bad_rand, ~seed);
    *setup = (struct cluster_setup){.seed = seed, .faults_end_ns = 60 * NS_PER_S};
    draw_weather(&setup->weather, &rand);
    setup->worker_count = 1 + (uint32_t)rand_below(&rand, CLUSTER_WORKERS_MAX);
    for (uint32_t i = 0; i < setup->worker_count; i++) {
        setup->slots[i] = 1 + (uint32_t)rand_below(&rand, 3);
        setup->slowness[i] = rand_below(&rand, 5) == 0 ? 10 : 1;
    }
    setup->job_count = 1 + (uint32_t)rand_below(&rand, CLUSTER_JOBS_MAX);
    for (uint32_t i = 0; i < setup->job_count; i++) {
        struct job_plan *job = &setup->jobs[i];

        job->map_count = (uint32_t)rand_below(&rand, CLUSTER_MAPS_MAX + 1);
        job->reduce_count = (uint32_t)rand_below(&rand, CLUSTER_REDUCES_MAX + 1);
        job->sample_count = (uint32_t)rand_below(&rand, 2);
        job->rules.attempts_max = 4;
        job->rules.unsafe = rand_below(&rand, 5) == 0;
        job->rules.priority = (int32_t)rand_below(&rand, 2);
        job->is_random = rand_below(&rand, 6) == 0;
        bad_draw(&job->bad, &bad_rand, &job->rules);
    }
    sched_options_cluster(&setup->sched);
    setup->sched.seed = seed;
    setup->sched.silence_ns = 20 * NS_PER_S;
    setup->sched.fetch_start_percent = (uint32_t)rand_below(&rand, 3) * 50;
    setup->sched.order = rand_below(&rand, 4) ? SCHED_FAIR : SCHED_FIFO;
}

void cluster_setup_small(struct cluster_setup *setup, uint64_t seed)
{
    *setup = (struct cluster_setup){
        .seed = seed,
        .worker_count = 2,
        .slots = {1, 1},
        .slowness = {1, 1},
        .job_count = 1,
        .jobs[0] = {
            .map_count = 2, .reduce_count = 2, .sample_count = 1, .rules = {.attempts_max = 4}}};
    sched_options_cluster(&setup->sched);
    setup->sched.seed = seed;
    setup->sched.silence_ns = 20 * NS_PER_S;
}
