/*
 * job_log: the last lines that a job printed, for a watcher that was away (JobWatch.events_seen).
 *
 *     number = job_log_add(&log, epoch, "a line");
 *     lost = job_log_lost(&log, seen);                      of those after `seen`
 *     for (number = job_log_next(&log, seen); number; number = job_log_next(&log, number))
 *         use(job_log_line(&log, number));
 *     job_log_deinit(&log);
 *
 * Numbers go up by one. Those of each life of a master begin beyond those of all before it, at
 * its epoch times 2^32: nothing is journaled, so after a restart no number comes twice. What was
 * printed in an earlier life is not kept, and nobody counts what is lost of it.
 *
 * Memory: nothing for a job that prints nothing, else what the limits below say.
 */
#ifndef MASTER_JOB_LOG_H
#define MASTER_JOB_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JOB_LOG_LINE_COUNT_MAX = 1000,    /* more than anybody reads; a window of a minute or so */
    JOB_LOG_BYTES_MAX = 128 * 1024,   /* the 1,000 jobs that ended and are kept take 128 MB ... */
    JOB_LOG_LINE_BYTES_MAX = 8 * 1024 /* ... ; longer lines are cut (attempt/child.c cuts there) */
};

struct job_log {
    char **lines; /* number n is at n % JOB_LOG_LINE_COUNT_MAX, its mark first; NULL: none */
    size_t bytes;
    uint64_t first, last; /* numbers; last 0: there is none */
};

void job_log_deinit(struct job_log *log); /* safe on a zeroed struct */

/* Keeps a line, at the cost of the oldest. Returns its number. */
uint64_t job_log_add(struct job_log *log, uint64_t epoch, const char *text);

/* The same of a sentence about the job, which it has not printed. */
uint64_t job_log_add_notice(struct job_log *log, uint64_t epoch, const char *text);

/* The first kept line after number `seen` (0: of all); 0: there is none. */
uint64_t job_log_next(const struct job_log *log, uint64_t seen);

/* So many lines after `seen` are not kept any more. */
uint64_t job_log_lost(const struct job_log *log, uint64_t seen);

/* One that is kept; borrowed until the next job_log_add(). */
const char *job_log_line(const struct job_log *log, uint64_t number);
bool job_log_is_notice(const struct job_log *log, uint64_t number);

#endif
