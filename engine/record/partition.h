/*
 * partition: which reduce a key goes to: how a job says it, and by hash when it does not. By range:
 * record/cut_points.h.
 */
#ifndef RECORD_PARTITION_H
#define RECORD_PARTITION_H

#include "base/slice.h"

#include <stdint.h>

enum partition_kind {
    PARTITION_BY_HASH,
    PARTITION_BY_RANGE, /* cut points: the parts follow each other */
    PARTITION_BY_JOB,   /* a function of the job */
};

/* Of a checked job table (value codec). */
enum partition_kind partition_kind_of(struct slice view);

/*
 * The partition of `key` among `partition_count` > 0. For a job with `group = n` the key given
 * here is the prefix of n parts (key_prefix), so that a group stays together. The answer is part
 * of the output's bytes: it never changes.
 */
uint32_t partition_of(struct slice key, uint32_t partition_count);

#endif
