/*
 * sample: keys that a job's map emits for a few pieces of its input, and how many bytes each stands
 * for. cut_points.h cuts them into parts.
 *
 *     sample = sample_open(&options);
 *     for each piece:
 *         sample_begin(sample, share_bytes, piece_bytes);
 *         do
 *             sample_add(sample, key, value_bytes, &err);       for each that map emits
 *         while (there are records && !sample_has_read(sample, bytes));
 *         sample_end(sample);
 *     sample_begin_rest(sample);
 *     sample_add(...), sample_end(sample);              what is emitted when all has been read
 *     count = sample_cut(sample, cuts);                 they point into the sample
 *     sample_close(sample);
 *
 * A piece stands for share_bytes of the input. What was emitted for it weighs its own bytes times
 * share_bytes / bytes read: so a piece of which only the beginning was read weighs as much as one
 * that was read whole. Of a piece with more bytes than it stands for no more than these are read.
 *
 * Memory: at most SAMPLE_KEYS_MAX entries of 24 bytes and keys of 32, SAMPLE_KEY_BYTES_MAX of
 * their bytes, and for each piece a key of 64 KB above that.
 */
#ifndef RECORD_SAMPLE_H
#define RECORD_SAMPLE_H

#include "record/cut_points.h"

enum {
    /* A part of 1,000 gets 100 of them: then it is within a third of its share. Sorting them takes
     * 10 ms. They are shared among the pieces: one that emits much leaves the others theirs. */
    SAMPLE_KEYS_MAX = 100 * 1000,
    SAMPLE_KEY_BYTES_MAX = 8 * 1024 * 1024, /* 80 a key */
    SAMPLE_WEIGHT_BYTES_MAX = 1 << 20,      /* a larger record weighs no more than this */
    SAMPLE_SCALE = 1 << 10,                 /* a piece that was read whole: shares are this fine */
    SAMPLE_SCALE_MAX = 1 << 24,
};
_Static_assert((uint64_t)SAMPLE_KEYS_MAX *SAMPLE_WEIGHT_BYTES_MAX <
                   UINT64_MAX / SAMPLE_SCALE_MAX / 4,
               "the weights of a sample fit a number");

struct sample_options {
    uint32_t partition_count;
    uint32_t piece_count; /* that share the limits; 0 is 1 */
    uint32_t group_parts; /* of the job's `group`: keys are cut at these parts. 0: anywhere */
    bool combines;        /* equal keys meet in a combiner: see cut_points_choose() */
};

struct sample;

struct sample *sample_open(const struct sample_options *options);
void sample_close(struct sample *sample); /* NULL is fine */

void sample_begin(struct sample *sample, uint64_t share_bytes, uint64_t piece_bytes);
void sample_begin_rest(struct sample *sample);

/* So much more of the piece has been read. True: it is enough. What is added after it may be left
 * out. */
bool sample_has_read(struct sample *sample, uint64_t bytes);

/* An encoded key, and how many bytes its value has. -1 (ERR_INPUT): `key` is none. */
int sample_add(struct sample *sample, struct slice key, size_t value_bytes, struct err *err);

/* The piece was read to its end, or sample_has_read() said that it is enough. */
void sample_end(struct sample *sample);

/* It was not, and will not be: what was emitted so far stands for all of it. */
void sample_end_early(struct sample *sample);

/* The cut points, fewer than partition_count of them: `cuts` has room for as many. They point into
 * the sample, to which nothing may be added any more. */
uint32_t sample_cut(struct sample *sample, struct slice *cuts);

#endif
