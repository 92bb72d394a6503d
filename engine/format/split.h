/*
 * split: how the inputs are cut into map tasks. Pure: files and flags in, a plan out; the same
 * ones give the same plan, on every machine and with any number of slots (P1).
 *
 *     split_plan_init(&plan, list.items, list.count, &options, &err);
 *     for (i = 0; i < plan.split_count; i++)
 *         pieces = split_plan_pieces(&plan, i, &count);
 *     split_plan_deinit(&plan);
 *
 * A split is a list of pieces of files, in input order; a map task reads them one after the other.
 *   - Split size by default: total / 32 (rounded up), at least 1 MiB, at most 64 MiB; total = the
 *     bytes of all inputs as they lie on disk. What can be cut may be so anywhere: the reader mends
 * it. (A map that combines meets each frequent key once, so fewer and larger ones have less to sort
 *     and to merge; 32 still keep a few slots even to their end.)
 *   - What can only be read whole (.gz, .zst, objects that are gzip, "file", "run") is one piece.
 *   - Above SPLIT_PACK_FILES_MIN inputs, pieces that follow each other share a split as long as
 *     they fit the split size together. Below, a split never holds pieces of two files.
 *   - Files may be of several kinds, each read its own way: no split has pieces of two kinds. Sizes
 *     follow from the bytes of all kinds together.
 *   - An empty file gives no piece; but for "file" it is a record, for "run" what is left of a run
 *     file, and the reader's error.
 *   - No piece at all gives one split without pieces: the job still runs, and commits an output.
 * Reducers by default: total / 256 MiB (rounded up), at least 1, at most 1,000.
 *
 * A stable plan (`--reuse`) is one in which a file that changes, comes or goes moves the splits of
 * as few others as can be, as each split that stays has a run that was made before:
 *   - the split size by default is SPLIT_BYTES_STABLE, whatever the total;
 *   - reducers by default are the next power of two, so that only a total that grows to the double
 *     changes them (and with them every run);
 *   - where pieces share splits, a split also begins at each file whose name says so, one of
 *     2^k; 2^k is the power of two at or above the number of files / SPLIT_GROUP_COUNT. So what is
 *     behind the next such file stays as it was: as with the chunks of rsync or of a backup.
 *
 * Memory: 24 bytes per piece, 8 per split.
 */
#ifndef FORMAT_SPLIT_H
#define FORMAT_SPLIT_H

#include "format/reader.h"
#include "store/file.h"

enum {
    SPLIT_COUNT_MAX = 1000000, /* what the scheduler is built for */
    SPLIT_PACK_FILES_MIN = 1000,
    SPLIT_PIECES_MAX = 1000, /* with the next: a task's description fits a frame (1 MiB) */
    SPLIT_NAME_BYTES_MAX = 256 * 1024,
    SPLIT_COUNT_AIM = 32,               /* of the default, between the next two */
    SPLIT_BYTES_MAX = 64 * 1024 * 1024, /* of the default */
#ifdef MRLUA_TINY
    SPLIT_BYTES_MIN = 64,
    SPLIT_BYTES_STABLE = 256,
#else
    SPLIT_BYTES_MIN = 1024 * 1024, /* of the default; a flag may go below */
    /* Small enough that a few such splits keep slots busy, and a change costs little; large enough
     * that what a map costs beside its work does not count. */
    SPLIT_BYTES_STABLE = 16 * 1024 * 1024,
#endif
    SPLIT_GROUP_COUNT = 1024, /* of a stable plan: so many groups of files, to twice as many */
    SPLIT_REDUCER_BYTES = 256 * 1024 * 1024,
    SPLIT_REDUCER_COUNT_MAX = 1000, /* of the default; a flag may go to REDUCER_COUNT_MAX */
};

/* Files that are read alike; they follow those of the kind before. */
struct split_kind {
    enum reader_kind reader;
    size_t file_count;
};

struct split_options {
    enum reader_kind reader; /* of all files, where no kinds are told */
    const struct split_kind *kinds;
    size_t kind_count;
    uint64_t split_bytes;   /* 0: the default */
    uint64_t reducer_count; /* 0: the default */
    bool stable;
};

struct split_piece {
    uint32_t file_index;
    uint64_t offset;
    uint64_t length;
};

struct split_plan {
    struct split_piece *pieces; /* of all splits, in order */
    size_t piece_count;
    size_t *first_pieces; /* split i has the pieces first_pieces[i] .. first_pieces[i + 1] - 1 */
    uint32_t split_count; /* at least 1 */
    uint32_t reducer_count;
    uint64_t split_bytes; /* as decided */
    uint64_t bytes_total;
    size_t piece_capacity, split_capacity;
};

/* ERR_SETUP: a limit, with what to change. */
int split_plan_init(struct split_plan *plan, const struct file *files, size_t file_count,
                    const struct split_options *options, struct err *err);
void split_plan_deinit(struct split_plan *plan);

/* The plan's own; NULL when the split has none. */
const struct split_piece *split_plan_pieces(const struct split_plan *plan, uint32_t split,
                                            size_t *piece_count);

#endif
