/*
 * job_effort: what a job took: how its attempts ended, and the slowest that completed. Pure.
 *
 *     job_effort_attempt(&effort, &entry, "w3");        an attempt has ended
 *     job_effort_output_lost(&effort);
 *     job_effort_worker_lost(&effort);                  that had something of the job
 *     job_effort_add(&effort, &of_step, number);        a step of the job has ended
 *     job_work_of(&results, plan, begun_ns, ended_ns, now_ns, &effort.work);
 *     message = job_effort_make(&effort);               for people; free with message_free()
 *
 * Zeroed, it is that of a job that has not begun. Nothing of it is journaled: after a restart a
 * master counts from there on.
 */
#ifndef MASTER_JOB_EFFORT_H
#define MASTER_JOB_EFFORT_H

#include "master/job_results.h"
#include "master/job_timeline.h"
#include "rpc/message.h"

enum {
    JOB_EFFORT_SLOWEST_COUNT_MAX = 5,  /* what one looks at */
    JOB_EFFORT_WORKER_BYTES_MAX = 64,  /* of a worker's name, which its owner chose; cut there */
    JOB_EFFORT_NOTICE_COUNT_MAX = 100, /* sentences that a watcher is told of one job */
};

struct job_slow {
    struct timeline_entry entry;
    uint32_t step;                                /* of a job of several steps; 0: it has none */
    char worker[JOB_EFFORT_WORKER_BYTES_MAX + 1]; /* it may be gone when one looks */
};

struct job_work {
    double seconds[STAGE_COUNT];
    uint64_t bytes_read, records_read; /* of the input */
    uint64_t bytes_shuffled, records_shuffled;
};

struct job_effort {
    struct job_slow slowest[JOB_EFFORT_SLOWEST_COUNT_MAX]; /* the slowest first */
    uint32_t slow_count;
    uint32_t ended[OUTCOME_COUNT]; /* by enum attempt_outcome */
    uint32_t outputs_lost, workers_lost;
    uint32_t notice_count;
    struct job_work work;
};

/* What the completed tasks did, and how long the stages took, which began and last completed a task
 * at these times (0: never). `plan` NULL: there is none yet. */
void job_work_of(const struct job_results *results, const Mrlua__Plan *plan,
                 const uint64_t begun_ns[STAGE_COUNT], const uint64_t ended_ns[STAGE_COUNT],
                 uint64_t now_ns, struct job_work *out);

/* `worker` NULL: this machine. PLAN and COMMIT count, but are none of the slowest. */
void job_effort_attempt(struct job_effort *effort, const struct timeline_entry *entry,
                        const char *worker);
void job_effort_output_lost(struct job_effort *effort);
void job_effort_worker_lost(struct job_effort *effort);

/* May a watcher be told one more sentence? Counts it. What is beyond is in the numbers. */
bool job_effort_may_notice(struct job_effort *effort);

void job_effort_add(struct job_effort *effort, const struct job_effort *of_step, uint32_t step);

Mrlua__JobEffort *job_effort_make(const struct job_effort *effort);

#endif
