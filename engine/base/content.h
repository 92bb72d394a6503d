/*
 * content: a checksum of what is in a file, to tell whether it is still the same: XXH3-128
 * (xxhash.com), big-endian. Files that were made to have equal sums are not told apart.
 *
 *     rc = content_sum(fd, name, sum, &err);
 *
 * Cost: one read of the file, 1 MiB at a time; the sum itself goes at some 10 GB/s.
 */
#ifndef BASE_CONTENT_H
#define BASE_CONTENT_H

#include "base/err.h"

#include <stdint.h>

enum {
    CONTENT_SUM_BYTES = 16,
#ifdef MRLUA_TINY
    CONTENT_READ_BYTES = 7,
#else
    CONTENT_READ_BYTES = 1 << 20,
#endif
};

/* Of all bytes of `fd`, which is borrowed and need not stand at its start. 0 or -1 (ERR_INPUT). */
int content_sum(int fd, const char *name, uint8_t sum[CONTENT_SUM_BYTES], struct err *err);

#endif
