#include "attempt/map_partition.h"

#include "base/mem.h"
#include "record/partition.h"
#include "record/value.h"

#include <stdlib.h>

static int find_only(struct map_partition *partition, struct slice key, uint32_t *out,
                     struct err *err)
{
    (void)partition, (void)key, (void)err;
    *out = 0;
    return 0;
}

static int find_by_hash(struct map_partition *partition, struct slice key, uint32_t *out,
                        struct err *err)
{
    (void)err;
    *out = partition_of(key, partition->count);
    return 0;
}

static int find_by_prefix(struct map_partition *partition, struct slice key, uint32_t *out,
                          struct err *err)
{
    struct slice prefix;

    if (key_prefix(key, partition->group_parts, &prefix, err) != 0)
        return -1;
    *out = partition_of(prefix, partition->count);
    return 0;
}

static int find_by_job(struct map_partition *partition, struct slice key, uint32_t *out,
                       struct err *err)
{
    return vm_partition(partition->vm, key, partition->count, out, err);
}

static int find_by_range(struct map_partition *partition, struct slice key, uint32_t *out,
                         struct err *err)
{
    if (partition->group_parts > 0 && key_prefix(key, partition->group_parts, &key, err) != 0)
        return -1;
    *out = cut_points_find(&partition->cut_points, key);
    return 0;
}

static int open_cut_points(struct map_partition *partition, const Mrlua__TaskStart *start,
                           struct err *err)
{
    struct slice *cuts = mem_alloc_array(start->n_cut_points + 1, sizeof *cuts);
    int rc;

    for (size_t i = 0; i < start->n_cut_points; i++)
        cuts[i] = slice_of(start->cut_points[i].data, start->cut_points[i].len);
    rc = cut_points_init(&partition->cut_points, cuts, start->n_cut_points, partition->count, err);
    free(cuts);
    return rc;
}

int map_partition_init(struct map_partition *partition, const Mrlua__TaskStart *start,
                       struct slice view, struct vm *vm, struct err *err)
{
    enum partition_kind kind = partition_kind_of(view);
    int64_t group = value_field_integer(view, "group", 0);

    *partition = (struct map_partition){.vm = vm, .count = start->partition_count};
    partition->group_parts = group > 0 && group <= UINT32_MAX ? (uint32_t)group : 0;
    partition->find = kind == PARTITION_BY_JOB     ? find_by_job
                      : partition->count == 1      ? find_only
                      : kind == PARTITION_BY_RANGE ? find_by_range
                      : partition->group_parts > 0 ? find_by_prefix
                                                   : find_by_hash;
    return partition->count > 0 ? open_cut_points(partition, start, err) : 0;
}

void map_partition_deinit(struct map_partition *partition)
{
    cut_points_deinit(&partition->cut_points);
}

bool map_partition_is_by_job(const struct map_partition *partition)
{
    return partition->find == find_by_job;
}
