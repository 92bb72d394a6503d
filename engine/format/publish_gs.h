/*
 * publish_gs: the commit of an output on gs://, as publish.h promises it. publish.c is the door;
 * only what an attempt does comes here directly.
 *
 *     rc = publish_gs_init(&out, "gs://bucket/out", job_id, overwrite, &err);
 *     publish_gs_claim(&out, holder, &err);                       a helper, before anything runs
 *     publish_gs_keep(&out, 0, &part, fd, &err);                  an attempt: its result, a file
 *     publish_gs_commit(&out, parts, count, manifest, &lost, &err);  a helper, at the end
 *     publish_gs_abort(&out, &err);                               a helper, instead
 *     publish_gs_deinit(&out);
 *
 * The objects while the job runs, and after:
 *
 *     out/.mrlua-claim                  who works here: made with ifGenerationMatch=0
 *     out/.mrlua-JOB/replaces           what was there before, name and generation (overwrite)
 *     out/.mrlua-JOB/part-00000.7.open1 attempt 7 has begun to upload a large part 0 (gcs_noted.h)
 *     out/.mrlua-JOB/part-00000.7       the ticket: attempt 7 is done with part 0
 *     ---------------------------------------------------------------------------------------------
 *     out/part-00000 ...                in one moment each, and whole
 *     out/_bad.jsonl                    if there is any
 *     out/_SUCCESS                      the manifest; last
 *
 * A ticket is to an object store what a file without its final name is to a disk: there is no
 * rename there that costs nothing, but an upload that lacks its end is invisible. The ticket of a
 * small part (up to 256 KiB) holds all of it; the commit inserts it under its name in one request.
 * The ticket of a large part holds the last bytes, and its metadata the resumable session that has
 * all before them, opened for the final name; the commit sends these bytes, and the part is there.
 * So a worker may die after its reduce, and nothing is lost; and no part of a job is seen that has
 * not ended, as on files. Every session that was opened stands in an object that a listing finds,
 * also after kill -9 (except between two requests: opened, and not yet noted; such a session is
 * invisible and ends by itself in a week).
 *
 * Why no grant, by which an attempt finishes its own upload: parts of unfinished jobs would be
 * visible, a grant would be one more state to lose, and files could not do the same.
 *
 * The steps of a commit: the old _SUCCESS goes (so that nobody reads a mixture as a result); each
 * part is finished unless it is there already; what else was there before goes, by generation;
 * _bad.jsonl and then _SUCCESS are written; sessions of attempts that lost are cancelled, tickets
 * and claim go. Every step looks first, so a commit that stopped anywhere is done again from the
 * start, by any process, and ends the same. What is there is believed by its metadata: job and
 * attempt, size and checksum.
 *
 * A part that can be had no more (its ticket is not there, its session is gone: the store drops one
 * now and then, and all after a week) is ERR_PEER, and *lost is its number: the reduce runs again.
 *
 * With `overwrite` only what the claim has listed is replaced or removed, by generation. Something
 * that somebody else has written since is ERR_SETUP and stays.
 *
 * A claim of a process on this host that runs no more is stale, as on files; of any other claim the
 * message says how to remove it. A claim of a master has no process: its job goes on after a crash.
 */
#ifndef FORMAT_PUBLISH_GS_H
#define FORMAT_PUBLISH_GS_H

#include "format/publish.h"
#include "store/gcs.h"

enum { PUBLISH_GS_PREFIX_BYTES_MAX = 800 }; /* with a part's name and a job's: below 1024 */

struct publish_gs {
    char *bucket;
    char *prefix; /* "a/out/" */
    char *work;   /* "a/out/.mrlua-JOB/" */
    char *job_id;
    bool overwrite;
    struct slice bad; /* of publish->bad */
    struct gcs *gcs;
};

/* ERR_SETUP: not a name that can be an output. Makes no request. */
int publish_gs_init(struct publish_gs *out, const char *output, const char *job_id, bool overwrite,
                    struct err *err);
void publish_gs_deinit(struct publish_gs *out);

/* `holder`: the process that lives as long as the job; 0: a master. ERR_SETUP: something is there,
 * or another job has claimed it; then nothing of ours is left. The same job may claim again. */
int publish_gs_claim(struct publish_gs *out, long holder, struct err *err);

/* Stores the result of an attempt, `part->bytes` of `fd`, without its final name. */
int publish_gs_keep(struct publish_gs *out, const struct publish_part *part, int fd,
                    struct err *err);

int publish_gs_commit(struct publish_gs *out, const struct publish_part *parts, size_t part_count,
                      struct slice manifest, uint32_t *lost, struct err *err);

/* Removes what this job made and nothing else. It may be called again after -1. */
int publish_gs_abort(struct publish_gs *out, struct err *err);

#endif
