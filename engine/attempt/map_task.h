/*
 * map_task: a map in the vm child. Asks for the pieces of its split one after the other, gives
 * their records to the job's map, and what that emits to a collector, which leaves a run file.
 *
 *     read -> map -> partition -> sort, combine, spill -> merge -> run file
 *
 * A sample (SAMPLE) is a map of a few pieces, of which only the keys are kept: where they cut the
 * keys into parts is its answer (record/sample.h). What the job does wrong there is left for the
 * map to tell, which reads the records before it too: a sample goes on with the next piece.
 *
 * A job without map, or with map = "identity", emits each record as it was read.
 */
#ifndef ATTEMPT_MAP_TASK_H
#define ATTEMPT_MAP_TASK_H

#include "attempt/child.h"

/* 0, or -1 with *err, and where it happened in child->detail. */
int map_task_run(struct child *child, struct task_result *result, struct err *err);

#endif
