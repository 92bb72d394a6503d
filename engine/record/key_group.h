/*
 * key_group: to which group the keys of sorted records belong, of a job with `group`: told by a
 * hash, which is the same for all keys of a partition that agree in so many parts.
 *
 *     struct key_group group = {.parts = 2};
 *     while (there are records, in order)
 *         rc = key_group_next(&group, partition, key, &err);         group.hash, group.prefix
 *     key_group_deinit(&group);
 *
 * Records of a group lie side by side, and their keys begin with the same bytes: so only the first
 * ones of a group are read part by part, and the others compared with it: 1.4 % of the instructions
 * of a job whose map is two lines of Lua, with groups of 15 records; 3 % where each record is a
 * group (November 2026, callgrind). Memory: one key.
 */
#ifndef RECORD_KEY_GROUP_H
#define RECORD_KEY_GROUP_H

#include "base/err.h"
#include "base/slice.h"
#include "record/room.h"

#include <stdbool.h>
#include <stdint.h>

struct key_group {
    uint32_t parts;      /* 1 or more; set by the caller, the rest is zeroed */
    struct slice prefix; /* the parts that the group has in common; good until the next call */
    uint64_t hash;
    /* Below is key_group.c's own. */
    struct room copy; /* the bytes of `prefix` */
    uint32_t partition;
    bool is_begun;
    bool is_cut; /* a key of the group has had more parts: the prefix has all that it may have */
};

/* 0, or -1: these bytes are no key (ERR_INPUT), or there is no memory for a copy of it. */
int key_group_next(struct key_group *group, uint32_t partition, struct slice key, struct err *err);
void key_group_deinit(struct key_group *group);

#endif
