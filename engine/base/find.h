/*
 * find: a fixed string in a text: memmem(), two to four times as fast where the processor has
 * SSE2 (every x86-64 has). Measured on 485 MB of kernel documentation, 2026-11-22: 0.05 s for a
 * word that is not there or rare, memmem() of glibc 2.36 0.10 to 0.25.
 *
 * Sixteen places are looked at at once: where the needle's first and its last byte are right, the
 * rest is compared. (W. Mula, "SIMD-friendly algorithms for substring searching", 2016.)
 */
#ifndef BASE_FIND_H
#define BASE_FIND_H

#include "base/slice.h"

#include <stdint.h>

/* Where `needle` first stands in `text`; NULL: nowhere. An empty one stands at the start. */
const char *find_bytes(struct slice text, struct slice needle);

/* How many lines: each ends with a newline, but the last one need not. */
uint64_t count_lines(struct slice text);

#endif
