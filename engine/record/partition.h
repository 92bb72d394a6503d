/*
 * partition: which reduce a key goes to, when the job does not say.
 */
#ifndef RECORD_PARTITION_H
#define RECORD_PARTITION_H

#include "base/slice.h"

#include <stdint.h>

/*
 * The partition of `key` among `partition_count` > 0. For a job with `group = n` the key given
 * here is the prefix of n parts (key_prefix), so that a group stays together. The answer is part
 * of the output's bytes: it never changes.
 */
uint32_t partition_of(struct slice key, uint32_t partition_count);

#endif
