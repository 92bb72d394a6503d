/*
 * in_time: does something end in time? Other work on the machine makes it later, and nothing makes
 * it earlier: so the best of some rounds counts.
 *
 *     await_in_time(GONE_MS_MAX, round);      round() does it once, and says how many ns it took
 */
#ifndef CTEST_IN_TIME_H
#define CTEST_IN_TIME_H

#include "test.h"

#include "base/clock.h"

enum { IN_TIME_ROUNDS = 5 };

static inline void await_in_time(uint64_t ms_max, uint64_t (*round)(void))
{
    for (int i = 0; i < IN_TIME_ROUNDS; i++)
        if (round() < ms_max * NS_PER_MS)
            return;
    fail_msg("longer than %llu ms, each of %d times", (unsigned long long)ms_max, IN_TIME_ROUNDS);
}

#endif
