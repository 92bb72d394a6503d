/*
 * job_bad: the records that a job has set aside, and what its attempts say of such. Pure. The
 * scheduler only counts them (sched/skip.h).
 *
 *     count = job_bad_report(&bad, &report, error);  an attempt failed: how many records its job is
 *                                                    to set aside for it; 0: it is a failure as any
 *     job_bad_take(&bad, attempt_id);                FACT_RECORDS_BAD: they are set aside
 *     job_bad_tell(&bad, attempt_id, error);         what it had said, for the journal; borrowed
 *     skip = job_bad_of(&bad, stage, task, &n);      numbers for its next attempts, ascending
 *     job_bad_encode(&bad, plan, &text);             _bad.jsonl
 *     job_bad_deinit(&bad);
 *
 * What raises is set aside at once. What kills or stops the VM is when it has done so twice, in two
 * attempts: once it may have been the machine, short of memory or slow for a moment, and what is
 * left out must not depend on that. (A job whose tasks are tried once has no second time.)
 *
 * After a restart the facts are taken again, with what was journaled beside them: job_bad_report()
 * for each failure, and job_bad_take() where that was the fact.
 *
 * _bad.jsonl: a line for each record, by stage, task and number:
 *
 *     {"stage":"map","task":3,"record":17,"file":"a.txt","offset":120,"error":"job.lua:2: no"}
 *     {"stage":"reduce","task":0,"record":5,"key":"\"the\"","error":"job.lua:9: no"}
 *
 * `record` is the number in its task, from 1, of a record or a key; `key` as one would write it in
 * Lua, cut with "..." to 200 bytes; `error` is cut to 255 bytes. Bytes that are not UTF-8 stand as
 * U+FFFD. So a line has less than 8 KiB beside its file's name.
 */
#ifndef MASTER_JOB_BAD_H
#define MASTER_JOB_BAD_H

#include "base/buf.h"
#include "rpc/message.h"
#include "sched/sched.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Not judged yet: each names a record at least, so more of them end the job. */
    JOB_BAD_REPORT_COUNT_MAX = SCHED_SKIP_BAD_MAX + 1,
    JOB_BAD_SUSPECT_COUNT_MAX = 256, /* records that have killed once; the oldest go */
    JOB_BAD_TOLD_COUNT_MAX = 100,    /* in a message for people */
};

/* Of whom, and how its job judges. */
struct job_bad_where {
    uint64_t attempt_id;
    enum stage_kind stage;
    uint32_t task;
    uint32_t attempts_max; /* of struct job_rules */
};

struct job_bad_record {
    enum stage_kind stage;
    uint32_t task;
    Mrlua__BadRecord *record;
};

struct job_bad_report {
    struct job_bad_where where;
    Mrlua__BadRecord **records; /* that are new */
    size_t count;
};

struct job_bad_suspect {
    struct job_bad_where where; /* of the attempt that died of it */
    Mrlua__BadRecord *record;
};

struct job_bad {
    struct job_bad_record *items; /* set aside: by stage, task, number */
    size_t count;
    struct job_bad_report *reports; /* oldest first */
    size_t report_count;
    struct job_bad_suspect *suspects; /* oldest first */
    size_t suspect_count;
};

void job_bad_deinit(struct job_bad *bad); /* safe on a zeroed struct */

/* Copies. Records that are set aside already do not count again. */
uint32_t job_bad_report(struct job_bad *bad, const struct job_bad_where *where,
                        const Mrlua__Error *error);
void job_bad_take(struct job_bad *bad, uint64_t attempt_id);
void job_bad_tell(const struct job_bad *bad, uint64_t attempt_id, Mrlua__Error *out);

/* The caller frees the list. NULL: there is none. */
uint64_t *job_bad_of(const struct job_bad *bad, enum stage_kind stage, uint32_t task,
                     size_t *count);

/* How many of maps and reduces: those of a sample are met by its maps again. */
uint32_t job_bad_count(const struct job_bad *bad);

/* Appends the lines; how many there are: job_bad_count(). */
void job_bad_encode(const struct job_bad *bad, const Mrlua__Plan *plan, struct buf *out);

/* Appends a line for people for each, at most JOB_BAD_TOLD_COUNT_MAX: those that are set aside, and
 * behind them those that this attempt has met as well; 0: none has. */
void job_bad_print(const struct job_bad *bad, const Mrlua__Plan *plan, uint64_t attempt_id,
                   struct buf *out);

/* Of a job that ended with END_BAD_RECORDS: says so in *err, and which they are in `detail`. */
void job_bad_explain(const struct job_bad *bad, const Mrlua__Plan *plan, uint32_t skip_bad,
                     const struct job_progress *progress, struct err *err, struct buf *detail);

/* What a job without skip_bad could do about this failure; nothing, if it is of no record. */
void job_bad_advise(const Mrlua__Error *error, uint32_t skip_bad, struct buf *detail);

#endif
