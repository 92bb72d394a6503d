/*
 * manifest: _SUCCESS, the last file of a committed output: which parts it has, with bytes,
 * records and CRC32C, and how they were made.
 *
 *     manifest_encode(&manifest, &buf);                        writing: fields are borrowed
 *
 *     struct manifest *manifest = manifest_open(folder, &err); reading
 *     for (i = 0; i < manifest->part_count; i++)
 *         manifest_check(&manifest->parts[i], folder, &err);   P5: bytes and checksum
 *     if (manifest->bad.name)
 *         manifest_check(&manifest->bad, folder, &err);
 *     manifest_close(manifest);
 *
 * The format (version 1), keys in this order, one part and one input a line:
 *
 *     {"format":"mrlua-manifest","version":1,"job":{"id":"...","name":"..."},
 *      "plan":{"split_count":1,"split_bytes":1048576,"reducer_count":1,
 *              "sort_buffer_bytes":67108864,"input":"lines","output":"tsv"},
 *      "parts":[{"name":"part-00000","bytes":12,"records":2,"crc32c":"89abcdef"}],
 *      "bad_records":{"name":"_bad.jsonl","bytes":99,"records":1,"crc32c":"89abcdef"},
 *      "counters":{"map_records_in":3},
 *      "times_ms":{"map":12},
 *      "inputs":[{"path":"a.txt","bytes":12,"mtime_ns":1700000000000000000}]}
 *
 * An input that is an object also has its "generation". Without records that were set aside there
 * is no "bad_records". The same manifest gives the same bytes. Names are bytes and JSON is UTF-8: a
 * byte of a name that is not UTF-8 stands as U+FFFD.
 */
#ifndef STORE_MANIFEST_H
#define STORE_MANIFEST_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct manifest_input {
    const char *path;
    uint64_t bytes;
    int64_t mtime_ns;
    uint64_t generation; /* of an object, whose mtime_ns is 0; 0: a file */
};

struct manifest_part { /* or the list of bad records */
    const char *name;  /* without folder */
    uint64_t bytes;
    uint64_t records;
    uint32_t crc32c;
};

struct manifest_number { /* a counter, or a time in milliseconds */
    const char *name;
    uint64_t value;
};

struct manifest {
    const char *job_id;
    const char *job_name;
    const char *input_format;  /* "lines", "clicks=lines users=csv" */
    const char *output_format; /* "tsv" */
    uint64_t split_count;
    uint64_t split_bytes;
    uint64_t reducer_count;
    uint64_t sort_buffer_bytes;
    struct manifest_input *inputs;
    size_t input_count;
    struct manifest_part *parts;
    size_t part_count;
    struct manifest_part bad; /* name NULL: there is none */
    struct manifest_number *counters;
    size_t counter_count;
    struct manifest_number *times_ms;
    size_t time_count;
    void *json; /* set by manifest_open: what the pointers above point into */
};

/* Appends the JSON text, with a newline at its end. */
void manifest_encode(const struct manifest *manifest, struct buf *out);

/* The inverse. ERR_INPUT: not a manifest, or of another version. NULL with *err set. `what` names
 * the text in messages. */
struct manifest *manifest_decode(struct slice text, const char *what, struct err *err);

/* Reads "<folder>/_SUCCESS". */
struct manifest *manifest_open(const char *folder, struct err *err);
void manifest_close(struct manifest *manifest);

/* Reads that part in `folder` and compares. ERR_INPUT: missing, other length, other checksum. */
int manifest_check(const struct manifest_part *part, const char *folder, struct err *err);

#endif
