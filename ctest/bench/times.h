/*
 * times: how long something took each time, and what is said of it.
 *
 *     times_add(&times, clock_monotonic_ns() - begun_ns);
 *     times_print("heartbeats", &times);
 *     free(times.ns);
 */
#ifndef CTEST_BENCH_TIMES_H
#define CTEST_BENCH_TIMES_H

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct times {
    uint64_t *ns;
    size_t count, capacity;
};

static inline void times_add(struct times *times, uint64_t ns)
{
    if (times->count == times->capacity) {
        times->capacity = times->capacity ? 2 * times->capacity : 1024;
        times->ns = mem_realloc_array(times->ns, times->capacity, sizeof *times->ns);
    }
    times->ns[times->count++] = ns;
}

static inline int times_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* In milliseconds; percent 100 is the longest. */
static inline double times_percentile(struct times *times, size_t percent)
{
    if (times->count == 0)
        return 0;
    qsort(times->ns, times->count, sizeof *times->ns, times_compare);
    return (double)times->ns[(times->count - 1) * percent / 100] / (double)NS_PER_MS;
}

static inline void times_print(const char *what, struct times *times)
{
    printf("%-36s %8zu  p50 %7.1f ms  p99 %7.1f ms  longest %7.1f ms\n", what, times->count,
           times_percentile(times, 50), times_percentile(times, 99), times_percentile(times, 100));
}

static inline double seconds_since(uint64_t begun_ns)
{
    return (double)(clock_monotonic_ns() - begun_ns) / (double)NS_PER_S;
}

#endif
