/*
 * segment_writer: sorted records as segments, one behind the other, in a file.
 *
 *     rc = segment_writer_init(&writer, fd, offset, "write scratch", pulse, &err);
 *     segment_writer_begin(&writer, &id, partition);
 *     rc = segment_writer_append(&writer, key, value, &err);
 *     rc = segment_writer_end(&writer, &extent, &err);          and begin again, or
 *     rc = segment_writer_flush(&writer, &err);                 the file has it all
 *     segment_writer_deinit(&writer);
 *
 * The format is drawn in run.h. Blocks are compressed with LZ4 where that halves them: after a
 * full one that it does not halve the next 15 of the file are stored plain and are not tried. LZ4
 * takes 2.3 ns for a byte packed and unpacked again (November 2026, perf record), which is what a
 * disk of 400 MB/s takes to write and read the half that is saved: sorted words shrink to 40 % if
 * each is another and to 1 % if they repeat, and spills of them are worth it too; records of the
 * sort benchmark shrink to 70 %, and are not. What is kept (packs_all) is compressed wherever that
 * makes it smaller. The choice depends on nothing but the records.
 *
 * Memory: five blocks and the compressor's 16 KB, at init; appending allocates nothing.
 */
#ifndef RECORD_SEGMENT_WRITER_H
#define RECORD_SEGMENT_WRITER_H

#include "record/run.h"

#include <stdbool.h>

struct segment_writer {
    int fd;
    char what[RUN_WHAT_BYTES];
    struct pulse pulse;
    uint64_t offset; /* in the file, of out[0] */
    char *out;       /* finished bytes on their way to the file */
    size_t out_len;
    char *raw;   /* a block that is to be compressed */
    char *block; /* the block that fills: `raw`, or in `out` behind room for its header */
    bool block_is_plain;
    size_t raw_len;      /* of the block that fills */
    uint32_t plain_left; /* blocks not to be tried */
    bool packs_all;      /* false at init; the caller may set it before the first begin */
    void *compressor;
    uint64_t begin; /* in the file, of the segment */
    uint64_t record_count;
    uint32_t seed, block_number;
};

int segment_writer_init(struct segment_writer *writer, int fd, uint64_t offset, const char *what,
                        struct pulse pulse, struct err *err);
void segment_writer_deinit(struct segment_writer *writer);

int segment_writer_begin(struct segment_writer *writer, const struct run_id *id, uint32_t partition,
                         struct err *err);
int segment_writer_append(struct segment_writer *writer, struct slice key, struct slice value,
                          struct err *err);
int segment_writer_end(struct segment_writer *writer, struct run_segment *extent, struct err *err);

/* Bytes that belong to no segment: the index. Between end and begin. */
int segment_writer_put(struct segment_writer *writer, const char *bytes, size_t len,
                       struct err *err);
int segment_writer_flush(struct segment_writer *writer, struct err *err);

/* Where the next byte goes. */
uint64_t segment_writer_offset(const struct segment_writer *writer);

#endif
