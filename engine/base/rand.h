/*
 * rand: seeded pseudo-random numbers (xoshiro256**, Blackman and Vigna, 2018; seeded by
 * splitmix64). For jitter, samples and tests; never for secrets. The same seed gives the same
 * numbers everywhere.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stdint.h>

struct rand {
    uint64_t state[4];
};

void rand_init(struct rand *rand, uint64_t seed);
uint64_t rand_next(struct rand *rand);

/* A number in [0, bound), without bias. bound > 0. */
uint64_t rand_below(struct rand *rand, uint64_t bound);

#endif
