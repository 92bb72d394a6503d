/*
 * job_plan: the plan of a job (rpc/messages_attempt.proto, Plan), read split by split. Pure.
 *
 *     rc = job_plan_check(done->plan, group_count, map_only, &err);   first: the rest trusts it
 *     count = job_plan_piece_count(plan, split);
 *     for (i = 0; i < count; i++)
 *         job_plan_piece(plan, split, i, &piece);
 *
 * A plan is columns of numbers, some 8 bytes a split, and one text with the path of each input. So
 * it is unpacked by a dozen allocations, and a master can do that between two heartbeats, be it of
 * 200,000 splits.
 */
#ifndef MASTER_JOB_PLAN_H
#define MASTER_JOB_PLAN_H

#include "base/err.h"
#include "rpc/message.h"

/* 0, or -1 (ERR_RETRY): there is none (NULL), a scheduler cannot hold it, or it contradicts
 * itself or its job, which has so many groups of inputs (attempt/input_groups.h). */
int job_plan_check(const Mrlua__Plan *plan, size_t group_count, bool map_only, struct err *err);

size_t job_plan_input_count(const Mrlua__Plan *plan);

/* The whole of an input, with or without a split. Its strings are the plan's. */
void job_plan_input(const Mrlua__Plan *plan, size_t input, Mrlua__Piece *out);

uint32_t job_plan_split_count(const Mrlua__Plan *plan);               /* at least 1 */
size_t job_plan_piece_count(const Mrlua__Plan *plan, uint32_t split); /* may be 0 */

/* Piece `index` of a split; its strings are the plan's. */
void job_plan_piece(const Mrlua__Plan *plan, uint32_t split, size_t index, Mrlua__Piece *out);

/* The number of the group that its pieces are of; 0: also that it has none, or the job has none. */
uint32_t job_plan_split_group(const Mrlua__Plan *plan, uint32_t split);

/* The bytes of its pieces. */
uint64_t job_plan_split_bytes(const Mrlua__Plan *plan, uint32_t split);

#endif
