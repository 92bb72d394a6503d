/*
 * gather: a reduce's input. The segments of one partition, one per map, as one sorted cursor.
 *
 *     gather = gather_open(&options, segments, segment_count, &err);
 *     group_init(&group, gather_cursor(gather), prefix_parts);  ... group_deinit(&group);
 *     audit(gather_digest(gather));
 *     gather_close(gather);
 *
 * Records of equal keys come in the order of the table, which is by map number (P1). More
 * segments than the fan-in are first joined, neighbours only, between the scratch files; opening
 * does that, so it may take long. Every record is read and added to the digest, whether its
 * value is asked for or not: the audit compares it with what the maps wrote (P6).
 *
 * Memory: fan-in x (two blocks + a key), one value, five blocks to write (segment_writer.h).
 */
#ifndef RECORD_GATHER_H
#define RECORD_GATHER_H

#include "base/hash.h"
#include "record/cursor.h"
#include "record/merge.h"
#include "record/run.h"

struct gather_segment {
    int fd; /* borrowed: scratch[0] as a rule */
    uint32_t map;
    uint64_t attempt; /* that made the map's output, as messages name it */
    struct run_id id; /* what its bytes say of who wrote them */
    uint64_t offset, bytes;
};

struct gather_options {
    uint32_t partition;
    struct run_id id; /* the reduce's own, on what it writes to scratch */
    int scratch[2];   /* borrowed; scratch[0] may hold the segments, scratch[1] is empty */
    uint32_t fan_in;  /* 2 .. MERGE_FAN_IN_MAX; 0: that */
    struct pulse pulse;
};

struct gather;

/* `segments` (borrowed for the call) are in map order. */
struct gather *gather_open(const struct gather_options *options,
                           const struct gather_segment *segments, uint32_t segment_count,
                           uint32_t *failed_map, struct err *err);
void gather_close(struct gather *gather);

/* The records; good while the gather is open. The gather closes it. */
struct cursor *gather_cursor(struct gather *gather);

/* What was read so far. */
const struct digest *gather_digest(const struct gather *gather);

#define GATHER_MAP_NONE UINT32_MAX

/*
 * After ERR_PEER: the number of the map whose segment was damaged, else GATHER_MAP_NONE. When
 * gather_open() itself fails, the number is in its *failed_map.
 */
uint32_t gather_failed_map(const struct gather *gather);

#endif
