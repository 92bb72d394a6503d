/*
 * text_head: the first bytes of a text as two numbers, so that a short one is hashed and compared
 * without a loop or a call. Most keys and words are short.
 *
 *     struct text_head head = text_head(text);          the first TEXT_HEAD_BYTES, then zeros
 *     head = text_head_with_length(text);               text.len < TEXT_HEAD_BYTES: it is the text
 */
#ifndef RECORD_TEXT_HEAD_H
#define RECORD_TEXT_HEAD_H

#include "base/bytes.h"
#include "base/slice.h"

#include <assert.h>
#include <stdbool.h>

enum { TEXT_HEAD_BYTES = 16 }; /* most keys are no longer */

/* Little-endian, whatever the machine is. */
struct text_head {
    uint64_t low, high;
};

/* Reads no byte that is not the text's. */
static inline struct text_head text_head(struct slice text)
{
    struct text_head head = {0};
    const char *from = text.ptr;
    size_t len = text.len;

    if (len > 8) {
        size_t last = len < TEXT_HEAD_BYTES ? len - 8 : 8;

        head.low = get_u64le(from);
        head.high = get_u64le(from + last) >> (8 * (8 - last));
    } else if (len >= 4) {
        head.low = get_u32le(from) | (uint64_t)get_u32le(from + len - 4) << (8 * (len - 4));
    } else if (len > 0) { /* the first, the middle and the last byte are all there are */
        head.low = (unsigned char)from[0] |
                   (uint64_t)(unsigned char)from[len / 2] << (8 * (len / 2)) |
                   (uint64_t)(unsigned char)from[len - 1] << (8 * (len - 1));
    }
    return head;
}

/*
 * The same of a text of 1 to TEXT_HEAD_BYTES - 1 bytes in a longer one that has 8 bytes or more and
 * ends at `end`: without a branch, as nobody can foretell how long a word is.
 */
static inline struct text_head text_head_within(struct slice text, const char *end)
{
    const char *last = end - 8;
    const char *low_at = text.ptr < last ? text.ptr : last;
    const char *high_at = text.ptr + 8 < last ? text.ptr + 8 : last;
    size_t low_len = text.len < 8 ? text.len : 8, high_len = text.len - low_len;
    uint64_t low = get_u64le(low_at) >> (8 * (text.ptr - low_at) % 64);
    uint64_t high = get_u64le(high_at) >> (8 * (text.ptr + 8 - high_at) % 64);

    assert(text.len > 0 && text.len < TEXT_HEAD_BYTES);
    return (struct text_head){
        .low = low & UINT64_MAX >> (64 - 8 * low_len),
        .high = high & ((UINT64_C(1) << 8 * high_len) - 1),
    };
}

/*
 * Adds the length of a text shorter than a head, where no text has a byte: two texts are the same
 * when these are, and none is zero.
 */
static inline struct text_head text_head_add_length(struct text_head head, size_t len)
{
    assert(len < TEXT_HEAD_BYTES);
    head.high |= (uint64_t)(len + 1) << 56;
    return head;
}

static inline struct text_head text_head_with_length(struct slice text)
{
    return text_head_add_length(text_head(text), text.len);
}

/* The text of a head with its length, written to `bytes`. */
static inline struct slice text_head_write(struct text_head head, char bytes[TEXT_HEAD_BYTES])
{
    put_u64le(bytes, head.low);
    put_u64le(bytes + 8, head.high);
    return slice_of(bytes, (head.high >> 56) - 1);
}

static inline bool text_head_equal(struct text_head a, struct text_head b)
{
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0;
}

/* Multiply and fold, with odd constants of random bits: for tables of this process only, whose
 * finds are compared. */
static inline uint32_t text_head_hash(struct text_head head)
{
    uint64_t hash =
        head.low * UINT64_C(0x9e3779b97f4a7c15) + head.high * UINT64_C(0xbf58476d1ce4e5b9);

    hash = (hash ^ hash >> 32) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(hash >> 32);
}

#endif
