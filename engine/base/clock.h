/*
 * clock: the only place that asks what time it is. Shells ask; cores are told.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL

/* Nanoseconds since some fixed moment; never goes back. */
uint64_t clock_monotonic_ns(void);

/* Nanoseconds since 1970, for people and manifests. */
uint64_t clock_realtime_ns(void);

#endif
