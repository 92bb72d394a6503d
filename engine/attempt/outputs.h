/*
 * outputs: the further outputs of a job (its field `outputs`), in an attempt.
 *
 * A task that writes a part, a reduce or a map of a job without reduces, may write to each of them.
 * The trusted process makes a file for each and hands it to the vm child, right after the task;
 * the child opens a writer when something is emitted there, and its Done tells of those:
 *
 *     outputs_create(&outputs, start, &err);                  trusted: the files
 *     outputs_send(&outputs, &channel);
 *     outputs_check(&outputs, done, &err);                    each is as large as it says
 *     outputs_deinit(&outputs, is_kept);                      closes them, or removes them, too
 *
 *     outputs_receive(&outputs, child, &err);                 vm child
 *     outputs_write(&outputs, number, key, value, &err);
 *     outputs_finish(&outputs, result, &err);
 *     outputs_close(&outputs);
 *
 * A file stands beside that of the part, and is committed with it; one that nothing was emitted to
 * is not told of, and so never gets a name. Where the output is on gs:// it has no name here: its
 * upload reads the descriptor (keep.h).
 *
 * A map of a job with reduces has none: what it emits travels to the reduces behind those of the
 * partitions (record/parcel.h), one for each output, which write it as their part.
 */
#ifndef ATTEMPT_OUTPUTS_H
#define ATTEMPT_OUTPUTS_H

#include "attempt/child.h"
#include "format/publish.h"
#include "format/writer.h"

/* Partitions of a run of this job. */
uint32_t outputs_partition_count(const Mrlua__TaskStart *start);

/* The place of the output that a reduce behind the partitions writes; -1: it is a reduce of keys,
 * or no reduce. */
int outputs_own(const Mrlua__TaskStart *start);

/* Output `number`, as the task leaves it; bytes and checksum are 0. */
struct publish_part outputs_part(const Mrlua__TaskStart *start, uint32_t number);

/* Says which output it was that a record could not be written to. Answers -1. */
int outputs_name_error(const Mrlua__TaskStart *start, uint32_t number, struct err *err);

/* ---- in the trusted process ---- */

struct outputs {
    const Mrlua__TaskStart *start;
    uint32_t count; /* of files; 0: the task writes no further outputs */
    int fds[OUTPUT_COUNT_MAX];
    char *paths[OUTPUT_COUNT_MAX]; /* NULL: it has no name */
};

/* Nothing for a task that writes none. After -1 too, outputs_deinit(). */
int outputs_create(struct outputs *outputs, const Mrlua__TaskStart *start, struct err *err);
void outputs_deinit(struct outputs *outputs, bool is_kept);

/* The descriptors, a frame each. A child that is dead does not hear it. */
void outputs_send(const struct outputs *outputs, struct channel *channel);

/* 0, or -1 (ERR_LIMIT): `done` tells of files that are not so. */
int outputs_check(const struct outputs *outputs, const Mrlua__Done *done, struct err *err);

/* ---- in the vm child ---- */

struct output_files {
    struct child *child;
    uint32_t count;
    int fds[OUTPUT_COUNT_MAX];
    struct writer *writers[OUTPUT_COUNT_MAX]; /* NULL: nothing was emitted there */
};

int outputs_receive(struct output_files *files, struct child *child, struct err *err);
int outputs_write(struct output_files *files, uint32_t number, struct slice key, struct slice value,
                  struct err *err);
int outputs_finish(struct output_files *files, struct task_result *result, struct err *err);
void outputs_close(struct output_files *files);

/* The format of output `number` with its options, as the job's table has them. */
int outputs_format(const struct child *child, uint32_t number, struct writer_format *format,
                   struct err *err);

#endif
