/*
 * What browsers on the page cost a master: how long its answers take in the middle of a large job,
 * and what becomes of the heartbeats:
 *
 *     cmake --build build --target bench_page && \
 *         build/ctest/bench_page [WORKERS [MAPS [BROWSERS [SECONDS]]]]
 *
 * 100 workers, one job of 10,000 maps of which all but the last 100 are done, 20 browsers, 10
 * seconds, unless said otherwise. Each browser asks once a second for what page.js asks for: the
 * overview, the job, and the attempts that it has not seen yet. They are another process; the
 * workers are this one (fleet.h). For a look at the page of that job with a real browser: 1000
 * SECONDS, and the address that is printed.
 */
#include "bench/fleet.h"

#include "http_ask.h"

#include <poll.h>
#include <sys/mman.h>

enum { QUIET_S = 3, BEATS_PER_S = 500, SAMPLE_COUNT_MAX = 100 * 1000 };

enum { ASK_OVERVIEW, ASK_JOB, ASK_ATTEMPTS, ASK_METRICS, ASK_COUNT };

/* Shared by the browsers' process and this one. */
struct seen {
    uint64_t busy_count, byte_count;
    size_t counts[ASK_COUNT];
    uint64_t ns[ASK_COUNT][SAMPLE_COUNT_MAX];
};

static struct seen *seen;
static struct buf answer;
static char address[200];
static unsigned port;

static void get(int what, const char *path)
{
    uint64_t begun_ns = clock_monotonic_ns();

    http_get((uint16_t)port, path, &answer);
    assert_true(http_status(&answer) == 200 || http_status(&answer) == 503);
    seen->busy_count += http_status(&answer) == 503;
    seen->byte_count += answer.len;
    if (seen->counts[what] < SAMPLE_COUNT_MAX)
        seen->ns[what][seen->counts[what]++] = clock_monotonic_ns() - begun_ns;
}

static uint64_t number_behind(const char *name)
{
    const char *at = strstr(buf_string(&answer), name);

    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* All that has ended since the last time: at first in pieces. */
static void get_attempts(const char *token, uint64_t *next)
{
    char path[200];
    uint64_t before;

    do {
        before = *next;
        snprintf(path, sizeof path, "/%s/api/attempts/1/%llu", token, (unsigned long long)before);
        get(ASK_ATTEMPTS, path);
        if (http_status(&answer) != 200)
            return;
        for (const char *at = buf_string(&answer); (at = strstr(at, "],[")); at++)
            ++*next;
        *next += strstr(buf_string(&answer), "\"items\":[[") != NULL;
    } while (*next > before && *next < number_behind("\"count\":"));
}

static void look(const char *token, uint64_t *next)
{
    char path[200];

    snprintf(path, sizeof path, "/%s/api/overview", token);
    get(ASK_OVERVIEW, path);
    snprintf(path, sizeof path, "/%s/api/job/1", token);
    get(ASK_JOB, path);
    get_attempts(token, next);
}

static _Noreturn void browse(unsigned browsers, unsigned seconds)
{
    uint64_t *next = mem_alloc_array(browsers, sizeof *next);
    uint64_t begun_ns = clock_monotonic_ns();
    char token[64];

    assert_int_equal(sscanf(address, "http://127.0.0.1:%*u/%63[0-9a-f]/", token), 1);
    for (unsigned turn = 0; turn < seconds; turn++) {
        uint64_t due_ns = begun_ns + (turn + 1) * NS_PER_S, now_ns;

        for (unsigned i = 0; i < browsers; i++)
            look(token, &next[i]);
        get(ASK_METRICS, "/metrics");
        now_ns = clock_monotonic_ns();
        if (now_ns < due_ns)
            poll(NULL, 0, (int)((due_ns - now_ns) / NS_PER_MS));
    }
    free(next);
    _exit(0);
}

static void read_address(const struct fleet *fleet)
{
    FILE *file = fopen(folder_path(&fleet->kit.folder, "page"), "rb");

    assert_non_null(file);
    assert_true(fread(address, 1, sizeof address - 1, file) > 0);
    fclose(file);
    assert_int_equal(sscanf(address, "http://127.0.0.1:%u/", &port), 1);
}

/* Heartbeats go on meanwhile. */
static void let_pass(struct fleet *fleet, pid_t browsers, unsigned seconds)
{
    uint64_t until_ns = clock_monotonic_ns() + seconds * NS_PER_S, ticks = 0;
    struct err err;
    int status = 0;

    fleet->awaited = &ticks; /* each tick wakes us */
    fleet->target = 0;
    while (browsers ? waitpid(browsers, &status, WNOHANG) == 0 : clock_monotonic_ns() < until_ns)
        assert_int_equal(loop_run(fleet->kit.loop, &err), 0);
    fleet->awaited = NULL;
    assert_int_equal(status, 0);
}

static void report(void)
{
    static const char *const names[ASK_COUNT] = {"GET api/overview", "GET api/job",
                                                 "GET api/attempts", "GET /metrics"};

    for (int i = 0; i < ASK_COUNT; i++) {
        struct times times = {.ns = seen->ns[i], .count = seen->counts[i]};

        times_print(names[i], &times);
        assert_true(times_percentile(&times, 99) < 100);
    }
    printf("%-36s %8.1f MB, %llu times busy\n", "they read", (double)seen->byte_count / 1e6,
           (unsigned long long)seen->busy_count);
}

int main(int argc, char **argv)
{
    unsigned workers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
    unsigned maps = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10000;
    unsigned browsers = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 20;
    unsigned seconds = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 10;
    struct fleet fleet;
    struct times quiet;
    pid_t pid;

    KIT_NURSERY(argc, argv);
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(seen != MAP_FAILED);
    fleet_open(&fleet, 0, "127.0.0.1:0");
    read_address(&fleet);
    fleet.done_max = maps - workers;
    fleet_join(&fleet, workers, 1);
    fleet_submit(&fleet, maps);
    fleet_await(&fleet, &fleet.start_count, maps);
    printf("workers %u, maps %u, browsers %u: %s\n", workers, maps, browsers, address);
    fflush(stdout);
    fleet_beat(&fleet, BEATS_PER_S);
    let_pass(&fleet, 0, QUIET_S);
    quiet = fleet.beats;
    fleet.beats = (struct times){0};
    pid = fork();
    if (pid == 0)
        browse(browsers, seconds);
    let_pass(&fleet, pid, 0);
    times_print("heartbeats without browsers", &quiet);
    times_print("heartbeats with them", &fleet.beats);
    report();
    assert_true(times_percentile(&fleet.beats, 99) < 100);
    free(quiet.ns);
    buf_deinit(&answer);
    fleet_beat_end(&fleet);
    fleet_close(&fleet);
    return 0;
}
