/*
 * plan_task: PLAN, COMMIT and ABORT, which the trusted process does itself: no Lua is needed, but
 * much may have to be listed, spooled, fsynced or removed, which a shell may not wait for.
 */
#ifndef ATTEMPT_PLAN_TASK_H
#define ATTEMPT_PLAN_TASK_H

#include "attempt/side_files.h"
#include "base/buf.h"
#include "base/err.h"
#include "format/split.h"
#include "rpc/messages.pb-c.h"
#include "store/file.h"

/* Claims the output if start->commit is there. Lists the inputs of start->plan and cuts them into
 * splits. Appends a packed Done to `done`. "-" is read from standard input into start->tmp_folder.
 */
int plan_task_run(const Mrlua__TaskStart *start, struct buf *done, struct err *err);

/* Appends the packed Done of a plan, made with these options over the files of the list. `files`
 * may be NULL. */
void plan_task_pack(const struct split_plan *plan, const struct file_list *list,
                    const struct split_options *options, struct side_files *files,
                    struct buf *done);

/* Gives the parts of start->commit their names, and _SUCCESS. Appends a packed Done. ERR_PEER:
 * *lost is the part that is gone. */
int commit_task_run(const Mrlua__TaskStart *start, struct buf *done, uint32_t *lost,
                    struct err *err);

/* Removes what the job of start->commit made of its output (publish_abort()), if that names one,
 * and what is between its steps, or its maps and reduces (`shuffle`). Appends a packed Done: what
 * cannot be removed of a folder stays. -1: something is left on gs://. */
int abort_task_run(const Mrlua__TaskStart *start, struct buf *done, struct err *err);

#endif
