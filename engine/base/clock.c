#include "base/clock.h"

#include <time.h>

static uint64_t now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
    return now(CLOCK_MONOTONIC);
}

uint64_t clock_realtime_ns(void)
{
    return now(CLOCK_REALTIME);
}
