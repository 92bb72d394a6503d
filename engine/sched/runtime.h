/*
 * runtime: how long the attempts of a stage took, well enough to say what is usual.
 *
 *     struct runtime runtime = {0};
 *     runtime_add(&runtime, now_ns - attempt->since_ns);
 *     median_ns = runtime_median_ns(&runtime);             0: nothing has been added
 *
 * A histogram of eighths of powers of two, so the median is at most an eighth too long, never too
 * short: who compares with it doubts nobody without reason. Adding is O(1), asking is O(buckets).
 *
 * Not kept over a restart: it is about this hour, not about what lasts.
 */
#ifndef SCHED_RUNTIME_H
#define SCHED_RUNTIME_H

#include <stdint.h>

enum {
    RUNTIME_STEPS_BITS = 3,  /* buckets of one power of two: 8 */
    RUNTIME_OCTAVE_MIN = 20, /* below 2^20 ns, a millisecond, all are equal ... */
    RUNTIME_OCTAVE_MAX = 52, /* ... and from 2^52 ns, 52 days, too */
    RUNTIME_BUCKET_COUNT = (RUNTIME_OCTAVE_MAX - RUNTIME_OCTAVE_MIN) << RUNTIME_STEPS_BITS,
};

struct runtime {
    uint32_t count;
    uint32_t buckets[RUNTIME_BUCKET_COUNT];
};

void runtime_add(struct runtime *runtime, uint64_t ns);
uint64_t runtime_median_ns(const struct runtime *runtime);

#endif
