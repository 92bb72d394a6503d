/*
 * bad: records on which the functions of a made-up job fail. The truth is drawn before its history
 * begins; what the journal says of it is what attempts are told to leave out. Tasks go by the slots
 * of world_task_slot() and content_task_slot(): plan, commit, maps, reduces, sample.
 */
#ifndef CTEST_SIM_BAD_H
#define CTEST_SIM_BAD_H

#include "base/rand.h"
#include "sched/sched.h"

enum { BAD_SLOT_DATA = 2, BAD_SLOT_COUNT = 24 };

struct bad {
    uint32_t there[BAD_SLOT_COUNT];    /* how many, by task ... */
    uint32_t left_out[BAD_SLOT_COUNT]; /* ... and of these, journaled */
};

/* Most jobs skip none and have none. */
void bad_draw(struct bad *bad, struct rand *rand, struct job_rules *rules);

/* How many an attempt meets that was told of so many. */
uint32_t bad_met(const struct bad *bad, size_t slot, uint32_t left_out);

/* A fact about the task in that slot, as it is journaled: what must never be written is not. */
void bad_journal(struct bad *bad, size_t slot, const struct fact *fact);

/* More than may be set aside, in a job of so many maps and reduces, or in its sample? */
bool bad_is_too_many(const struct bad *bad, uint32_t skip_bad, uint32_t task_count,
                     bool is_sampled);

#endif
