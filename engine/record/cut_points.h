/*
 * cut_points: where the keys of a job with partition = "range" are cut into parts that follow each
 * other: part i holds what is before part i + 1. Pure.
 *
 *     count = cut_points_choose(keys, key_count, combines, partition_count, cuts);
 *     ...                                              they travel as bytes
 *     rc = cut_points_init(&points, cuts, count, partition_count, &err);
 *     partition = cut_points_find(&points, key);
 *     cut_points_deinit(&points);
 *
 * A cut point is the first bytes of a key, as few as tell it from the sampled key before it (as
 * B-trees cut their separators): it needs to be no key that can be decoded. What is not before it
 * lies behind the cut; so equal keys are never apart, and a key with more than its share has a
 * part to itself. There may be fewer cut points than asked for, when there are fewer keys or one is
 * hot: the last parts are then empty.
 */
#ifndef RECORD_CUT_POINTS_H
#define RECORD_CUT_POINTS_H

#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

enum {
    /* Of all cut points with CUT_POINT_FRAME_BYTES each: they travel to each map, in a frame of
     * 1 MiB beside the names of its pieces, which take half of that (format/split.h). */
    CUT_POINTS_BYTES_MAX = 256 * 1024,
    CUT_POINT_FRAME_BYTES = 4, /* around each one in a message */
};

/* A key of a sample, and how many bytes it stands for. */
struct weighted_key {
    struct slice key;
    uint64_t head;   /* filled by cut_points_choose() */
    uint64_t weight; /* all together less than 2^63 */
};

/*
 * Cuts the sample into at most `partition_count` parts of weights as equal as its keys allow, and
 * answers the cut points in order, at most partition_count - 1: `cuts` has room for as many. They
 * point into the keys. Where they would take more than CUT_POINTS_BYTES_MAX it cuts half as many
 * parts, or a quarter ... `combines`: equal keys will meet in a combiner, so that a key weighs what
 * its heaviest record weighs and not their sum. Sorts `keys`.
 */
uint32_t cut_points_choose(struct weighted_key *keys, size_t key_count, bool combines,
                           uint32_t partition_count, struct slice *cuts);

struct cut_point;

struct cut_points {
    struct cut_point *items;
    uint32_t count;
};

/* Borrows the bytes of the cuts. 0, or -1 (ERR_SETUP): they are not in order, or too many. */
int cut_points_init(struct cut_points *points, const struct slice *cuts, size_t count,
                    uint32_t partition_count, struct err *err);

/* Safe on a zeroed struct. */
void cut_points_deinit(struct cut_points *points);

/* The partition of `key`: how many cut points are not behind it. */
uint32_t cut_points_find(const struct cut_points *points, struct slice key);

#endif
