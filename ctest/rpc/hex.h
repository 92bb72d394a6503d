/*
 * hex: bytes as hexadecimal digits, for what a test expects.
 */
#ifndef CTEST_RPC_HEX_H
#define CTEST_RPC_HEX_H

#include "test.h"

#include <stdio.h>

enum { HEX_BYTES_MAX = 64 };

/* Good until the next call. */
static inline const char *hex(const void *bytes, size_t len)
{
    static char text[2 * HEX_BYTES_MAX + 1];
    const unsigned char *at = bytes;

    assert_true(len <= HEX_BYTES_MAX);
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", at[i]);
    return text;
}

#endif
