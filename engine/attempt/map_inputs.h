/*
 * map_inputs: the inputs of a map or a sample, one after the other, each with the job's setup
 * before its first record and cleanup after its last. A map has pieces of one input; a sample of
 * all, and treats each as its maps will (input_groups.h).
 *
 *     map_inputs_init(&inputs, child, &sink);
 *     inputs.sample = sample;                                  if it is one
 *     rc = map_inputs_begin(&inputs, &err);
 *     for each piece
 *         rc = map_inputs_enter(&inputs, piece, &err);         inputs.input is its own now
 *     rc = map_inputs_end(&inputs, &err);                      of a sample: then sample_end()
 *     map_inputs_deinit(&inputs);                              in any state
 */
#ifndef ATTEMPT_MAP_INPUTS_H
#define ATTEMPT_MAP_INPUTS_H

#include "attempt/child.h"
#include "attempt/map_input.h"

struct map_inputs {
    struct map_input input; /* what is mapped */
    struct child *child;
    struct sink *sink;     /* of what cleanup emits */
    struct sample *sample; /* NULL: a map */
    bool is_open;          /* setup was called for it, cleanup was not */
    uint32_t group;        /* whose it is, in a job that has several */
};

/* Both are borrowed. */
void map_inputs_init(struct map_inputs *inputs, struct child *child, struct sink *sink);
void map_inputs_deinit(struct map_inputs *inputs);

/* The input of a map, which may have no piece; that of a sample is known by its first piece. 0, or
 * -1: what setup raised, or ERR_SETUP: the job has no such input. */
int map_inputs_begin(struct map_inputs *inputs, struct err *err);

/* The input of this piece, if it is another one. 0, or -1: the same; what cleanup raised; or
 * ERR_RETRY: the task is not told of this input. */
int map_inputs_enter(struct map_inputs *inputs, const Mrlua__Piece *piece, struct err *err);

int map_inputs_end(struct map_inputs *inputs, struct err *err);

#endif
