/*
 * fetch: the first half of a reduce: a segment of every map, in map order, in one scratch file.
 *
 *     rc = fetch_segments(start, scratch, &fetched, &err);
 *     ... fetched.table ...
 *     fetch_deinit(&fetched);
 *
 * Here the maps' runs are files on this machine; their indexes are checked, and say where the
 * segment lies. Segments without records are left out: an index that is intact says that they are
 * empty, so an empty segment is never a lost one.
 */
#ifndef ATTEMPT_FETCH_H
#define ATTEMPT_FETCH_H

#include "base/err.h"
#include "rpc/messages.pb-c.h"

#include <stdint.h>

struct fetched {
    Mrlua__SegmentTable table;
    uint64_t records;
    /* After ERR_PEER: whose run it was. */
    uint32_t peer_map;
    uint64_t peer_attempt;
};

/* Copies the segments of partition start->task to `scratch`. 0 or -1; call fetch_deinit(). */
int fetch_segments(const Mrlua__TaskStart *start, int scratch, struct fetched *out,
                   struct err *err);
void fetch_deinit(struct fetched *fetched);

#endif
