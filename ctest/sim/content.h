/*
 * content: what the attempts of a made-up cluster write and read: digests that no two have in
 * common, unless they answer alike.
 */
#ifndef CTEST_SIM_CONTENT_H
#define CTEST_SIM_CONTENT_H

#include "cluster.h"

/* Which records a map attempt made for a reduce. A map may leave a reduce nothing. */
struct digest content_segment(const struct sim_job *job, uint32_t map, uint32_t reduce,
                              uint64_t attempt_id);
struct digest content_map(const struct sim_job *job, uint32_t map, uint64_t attempt_id);
struct digest content_reduce(const struct sim_job *job, uint32_t reduce, const uint64_t *inputs);

/* A number for each task of a job. */
size_t content_task_slot(const struct sim_job *job, enum stage_kind stage, uint32_t task);

/* A reduce has written its part. */
void content_made(struct cluster *cluster, uint64_t attempt_id, const uint64_t *inputs);
struct made *content_find(const struct cluster *cluster, uint64_t attempt_id);

#endif
