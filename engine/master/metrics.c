#include "master/metrics.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>

/* An attempt takes from milliseconds to an hour; a fetch is one of its parts. */
static const uint64_t BOUNDS_MS[METRICS_BUCKET_COUNT] = {
    10, 50, 100, 500, 1000, 2500, 5000, 10000, 30000, 60000, 120000, 300000, 900000, 3600000,
};

void metrics_observe(struct metrics_histogram *histogram, uint64_t took_ns)
{
    int bucket = 0;

    while (bucket < METRICS_BUCKET_COUNT && took_ns > BOUNDS_MS[bucket] * NS_PER_MS)
        bucket++;
    histogram->counts[bucket]++;
    histogram->sum_ns += took_ns;
}

void metrics_attempt_started(struct metrics_totals *totals, enum stage_kind stage)
{
    totals->attempts_started[stage]++;
}

void metrics_attempt_completed(struct metrics_totals *totals, enum stage_kind stage,
                               uint64_t took_ns)
{
    metrics_observe(&totals->attempts[stage], took_ns);
}

void metrics_attempt_failed(struct metrics_totals *totals, enum stage_kind stage, int end)
{
    assert(end > ERR_NONE && end < METRICS_END_COUNT);
    totals->attempts_failed[stage][end]++;
}

/* ---- text ---- */

static void begin(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void say_one(struct buf *out, const char *name, const char *type, const char *help,
                    uint64_t value)
{
    begin(out, name, type, help);
    buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void say_seconds(struct buf *out, const char *name, const char *type, const char *help,
                        uint64_t value_ns)
{
    begin(out, name, type, help);
    buf_printf(out, "%s %.3f\n", name, (double)value_ns / (double)NS_PER_S);
}

/* ---- what is so now ---- */

static void say_jobs(const struct metrics *metrics, struct buf *out)
{
    begin(out, "mrlua_jobs", "gauge", "Jobs that have not ended, by status.");
    for (int i = 0; i < JOB_SUCCEEDED; i++)
        buf_printf(out, "mrlua_jobs{status=\"%s\"} %" PRIu64 "\n",
                   job_status_name((enum job_status)i), metrics->jobs[i]);
    begin(out, "mrlua_jobs_ended_total", "counter", "Jobs that have ended, by status.");
    for (int i = JOB_SUCCEEDED; i < JOB_STATUS_COUNT; i++)
        buf_printf(out, "mrlua_jobs_ended_total{status=\"%s\"} %" PRIu64 "\n",
                   job_status_name((enum job_status)i), metrics->totals->jobs_ended[i]);
}

static void say_task(struct buf *out, int stage, const char *state, uint64_t count)
{
    buf_printf(out, "mrlua_tasks{stage=\"%s\",state=\"%s\"} %" PRIu64 "\n",
               stage_kind_name((enum stage_kind)stage), state, count);
}

static void say_tasks(const struct metrics *metrics, struct buf *out)
{
    uint64_t slots = metrics->slots > 0 ? metrics->slots : 1; /* none: there should be some */

    begin(out, "mrlua_tasks", "gauge", "Tasks of jobs that have not ended, by stage and state.");
    for (int i = 0; i < STAGE_COUNT; i++) {
        say_task(out, i, "idle", metrics->tasks[i].idle);
        say_task(out, i, "in_progress", metrics->tasks[i].in_progress);
        say_task(out, i, "completed", metrics->tasks[i].completed);
    }
    say_one(out, "mrlua_pending_tasks", "gauge", "Tasks that could run if there was a slot.",
            metrics->pending_count);
    begin(out, "mrlua_pending_tasks_per_slot", "gauge",
          "Pending tasks divided by slots (by 1 without slots): what a fleet is scaled by.");
    buf_printf(out, "mrlua_pending_tasks_per_slot %.6g\n",
               (double)metrics->pending_count / (double)slots);
}

static void say_workers(const struct metrics *metrics, struct buf *out)
{
    const struct {
        const char *state;
        uint64_t count;
    } states[] = {
        {"ready", metrics->workers_ready},
        {"draining", metrics->workers_draining},
        {"set_aside", metrics->workers_set_aside},
        {"cut", metrics->workers_cut},
    };

    begin(out, "mrlua_workers", "gauge", "Workers, by state.");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        buf_printf(out, "mrlua_workers{state=\"%s\"} %" PRIu64 "\n", states[i].state,
                   states[i].count);
    say_one(out, "mrlua_workers_lost_total", "counter",
            "Workers that were lost with attempts or outputs.", metrics->totals->workers_lost);
    say_one(out, "mrlua_slots", "gauge", "Slots of connected workers.", metrics->slots);
    say_one(out, "mrlua_slots_used", "gauge", "Slots that attempts hold.", metrics->slots_used);
    say_seconds(out, "mrlua_heartbeat_age_max_seconds", "gauge",
                "Since the connected worker that is silent for longest was heard.",
                metrics->silence_ns);
    say_one(out, "mrlua_clients", "gauge", "Connections of clients.", metrics->clients);
}

/* ---- what has been ---- */

static const char *end_name(int end)
{
    if (end == METRICS_GIVEN_UP)
        return "given_up";
    return end == METRICS_WORKER_LOST ? "worker_lost" : err_kind_name((enum err_kind)end);
}

static void say_attempts(const struct metrics_totals *totals, struct buf *out)
{
    begin(out, "mrlua_attempts_started_total", "counter", "Attempts that were started.");
    for (int i = 0; i < STAGE_COUNT; i++)
        buf_printf(out, "mrlua_attempts_started_total{stage=\"%s\"} %" PRIu64 "\n",
                   stage_kind_name((enum stage_kind)i), totals->attempts_started[i]);
    begin(out, "mrlua_attempts_failed_total", "counter",
          "Attempts that ended without a result, by the kind of failure.");
    for (int i = 0; i < STAGE_COUNT; i++)
        for (int end = ERR_NONE + 1; end < METRICS_END_COUNT; end++)
            buf_printf(out, "mrlua_attempts_failed_total{stage=\"%s\",kind=\"%s\"} %" PRIu64 "\n",
                       stage_kind_name((enum stage_kind)i), end_name(end),
                       totals->attempts_failed[i][end]);
    say_one(out, "mrlua_outputs_lost_total", "counter",
            "Outputs of completed tasks that were lost.", totals->outputs_lost);
}

/* `stage` NULL: there is only one. */
static void say_histogram(struct buf *out, const char *name, const char *stage,
                          const struct metrics_histogram *histogram)
{
    struct buf label = {0};
    uint64_t count = 0;

    if (stage)
        buf_printf(&label, "stage=\"%s\"", stage);
    for (int i = 0; i < METRICS_BUCKET_COUNT; i++) {
        count += histogram->counts[i];
        buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, buf_string(&label),
                   stage ? "," : "", (double)BOUNDS_MS[i] / 1000, count);
    }
    count += histogram->counts[METRICS_BUCKET_COUNT];
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, buf_string(&label),
               stage ? "," : "", count);
    buf_printf(out, "%s_sum{%s} %.6f\n", name, buf_string(&label),
               (double)histogram->sum_ns / (double)NS_PER_S);
    buf_printf(out, "%s_count{%s} %" PRIu64 "\n", name, buf_string(&label), count);
    buf_deinit(&label);
}

static void say_durations(const struct metrics_totals *totals, struct buf *out)
{
    begin(out, "mrlua_attempt_duration_seconds", "histogram",
          "From the start of an attempt to its result.");
    for (int i = 0; i < STAGE_COUNT; i++)
        say_histogram(out, "mrlua_attempt_duration_seconds", stage_kind_name((enum stage_kind)i),
                      &totals->attempts[i]);
    begin(out, "mrlua_fetch_duration_seconds", "histogram",
          "From the start of a reduce to the last segment it fetched.");
    say_histogram(out, "mrlua_fetch_duration_seconds", NULL, &totals->fetches);
}

static void say_bytes(const struct metrics_totals *totals, struct buf *out)
{
    say_one(out, "mrlua_input_bytes_total", "counter", "Bytes of input that maps have read.",
            totals->input_bytes);
    say_one(out, "mrlua_input_records_total", "counter", "Records that maps have read.",
            totals->input_records);
    say_one(out, "mrlua_shuffle_bytes_total", "counter",
            "Bytes of run files that maps have written for reduces.", totals->shuffle_bytes);
    say_one(out, "mrlua_shuffle_records_total", "counter", "Records in those run files.",
            totals->shuffle_records);
    say_one(out, "mrlua_output_bytes_total", "counter", "Bytes of parts that were written.",
            totals->output_bytes);
    say_one(out, "mrlua_output_records_total", "counter", "Records in those parts.",
            totals->output_records);
}

static void say_process(const struct metrics *metrics, struct buf *out)
{
    say_one(out, "mrlua_journal_bytes", "gauge", "Size of the journal's files.",
            metrics->journal_bytes);
    say_one(out, "mrlua_journal_rows", "gauge", "Rows in the journal.", metrics->journal_rows);
    say_seconds(out, "process_cpu_seconds_total", "counter", "CPU time of the master.",
                metrics->cpu_ns);
    say_one(out, "process_resident_memory_bytes", "gauge", "Resident memory of the master.",
            metrics->resident_bytes);
    say_one(out, "process_open_fds", "gauge", "Open file descriptors of the master.",
            metrics->open_fds);
    say_one(out, "process_max_fds", "gauge", "Most file descriptors that it may have.",
            metrics->max_fds);
    say_seconds(out, "process_start_time_seconds", "gauge", "Since 1970, when it started.",
                metrics->started_ns);
    begin(out, "mrlua_build_info", "gauge", "1, with the version of mrlua.");
    buf_append_string(out, "mrlua_build_info{version=\"" MRLUA_VERSION "\"} 1\n");
}

void metrics_render(const struct metrics *metrics, struct buf *out)
{
    say_jobs(metrics, out);
    say_tasks(metrics, out);
    say_workers(metrics, out);
    say_attempts(metrics->totals, out);
    say_durations(metrics->totals, out);
    say_bytes(metrics->totals, out);
    say_process(metrics, out);
}
