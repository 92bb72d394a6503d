#include "sched/runtime.h"

#include <assert.h>

static uint32_t octave_of(uint64_t ns)
{
    uint32_t octave = 63;

    assert(ns > 0);
    while (!(ns >> octave))
        octave--;
    return octave;
}

static uint32_t bucket_of(uint64_t ns)
{
    uint32_t octave, step;

    if (ns < 1ULL << RUNTIME_OCTAVE_MIN)
        return 0;
    octave = octave_of(ns);
    if (octave >= RUNTIME_OCTAVE_MAX)
        return RUNTIME_BUCKET_COUNT - 1;
    step = (uint32_t)(ns >> (octave - RUNTIME_STEPS_BITS)) & ((1U << RUNTIME_STEPS_BITS) - 1);
    return ((octave - RUNTIME_OCTAVE_MIN) << RUNTIME_STEPS_BITS) + step;
}

/* What is in this bucket took less than that. */
static uint64_t bucket_end_ns(uint32_t bucket)
{
    uint32_t octave = RUNTIME_OCTAVE_MIN + (bucket >> RUNTIME_STEPS_BITS);
    uint64_t step = bucket & ((1U << RUNTIME_STEPS_BITS) - 1);

    assert(bucket < RUNTIME_BUCKET_COUNT);
    return ((1ULL << RUNTIME_STEPS_BITS) + step + 1) << (octave - RUNTIME_STEPS_BITS);
}

void runtime_add(struct runtime *runtime, uint64_t ns)
{
    uint32_t bucket = bucket_of(ns);

    assert(bucket < RUNTIME_BUCKET_COUNT);
    assert(runtime->count < UINT32_MAX);
    runtime->buckets[bucket]++;
    runtime->count++;
}

uint64_t runtime_median_ns(const struct runtime *runtime)
{
    uint64_t seen = 0;

    if (runtime->count == 0)
        return 0;
    for (uint32_t bucket = 0; bucket < RUNTIME_BUCKET_COUNT; bucket++) {
        seen += runtime->buckets[bucket];
        if (2 * seen >= runtime->count)
            return bucket_end_ns(bucket);
    }
    assert(seen == runtime->count);
    return 0;
}
