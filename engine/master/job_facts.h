/*
 * job_facts: what a job was asked for and what it read, for who compares jobs later. Pure.
 *
 *     facts = job_facts_make(submit, plan);            kept with a job that has ended
 *     inputs = job_facts_inputs(plan);
 *     message_free(facts);
 *
 * Of many inputs the first are told, and a sum over all of them, so that two jobs which read the
 * same are known to have: a history of 1,000 jobs is kept in memory.
 */
#ifndef MASTER_JOB_FACTS_H
#define MASTER_JOB_FACTS_H

#include "rpc/message.h"

enum {
#ifdef MRLUA_TINY
    JOB_FACTS_INPUT_COUNT_MAX = 4,
#else
    JOB_FACTS_INPUT_COUNT_MAX = 256, /* what one looks through by eye ... */
#endif
    JOB_FACTS_INPUT_BYTES_MAX = 32 * 1024, /* ... of their names */
};

/* `plan` NULL: there is none yet. */
Mrlua__InputFacts *job_facts_inputs(const Mrlua__Plan *plan);
Mrlua__JobFacts *job_facts_make(const Mrlua__JobSubmit *submit, const Mrlua__Plan *plan);

#endif
