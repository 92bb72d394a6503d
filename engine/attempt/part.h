/*
 * part: the file of a part as a vm child writes it: a reduce, or a map of a job that has no reduce.
 *
 *     writer = part_open(child, &err);               on CHILD_RESULT, in the job's output format
 *     writer_write(writer, key, value, &err);
 *     part_finish(child, writer, &result, &err);     the result, and counters of what was written
 *     writer_close(writer);
 *
 * That of a reduce behind the partitions is a part of a further output (outputs.h).
 */
#ifndef ATTEMPT_PART_H
#define ATTEMPT_PART_H

#include "attempt/child.h"
#include "format/writer.h"

/* NULL with *err set. */
struct writer *part_open(struct child *child, struct err *err);

/* The digest is that of the file: two attempts that wrote the same have the same. (A reduce tells
 * that of what it read instead.) */
int part_finish(struct child *child, struct writer *writer, struct task_result *result,
                struct err *err);

#endif
