/*
 * seed: where the chance of a property test comes from. Printed, so that a failure can be had
 * again: SEED=n ctest -R record.key
 */
#ifndef CTEST_SEED_H
#define CTEST_SEED_H

#include "base/rand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static inline struct rand seed_rand(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 1;
    struct rand rand;

    printf("SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    rand_init(&rand, seed);
    return rand;
}

#endif
