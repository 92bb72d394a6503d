/*
 * run_shell: `mrlua run`: a whole job on this machine. A small shell around the scheduler of the
 * cluster (sched/) and its attempts (attempt/): one worker, this process; parts and manifest
 * are committed as on a cluster.
 *
 *     shell = run_shell_open(nursery, args, &err);
 *     while (!run_shell_finished(shell))
 *         run_shell_step(shell, 100, &err);             and draw what run_shell_report() says
 *     run_shell_print(shell, &err);                     the records, when there is no folder
 *     run_shell_outcome(shell, &value);
 *     run_shell_close(shell);                           kills and removes whatever is left
 *
 * SIGINT, SIGTERM and SIGHUP cancel the job while the shell is open: its attempts are killed, its
 * files removed. A second one does not wait for the attempts to go in peace. After a commit has
 * begun a signal comes too late, and the job ends as it ends.
 *
 * Everything a run makes is in a temporary folder (store/temp.h) and in the output's work folder
 * (format/publish.h); run_shell_close() leaves neither, nor a process.
 */
#ifndef CLI_RUN_SHELL_H
#define CLI_RUN_SHELL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct nursery;
struct run_shell;
struct trail;

/* `args` as run_config.h reads them, copied. Claims the output and starts the job. NULL: *err. */
struct run_shell *run_shell_open(const struct nursery *nursery, struct slice args, struct err *err);
void run_shell_close(struct run_shell *shell); /* NULL is fine */

/* From now on attempts leave there what they print and what they fail on (master/job_trail.h). It
 * must outlive the shell. */
void run_shell_leave(struct run_shell *shell, struct trail *trail);

/* Works for at most so long, less when the job ends or its log is long. 0 or -1. */
int run_shell_step(struct run_shell *shell, uint32_t milliseconds, struct err *err);

/* The job has ended and its processes are gone. */
bool run_shell_finished(const struct run_shell *shell);

/* A value to warn of before the job begins, or NULL. */
const char *run_shell_warning(const struct run_shell *shell);

/* Appends the state as a value: what lua/mrlua/progress.lua draws, and the lines that the job has
 * printed since the last one. */
void run_shell_report(struct run_shell *shell, struct buf *out);

/* Writes the records of a job without an output folder that succeeded to standard output. */
int run_shell_print(struct run_shell *shell, struct err *err);

/* Appends the outcome as a value. `print_err`: of a print that failed, or NULL. */
void run_shell_outcome(struct run_shell *shell, const struct err *print_err, struct buf *out);

#endif
