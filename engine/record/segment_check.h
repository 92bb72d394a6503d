/*
 * segment_check: is what comes by a good segment? It sees every byte once, in pieces cut anywhere,
 * and keeps none.
 *
 *     segment_check_init(&check, partition, &id);
 *     segment_check_feed(&check, bytes);
 *     good = segment_check_is_good(&check);      the end mark was the last of them
 *
 * It finds what a cursor would find (run.h) without unpacking a block: another segment, a flipped
 * bit, blocks that are lost, doubled or in another order, an end that is missing. The records
 * inside a block are not looked at: its checksum says that they are as they were written.
 */
#ifndef RECORD_SEGMENT_CHECK_H
#define RECORD_SEGMENT_CHECK_H

#include "base/slice.h"
#include "record/run.h"

#include <stdbool.h>

enum segment_check_state {
    SEGMENT_CHECK_HEADER,       /* the segment's */
    SEGMENT_CHECK_BLOCK_HEADER, /* a block's, or the end mark's */
    SEGMENT_CHECK_PAYLOAD,
    SEGMENT_CHECK_ENDED,
    SEGMENT_CHECK_BAD,
};

struct segment_check {
    enum segment_check_state state;
    uint32_t partition;
    struct run_id id;
    char head[RUN_HEADER_BYTES]; /* what has come of a header, or of the end mark's payload */
    uint32_t head_len;
    uint32_t seed, crc, crc_expected;
    uint32_t number; /* of the block */
    uint32_t payload_left;
    bool is_end_mark;
    uint64_t record_count; /* ENDED: as the end mark says */
};

void segment_check_init(struct segment_check *check, uint32_t partition, const struct run_id *id);
void segment_check_feed(struct segment_check *check, struct slice bytes);
bool segment_check_is_good(const struct segment_check *check);

#endif
