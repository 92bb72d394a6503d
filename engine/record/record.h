/*
 * record: a key and a value, as bytes. Keys are encoded so that memcmp() is their order (key.h),
 * values as in value.h; nothing in this layer but those two files looks inside.
 *
 * A record in a run or in the sort buffer: varint key bytes, varint value bytes, key, value.
 */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include "base/err.h"
#include "base/slice.h"
#include "record/text_head.h"

#include <stdint.h>

enum {
    RECORD_KEY_BYTES_MAX = 64 * 1024,                 /* a merge holds one key per cursor */
    RECORD_VALUE_BYTES_MAX = 16 * 1024 * 1024 + 1024, /* a "file" value of 16 MiB, encoded */
    REDUCER_COUNT_MAX = 100000, /* a partition each: an index entry, in memory and in every run */
    /* Of a job, beside its main one. An attempt holds for each a file and a writer, whose buffer
     * grows to the largest record: 128 MiB in all, which its limit of memory has room for. */
    OUTPUT_COUNT_MAX = 8,
    PARTITION_COUNT_MAX = REDUCER_COUNT_MAX + OUTPUT_COUNT_MAX,
};

struct record {
    struct slice key;
    struct slice value;
};

/* Where records go: the collector in a map, a writer in a reduce, a list in a test. */
struct sink {
    /* Takes one record; the bytes are borrowed for the call. 0 or -1. */
    int (*emit)(struct sink *sink, struct slice key, struct slice value, struct err *err);
    /* The same as emit() of the encoded string key `text` and the encoded integer `number`, byte
     * for byte, for who counts: a sink that folds encodes neither when it knows the key. `text` is
     * less than RECORD_KEY_BYTES_MAX bytes. NULL: not offered. */
    int (*emit_counted)(struct sink *sink, struct slice text, int64_t number, struct err *err);
    /* emit_counted() of `text` and 1, `count` times, which is 1 or more. Offered by a sink that
     * adds up, so that these may be handed over later than they were emitted, as long as they come
     * before anything else that was emitted after them with that text. NULL: not offered. */
    int (*emit_ones)(struct sink *sink, struct slice text, uint64_t count, struct err *err);
    /* emit_counted() of each of `count` texts with 1, in order, which is faster than one by one.
     * However short a text is, TEXT_HEAD_BYTES can be read where it begins. *emitted is how many
     * were before one failed. Offered together with emit_counted(). */
    int (*emit_each)(struct sink *sink, const struct slice *texts, size_t count, size_t *emitted,
                     struct err *err);
    /* Takes one record for a further output of the job: its number, from 0. NULL: not offered. */
    int (*emit_to)(struct sink *sink, uint32_t output, struct slice key, struct slice value,
                   struct err *err);
};

#endif
