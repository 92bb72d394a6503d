/*
 * How many events a second the scheduler takes, and how much memory, at its largest:
 *
 *     cmake --build build --target bench_sched && build/ctest/bench_sched [WORKERS [MAPS]]
 *
 * One job, 10,000 workers with 2 slots, 1,000,000 tasks (a hundredth of them reduces) unless said
 * otherwise. Every task starts, is done, and every reduce reports its fetch; heartbeats are counted
 * apart. What is timed is sched_step() and the loop around it: a ring of what runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sched/sched.h"

struct bench {
    struct sched *sched;
    struct sched_output out;
    struct command *ring; /* what runs, the oldest first; at most one for each slot, and fetch */
    size_t capacity, head, count;
    uint64_t now_ns, event_count, fact_count;
};

static void step(struct bench *bench, struct event *event)
{
    bench->now_ns += 1000; /* a million a second, in its own time */
    event->now_ns = bench->now_ns;
    sched_step(bench->sched, event, &bench->out);
    bench->event_count++;
    bench->fact_count += bench->out.fact_count;
    for (size_t i = 0; i < bench->out.command_count; i++) {
        const struct command *command = &bench->out.commands[i];

        if (command->kind != COMMAND_START_ATTEMPT && command->kind != COMMAND_RUN_ATTEMPT)
            continue;
        bench->ring[(bench->head + bench->count++) % bench->capacity] = *command;
    }
}

/* As a shell would: a timer that is due is heard first. */
static void answer(struct bench *bench)
{
    const struct command told = bench->ring[bench->head];
    struct event event = {.kind = EVENT_ATTEMPT_DONE,
                          .worker_id = told.worker_id,
                          .incarnation = told.incarnation,
                          .attempt_id = told.attempt_id};

    if (sched_next_due_ns(bench->sched) <= bench->now_ns)
        step(bench, &(struct event){.kind = EVENT_TICK});
    bench->head = (bench->head + 1) % bench->capacity;
    bench->count--;
    if (told.stage == STAGE_REDUCE && told.kind == COMMAND_START_ATTEMPT)
        event.kind = EVENT_ATTEMPT_FETCHED;
    step(bench, &event);
}

static uint64_t rss_bytes(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

static double seconds_since(uint64_t begun_ns)
{
    return (double)(clock_monotonic_ns() - begun_ns) / (double)NS_PER_S;
}

static void join_all(struct bench *bench, uint32_t workers)
{
    for (uint32_t worker = 0; worker < workers; worker++)
        step(bench, &(struct event){.kind = EVENT_WORKER_JOINED,
                                    .worker_id = worker,
                                    .incarnation = worker + 1,
                                    .slot_count = 2});
}

static void plan(struct bench *bench, uint32_t maps, uint32_t reduces)
{
    struct event made = {.kind = EVENT_PLAN_MADE,
                         .worker_id = WORKER_NONE,
                         .map_count = maps,
                         .reduce_count = reduces};

    step(bench,
         &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_id = 1, .rules = {.attempts_max = 4}});
    made.attempt_id = bench->ring[bench->head].attempt_id;
    bench->head++;
    bench->count--;
    step(bench, &made);
}

static double heartbeats(struct bench *bench, uint32_t workers)
{
    uint64_t begun_ns = clock_monotonic_ns();

    for (uint32_t beat = 0; beat < 100; beat++)
        for (uint32_t worker = 0; worker < workers; worker++)
            step(bench, &(struct event){.kind = EVENT_WORKER_HEARD,
                                        .worker_id = worker,
                                        .incarnation = worker + 1});
    return 100.0 * workers / seconds_since(begun_ns);
}

int main(int argc, char **argv)
{
    uint32_t workers = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
    uint32_t maps = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 990000;
    uint32_t reduces = maps / 99;
    struct sched_options options;
    struct bench bench = {0};
    struct job_progress progress;
    uint64_t begun_ns;
    double seconds, beats;

    sched_options_cluster(&options);
    options.fetch_start_percent = 100; /* or reduces would report before they can hold all */
    bench.sched = sched_open(&options);
    bench.capacity = 5 * (size_t)workers + 1;
    bench.ring = mem_alloc_array(bench.capacity, sizeof *bench.ring);
    join_all(&bench, workers);
    begun_ns = clock_monotonic_ns();
    bench.event_count = 0;
    plan(&bench, maps, reduces);
    while (bench.count > 0)
        answer(&bench);
    seconds = seconds_since(begun_ns);
    sched_job_progress(bench.sched, 1, &progress);
    printf("workers %u, maps %u, reduces %u: %s\n", workers, maps, reduces,
           job_status_name(progress.status));
    printf("events %llu, facts %llu, seconds %.2f, events per second %.0f, stale %llu\n",
           (unsigned long long)bench.event_count, (unsigned long long)bench.fact_count, seconds,
           (double)bench.event_count / seconds, (unsigned long long)sched_stale_count(bench.sched));
    beats = heartbeats(&bench, workers);
    printf("heartbeats per second %.0f\n", beats);
    printf("resident at most %.1f MB\n", (double)rss_bytes() / 1e6);
    sched_output_deinit(&bench.out);
    sched_close(bench.sched);
    free(bench.ring);
    return progress.status == JOB_SUCCEEDED ? 0 : 1;
}
