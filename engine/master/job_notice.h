/*
 * job_notice: what who watches a job is told as it happens: a task that is tried again, a worker
 * that is lost. Pure; each appends one sentence, without a newline.
 */
#ifndef MASTER_JOB_NOTICE_H
#define MASTER_JOB_NOTICE_H

#include "base/buf.h"
#include "master/job_faults.h"
#include "sched/sched.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is it to be told that the first of these facts, of one step, made an attempt be tried again? Not
 * of bad records, which are set aside and told in the end, nor where the job has ended by it. */
bool job_notice_is_retry(const struct fact *facts, size_t count);

/* Whose an attempt is, beside what its fact says. */
struct job_notice_of {
    const char *worker; /* "3 (w3)"; NULL: this machine */
    uint32_t step;      /* of a job of several steps, from 1; 0: it has none */
    bool is_driver;     /* then it stands for the plan */
};

/* An attempt has failed (`fact`), and its job has not: "mrlua: map 3 is tried again: why". `fault`
 * NULL: nothing was heard of it. */
void job_notice_retry(const struct fact *fact, const struct job_notice_of *of,
                      const struct job_fault *fault, struct buf *out);

/* A worker with so many attempts and outputs of this job. */
void job_notice_worker_lost(const char *worker, uint32_t attempts, uint32_t outputs,
                            struct buf *out);

#endif
