/*
 * blame: who is at fault when an attempt failed, and what follows.
 *
 *     count the failure: task.failure_count, and task.fault_count if blame_is_on_job(kind)
 *     reason = blame_verdict(&rules, runs_job_code, kind, fault_count, failure_count);
 *     END_NONE: try again, after blame_delay_ns_max() at most
 *
 * A sandboxed attempt is deterministic: a raised error or bad input would only come again, so it
 * ends the job at once. A limit may have been hit by a slow moment, and unsafe code may be lucky
 * the next time: those are tried `attempts_max` times. The world (network, store, disk, a peer) is
 * nobody's fault and is tried until the task has reported SCHED_FAILURE_COUNT_MAX failures.
 *
 * An unsafe job that runs into the world's failures is treated as any other: blame goes by what
 * happened, not by who was there (invariant I11).
 */
#ifndef SCHED_BLAME_H
#define SCHED_BLAME_H

#include <stdbool.h>
#include <stdint.h>

#include "sched/sched.h"

/* The job's own doing, as opposed to the world's. */
bool blame_is_on_job(enum err_kind failure);

/* Both counts include this failure. `runs_job_code`: of a stage that runs the user's Lua. */
enum end_reason blame_verdict(const struct job_rules *rules, bool runs_job_code,
                              enum err_kind failure, uint32_t fault_count, uint32_t failure_count);

/* The longest delay before the next try. The caller draws from [0, that]: full jitter. */
uint64_t blame_delay_ns_max(const struct sched_options *options, uint32_t failure_count);

#endif
