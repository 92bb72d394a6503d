/*
 * digit: the head of a key as a number, so that most comparisons touch no key.
 *
 * Seven bytes, most significant first and zero-padded, then how many bytes the key had left, at
 * most 8. Two keys compare as their digits do; equal digits mean equal keys if the last byte is
 * below 8, else the keys go on behind the seven bytes.
 */
#ifndef RECORD_DIGIT_H
#define RECORD_DIGIT_H

#include "base/bytes.h"
#include "base/slice.h"

#include <stdbool.h>

enum {
    DIGIT_KEY_BYTES = 7,
    DIGIT_GOES_ON = 8,
};

static inline uint64_t digit_of(struct slice key)
{
    unsigned char bytes[8] = {0};

    if (key.len >= sizeof bytes)
        return (get_u64be(key.ptr) & ~UINT64_C(0xff)) | DIGIT_GOES_ON;
    if (key.len > 0)
        memcpy(bytes, key.ptr, key.len);
    bytes[DIGIT_KEY_BYTES] = (unsigned char)key.len; /* at most 7: the copy ended before it */
    return get_u64be(bytes);
}

static inline bool digit_goes_on(uint64_t digit)
{
    return (digit & 0xff) == DIGIT_GOES_ON;
}

#endif
