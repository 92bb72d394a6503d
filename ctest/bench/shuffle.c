/*
 * shuffle: what a reduce fetches from another worker, against what sendfile alone moves.
 *
 *     cmake --build build --target bench_shuffle && build/ctest/bench_shuffle [MAPS [RECORDS]]
 *
 * 64 maps of 800,000 records in one partition, about 1 GB of segments; TMPDIR holds them twice.
 * Every round moves them four ways, and the table has medians of 5 rounds, from the first byte
 * asked for to the last one in its place; CPU is that of both processes, and of deleting the copy:
 *
 *     sendfile      a process sends the run files by sendfile(); the bytes are read and dropped
 *     and written   the same, but written to a file, as a reduce must
 *     fetch         a segment server in another process, and fetch_remote(): heads, proofs, order,
 *                   checksums, and the scratch file of a reduce
 *     over TLS      the same, from a segment server that speaks TLS
 */
#include "worker/segment_kit.h"

#include <sys/sendfile.h>
#include <time.h>

enum { ROUNDS = 5, MAPS = 64, RECORDS = 800000, READ_BYTES = 1024 * 1024 };

static struct kit kit;

/* One way, one time each round. */
struct way {
    const char *name;
    double (*move)(struct way *way); /* seconds */
    bool is_written;                 /* sendfile */
    uint32_t worker;                 /* fetch */
    double seconds[ROUNDS], cpu_seconds[ROUNDS];
};

static double seconds_of(clockid_t clock)
{
    struct timespec time;

    assert_int_equal(clock_gettime(clock, &time), 0);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Of this process, and of all that it has forked, whether they run or have ended. */
static double cpu_seconds(void)
{
    double sum = seconds_of(CLOCK_PROCESS_CPUTIME_ID);

    for (uint32_t i = 0; i < kit.process_count; i++) {
        clockid_t clock;

        assert_int_equal(clock_getcpuclockid(kit.processes[i], &clock), 0);
        sum += seconds_of(clock);
    }
    return sum;
}

static uint64_t segment_bytes(void)
{
    uint64_t bytes = 0;
    struct stat status;

    for (uint32_t map = 0; map < kit.maps; map++) {
        assert_int_equal(stat(kit_run_path(&kit, map), &status), 0);
        bytes += (uint64_t)status.st_size;
    }
    return bytes;
}

/* A process that sends every run to whoever connects, once, and ends. */
static uint16_t serve_by_sendfile(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    if (kit_fork(&kit) == 0) {
        int client = accept(listener, NULL, NULL);

        for (uint32_t map = 0; map < kit.maps; map++) {
            int fd = open(kit_run_path(&kit, map), O_RDONLY);

            while (sendfile(client, fd, NULL, 1 << 20) > 0)
                ;
            close(fd);
        }
        _exit(0);
    }
    close(listener);
    return ntohs(address.sin_port);
}

static double move_by_sendfile(struct way *way)
{
    static char bytes[READ_BYTES];
    const char *copy = folder_path(&kit.folder, "copy");
    int to = way->is_written ? open(copy, O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
    uint16_t port = serve_by_sendfile();
    uint64_t begun_ns = clock_monotonic_ns(), ended_ns;
    int fd = kit_dial(port);
    ssize_t count;

    while ((count = read(fd, bytes, sizeof bytes)) > 0)
        if (way->is_written)
            assert_int_equal(write(to, bytes, (size_t)count), count);
    ended_ns = clock_monotonic_ns();
    close(fd);
    io_close(&to);
    unlink(folder_path(&kit.folder, "copy"));
    return (double)(ended_ns - begun_ns) / 1e9;
}

static double move_by_fetch(struct way *way)
{
    uint64_t begun_ns, ended_ns;

    for (uint32_t i = 0; i < KIT_WORKERS_MAX; i++)
        kit.workers[i].count = i == way->worker ? kit.maps : 0;
    begun_ns = clock_monotonic_ns();
    kit_fetch(&kit, 0);
    ended_ns = clock_monotonic_ns();
    kit_forget(&kit);
    unlink(folder_path(&kit.folder, "scratch"));
    return (double)(ended_ns - begun_ns) / 1e9;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double median(double times[ROUNDS])
{
    qsort(times, ROUNDS, sizeof times[0], by_value);
    return times[ROUNDS / 2];
}

static struct way WAYS[] = {
    {.name = "sendfile", .move = move_by_sendfile},
    {.name = "and written", .move = move_by_sendfile, .is_written = true},
    {.name = "fetch", .move = move_by_fetch},
    {.name = "over TLS", .move = move_by_fetch, .worker = 1},
};

enum { WAY_COUNT = sizeof WAYS / sizeof WAYS[0] };

static void run_round(int round)
{
    for (int i = 0; i < WAY_COUNT; i++) {
        double cpu = cpu_seconds();

        WAYS[i].seconds[round] = WAYS[i].move(&WAYS[i]);
        WAYS[i].cpu_seconds[round] = cpu_seconds() - cpu;
    }
}

static void print_table(uint64_t bytes)
{
    double base = median(WAYS[0].seconds);

    printf("%.2f GB in %u segments, medians of %d\n\n", (double)bytes / 1e9, kit.maps, ROUNDS);
    printf("%-24s %8s %8s %8s %10s\n", "", "seconds", "MB/s", "ratio", "CPU s/GB");
    for (int i = 0; i < WAY_COUNT; i++) {
        double seconds = median(WAYS[i].seconds);

        printf("%-24s %8.2f %8.0f %8.2f %10.2f\n", WAYS[i].name, seconds,
               (double)bytes / seconds / 1e6, base / seconds,
               median(WAYS[i].cpu_seconds) / ((double)bytes / 1e9));
    }
}

int main(int argc, char **argv)
{
    uint32_t maps = argc > 1 ? (uint32_t)atoi(argv[1]) : MAPS;
    uint32_t records = argc > 2 ? (uint32_t)atoi(argv[2]) : RECORDS;

    kit_open(&kit, maps, 2, records);
    kit_serve(&kit, 0, 0, maps);
    kit.tls = TLS_ALWAYS;
    kit_serve(&kit, 1, 0, maps);
    move_by_fetch(&WAYS[2]); /* warms the page cache and touches the memory */
    for (int i = 0; i < ROUNDS; i++)
        run_round(i);
    print_table(segment_bytes());
    kit_close(&kit);
    return 0;
}
