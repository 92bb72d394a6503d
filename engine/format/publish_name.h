/*
 * publish_name: what the files of an output are called, and which files are an output's. Pure.
 *
 *     publish_part_name(&name, &(struct publish_part){.number = 7, .suffix = ".gz"});
 *                                                                   "part-00007.gz" is appended
 *     publish_is_job_name("errors-00007")                           true
 *     publish_is_job_name("thesis.txt")                             false: nobody overwrites it
 */
#ifndef FORMAT_PUBLISH_NAME_H
#define FORMAT_PUBLISH_NAME_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* A name of an object has 1024 bytes: that of the folder, of the part and of the job
 * (publish_gs.h). */
enum { PUBLISH_OUTPUT_NAME_BYTES_MAX = 32 };

/* The list of records that the job has set aside; its name is that of no input (store/file.h). */
#define PUBLISH_BAD_NAME "_bad.jsonl"

/* "part-00007.gz" is what `attempt` wrote, with that many bytes and that CRC32C. */
struct publish_part {
    const char *output; /* "errors"; NULL: "part", of the job's main output */
    const char *suffix; /* ".gz"; NULL: none */
    uint32_t number;
    uint32_t crc32c;
    uint64_t attempt;
    uint64_t bytes;
};

/* Its name, and that of what an attempt leaves for it, "part-00007.12", appended. */
struct buf;
void publish_part_name(struct buf *out, const struct publish_part *part);
void publish_attempt_name(struct buf *out, const struct publish_part *part);

/* Can a further output be called so? A letter, then letters, digits and "_"; not "part". */
bool publish_is_output_name(const char *name);

/* "part-00000", "errors-00003.gz": of any output of a job. */
bool publish_is_part_name(const char *name);

/* Is this, in a folder or below a prefix, the name of something that jobs leave there? */
bool publish_is_job_name(const char *name);

/* ERR_SETUP: `name` is in `output`, and stays. Returns -1. */
int publish_refuse(const char *output, const char *name, struct err *err);

#endif
