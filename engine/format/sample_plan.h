/*
 * sample_plan: which pieces of the inputs a sample reads. Pure: sizes and names in, pieces out; the
 * same inputs give the same pieces, so that the parts of a job with partition = "range" are cut at
 * the same keys each time (P1).
 *
 *   - Inputs of at most SAMPLE_BYTES in all are read whole, in pieces of SAMPLE_PIECE_BYTES.
 *   - Of larger ones, or more than SAMPLE_PIECE_COUNT_MAX pieces, a piece from each of
 *     SAMPLE_STRATUM_COUNT stretches of equal length, from a random place in it (the seed is the
 *     size of the inputs). A file of less than a piece is read whole.
 *   - What can only be read from its start (.gz, .zst, "run") is read from there, as much as the
 *     pieces that fell on it. So a large one is known by its beginning only.
 *   - A "file" is one record: whole ones are read, and so fewer of them that these are
 *     SAMPLE_FILE_BYTES_MAX at most (or one).
 *
 * Why so many and so small: what lies side by side is alike. It costs a mapped megabyte or a few
 * and some hundred microseconds of opening files, about 30 ms where map is Lua, whatever the size
 * of the input.
 */
#ifndef FORMAT_SAMPLE_PLAN_H
#define FORMAT_SAMPLE_PLAN_H

#include "format/reader.h"

enum {
    SAMPLE_STRATUM_COUNT = 128,
#ifdef MRLUA_TINY
    SAMPLE_PIECE_BYTES = 1024,
#else
    SAMPLE_PIECE_BYTES = 32 * 1024,
#endif
    SAMPLE_BYTES = SAMPLE_STRATUM_COUNT * SAMPLE_PIECE_BYTES,
    SAMPLE_PIECE_COUNT_MAX = 256,       /* each is a file to open, and its name in a frame */
    SAMPLE_NAME_BYTES_MAX = 256 * 1024, /* of these pieces: a split's limit (format/split.h) */
    SAMPLE_FILE_BYTES_MAX = 64 * 1024 * 1024,
};

struct sample_file {
    const char *name; /* decides what can be cut */
    uint64_t bytes;
    bool is_gzip; /* it can only be read from its start, whatever its name */
    enum reader_kind reader;
};

struct sample_piece {
    uint32_t file_index;
    uint64_t offset, length;
    uint64_t share_bytes; /* what it stands for, on the scale of its plan */
};

/* Fills `out`, which has room for SAMPLE_PIECE_COUNT_MAX, in input order. Returns how many. */
uint32_t sample_plan(const struct sample_file *files, size_t file_count, struct sample_piece *out);

#endif
