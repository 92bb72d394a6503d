/*
 * metrics: numbers of a master, and the text that Prometheus scrapes. Pure.
 *
 *     metrics_attempt_started(&totals, stage);            as it happens; totals live as long as
 *     metrics_attempt_completed(&totals, stage, took_ns); the master
 *     struct metrics metrics = {.totals = &totals, ... what is so now ...};
 *     metrics_render(&metrics, &text);                    appended
 *
 * The text is the exposition format 0.0.4 (`promtool check metrics` accepts it without a word), the
 * names and units are as Prometheus wants them: seconds and bytes, counters end in _total. There
 * are no labels but stages, states and kinds, which the program itself names: the number of lines
 * is fixed, and no word of a user is in it. Totals begin with 0 when the master starts.
 *
 * Not here: where the numbers come from (master_metrics.c).
 */
#ifndef MASTER_METRICS_H
#define MASTER_METRICS_H

#include "base/buf.h"
#include "sched/sched.h"

#include <stdint.h>

enum { METRICS_BUCKET_COUNT = 14, JOB_STATUS_COUNT = JOB_CANCELLED + 1 };

/* Of durations. */
struct metrics_histogram {
    uint64_t counts[METRICS_BUCKET_COUNT + 1]; /* the last one: longer than all bounds */
    uint64_t sum_ns;
};

/* How an attempt ended without a result, beside the kinds of a failure. */
enum { METRICS_GIVEN_UP = ERR_KIND_COUNT, METRICS_WORKER_LOST, METRICS_END_COUNT };

struct metrics_totals {
    uint64_t attempts_started[STAGE_COUNT];
    uint64_t attempts_failed[STAGE_COUNT][METRICS_END_COUNT];
    struct metrics_histogram attempts[STAGE_COUNT]; /* that completed, from their start */
    struct metrics_histogram fetches;               /* of reduces: from their start to Fetched */
    uint64_t input_bytes, input_records;            /* read by maps that completed */
    uint64_t shuffle_bytes, shuffle_records;        /* written by them for the reduces */
    uint64_t output_bytes, output_records;          /* written by reduces that completed */
    uint64_t jobs_ended[JOB_STATUS_COUNT];
    uint64_t workers_lost, outputs_lost;
};

struct metrics {
    const struct metrics_totals *totals;
    uint64_t jobs[JOB_STATUS_COUNT]; /* that live */
    struct {
        uint64_t idle, in_progress, completed;
    } tasks[STAGE_COUNT];       /* of jobs that live */
    uint64_t pending_count;     /* idle tasks that only a slot is missing for */
    uint64_t workers_ready;     /* connected, and they get work */
    uint64_t workers_draining;  /* connected */
    uint64_t workers_set_aside; /* connected */
    uint64_t workers_cut;       /* known, and not connected */
    uint64_t slots, slots_used; /* of connected workers */
    uint64_t silence_ns;        /* of the connected worker that was last heard of */
    uint64_t journal_bytes, journal_rows;
    uint64_t clients;                                   /* connections that are no worker's */
    uint64_t cpu_ns, resident_bytes, open_fds, max_fds; /* of the master's process */
    uint64_t started_ns;                                /* wall clock */
};

void metrics_attempt_started(struct metrics_totals *totals, enum stage_kind stage);
void metrics_attempt_completed(struct metrics_totals *totals, enum stage_kind stage,
                               uint64_t took_ns);

/* `end`: an enum err_kind, METRICS_GIVEN_UP or METRICS_WORKER_LOST. */
void metrics_attempt_failed(struct metrics_totals *totals, enum stage_kind stage, int end);

void metrics_observe(struct metrics_histogram *histogram, uint64_t took_ns);

void metrics_render(const struct metrics *metrics, struct buf *out);

#endif
