/*
 * collector: a map's output. Takes records in any order, leaves one sorted, combined run file.
 *
 *     collector = collector_open(&options, &err);
 *     rc = collector_emit(collector, partition, key, value, &err);          any number of times
 *     rc = collector_finish(collector, &summary, &err);
 *     collector_close(collector);                                           in any state
 *
 * Emitted records wait in the sort buffer. When it is full they are sorted by (partition, key,
 * order of emit), combined, and appended to scratch A as a spill. At the end the spills are
 * merged, in as many steps as the fan-in asks for, from scratch to scratch, combined again, and
 * written to the result. If there was no spill, the buffer goes straight to the result.
 *
 * The records of a key stay in emit order (P1): the sort is stable, spills are in time order,
 * and a merge joins neighbours only. A record larger than the sort buffer becomes a spill alone.
 *
 * Memory (P9): sort_buffer_bytes while records come in, plus what a writer takes, five blocks
 * (segment_writer.h). It is released before the merge, which takes at most fan-in x (two blocks +
 * a key), one value, and a writer: about 13 MB, and 16 MB more for the largest values.
 * The hot keys are counted in what is left, as it is written (hot_groups.h): after the combiner,
 * which is what the shuffle and the reduces have to do with.
 * Disk: the spills, and while merging at most the same again (merged ranges are punched out).
 *
 * Does not know of Lua: a combiner is a callback, a partition a number.
 */
#ifndef RECORD_COLLECTOR_H
#define RECORD_COLLECTOR_H

#include "base/hash.h"
#include "record/group.h"
#include "record/hot_keys.h"
#include "record/merge.h"
#include "record/run.h"
#include "record/sortbuf.h"

struct collector_options {
    size_t sort_buffer_bytes; /* SORTBUF_BYTES_MIN .. SORTBUF_BYTES_MAX */
    uint32_t partition_count;
    uint32_t
        parcel_count;     /* partitions behind those, of parcels (parcel.h): their key is not hot */
    uint32_t group_parts; /* of the job's `group`: hot is what a reduce gets at once. 0: a key */
    const struct combiner *combiner; /* borrowed until close; NULL: none */
    struct run_id id;
    int scratch[2];  /* borrowed; empty files, read and write */
    int result;      /* borrowed; the run is written at offset 0 */
    uint32_t fan_in; /* 2 .. MERGE_FAN_IN_MAX; 0: that */
    struct pulse pulse;
};

/* What a map leaves. */
struct run_summary {
    uint64_t bytes;                     /* of the run file */
    uint64_t records_emitted;           /* before combining */
    uint32_t spill_count;               /* 0: all of it fitted the sort buffer */
    struct digest digest;               /* of the final (partition, key, value)s, and their count */
    uint32_t partition_count;           /* without those of parcels */
    const struct run_segment *segments; /* by partition; good until the collector is closed ... */
    const struct hot_keys *hot_keys;    /* ... and so are the keys with most records, sorted */
};

struct collector;

struct collector *collector_open(const struct collector_options *options, struct err *err);
void collector_close(struct collector *collector);

int collector_emit(struct collector *collector, uint32_t partition, struct slice key,
                   struct slice value, struct err *err);

/* True: what is an emit of the encoded string key `text` and the encoded integer `number` was
 * folded into the sort buffer. False: nothing was done, collector_emit() it. */
bool collector_fold(struct collector *collector, struct slice text, int64_t number);

/* The same of 1, `count` times over, where the combiner is "sum". */
bool collector_fold_ones(struct collector *collector, struct slice text, uint64_t count);

/* The same for many, with 1: sortbuf_look_up() says how many and what of them can be read. */
void collector_look_up(struct collector *collector, const struct slice *texts, size_t count,
                       struct sortbuf_lookup *lookups);
bool collector_fold_one(struct collector *collector, const struct sortbuf_lookup *lookup);

/* Nothing is emitted after this. */
int collector_finish(struct collector *collector, struct run_summary *summary, struct err *err);

#endif
