/*
 * answer: the tables about a job that C answers Lua, the same for `mrlua run` and `mrlua submit`:
 * what lua/mrlua/progress.lua draws, and what lua/mrlua/cli/outcome.lua tells. Pure, but for the
 * width of the terminal.
 */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "base/buf.h"
#include "base/err.h"
#include "rpc/message.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the terminal that standard error is, else standard output, or 80. */
uint64_t answer_columns(void);

struct answer_stage {
    const char *name;
    uint32_t tasks, tasks_done, tasks_running;
    double seconds;
    double bytes, bytes_done;
    uint64_t records;
};

/* Each appends one table. */
void answer_stage(const struct answer_stage *stage, struct buf *out);
void answer_part(const char *name, uint64_t bytes, uint64_t records, uint32_t crc32c,
                 struct buf *out);

struct answer_plan {
    uint64_t split_count, split_bytes, reducer_count, sort_buffer_bytes;
};
void answer_plan(const struct answer_plan *plan, struct buf *out);

/* Appends {kind, message, detail, is_setup}. `detail` may be NULL. */
void answer_error(const struct err *err, const char *detail, bool is_setup, struct buf *out);

/* Appends {records, bytes, partitions, keys = {{key, records, partition}, ...}, largest =
 * {{partition, bytes, records}, ...}, advice = {...}} (master/job_skew.h), or an empty table for
 * NULL. */
void answer_skew(const Mrlua__JobSkew *skew, struct buf *out);

/* Appends {seconds = {plan, map, ...}, bytes_read, records_read, bytes_shuffled, records_shuffled,
 * failed, given_up, lost, lost_races, outputs_lost, workers_lost, slowest = {{stage, task, seconds,
 * worker, worker_id, step}, ...}} (master/job_effort.h); NULL: an empty table. */
void answer_effort(const Mrlua__JobEffort *effort, struct buf *out);

/* Appends the fields inputs = {{name, bytes, mtime_ns, generation}, ...}, input_count and input_sum
 * (master/job_facts.h); NULL: nothing. */
void answer_inputs(const Mrlua__InputFacts *inputs, struct buf *out);

/* Appends the lines of `log`, each of which ends with a newline, as a list, and empties it. */
void answer_log(struct buf *log, struct buf *out);

#endif
