/*
 * aside: workers that are to blame, and get no new work for a while.
 *
 *     aside_set(sched, worker);                      its disk, or nobody can read from it
 *     aside_doubt(sched, task, worker);              a task is completed by `worker`
 *     aside_settle(sched);                           after each event
 *
 * A task that failed on one worker and completes on another is a doubt about the first. Three
 * different ones set it aside. What the job itself did (ERR_JOB, ERR_INPUT) says nothing about a
 * worker.
 *
 * Never more than a third of the workers are aside, so never the last: when others leave, who was
 * set aside first is let back first. What runs there goes on, and its outputs count.
 */
#ifndef SCHED_ASIDE_H
#define SCHED_ASIDE_H

#include "sched/state.h"

/* Does nothing when a third is aside already. */
void aside_set(struct sched *sched, struct worker *worker);

/* It may work again; does nothing if it may already. */
void aside_end(struct sched *sched, struct worker *worker);

/* Another incarnation: what was said of the one before says nothing of this one. */
void aside_forgive(struct sched *sched, struct worker *worker);

/* `worker` is completing `task`: who failed at it? */
void aside_doubt(struct sched *sched, const struct task *task, const struct worker *worker);

/* `reporter` cannot have an output of `holder`. True: neither could another one, about another. */
bool aside_is_suspect(struct sched *sched, struct worker *holder, uint32_t reporter);

void aside_settle(struct sched *sched);

#endif
