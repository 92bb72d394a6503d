/*
 * reduce_task: a reduce in the vm child. It is told where the segments of its partition lie in
 * scratch file A, merges them, and gives each group to the job's reduce; what that emits is
 * written to the part file.
 *
 *     gather -> group -> reduce -> write
 *
 * A job without reduce, or with reduce = "identity", writes each record as it is.
 */
#ifndef ATTEMPT_REDUCE_TASK_H
#define ATTEMPT_REDUCE_TASK_H

#include "attempt/child.h"

/* 0, or -1 with *err, the key in child->detail and, for ERR_PEER, child->peer_map. */
int reduce_task_run(struct child *child, struct task_result *result, struct err *err);

#endif
