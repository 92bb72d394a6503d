/*
 * run: histories of a made-up cluster for tests, from beginning to end; a failure prints its seed.
 */
#ifndef CTEST_SIM_RUN_H
#define CTEST_SIM_RUN_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster.h"

static struct cluster_setup setup_in_hand;

static inline void on_abort(int signal_number)
{
    (void)signal_number;
    fflush(stdout);
    fprintf(stderr, "FOUND BY SEED=%llu CRASH=%u CRASH_AT=%llu STRIKE=%d STRIKE_AT=%llu\n",
            (unsigned long long)setup_in_hand.seed, setup_in_hand.crash,
            (unsigned long long)setup_in_hand.crash_at, (int)setup_in_hand.strike,
            (unsigned long long)setup_in_hand.strike_at);
    _Exit(134);
}

static inline uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* The caller looks at `cluster` and deinits it. */
static inline void run_to_end(struct cluster *cluster, const struct cluster_setup *setup)
{
    setup_in_hand = *setup;
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
    cluster_init(cluster, setup);
    while (!cluster_has_ended(cluster))
        cluster_turn(cluster);
    cluster_check_ends(cluster);
    audit_leftovers(cluster);
}

#endif
