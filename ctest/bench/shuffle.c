/*
 * shuffle: what a reduce fetches from another worker, against what sendfile alone moves.
 *
 *     cmake --build build --target bench_shuffle && build/ctest/bench_shuffle [MAPS [RECORDS]]
 *
 * 64 maps of 1.5 million records in one partition, about 1 GB of segments; TMPDIR holds them
 * twice. Every round moves them three ways, and the table has medians of 5 rounds:
 *
 *     sendfile      a process sends the run files by sendfile(); the bytes are read and dropped
 *     and written   the same, but written to a file, as a reduce must
 *     fetch         a segment server in another process, and fetch_remote(): heads, proofs, order,
 *                   checksums, and the scratch file of a reduce
 */
#include "worker/segment_kit.h"

#include <sys/sendfile.h>

enum { ROUNDS = 5, MAPS = 64, RECORDS = 1500000, READ_BYTES = 256 * 1024 };

static struct kit kit;

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

/* Seconds. `to` -1: dropped. */
static double time_sendfile(int to)
{
    static char bytes[READ_BYTES];
    uint16_t port = serve_by_sendfile();
    uint64_t begun_ns = clock_monotonic_ns();
    int fd = kit_dial(port);
    ssize_t count;

    while ((count = read(fd, bytes, sizeof bytes)) > 0)
        if (to >= 0)
            assert_int_equal(write(to, bytes, (size_t)count), count);
    close(fd);
    return (double)(clock_monotonic_ns() - begun_ns) / 1e9;
}

static double time_written(void)
{
    int fd = open(folder_path(&kit.folder, "copy"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    double seconds = time_sendfile(fd);

    close(fd);
    unlink(folder_path(&kit.folder, "copy"));
    return seconds;
}

static double time_fetch(void)
{
    uint64_t begun_ns = clock_monotonic_ns();

    kit_fetch(&kit, 0);
    return (double)(clock_monotonic_ns() - begun_ns) / 1e9;
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

int main(int argc, char **argv)
{
    uint32_t maps = argc > 1 ? (uint32_t)atoi(argv[1]) : MAPS;
    uint32_t records = argc > 2 ? (uint32_t)atoi(argv[2]) : RECORDS;
    double dropped[ROUNDS], written[ROUNDS], fetched[ROUNDS], base;
    uint64_t bytes;

    kit_open(&kit, maps, 2, records);
    kit_serve(&kit, 0, 0, maps);
    bytes = segment_bytes();
    time_fetch(); /* warms the page cache and touches the memory */
    for (int i = 0; i < ROUNDS; i++) {
        dropped[i] = time_sendfile(-1);
        written[i] = time_written();
        fetched[i] = time_fetch();
    }
    base = median(dropped);
    printf("%.2f GB in %u segments, medians of %d\n\n", (double)bytes / 1e9, maps, ROUNDS);
    printf("%-24s %8s %8s %8s\n", "", "seconds", "MB/s", "ratio");
    printf("%-24s %8.2f %8.0f %8.2f\n", "sendfile", base, (double)bytes / base / 1e6, 1.0);
    base = median(written);
    printf("%-24s %8.2f %8.0f %8.2f\n", "and written", base, (double)bytes / base / 1e6,
           median(dropped) / base);
    base = median(fetched);
    printf("%-24s %8.2f %8.0f %8.2f\n", "fetch", base, (double)bytes / base / 1e6,
           median(dropped) / base);
    kit_close(&kit);
    return 0;
}
