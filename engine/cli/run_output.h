/*
 * run_output: where the parts of a run lie while it runs, and where they go at its end.
 *
 *     rc = run_output_init(&output, id, folder, overwrite, shuffle, temp_path, &err);
 *                                                       claims the folder; what is on gs:// is
 *                                                       claimed by the plan's
 * attempt run_output_part_path(&output, partition, attempt, &path);
 *     ... the commit is an attempt (rpc/messages_attempt.proto, CommitRequest) ...
 *     rc = run_output_print(&output, attempts, count, &stopped, &err);      only without a folder
 *     run_output_deinit(&output, is_committed);       removes what was not committed
 *
 * Without a folder the parts are files in the temporary folder and are printed, partition after
 * partition, when all of them are there: standard output then holds a whole result or, after an
 * error, nothing of it.
 */
#ifndef CLI_RUN_OUTPUT_H
#define CLI_RUN_OUTPUT_H

#include "base/buf.h"
#include "base/err.h"
#include "format/publish.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum { RUN_JOB_ID_BYTES = 64 };

struct run_output {
    bool has_folder; /* publish is in use */
    struct publish publish;
    char job_id[RUN_JOB_ID_BYTES]; /* of the claim, the work folder and the manifest */
    const char *temp_path;         /* borrowed */
    struct buf shuffle;            /* gs://BUCKET/PREFIX/ of the maps' outputs; empty: none */
};

/* `id`: of a claim that is held already; NULL: a new one. `folder` NULL: standard output.
 * `shuffle`: as in master/job_shuffle.h. 0, or -1 (ERR_SETUP: not empty, claimed, not writable). */
int run_output_init(struct run_output *output, const char *id, const char *folder, bool overwrite,
                    const char *shuffle, const char *temp_path, struct err *err);

/* Safe on a zeroed struct. */
void run_output_deinit(struct run_output *output, bool is_committed);

/* Where `attempt` writes partition `partition`. `out` is cleared first. */
void run_output_part_path(const struct run_output *output, uint32_t partition, uint64_t attempt,
                          struct buf *out);

/* Copies the part of partition i, written by attempts[i], to standard output, for all i. A reader
 * that went away is no error: it has seen what it wanted. *stopped, set by a signal handler, ends
 * the copying early. 0 or -1 (ERR_DISK). */
int run_output_print(const struct run_output *output, const uint64_t *attempts, uint32_t count,
                     volatile sig_atomic_t *stopped, struct err *err);

#endif
