/*
 * skip: records that a job's functions fail on, and that it lets be set aside. Not for shells.
 *
 * Records of maps and keys of reduces count together, against rules.skip_bad. A sample maps some of
 * the input before the maps do, and meets what they will meet: it has as many of its own, or a
 * record would count twice.
 *
 * Attempts of one task are all started with the same list, and the first that adds to it ends the
 * others. So whatever one of them names is new, and a count is all that is kept here.
 */
#ifndef SCHED_SKIP_H
#define SCHED_SKIP_H

#include "sched/state.h"

/* How many more the job may set aside, if it is this stage that has met them. */
uint32_t skip_count_left(const struct stage *stage);

/* EVENT_RECORDS_BAD. False: stale. */
bool skip_on_records_bad(struct sched *sched, const struct event *event);

#endif
