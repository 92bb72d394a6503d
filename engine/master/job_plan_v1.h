/*
 * job_plan_v1: the plan of a job as a journal of version 1 holds it (rpc/messages_job.proto,
 * DoneVersion1), read as the plan of today. Pure.
 *
 *     done = job_plan_v1_unpack(row->payload, &err);
 *     rc = job_plan_check(done->plan, 0, false, &err);  as with any plan
 *     message_free(done);
 *
 * Each piece of a split was written out with the path of its input; its input is found by that
 * path. The pieces of a plan are in the order of its inputs, so it is looked for from the last one
 * on: one step a piece.
 */
#ifndef MASTER_JOB_PLAN_V1_H
#define MASTER_JOB_PLAN_V1_H

#include "base/err.h"
#include "rpc/message.h"

/* NULL: the bytes are no such Done (ERR_RETRY), or it has no plan or a piece of no input
 * (ERR_SETUP). Release it with message_free(). */
Mrlua__Done *job_plan_v1_unpack(struct slice payload, struct err *err);

#endif
