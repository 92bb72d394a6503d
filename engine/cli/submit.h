/*
 * submit: `mrlua submit`: a job from the command line to the master, and what is told about it
 * until it has ended. For Lua it is a run (run_shell.h) that happens elsewhere.
 *
 *     submit = submit_open(args, &err);                the master has accepted it
 *     while (!submit_finished(submit))
 *         submit_step(submit, 100, &err);              and draw what submit_report() says
 *     submit_outcome(submit, &value);
 *     submit_close(submit);                            the job goes on, whatever it does
 *
 * A connection that is lost is made again, with growing pauses, for SUBMIT_AWAY_MS_MAX; then the
 * waiting ends with an error, the job does not. A submit whose answer was lost is sent again under
 * the same idempotency key, so it is one job. SIGINT, SIGTERM and SIGHUP end the waiting.
 */
#ifndef CLI_SUBMIT_H
#define CLI_SUBMIT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { SUBMIT_AWAY_MS_MAX = 10 * 60 * 1000 }; /* a master that is started again by hand */

struct submit;

/* `args`: those of run_config.h, and master, key_file, tls, insecure_plain, priority. NULL: *err;
 * no job was made, or nobody can say (the connection was lost for good before the answer came). */
struct submit *submit_open(struct slice args, struct err *err);
void submit_close(struct submit *submit); /* NULL is fine */

/* The number of the job. 0: a signal came before the master had answered. */
uint64_t submit_job(const struct submit *submit);

/* Works for at most so long, less when the waiting is over. 0 or -1. */
int submit_step(struct submit *submit, uint32_t milliseconds, struct err *err);

/* The job has ended, or nobody waits for it any more. */
bool submit_finished(const struct submit *submit);

/* Appends the state, as run_shell_report() does. */
void submit_report(struct submit *submit, struct buf *out);

/* Appends the outcome, as run_shell_outcome() does. */
void submit_outcome(const struct submit *submit, struct buf *out);

#endif
