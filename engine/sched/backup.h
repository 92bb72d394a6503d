/*
 * backup: second attempts for tasks that are slow.
 *
 * Once a second, when nothing of a stage is pending and 90 % of it is done (or it has fewer tasks
 * than there are slots), one task of it may get a second attempt, on another worker: the one that
 * has run longest of those that
 *
 *     run longer than three times the median and 10 s, and will not end before a fresh attempt
 *     would (by the share of their input that they have read), or
 *     have not moved for 30 s, whatever is usual.
 *
 * At most a tenth of the slots (at least one) is given to second attempts, and only what no other
 * task wants. A task has two live attempts at most; the first answer is the task's. Unsafe jobs
 * have none: they may do what cannot be done twice.
 *
 * Why so shy: with a rule of deviations from the mean, Hadoop doubled nearly everything when
 * tasks were alike and nothing when they were not (MAPREDUCE-2062).
 */
#ifndef SCHED_BACKUP_H
#define SCHED_BACKUP_H

#include "sched/state.h"

/* After each event, and after dispatch(): starts what is due and sees to the next look. */
void backup_settle(struct sched *sched);

#endif
