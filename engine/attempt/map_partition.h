/*
 * map_partition: which partition a key of a map goes to, as its job says: by hash, by range or by
 * the job's function.
 *
 *     map_partition_init(&partition, start, view, vm, &err);
 *     rc = map_partition_find(&partition, key, &number, &err);       number < partition.count
 *     map_partition_deinit(&partition);
 *
 * With `group` it is the first parts of the key that decide, so that a group stays together.
 */
#ifndef ATTEMPT_MAP_PARTITION_H
#define ATTEMPT_MAP_PARTITION_H

#include "record/cut_points.h"
#include "rpc/messages.pb-c.h"
#include "vm/vm.h"

struct map_partition {
    int (*find)(struct map_partition *partition, struct slice key, uint32_t *out, struct err *err);
    struct vm *vm; /* borrowed; of a job with a function */
    uint32_t count;
    uint32_t group_parts; /* the job's `group`; 0: whole keys */
    struct cut_points cut_points;
};

/* `view` is the job's checked table. A task without partitions is never asked for one. 0, or -1
 * (the cut points are none); call deinit then, too. */
int map_partition_init(struct map_partition *partition, const Mrlua__TaskStart *start,
                       struct slice view, struct vm *vm, struct err *err);
void map_partition_deinit(struct map_partition *partition);

static inline int map_partition_find(struct map_partition *partition, struct slice key,
                                     uint32_t *out, struct err *err)
{
    return partition->find(partition, key, out, err);
}

/* Is the job's own function asked? */
bool map_partition_is_by_job(const struct map_partition *partition);

#endif
