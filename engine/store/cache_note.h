/*
 * cache_note: a text beside what is kept in a cache, such that damage is seen.
 *
 *     cache_note_encode(&bytes, text);
 *     is_good = cache_note_decode(bytes, &text);
 *
 *     0        4       8         12
 *     +--------+-------+---------+----------+
 *     | "MRN1" | bytes | crc32c  | the text |      little-endian
 *     | magic  |  u32  | of it   |          |
 *     +--------+-------+---------+----------+
 *
 * Pure.
 */
#ifndef STORE_CACHE_NOTE_H
#define STORE_CACHE_NOTE_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

enum {
    CACHE_NOTE_HEAD_BYTES = 12,
    CACHE_NOTE_BYTES_MAX = 64 << 10, /* of the text: what a map answers, counters and a sketch */
};

void cache_note_encode(struct buf *out, struct slice text);

/* Appends the text of the note that `bytes` are. False: they are none, or damaged. */
bool cache_note_decode(struct slice bytes, struct buf *out);

#endif
