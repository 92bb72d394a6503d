/*
 * How long a master that was killed takes until it schedules again, and that the journal of an idle
 * cluster stays as it is:
 *
 *     cmake --build build --target bench_restart && \
 *         build/ctest/bench_restart [TASKS [JOBS [SECONDS]]]
 *
 * 100 workers. First one job of 20,000 maps, of which at least 10,000 are journaled as completed
 * when the master is killed; then 1,000 finished jobs, and it is killed while a job waits for
 * workers; then 12 seconds in which every worker sends ten heartbeats a second.
 *
 * The time is from the fork of the new master (what `mrlua master` does before, the time of
 * `mrlua --version`, is not in it) to the first AttemptStart that a worker has received. The
 * workers come back with what they hold as soon as it listens. The one of a fresh master, with an
 * empty journal, is there to compare with: reduce and plan take their time too.
 */
#include "bench/fleet.h"

enum { WORKERS = 100, START_MS_MAX = 2000 };

static uint64_t bytes_found;

static int add_bytes(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)path, (void)at;
    if (kind == FTW_F)
        bytes_found += (uint64_t)status->st_size;
    return 0;
}

static uint64_t journal_bytes(const struct fleet *fleet)
{
    bytes_found = 0;
    assert_int_equal(nftw(folder_path(&fleet->kit.folder, "state"), add_bytes, 8, FTW_PHYS), 0);
    return bytes_found;
}

/* A new life of the master, with all workers. In milliseconds to the first start. */
static double restart(struct fleet *fleet, const char *what)
{
    uint64_t begun_ns = clock_monotonic_ns(), listens_ns;
    double ms;

    fleet_start(fleet);
    listens_ns = clock_monotonic_ns();
    fleet_join(fleet, WORKERS, 1);
    fleet_await(fleet, &fleet->start_count, 1);
    ms = (double)(fleet->first_start_ns - begun_ns) / (double)NS_PER_MS;
    printf("%-40s listens %7.1f ms, first start %7.1f ms (asked: %d)\n", what,
           (double)(listens_ns - begun_ns) / (double)NS_PER_MS, ms, START_MS_MAX);
    return ms;
}

static double after_tasks(struct fleet *fleet, uint32_t tasks)
{
    char what[64];
    double ms;

    fleet_join(fleet, WORKERS, 1);
    fleet_submit(fleet, 2 * tasks);
    fleet_await(fleet, &fleet->heard_count, tasks);
    fleet_kill(fleet);
    snprintf(what, sizeof what, "%llu of %u tasks journaled",
             (unsigned long long)fleet->heard_count, 2 * tasks);
    ms = restart(fleet, what);
    fleet_connect_user(fleet);
    fleet_watch(fleet, 1);
    fleet_await(fleet, &fleet->over_count, 1);
    printf("%-40s %llu maps done before were started again\n", "  and to its end",
           (unsigned long long)fleet->again_count);
    return ms;
}

static double after_jobs(struct fleet *fleet, uint32_t jobs)
{
    char what[64];
    double ms;

    for (uint32_t i = 0; i < jobs; i++)
        fleet_submit(fleet, 1);
    fleet_await(fleet, &fleet->over_count, 1 + jobs);
    fleet_leave(fleet);
    fleet_submit(fleet, 1);
    fleet_kill(fleet);
    snprintf(what, sizeof what, "%u finished jobs", 1 + jobs);
    ms = restart(fleet, what);
    fleet_connect_user(fleet);
    fleet_watch(fleet, fleet->job_count);
    fleet_await(fleet, &fleet->over_count, 2 + jobs);
    return ms;
}

static bool stays_idle(struct fleet *fleet, uint32_t seconds)
{
    uint64_t before, after, heartbeats;

    fleet_beat(fleet, 10 * WORKERS);
    heartbeats = fleet->beaten;
    before = journal_bytes(fleet);
    fleet_await(fleet, &fleet->beaten, 10ULL * WORKERS * seconds);
    heartbeats = fleet->beaten - heartbeats;
    after = journal_bytes(fleet);
    printf("%-40s %llu bytes before, %llu after %llu heartbeats in %u s\n", "idle state folder",
           (unsigned long long)before, (unsigned long long)after, (unsigned long long)heartbeats,
           seconds);
    return before == after;
}

int main(int argc, char **argv)
{
    uint32_t tasks = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
    uint32_t jobs = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000;
    uint32_t seconds = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 12;
    struct fleet fleet;
    bool is_good;

    KIT_NURSERY(argc, argv);
    fleet_open(&fleet, 0, NULL);
    is_good = after_tasks(&fleet, tasks) <= START_MS_MAX;
    is_good = after_jobs(&fleet, jobs) <= START_MS_MAX && is_good;
    is_good = stays_idle(&fleet, seconds) && is_good;
    is_good = fleet.closed_count == 0 && fleet.again_count == 0 && is_good;
    fleet_close(&fleet);
    return is_good ? 0 : 1;
}
