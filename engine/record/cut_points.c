#include "record/cut_points.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* ---- the order of keys ---- */

/* The first 8 bytes as a number, zeros behind a short key: heads that differ are in the order of
 * their keys, and equal ones say nothing. */
static uint64_t head_of(struct slice key)
{
    char bytes[sizeof(uint64_t)] = {0};

    if (key.len > 0)
        memcpy(bytes, key.ptr, key.len < sizeof bytes ? key.len : sizeof bytes);
    return get_u64be(bytes);
}

static int compare(const struct weighted_key *a, const struct weighted_key *b)
{
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    return slice_compare(a->key, b->key);
}

/* Two sorted lists, one behind the other in `from`, as one in `to`. */
static void merge(const struct weighted_key *from, size_t first_count, size_t count,
                  struct weighted_key *to)
{
    size_t a = 0, b = first_count;

    for (size_t i = 0; i < count; i++) {
        bool takes_first = b == count || (a < first_count && compare(&from[a], &from[b]) <= 0);

        to[i] = from[takes_first ? a++ : b++];
    }
}

/* By merging, from lists of one. (qsort(3) asks how much memory the machine has, which a job's
 * process may not: vm/sandbox.h.) */
static void sort(struct weighted_key *keys, size_t count)
{
    struct weighted_key *other = mem_alloc_array(count, sizeof *other);
    struct weighted_key *from = keys, *to = other;

    for (size_t width = 1; width < count; width *= 2) {
        struct weighted_key *done = from;

        for (size_t i = 0; i < count; i += 2 * width) {
            size_t left = count - i;

            merge(from + i, width < left ? width : left, 2 * width < left ? 2 * width : left,
                  to + i);
        }
        from = to;
        to = done;
    }
    if (from != keys)
        memcpy(keys, from, count * sizeof *keys);
    free(other);
}

/* ---- choosing ---- */

/* Sorted keys with equal ones made one. Returns how many are left. */
static size_t merge_equal(struct weighted_key *keys, size_t count, bool combines)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct weighted_key *last = kept > 0 ? &keys[kept - 1] : NULL;

        if (!last || compare(last, &keys[i]) != 0)
            keys[kept++] = keys[i];
        else if (!combines)
            last->weight += keys[i].weight;
        else if (keys[i].weight > last->weight)
            last->weight = keys[i].weight;
    }
    return kept;
}

/* As little of `key` as is behind `before`. */
static struct slice separator(struct slice before, struct slice key)
{
    size_t same = 0;

    while (same < before.len && before.ptr[same] == key.ptr[same])
        same++;
    assert(same < key.len); /* it is behind `before`, so it goes on where that ends or differs */
    return slice_of(key.ptr, same + 1);
}

/*
 * The first key of the next part: the cut goes in front of it. The part that begins at `from`
 * should weigh `target`; it has at least one key, and the key that would go beyond is in it when
 * that is nearer. Answers key_count when what is left is one part. *weight: of the part.
 */
static size_t next_cut(const struct weighted_key *keys, size_t key_count, size_t from,
                       uint64_t target, uint64_t *weight)
{
    size_t at = from + 1;

    *weight = keys[from].weight;
    while (at < key_count && *weight < target) {
        uint64_t with = *weight + keys[at].weight;

        if (with > target && with - target > target - *weight)
            break;
        *weight = with;
        at++;
    }
    return at;
}

/* -1: they take too many bytes. */
static int64_t cut(const struct weighted_key *keys, size_t key_count, uint32_t partition_count,
                   struct slice *cuts)
{
    uint64_t left = 0, weight, bytes = 0;
    uint32_t count = 0;
    size_t at = 0;

    for (size_t i = 0; i < key_count; i++)
        left += keys[i].weight;
    while (at < key_count && count + 1 < partition_count) {
        at = next_cut(keys, key_count, at, left / (partition_count - count), &weight);
        if (at == key_count)
            break;
        left -= weight;
        cuts[count] = separator(keys[at - 1].key, keys[at].key);
        bytes += cuts[count++].len + CUT_POINT_FRAME_BYTES;
        if (bytes > CUT_POINTS_BYTES_MAX)
            return -1;
    }
    return count;
}

uint32_t cut_points_choose(struct weighted_key *keys, size_t key_count, bool combines,
                           uint32_t partition_count, struct slice *cuts)
{
    int64_t count;

    assert(partition_count > 0);
    for (size_t i = 0; i < key_count; i++)
        keys[i].head = head_of(keys[i].key);
    if (key_count > 0)
        sort(keys, key_count);
    key_count = merge_equal(keys, key_count, combines);
    while ((count = cut(keys, key_count, partition_count, cuts)) < 0)
        partition_count /= 2;
    assert((uint64_t)count < partition_count);
    return (uint32_t)count;
}

/* ---- finding ---- */

struct cut_point {
    uint64_t head;
    struct slice key;
};

int cut_points_init(struct cut_points *points, const struct slice *cuts, size_t count,
                    uint32_t partition_count, struct err *err)
{
    *points = (struct cut_points){0};
    if (count >= partition_count)
        return err_set(err, ERR_SETUP, "%zu cut points for %u parts", count, partition_count);
    for (size_t i = 1; i < count; i++) {
        if (slice_compare(cuts[i - 1], cuts[i]) >= 0)
            return err_set(err, ERR_SETUP, "the cut points are not in order");
    }
    points->items = mem_alloc_array(count ? count : 1, sizeof *points->items);
    points->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        points->items[i] = (struct cut_point){.head = head_of(cuts[i]), .key = cuts[i]};
    return 0;
}

void cut_points_deinit(struct cut_points *points)
{
    free(points->items);
    *points = (struct cut_points){0};
}

uint32_t cut_points_find(const struct cut_points *points, struct slice key)
{
    uint64_t head = head_of(key);
    uint32_t low = 0, high = points->count; /* the answer lies between, both possible */

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct cut_point *point = &points->items[middle];
        bool is_behind =
            point->head != head ? point->head > head : slice_compare(point->key, key) > 0;

        if (is_behind)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
