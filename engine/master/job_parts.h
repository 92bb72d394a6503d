/*
 * job_parts: the files that a job leaves, from what its tasks told: the parts of its main output,
 * and those of its further outputs (attempt/outputs.h). Pure.
 *
 *     job_parts_init(&parts, &outputs, &results);
 *     for (size_t i = 0; i < parts.count; i++)
 *         publish_part_name(&name, &parts.items[i].file);
 *     job_parts_deinit(&parts);
 *
 * The main ones come first, by number; then output after output, by name, each by number. The
 * number is that of the task that wrote it. A job has every main part, with or without records; of
 * a further output those that have some: most of its tasks write to none.
 */
#ifndef MASTER_JOB_PARTS_H
#define MASTER_JOB_PARTS_H

#include "format/publish.h"
#include "master/job_results.h"

/* What a job writes; all is borrowed. */
struct job_outputs {
    const char *format;    /* of the main output */
    Mrlua__Output **items; /* further ones, by name */
    size_t count;
    bool map_only;
};

struct job_part {
    struct publish_part file;
    uint64_t records;
    const char *format; /* NULL: that of the main output */
    const char *path;   /* where the attempt left it; NULL: not told */
};

struct job_parts {
    struct job_part *items;
    size_t count;
    uint64_t bytes, records; /* of all */
};

/* Borrows from both. */
void job_parts_init(struct job_parts *parts, const struct job_outputs *outputs,
                    const struct job_results *results);
void job_parts_deinit(struct job_parts *parts);

/* How many reduces a job has whose plan says `reducers`: one more for each further output, to which
 * its maps may emit; 0 where maps write the parts. And room for the results of so many. */
uint32_t job_parts_reduce_count(uint32_t reducers, size_t output_count);
void job_parts_plan(struct job_results *results, uint32_t map_count, uint32_t reducers,
                    size_t output_count);

/* The file of a task that writes a part: bytes and checksum are 0. */
struct publish_part job_parts_of_task(const struct job_outputs *outputs, uint32_t reducers,
                                      uint32_t task, uint64_t attempt);

/* Further outputs as a message has them, of a job's checked table; read with room for more than
 * there may be, and to be checked. */
struct job_output_list {
    Mrlua__Output *items;
    Mrlua__Output **list; /* by name */
    size_t count;
};

void job_output_list_read(struct job_output_list *outputs, struct slice view);
void job_output_list_deinit(struct job_output_list *outputs);

/* 0, or -1 (ERR_SETUP): what no job may ask for. */
int job_parts_check(Mrlua__Output *const *outputs, size_t count, struct err *err);

#endif
