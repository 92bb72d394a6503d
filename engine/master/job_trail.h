/*
 * job_trail: what attempts of a job leave in its trail (store/trail.h) for `mrlua replay` and
 * `mrlua logs`, in a run's folder or a master's.
 *
 *     job_trail_init(&kept, &trail);
 *     rc = job_trail_print(&kept, &who, "a line", &err);         what a job's function printed
 *     rc = job_trail_keep(&kept, &who, &failed, &err);           1: there is a capsule of it now
 *     rc = job_trail_flush(&kept, &err);                         now and then, and at the end
 *     job_trail_deinit(&kept);                                   what was not flushed is lost
 *
 * Files, where m17 is the task (p, s, m, r, d: plan, sample, map, reduce, driver), 2.m17 that of
 * the job's second step, and 33 the attempt:
 *
 *     m17-33.capsule   attempt/capsule.h
 *     log              a line for each that was printed: "m17-33", a tab, and the text, in which a
 *                      backslash, a newline and a carriage return are \\, \n and \r
 *
 * Capsules: the newest is always kept, so that of the failure that ends a job is; for it goes, when
 * there are JOB_TRAIL_CAPSULE_COUNT_MAX, the oldest of a task that has two, else the oldest. A
 * failure of nobody's code (a network, another worker's output, a disk) leaves none, nor do plans
 * and commits, whose messages say all. A job that has written JOB_TRAIL_CAPSULE_BYTES_MAX of them
 * leaves no more.
 *
 * Lines: of each attempt as many as vm/print.c lets through (64 KiB), of a job
 * JOB_TRAIL_LOG_BYTES_MAX; the last line says that the rest is missing. They come as they are
 * printed, so those of a lost attempt are there as well; what was on its way when a connection
 * broke is not.
 */
#ifndef MASTER_JOB_TRAIL_H
#define MASTER_JOB_TRAIL_H

#include "attempt/capsule.h"
#include "base/buf.h"
#include "base/err.h"
#include "sched/sched.h"
#include "store/trail.h"

enum {
    JOB_TRAIL_CAPSULE_COUNT_MAX = 16,                /* one looks into two or three of them */
    JOB_TRAIL_CAPSULE_BYTES_MAX = 256 * 1024 * 1024, /* written, in an event loop, of 100,000
                                                        tasks that fail; 10 KB is usual */
    JOB_TRAIL_LOG_BYTES_MAX = 16 * 1024 * 1024,      /* more than anybody reads */
    JOB_TRAIL_PENDING_BYTES_MAX = 64 * 1024,         /* of lines that are not written yet */
    JOB_TRAIL_NAME_BYTES = 64,                       /* of a file */
};

struct job_trail {
    struct trail *trail; /* NULL: nothing is kept */
    struct buf pending;
    uint64_t log_bytes, capsule_bytes; /* written, and pending */
    bool has_looked;                   /* how large the log was before */
};

struct job_trail_who {
    uint32_t step; /* of a job of several steps, from 1; 0: it has none */
    enum stage_kind stage;
    bool is_driver; /* then it stands for the plan */
    uint32_t task;
    uint64_t attempt_id;
};

struct job_trail_failure {
    struct capsule_job job; /* its id may be NULL: the trail's */
    struct slice part;      /* Error.capsule */
    const struct err *err;
    const char *detail;
};

/* `trail` is borrowed; NULL: nothing is kept. */
void job_trail_init(struct job_trail *kept, struct trail *trail);
void job_trail_deinit(struct job_trail *kept); /* safe on a zeroed struct */

/* 0, or -1, once: the trail cannot be written. */
int job_trail_print(struct job_trail *kept, const struct job_trail_who *who, const char *text,
                    struct err *err);
int job_trail_flush(struct job_trail *kept, struct err *err);

/* Would a failure of this kind leave a capsule? Who has to get the code first asks. */
bool job_trail_wants(const struct job_trail *kept, const struct job_trail_who *who,
                     enum err_kind kind);

/* 1, 0: not wanted. -1, once: the trail cannot be written. */
int job_trail_keep(struct job_trail *kept, const struct job_trail_who *who,
                   const struct job_trail_failure *failure, struct err *err);

/* Is there a capsule of this attempt? */
bool job_trail_has(const struct job_trail *kept, const struct job_trail_who *who);

/* "m17", "2.m17": by what one asks for it. */
void job_trail_task(const struct job_trail_who *who, char out[JOB_TRAIL_NAME_BYTES]);

/* Appends the line that ends an error of that kind: how to look into the failure that ended the job
 * `id`. Nothing, when there is no capsule of it, or no function of the job is to blame, or it is a
 * driver, which cannot be done again without its steps. */
void job_trail_advise(const struct job_trail *kept, const struct job_trail_who *who,
                      enum err_kind kind, const char *id, struct buf *detail);

#endif
