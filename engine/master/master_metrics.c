/*
 * Collects what /metrics says (metrics.h) from a master as it stands.
 */
#include "master/master_state.h"

#include "base/clock.h"
#include "base/machine.h"

static bool is_complete(const struct stage_progress *stage)
{
    return stage->completed_count == stage->task_count;
}

/* Idle tasks that could run now: maps of a plan whose sample is there, reduces whose maps are. */
static uint64_t pending(const struct job_progress *progress)
{
    const struct stage_progress *stages = progress->stages;

    if (progress->status != JOB_RUNNING)
        return 0;
    if (!is_complete(&stages[STAGE_SAMPLE]))
        return stages[STAGE_SAMPLE].idle_count;
    if (!is_complete(&stages[STAGE_MAP]))
        return stages[STAGE_MAP].idle_count;
    return stages[STAGE_REDUCE].idle_count;
}

static void add_jobs(const struct master *master, struct metrics *out)
{
    for (const struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        const struct master_job *job = CONTAINER_OF(at, struct master_job, link);
        struct job_progress progress;

        if (!sched_job_progress(master->sched, job->id, &progress))
            continue;
        out->jobs[progress.status]++;
        out->pending_count += pending(&progress);
        for (int i = 0; i < STAGE_COUNT; i++) {
            out->tasks[i].idle += progress.stages[i].idle_count;
            out->tasks[i].in_progress += progress.stages[i].in_progress_count;
            out->tasks[i].completed += progress.stages[i].completed_count;
        }
    }
}

static void add_worker(const struct master *master, const struct master_worker *worker,
                       uint64_t now_ns, struct metrics *out)
{
    uint64_t silence_ns = now_ns - worker->heard_ns;
    struct worker_view view;

    if (!sched_worker_view(master->sched, worker->id, &view) ||
        view.incarnation != worker->incarnation || view.status == WORKER_STATUS_GONE)
        return;
    if (!worker->conn || view.status != WORKER_STATUS_UP) {
        out->workers_cut++;
        return;
    }
    if (worker->draining)
        out->workers_draining++;
    else if (view.aside_until_ns > now_ns)
        out->workers_set_aside++;
    else
        out->workers_ready++;
    out->slots += view.slot_count;
    out->slots_used += view.slots_used;
    if (silence_ns > out->silence_ns)
        out->silence_ns = silence_ns;
}

static void add_process(struct metrics *out)
{
    struct machine_process process = machine_this_process();

    out->cpu_ns = process.cpu_ns;
    out->resident_bytes = process.resident_bytes;
    out->open_fds = process.open_fds;
    out->max_fds = process.max_fds;
}

void master_metrics(const struct master *master, struct buf *out)
{
    struct metrics metrics = {.totals = &master->totals, .started_ns = master->started_ns};
    uint64_t now_ns = clock_monotonic_ns();

    add_jobs(master, &metrics);
    for (uint32_t i = 0; i < master->worker_capacity; i++)
        if (master->workers[i])
            add_worker(master, master->workers[i], now_ns, &metrics);
    for (const struct list *at = master->peers.next; at != &master->peers; at = at->next)
        metrics.clients += !CONTAINER_OF(at, struct master_peer, link)->worker;
    metrics.journal_bytes = journal_bytes(master->journal);
    metrics.journal_rows = journal_row_count(master->journal);
    add_process(&metrics);
    metrics_render(&metrics, out);
}
