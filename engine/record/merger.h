/*
 * merger: a table of runs in two scratch files, brought down to one cursor.
 *
 *     merger_init(&merger, &options);
 *     rc = merger_spill(&merger, cursor, &err);      sorted records become a run in scratch 0
 *     rc = merger_add(&merger, &run, &err);          or a run that is there already
 *     cursor = merger_open(&merger, &err);           all of them, merged
 *     ... cursor_close(cursor);
 *     merger_deinit(&merger);
 *
 * Runs are in time (or map) order, and that is the order of equal keys. With more runs than the
 * fan-in merger_open() first joins neighbours, as merge_plan.h says, each step from one scratch
 * file into the other. What was joined is punched out, and a scratch file with no run left is cut
 * to nothing, so that disk stays in proportion to the data; a file system that cannot punch holes
 * costs disk, not correctness.
 *
 * With a combiner, records are placed ones (sortbuf.h), and are combined in each spill and step,
 * but not in what the last cursor answers: whoever drains that combines.
 */
#ifndef RECORD_MERGER_H
#define RECORD_MERGER_H

#include "record/group.h"
#include "record/merge.h"
#include "record/merge_plan.h"
#include "record/run.h"

struct merger_run {
    uint64_t offset, bytes;
    struct run_id id; /* who wrote it, and its segment's header says so */
    uint64_t attempt; /* with `task`: what it is called in messages */
    uint32_t task;
    int fd;
    bool is_own; /* a spill or a joined run; else a segment that came from another attempt */
};

struct merger_options {
    int scratch[2];
    struct run_id id;                /* of what is written */
    uint32_t partition;              /* of all segments */
    uint32_t fan_in;                 /* 2 .. MERGE_FAN_IN_MAX; 0: that */
    const struct combiner *combiner; /* borrowed; NULL: none */
    struct pulse pulse;
};

struct merger {
    struct merger_options options;
    struct merger_run *runs;
    uint32_t run_count, run_capacity;
    uint64_t ends[2];        /* of the scratch files: where the next run goes */
    uint32_t live_counts[2]; /* runs in each */
    uint32_t failed_task;    /* whose segment was damaged; MERGER_TASK_NONE */
};

#define MERGER_TASK_NONE UINT32_MAX

void merger_init(struct merger *merger, const struct merger_options *options);
void merger_deinit(struct merger *merger);

int merger_add(struct merger *merger, const struct merger_run *run, struct err *err);
int merger_spill(struct merger *merger, struct cursor *cursor, struct err *err);

/* Called once. The merger must outlive the cursor. */
struct cursor *merger_open(struct merger *merger, struct err *err);

#endif
