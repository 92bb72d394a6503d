/*
 * publish: the commit of an output. Readers see all of it or nothing (P2).
 *
 *     publish_init(&publish, "out", job_id, overwrite);         names only
 *     publish_claim(&publish, &err);                            before anything runs
 *     fd = publish_part_create(&publish, &part, &err);          by any attempt, in any process
 *     publish_commit(&publish, parts, count, manifest, &lost, &err);   once, after the last reduce
 *     publish_abort(&publish, &err);                            instead, or after a failed commit
 *     publish_deinit(&publish);
 *
 * Two kinds of places: folders, here, and gs:// (publish_gs.h), with one protocol: an attempt never
 * gives a final name; the first whose completion is journaled is the part; the names are given by
 * one process, after the last reduce, and then _SUCCESS. On gs:// every call makes requests and
 * waits for them, so an event loop leaves claim, commit and abort to a helper; and an attempt
 * writes its part into a file of its own and hands it over with publish_gs_keep().
 *
 * The folder while the job runs, and after:
 *
 *     out/.mrlua-claim                  who works here; whoever comes second is refused
 *     out/.mrlua-JOB/part-00000.7       partition 0 as attempt 7 wrote it; nobody reads it
 *     ----------------------------------------------------------------------------------------
 *     out/part-00000 ...                fsynced, then renamed
 *     out/errors-00000 ...              the same, of a further output of the job
 *     out/_bad.jsonl                    the same: publish->bad, if there is any
 *     out/_SUCCESS                      the manifest; last
 *
 * The steps of a commit: each part is fsynced and renamed; fsync of the folder; _SUCCESS is
 * written, fsynced, renamed; fsync of the folder; the work folder and the claim are removed. Every
 * step looks at what is there first, so a commit that crashed anywhere is done again, by any
 * process, from the start, and ends the same.
 *
 * With `overwrite` all of this happens in a folder beside it, ".out.mrlua-JOB"; the claim alone
 * is in the old one. At the end the two are exchanged in one step (renameat2; two renames where
 * the file system has no exchange) and the old one is removed. The claim tells whether that was
 * done: it is in `out` before, and not after.
 *
 * Only what jobs have left is overwritten (publish_is_job_name()): a folder with anything else in
 * it, somebody's files, is refused.
 *
 * A claim whose holder, on this host, is no longer running is stale: `overwrite` takes it over;
 * without it the message says so.
 *
 * A part whose fsync failed is gone: its pages may be marked clean and asking again would lie. It
 * is removed, so that a commit that is called again fails, too.
 */
#ifndef FORMAT_PUBLISH_H
#define FORMAT_PUBLISH_H

#include "base/err.h"
#include "base/slice.h"
#include "format/publish_name.h"
#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct publish {
    char *output;  /* the folder, without a slash at its end */
    char *claim;   /* output/.mrlua-claim */
    char *staging; /* beside it: .output.mrlua-JOB */
    char *old;     /* staging.old: where two renames put the old folder in between */
    char *base;    /* where parts get their names: `output`, or `staging` to overwrite */
    char *work;    /* base/.mrlua-JOB */
    char *job_id;
    bool overwrite;
    bool is_gs;       /* `output` is its URI; none of the other names means anything */
    struct slice bad; /* what _bad.jsonl is to hold; borrowed. Empty: there is none */
    pid_t holder;     /* lives as long as the job runs; publish_init() says: this process */
};

/* Computes the names; makes nothing. `job_id`: letters, digits, "-" and "_". */
void publish_init(struct publish *publish, const char *output, const char *job_id, bool overwrite);
void publish_deinit(struct publish *publish);

/* Makes the folder (its parent must exist), the claim and the work folder. ERR_SETUP: not empty,
 * claimed by another, not a folder, not writable; then nothing is left behind. A second call by
 * the same job is fine. */
int publish_claim(struct publish *publish, struct err *err);

/* The path an attempt writes to, `out` being cleared first. */
struct buf;
void publish_part_path(const struct publish *publish, const struct publish_part *part,
                       struct buf *out);

/* Creates that file, readable and writable. Returns the descriptor. ERR_DISK. */
int publish_part_create(const struct publish *publish, const struct publish_part *part,
                        struct err *err);

/* Each part gets its name; publish->bad is set before. After -1 (ERR_DISK, ERR_RETRY) it may be
 * called again. ERR_PEER: parts[*lost] can be had no more, and its attempt must be made again. */
int publish_commit(struct publish *publish, const struct publish_part *parts, size_t part_count,
                   struct slice manifest, uint32_t *lost, struct err *err);

/* Removes what this job made, as far as that works: also parts that a failed commit named
 * already, and the folder if this job made it. After a commit that succeeded: nothing of a folder,
 * but on gs:// what was committed. -1, on gs:// only: something is left, call it again. */
int publish_abort(struct publish *publish, struct err *err);

/* What a commit does where the file system cannot exchange: `output` becomes `old`, `staging`
 * becomes `output`. For publish.c and its test. */
int publish_exchange_by_renames(const struct publish *publish, struct err *err);

#endif
