/*
 * job_skew: where the output of a job's maps is uneven, of what its completed maps have told
 * (attempt/map_skew.h): the keys with most records, the largest partitions, and what could be done
 * about them. Pure; for a master and for `mrlua run`.
 *
 *     Mrlua__JobSkew *skew = job_skew_make(&results);        NULL: no map has told anything
 *     ...
 *     message_free(skew);
 *
 * Records are those that the maps left for the reduces, after the combiner: what is moved, and what
 * reduces wait for. What a key has is a lower bound: an attempt does not tell of keys with less
 * than a HOT_KEY_COUNTth of its records. Bytes of partitions that an attempt did not tell of are
 * taken for the mean of those it did not; with MAP_SKEW_PARTITION_COUNT_MAX partitions or fewer
 * they are exact.
 *
 * Advice is given where it matters:
 *
 *   - A key has JOB_SKEW_KEY_PERCENT of the records and JOB_SKEW_KEY_RECORDS_MIN of them: one
 *     reduce reads them all, whatever the number of reducers.
 *   - The largest partition has JOB_SKEW_PARTITION_FACTOR times the mean of bytes, and
 *     JOB_SKEW_PARTITION_BYTES_MIN; unless half of its records are such a key's.
 *
 * Memory: the answer is some KB; while it is made, 16 bytes a partition. It takes a walk over all
 * maps, as adding up counters does.
 */
#ifndef MASTER_JOB_SKEW_H
#define MASTER_JOB_SKEW_H

#include "master/job_results.h"
#include "rpc/message.h"

enum {
    JOB_SKEW_KEY_COUNT_MAX = 8, /* of what is told: lines on a page */
    JOB_SKEW_PARTITION_COUNT_MAX = 8,
    JOB_SKEW_KEY_PERCENT = 5,          /* with 20 slots that one reduce takes as long as all */
    JOB_SKEW_KEY_RECORDS_MIN = 100000, /* a reduce in Lua reads them in 0.1 s */
    JOB_SKEW_PARTITION_FACTOR = 2,     /* the last reduce takes twice as long as the others */
    JOB_SKEW_PARTITION_BYTES_MIN = 32 << 20, /* half a second of a reduce */
};

Mrlua__JobSkew *job_skew_make(const struct job_results *results);

#endif
