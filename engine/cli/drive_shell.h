/*
 * drive_shell: a job of several steps in `mrlua run`: the process of its driver. The steps that it
 * asks for are run by whoever has this, one run_shell each (lua/mrlua/cli/drive.lua).
 *
 *     shell = drive_shell_open(nursery, args, &err);
 *     do
 *         drive_shell_step(shell, 100, &err);
 *     while (!drive_shell_finished(shell) && !drive_shell_call(shell));
 *     drive_shell_answer(shell, args, &err);            when that step has ended; and again
 *     drive_shell_outcome(shell, &value);
 *     drive_shell_close(shell);
 *
 * Its temporary folder is where the outputs of its steps are, unless the user keeps them. The
 * job's output folder is claimed here, for all steps: the last one commits it under this claim
 * (drive_shell_publish_id()). One on gs:// is claimed when the last one is planned.
 *
 * Its side files are looked up here, before anything else, and once for all: the driver may open
 * them, and the steps are told what they are (drive_shell_files()).
 *
 * Signals are held while the shell is open, but for its own step() and the loops of its steps: so
 * what is begun is also cleaned up (cli/interrupts.h).
 */
#ifndef CLI_DRIVE_SHELL_H
#define CLI_DRIVE_SHELL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct drive_shell;
struct nursery;
struct trail;

/* `args`: run_config.h, and `keep`, the folder that steps are kept in. NULL: *err. */
struct drive_shell *drive_shell_open(const struct nursery *nursery, struct slice args,
                                     struct err *err);

/* The output is removed unless it was committed. NULL is fine. */
void drive_shell_close(struct drive_shell *shell);

/* From now on what the driver prints goes there, too (master/job_trail.h). It must outlive the
 * shell. */
void drive_shell_leave(struct drive_shell *shell, struct trail *trail);

/* Where the folders of its steps are, and what its claim is held under. */
const char *drive_shell_folder(const struct drive_shell *shell);
const char *drive_shell_publish_id(const struct drive_shell *shell);

/* Appends the side files as steps are told of them: `pinned_files` of run_config.h; nothing if
 * there are none. */
void drive_shell_files(const struct drive_shell *shell, struct buf *out);

/* Works for at most so long, less when the driver wants a step or ends. 0 or -1. */
int drive_shell_step(struct drive_shell *shell, uint32_t milliseconds, struct err *err);

/* The driver has ended, or a signal came. */
bool drive_shell_finished(const struct drive_shell *shell);

/* Appends the state as run_shell_report() does, without stages, and the request as `call`. */
void drive_shell_report(struct drive_shell *shell, struct buf *out);

/* Hands the driver the answer to its request: {folder, records, bytes, counters}, and is_last when
 * that has committed the job's output. 0 or -1. */
int drive_shell_answer(struct drive_shell *shell, struct slice args, struct err *err);

/* Appends {seconds} and what ended it badly, if that is so: as run_shell_outcome(). */
void drive_shell_outcome(struct drive_shell *shell, struct buf *out);

#endif
