/*
 * run: sorted records in a file. What a map leaves behind, what a spill is made of, and what a
 * job with output = "run" writes.
 *
 *     writer = run_writer_open(fd, &id, partition_count, pulse, &err);
 *     run_writer_begin(writer, 0, &err);                     partitions in rising order; those
 *     run_writer_append(writer, key, value, &err);           left out become empty segments
 *     run_writer_finish(writer, &err);
 *     run_writer_close(writer);
 *
 *     index = run_index_open(fd, size, ERR_INPUT, "run x", &err);
 *     cursor = segment_cursor_open(&(struct segment){...}, &err);      see cursor.h
 *
 * Run file, version 1. Numbers are little-endian.
 *
 *     +-----------+-----------+-----+-------+--------+
 *     | segment 0 | segment 1 | ... | index | footer |     one segment per partition, also empty
 *     +-----------+-----------+-----+-------+--------+
 *
 * Segment: header, blocks, end mark. It verifies by itself, wherever it is copied.
 *
 *     0        4           8     16        24     28       32
 *     +--------+-----------+-----+---------+------+--------+-------+-----+-------+----------+
 *     | "MRS1" | partition | job | attempt | task | crc32c | block | ... | block | end mark |
 *     | magic  |    u32    | u64 |   u64   | u32  |  u32   |       |     |       |          |
 *     +--------+-----------+-----+---------+------+--------+-------+-----+-------+----------+
 *                                                  of 0..27
 *
 * Block (and end mark: raw bytes = 0, stored bytes = 8, payload = record count u64):
 *
 *     0                   4           8        12
 *     +-------------------+-----------+--------+---------+
 *     | stored bytes u32, | raw bytes | crc32c | payload |
 *     | top bit: not LZ4  |    u32    |  u32   |         |
 *     +-------------------+-----------+--------+---------+
 *
 *     crc32c goes on from the header's crc, over: block number in the segment (u32), bytes 0..7,
 *     payload. So a block of another job, task, attempt or partition, or from another place of
 *     the same segment, is as wrong as a flipped bit.
 *
 * The raw bytes of all blocks together are the records, which may lie across blocks: varint key
 * bytes, varint value bytes, key, value. Keys never fall (memcmp); equal keys keep their order.
 *
 * Index and footer: the footer is the last 24 bytes of the file.
 *
 *     0        4                 8     16        24     28                28 + 16 * count
 *     +--------+-----------------+-----+---------+------+-----------------+
 *     | "MRI1" | partition count | job | attempt | task | per partition:  |
 *     | magic  |       u32       | u64 |   u64   | u32  | bytes u64,      |
 *     |        |                 |     |         |      | records u64     |
 *     +--------+-----------------+-----+---------+------+-----------------+
 *
 *     0              8              16                       20       24
 *     +--------------+--------------+------------------------+--------+
 *     | index offset | record count | crc32c of the index    | "MRL1" |
 *     |     u64      |     u64      | and of 0..15           | magic  |
 *     +--------------+--------------+------------------------+--------+
 *
 * Spills are bare segments of partition RUN_PARTITION_ALL: their keys carry the partition in
 * front (u32, big-endian), so that one spill is one cursor, however many partitions there are,
 * and the table of spills a few bytes each. Why not a run file each: partitions x spills index
 * entries, and as many half-filled blocks.
 *
 * A version is a new magic. A reader takes blocks up to RUN_BLOCK_BYTES_MAX, whatever its own
 * writer makes.
 */
#ifndef RECORD_RUN_H
#define RECORD_RUN_H

#include "record/cursor.h"
#include "record/pulse.h"
#include "record/room.h"

enum {
    RUN_BLOCK_BYTES_MAX = 64 * 1024, /* a merge holds two per cursor */
#ifdef MRLUA_TINY
    RUN_BLOCK_BYTES = 64,
#else
    RUN_BLOCK_BYTES = RUN_BLOCK_BYTES_MAX,
#endif
    RUN_HEADER_BYTES = 32,
    RUN_BLOCK_HEADER_BYTES = 12,
    RUN_END_BYTES = RUN_BLOCK_HEADER_BYTES + 8,
    RUN_SEGMENT_BYTES_MIN = RUN_HEADER_BYTES + RUN_END_BYTES,
    RUN_INDEX_HEADER_BYTES = 28,
    RUN_INDEX_ENTRY_BYTES = 16,
    RUN_FOOTER_BYTES = 24,
    RUN_WHAT_BYTES = 192, /* a name in a message; a longer one is cut */
};

#define RUN_PARTITION_ALL UINT32_MAX /* a spill: keys carry their partition */

/* Who wrote it. Part of what is checksummed. */
struct run_id {
    uint64_t job;
    uint64_t attempt;
    uint32_t task;
};

/* One partition's part of a run file. */
struct run_segment {
    uint64_t offset, bytes, record_count;
};

/* ---- writing ---- */

struct run_writer;

/* Writes a run at offset 0 of `fd`, which is borrowed. `what` names it in messages. NULL: error. */
struct run_writer *run_writer_open(int fd, const struct run_id *id, uint32_t partition_count,
                                   const char *what, struct pulse pulse, struct err *err);
void run_writer_close(struct run_writer *writer);

/* Before the first begin: this file is kept, so every block that gets smaller is compressed, and
 * not only where it pays (segment_writer.h). */
void run_writer_pack_all(struct run_writer *writer);

/* What is appended from here on belongs to `partition`; each one at most once, rising. */
int run_writer_begin(struct run_writer *writer, uint32_t partition, struct err *err);

/* Keys of a partition come in order; that is the caller's promise. */
int run_writer_append(struct run_writer *writer, struct slice key, struct slice value,
                      struct err *err);

/* Writes index and footer. Nothing is appended after this. */
int run_writer_finish(struct run_writer *writer, struct err *err);

/* After finish: the segments, one per partition (good until close), and the whole file's bytes. */
const struct run_segment *run_writer_segments(const struct run_writer *writer);
uint64_t run_writer_bytes(const struct run_writer *writer);

/* ---- the index of a run file ---- */

struct run_index {
    struct run_id id;
    uint32_t partition_count;
    uint64_t record_count;
    struct run_segment *segments; /* one per partition */
};

/*
 * Reads footer and index of the run of `size` bytes at offset 0 of `fd`. A file that is no run,
 * cut or damaged is an error of kind `kind`, naming `what`.
 */
struct run_index *run_index_open(int fd, uint64_t size, enum err_kind kind, const char *what,
                                 struct err *err);
void run_index_close(struct run_index *index);

/* ---- reading a segment ---- */

/* Where a segment lies and what it must be. */
struct segment {
    int fd;                        /* borrowed while the cursor is open */
    uint64_t offset, bytes;        /* of the whole segment */
    uint32_t partition;            /* must be this one */
    const struct run_id *expected; /* borrowed for the call; NULL: any */
    enum err_kind kind;            /* what a damaged segment means: ERR_PEER, ERR_INPUT, ERR_DISK */
    const char *what;              /* borrowed for the call; names it in messages */
    struct pulse pulse;
    uint32_t number;         /* set *failed_number to this when it turns out to be damaged */
    uint32_t *failed_number; /* may be NULL */
};

/*
 * Opens it and checks the header. The cursor then answers every record exactly as it was
 * appended, or -1: what is damaged, cut, of another segment, or longer than its records is found
 * before a record of the damaged block is handed out. Memory: two blocks, a key, and while a
 * value across blocks is held, that value.
 */
struct cursor *segment_cursor_open(const struct segment *segment, struct err *err);

/* Blocks read so far, and their bytes before compression. */
void segment_cursor_counts(const struct cursor *cursor, uint32_t *block_count, uint64_t *raw_bytes);

/* ---- looking at a run file: `mrlua inspect`, the fuzz target ---- */

struct run_inspect;

struct run_inspect_segment {
    uint32_t partition;
    struct run_segment extent;
    uint32_t block_count;
    uint64_t raw_bytes;
};

/* Borrows `fd`. Damage is an error of kind ERR_INPUT that names `what`. */
struct run_inspect *run_inspect_open(int fd, uint64_t size, const char *what, struct err *err);
void run_inspect_close(struct run_inspect *inspect);
const struct run_index *run_inspect_index(const struct run_inspect *inspect);

/* Goes to the next partition, having read and checked all of it once. 1, 0 or -1. */
int run_inspect_segment(struct run_inspect *inspect, struct run_inspect_segment *out,
                        struct err *err);

/* The next record of that partition, good until the next call. 1, 0 or -1. */
int run_inspect_record(struct run_inspect *inspect, struct record *out, struct err *err);

#endif
