/*
 * How many tasks a second a master takes from its workers, with its journal on, and how long a
 * heartbeat waits meanwhile:
 *
 *     cmake --build build --target bench_master && \
 *         build/ctest/bench_master [WORKERS [MAPS [SLOTS]]]
 *
 * 1,000 workers with a slot each, on sockets of their own in one process (fleet.h), and one job of
 * 200,000 maps, unless said otherwise. A task is completed when its worker has heard that the
 * master has heard of it: it stands in the journal by then. The workers share the machine with the
 * master, so it takes two cores to see what one master can do.
 */
#include "bench/fleet.h"

#include <sys/stat.h>

enum {
    ASK_MS = 100,
    /* Row 17: a job so large has left the master's memory when it is over, but for what is kept of
     * ended jobs and the journal's cache. A smaller one would show nothing. */
    LARGE_MAPS = 100000,
    KEPT_MB = 8,
};

struct user {
    struct fleet *fleet;
    struct conn *conn;
    struct loop_event *timer;
    struct times times;
    uint64_t asked_ns, open_count;
};

static void ask(void *context)
{
    struct user *user = context;
    Mrlua__JobStatus status = MRLUA__JOB_STATUS__INIT;

    status.job = 1;
    user->asked_ns = clock_monotonic_ns();
    conn_send(user->conn, MESSAGE_JOB_STATUS, 1, &status.base);
}

static void on_opened(void *context, struct conn *conn)
{
    struct user *user = context;

    (void)conn;
    user->open_count = 1;
    fleet_wake(user->fleet);
}

static void on_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct user *user = context;

    (void)conn, (void)frame;
    times_add(&user->times, clock_monotonic_ns() - user->asked_ns);
    loop_timer_start(user->timer, ASK_MS * NS_PER_MS);
}

static void on_closed(void *context, struct conn *conn, const struct err *err)
{
    (void)context, (void)conn;
    fail_msg("the user was cut: %s", err->message);
}

static const struct conn_ops OPS = {
    .opened = on_opened, .message = on_message, .closed = on_closed};

static void user_open(struct user *user, struct fleet *fleet)
{
    *user = (struct user){.fleet = fleet};
    user->timer = loop_timer_open(fleet->kit.loop, ask, user);
    user->conn = fleet_connect(fleet, ROLE_READ, &OPS, user);
    fleet_await(fleet, &user->open_count, 1);
}

static void user_close(struct user *user)
{
    conn_close(user->conn);
    loop_event_close(user->timer);
    free(user->times.ns);
}

static double cpu_seconds_of_children(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Of the master's process. */
static double resident_mb(const struct fleet *fleet)
{
    char path[64], text[64];
    unsigned long total, resident;
    int fd, len;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)fleet->kit.pid);
    fd = open(path, O_RDONLY);
    len = fd >= 0 ? (int)read(fd, text, sizeof text - 1) : -1;
    assert_true(len > 0);
    text[len] = 0;
    close(fd);
    assert_int_equal(sscanf(text, "%lu %lu", &total, &resident), 2);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

int main(int argc, char **argv)
{
    uint32_t workers = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    uint32_t maps = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 200000;
    uint32_t slots = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1;
    struct fleet fleet;
    struct user user;
    struct stat journal;
    double seconds, before_mb, full_mb, after_mb;

    KIT_NURSERY(argc, argv);
    fleet_open(&fleet, 0, NULL);
    user_open(&user, &fleet);
    fleet_join(&fleet, workers, slots);
    fleet_beat(&fleet, workers);
    before_mb = resident_mb(&fleet);
    fleet_submit(&fleet, maps);
    ask(&user);
    fleet_await(&fleet, &fleet.start_count, 1);
    fleet_await(&fleet, &fleet.heard_count, maps);
    seconds = seconds_since(fleet.first_start_ns);
    full_mb = resident_mb(&fleet);
    fleet_beat_end(&fleet);
    assert_int_equal(stat(folder_path(&fleet.kit.folder, "state/journal.db"), &journal), 0);
    fleet_await(&fleet, &fleet.over_count, 1);
    after_mb = resident_mb(&fleet);
    printf("workers %u, slots of each %u, maps %u, reduces 1: the job succeeded\n", workers, slots,
           maps);
    printf("%-36s %8.0f  in %.2f s\n", "completions per second", maps / seconds, seconds);
    times_print("heartbeats until the first start", &fleet.early_beats);
    times_print("heartbeats from then on", &fleet.beats);
    times_print("JobStatus", &user.times);
    printf("%-36s %8.1f MB\n", "journal", (double)journal.st_size / 1e6);
    printf("%-36s %8.1f MB, %.1f before the job, %.1f at its end\n", "resident after the job",
           after_mb, before_mb, full_mb);
    user_close(&user);
    fleet_close(&fleet);
    printf("%-36s %8.2f s\n", "CPU of the master and its helpers", cpu_seconds_of_children());
    if (maps >= LARGE_MAPS && after_mb > before_mb + KEPT_MB)
        fail_msg("the master has kept %.1f MB", after_mb - before_mb);
    return fleet.closed_count == 0 ? 0 : 1;
}
