/*
 * page_json: what the page asks for, as JSON. Pure.
 *
 *     page_json_job(&out, NULL, info, true);        jobs, { ... } each
 *     page_json_worker(&out, worker);
 *     page_json_attempts(&out, &timeline, begun_ns, from);
 *
 * Numbers beyond 2^53, which a browser would round, are texts: attempts, workers' incarnations.
 * Every text of a user is cut at PAGE_TEXT_BYTES_MAX; what it holds is the business of who shows
 * it, and the page shows it as text only.
 */
#ifndef MASTER_PAGE_JSON_H
#define MASTER_PAGE_JSON_H

#include "base/buf.h"
#include "master/job_timeline.h"
#include "rpc/message.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PAGE_TEXT_BYTES_MAX = 16 * 1024, /* a traceback with its record */
    PAGE_ATTEMPT_COUNT_MAX = 2000,   /* of one answer: 100 KB */
};

/* `is_whole`: with its counters and its error; `name` as in base/jsontext.h. */
void page_json_job(struct buf *out, const char *name, const Mrlua__JobInfo *info, bool is_whole);

void page_json_worker(struct buf *out, const Mrlua__WorkerInfo *worker);

/* { first, from, count, items = [[number of the stage, task, worker (-1: the master), begun and
 * ended in ms since begun_ns, number of the outcome, attempt], ...] }: entries from `from` on, at
 * most PAGE_ATTEMPT_COUNT_MAX of them. */
void page_json_attempts(struct buf *out, const struct job_timeline *timeline, uint64_t begun_ns,
                        uint64_t from);

/* The number of a worker in JSON. */
int64_t page_json_worker_id(uint32_t worker_id);

#endif
