/*
 * event: what follows from what happened. Not for shells.
 *
 * event.c has one function per event kind; each answers whether the event meant anything. Nothing
 * is started here: dispatch.c does that after each event.
 */
#ifndef SCHED_EVENT_H
#define SCHED_EVENT_H

#include "sched/state.h"

/*
 * Looks whether the job is at its end, or at the turn from data to commit: attempts nobody needs
 * any more are ended, and the audit is made. False: the job has ended, `job` is gone.
 */
bool job_settle(struct sched *sched, struct job *job);

/* Its deadline begins anew. */
void attempt_is_alive(struct sched *sched, struct attempt *attempt);

/* A command about a live attempt. */
void say_attempt_command(struct sched *sched, enum command_kind kind,
                         const struct attempt *attempt);

#endif
