/*
 * group: records of a sorted cursor, key by key; and what a combiner is.
 *
 *     group_init(&group, cursor, 0);
 *     while ((rc = group_next(&group, &err)) == 1)
 *         while ((rc = group_value(&group, &value, &key, &err)) == 1)
 *             use(group.key, value);
 *     group_deinit(&group);
 *
 * With prefix_parts = n > 0 (a job's `group = n`) keys are tuples, and a group is the records
 * whose keys agree in their first n parts. Values that are not read are skipped by group_next().
 * The group borrows its cursor. Memory: one key, at most RECORD_KEY_BYTES_MAX.
 */
#ifndef RECORD_GROUP_H
#define RECORD_GROUP_H

#include "record/builtin.h"
#include "record/cursor.h"
#include "record/room.h"

#include <stdbool.h>

enum group_state {
    GROUP_START,   /* nothing was read */
    GROUP_FIRST,   /* the cursor is at the group's first record, not handed out yet */
    GROUP_INSIDE,  /* the cursor is at a record that was handed out */
    GROUP_PENDING, /* the cursor is at the first record of the next group */
    GROUP_END,     /* the cursor has ended, or failed */
};

struct group {
    struct slice key; /* the group's first key, whole; good until the next group_next() */
    /* Below is group.c's own. */
    struct slice prefix; /* what the keys of the group share: `key`, or its first parts */
    struct cursor *cursor;
    uint32_t prefix_parts;
    enum group_state state;
    struct room copy; /* the bytes of `key` */
};

void group_init(struct group *group, struct cursor *cursor, uint32_t prefix_parts);

/* Releases the key, not the cursor. Safe on a zeroed struct. */
void group_deinit(struct group *group);

/* Goes to the next group, skipping what is left of this one. 1: group->key is set. 0: no more. */
int group_next(struct group *group, struct err *err);

/*
 * The next record of the group: its value, and its whole key unless `key` is NULL. Both are good
 * until the next call on the group. 1, 0 (no more in this group) or -1.
 */
int group_value(struct group *group, struct slice *value, struct slice *key, struct err *err);

/*
 * Reduce applied early. Reads one group (whole keys) and emits records of group->key only; where
 * a spill cuts the values of a key it is applied to each part, and to the results again.
 */
struct combiner {
    int (*combine)(void *context, struct group *group, struct sink *out, struct err *err);
    void *context;
    enum builtin builtin;   /* or BUILTIN_NONE; those that fold in place do so in the sort buffer */
    uint32_t partition_end; /* from this partition on records are left as they are; 0: from none */
};

#endif
