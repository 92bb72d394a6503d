/*
 * fetch: the first half of a reduce: a segment of every map, in map order.
 *
 *     rc = fetch_segments(start, scratch, &fetched, &err);
 *     ... fetched.table ...
 *     fetch_deinit(&fetched);
 *
 * Here the maps' runs are files on this machine; their indexes are checked, and say where the
 * segment lies. It stays there, and the reduce reads it in place: a copy would write all of the
 * job's data once more. Only where there are more runs than a process may have open, the segments
 * are copied into one scratch file.
 *
 * Segments without records are left out: an index that is intact says that they are empty, so an
 * empty segment is never a lost one.
 */
#ifndef ATTEMPT_FETCH_H
#define ATTEMPT_FETCH_H

#include "base/err.h"
#include "rpc/messages.pb-c.h"
#include "vm/sandbox.h"

#include <stdint.h>

enum {
    FETCH_OTHER_DESCRIPTORS = 64, /* those that a process needs beside the runs */
    FETCH_IN_PLACE_MAX = VM_DESCRIPTOR_COUNT_MAX - FETCH_OTHER_DESCRIPTORS,
};

struct fetched {
    Mrlua__SegmentTable table;
    int *files;         /* table.in_place: the run of each segment; -1: passed on, and closed */
    Mrlua__RunId *runs; /* that segments name, or NULL */
    uint64_t records;
    /* After ERR_PEER: whose run it was. */
    uint32_t peer_map;
    uint64_t peer_attempt;
};

/* Finds the segments of partition start->task; copies them to `scratch` if they are more than
 * FETCH_IN_PLACE_MAX, or than `ulimit -n` allows. 0 or -1; call fetch_deinit(). */
int fetch_segments(const Mrlua__TaskStart *start, int scratch, struct fetched *out,
                   struct err *err);
void fetch_deinit(struct fetched *fetched);

#endif
