/*
 * job_values: what the master tells about jobs and workers, as values for Lua. Pure.
 */
#ifndef CLI_JOB_VALUES_H
#define CLI_JOB_VALUES_H

#include "base/buf.h"
#include "rpc/message.h"

/* Appends the list of stages that are drawn: map and reduce. `info` NULL: none is known. */
void job_values_stages(const Mrlua__JobInfo *info, struct buf *out);

/* Appends the field "title" of a job of several steps, "step 2/3"; nothing of another one. */
void job_values_title(const Mrlua__JobInfo *info, struct buf *out);

/* Appends the field "counters". */
void job_values_counters(const Mrlua__JobInfo *info, struct buf *out);

/* Appends the outcome of a job that has ended, as run_shell_outcome() does. NULL: lost. */
void job_values_outcome(const Mrlua__JobInfo *info, struct buf *out);

/* Appends {jobs}, {job, stages, outcome}, {workers}. */
void job_values_list(const Mrlua__JobListAnswer *list, struct buf *out);
void job_values_status(const Mrlua__JobInfo *info, struct buf *out);
/* Appends what a job was asked for, with the names that run_config.h has for it, and `inputs` as
 * answer_inputs() does. */
void job_values_facts(const Mrlua__JobFacts *facts, struct buf *out);
void job_values_workers(const Mrlua__WorkerListAnswer *list, struct buf *out);

#endif
