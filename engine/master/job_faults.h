/*
 * job_faults: what attempts said when they failed, kept until the job has ended, and then made
 * into the one error that the user reads. Pure.
 *
 *     job_faults_add(&faults, attempt_id, &err, detail);
 *     fault = job_faults_find(&faults, attempt_id);
 *     job_faults_explain(&faults, &progress, causes, cause_count, &err, &detail);
 *     job_faults_deinit(&faults);
 *
 * The newest JOB_FAULT_COUNT_MAX are kept: a job ends by its newest failures.
 */
#ifndef MASTER_JOB_FAULTS_H
#define MASTER_JOB_FAULTS_H

#include "base/buf.h"
#include "sched/sched.h"

enum { JOB_FAULT_COUNT_MAX = 64 }; /* two tasks that fail as often as they may */

struct job_fault {
    uint64_t attempt_id;
    struct err err;
    char *detail; /* many lines, or "" */
};

struct job_faults {
    struct job_fault *items; /* oldest first */
    size_t count;
};

/* Safe on a zeroed struct. */
void job_faults_deinit(struct job_faults *faults);

/* Copies; `detail` may be NULL. */
void job_faults_add(struct job_faults *faults, uint64_t attempt_id, const struct err *err,
                    const char *detail);

/* What the attempt said; NULL: nothing, or it is not kept any more. */
const struct job_fault *job_faults_find(const struct job_faults *faults, uint64_t attempt_id);

/*
 * Why the job of `progress` ended: *err, and lines for people appended to `detail`. The causes
 * are those of sched_causes(). Returns -1, as err_set() does.
 */
int job_faults_explain(const struct job_faults *faults, const struct job_progress *progress,
                       const struct cause *causes, size_t cause_count, struct err *err,
                       struct buf *detail);

#endif
