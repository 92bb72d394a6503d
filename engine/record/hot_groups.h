/*
 * hot_groups: the hot keys of records that come sorted, counted while they are written. Equal keys
 * lie side by side there, so each group is counted exactly, and only one that may matter is put
 * into the sketch (hot_keys.h).
 *
 *     hot_groups_init(&groups);
 *     hot_groups_add(&groups, hash, partition, key);         each record, in order
 *     hot_groups_end(&groups);
 *     groups.keys, groups.record_count
 *
 * `hash` stands for the group: of the key, or of the parts of it that the job groups by. A group of
 * fewer than HOT_GROUP_RECORDS_MIN records, or of less than a HOT_KEY_COUNTth of what was written
 * before it, is not kept: the latter cannot be a HOT_KEY_COUNTth of all, so the bounds of the
 * sketch hold without it; the former is nothing to tell of.
 *
 * Cost: three comparisons and two additions where each record is a group of its own, which is the
 * most there can be. Of all instructions of a job on 8 MB (November 2026, callgrind) 0.9 % for
 * words without a combiner, 0.6 % for words with one that finds little to combine, 0.5 % for lines.
 */
#ifndef RECORD_HOT_GROUPS_H
#define RECORD_HOT_GROUPS_H

#include "record/hot_keys.h"

enum { HOT_GROUP_RECORDS_MIN = 16 }; /* a reduce reads as many in some microseconds */

struct hot_groups {
    struct hot_keys keys;
    uint64_t record_count; /* of the groups that have ended */
    uint64_t hash;         /* the group in hand ... */
    uint64_t count;        /* ... its records so far ... */
    uint64_t hold_at;      /* ... and how many make it worth a look: it rises when there is one */
    struct hot_key held;   /* its key, from then on */
};

void hot_groups_init(struct hot_groups *groups);

/* hot_groups_add() calls these: a group of hold_at records has ended; has so many now. */
void hot_groups_take(struct hot_groups *groups);
void hot_groups_hold(struct hot_groups *groups, uint32_t partition, struct slice key);

static inline void hot_groups_add(struct hot_groups *groups, uint64_t hash, uint32_t partition,
                                  struct slice key)
{
    if (hash != groups->hash) {
        if (groups->count >= groups->hold_at)
            hot_groups_take(groups);
        groups->record_count += groups->count;
        groups->count = 0;
        groups->hash = hash;
    }
    if (++groups->count == groups->hold_at)
        hot_groups_hold(groups, partition, key);
}

/* There are no more records: groups->keys is complete, and sorted. */
void hot_groups_end(struct hot_groups *groups);

#endif
