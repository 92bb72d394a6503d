/*
 * sample: keys that a job's map emits for a few pieces of its input, and how many bytes each stands
 * for. cut_points.h cuts them into parts.
 *
 *     sample = sample_open(&options);
 *     for each piece:
 *         sample_begin(sample, share_bytes);
 *         while (there are records && !sample_is_full(sample))
 *             sample_add(sample, key, value_bytes, &err);       for each that map emits
 *         sample_end(sample, bytes_read);
 *     count = sample_cut(sample, cuts);                 they point into the sample
 *     sample_close(sample);
 *
 * A piece stands for share_bytes of the input. What was emitted for it weighs its own bytes times
 * share_bytes / bytes_read: so a piece of which only the beginning was read weighs as much as one
 * that was read whole.
 *
 * Memory: at most SAMPLE_KEYS_MAX entries of 32 bytes, and SAMPLE_KEY_BYTES_MAX of keys, and for
 * each piece a key of 64 KB above that.
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

void sample_begin(struct sample *sample, uint64_t share_bytes);

/* Has this piece had its part of the limits? What is added then is left out. */
bool sample_is_full(const struct sample *sample);

/* An encoded key, and how many bytes its value has. -1 (ERR_INPUT): `key` is none. */
int sample_add(struct sample *sample, struct slice key, size_t value_bytes, struct err *err);

void sample_end(struct sample *sample, uint64_t bytes_read);

/* The cut points, fewer than partition_count of them: `cuts` has room for as many. They point into
 * the sample, to which nothing may be added any more. */
uint32_t sample_cut(struct sample *sample, struct slice *cuts);

#endif
