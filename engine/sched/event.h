/*
 * event: what follows from what happened. Not for shells.
 *
 * event.c and rejoin.c have one function per event kind; each answers whether the event meant
 * anything. Nothing is started there: dispatch.c does that after each event.
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

/* say.c: about a live attempt. */
struct command attempt_command(enum command_kind kind, const struct attempt *attempt);
struct fact attempt_fact(enum fact_kind kind, const struct attempt *attempt);
void say_attempt_command(struct sched *sched, enum command_kind kind,
                         const struct attempt *attempt);

/* say.c: its output, of a completed task, is not wanted any more. */
void say_forget(struct sched *sched, const struct task *task);

/* say.c: is anybody there? NULL, a helper of the master, is. */
bool can_be_told(const struct worker *worker);

/* Ends an attempt that did nothing wrong: it is killed and does not count. */
void attempt_give_up(struct sched *sched, struct attempt *attempt);

/* The job ends because of what this attempt of it did. */
void job_break(struct sched *sched, const struct attempt *attempt, enum end_reason reason,
               enum err_kind failure);

/* The live attempt that an event is about, if the event comes from where it lives; or NULL. */
struct attempt *event_attempt(const struct sched *sched, const struct event *event);

/* The worker is there and says something itself: the one of that id and incarnation, if it is UP.
 */
struct worker *event_worker(const struct sched *sched, const struct event *event);

/* rejoin.c: one function per event about a worker. False: stale. */
bool on_worker_joined(struct sched *sched, const struct event *event);
bool on_worker_lost(struct sched *sched, const struct event *event);
bool on_worker_reset(struct sched *sched, const struct event *event);
bool on_worker_slots(struct sched *sched, const struct event *event);
bool on_output_held(struct sched *sched, const struct event *event);
bool on_attempt_held(struct sched *sched, const struct event *event);
void on_rejoin_timer(struct sched *sched, struct worker *worker);
void on_heard_timer(struct sched *sched, struct worker *worker);
/* After a restart: its outputs are believed for a while. */
void worker_await(struct sched *sched, struct worker *worker);

#endif
