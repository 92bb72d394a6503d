/*
 * What is counted of facts (metrics.h) and remembered of attempts (job_timeline.h, job_effort.h),
 * and what of it those are told who watch the job (job_notice.h).
 */
#include "master/master_state.h"

#include "base/clock.h"
#include "master/job_notice.h"

#include <stdio.h>
#include <string.h>

static const char *worker_name(const struct master *master, uint32_t worker_id)
{
    const struct master_worker *worker = master_worker_find(master, worker_id);

    if (!worker)
        return NULL;
    return worker->name && worker->name[0] ? worker->name : worker->host;
}

enum { LABEL_BYTES = 80 };

/* "3 (w3)": by the number one asks for it, and for people. NULL: it is the master itself. */
static const char *label(const struct master *master, uint32_t worker_id, char out[LABEL_BYTES])
{
    const char *name = worker_name(master, worker_id);

    if (worker_id == WORKER_NONE)
        return NULL;
    if (name)
        snprintf(out, LABEL_BYTES, "%u (%.60s)", worker_id, name);
    else
        snprintf(out, LABEL_BYTES, "%u", worker_id);
    return out;
}

static uint32_t attempts_on(const struct master_job *job, uint32_t worker_id)
{
    const struct list *all = &job->master->attempts;
    uint32_t count = 0;

    for (const struct list *at = all->next; at != all; at = at->next) {
        const struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        count += attempt->worker_id == worker_id && attempt->job_id == job->id;
    }
    return count;
}

static uint32_t outputs_on(const struct master_job *job, const struct fact *lost)
{
    uint32_t count = 0;

    for (size_t i = 0; i < job->source_count; i++)
        if (job->sources[i].worker_id == lost->worker_id &&
            job->sources[i].incarnation == lost->incarnation)
            count += job->sources[i].count;
    return count;
}

static void notice(struct master *master, struct master_job *job, struct buf *text)
{
    if (job_effort_may_notice(&job->effort))
        master_watch_notice(master, job, buf_string(text));
    buf_deinit(text);
}

/* It was on a worker that is lost, and had something there. */
static void job_lost_worker(struct master *master, struct master_job *job, const struct fact *lost)
{
    uint32_t attempts = attempts_on(job, lost->worker_id), outputs = outputs_on(job, lost);
    char worker[LABEL_BYTES];
    struct buf text = {0};

    if (attempts + outputs == 0)
        return;
    job_effort_worker_lost(&job->effort);
    job_notice_worker_lost(label(master, lost->worker_id, worker), attempts, outputs, &text);
    notice(master, job, &text);
}

/* An attempt of the job has failed, which goes on. */
static void job_tries_again(struct master *master, const struct fact *fact)
{
    const struct master_attempt *attempt = master_attempt_find(master, fact->attempt_id);
    struct master_job *job = master_job_find(master, fact->job_id);
    struct job_notice_of of = {0};
    char worker[LABEL_BYTES];
    struct buf text = {0};

    if (!job)
        return;
    of.step = job->record->submit->step ? job->record->submit->step->number : 0;
    of.is_driver = job->record->submit->drive && fact->stage == STAGE_PLAN;
    if (attempt)
        of.worker = label(master, attempt->worker_id, worker);
    job_notice_retry(fact, &of, job_faults_find(&job->faults, fact->attempt_id), &text);
    notice(master, job, &text);
}

/* An attempt has ended. Of one that the master has not heard of in this life nothing is known. */
static void ended(struct master *master, uint64_t attempt_id, enum attempt_outcome outcome, int end)
{
    const struct master_attempt *attempt = master_attempt_find(master, attempt_id);
    struct master_job *job = attempt ? master_job_find(master, attempt->job_id) : NULL;
    struct timeline_entry entry = {.attempt_id = attempt_id, .outcome = outcome}, in_slot;

    if (!job)
        return;
    entry.begun_ns = attempt->begun_ns;
    entry.ended_ns = clock_monotonic_ns();
    entry.task = attempt->task;
    entry.worker_id = attempt->worker_id;
    entry.stage = attempt->stage;
    job_timeline_add(&job->timeline, &entry);
    in_slot = entry;
    in_slot.begun_ns = attempt->ran_ns ? attempt->ran_ns : attempt->begun_ns;
    job_effort_attempt(&job->effort, &in_slot, worker_name(master, attempt->worker_id));
    if (outcome == OUTCOME_COMPLETED)
        metrics_attempt_completed(&master->totals, attempt->stage, entry.ended_ns - entry.begun_ns);
    else
        metrics_attempt_failed(&master->totals, attempt->stage, end);
}

static uint64_t counter_of(const Mrlua__Done *done, const char *name)
{
    for (size_t i = 0; i < done->n_counters; i++)
        if (strcmp(done->counters[i]->name, name) == 0)
            return done->counters[i]->value > 0 ? (uint64_t)done->counters[i]->value : 0;
    return 0;
}

static void count_work(struct metrics_totals *totals, enum stage_kind stage,
                       const Mrlua__Done *done)
{
    if (stage == STAGE_REDUCE || counter_of(done, "map_bytes_out") > 0) { /* a part */
        totals->output_bytes += done->bytes;
        totals->output_records += done->records;
    }
    if (stage == STAGE_MAP) {
        totals->input_bytes += counter_of(done, "map_bytes_in");
        totals->input_records += counter_of(done, "map_records_in");
        totals->shuffle_bytes += counter_of(done, "map_bytes_written");
        totals->shuffle_records += counter_of(done, "map_records_written");
    }
}

static void completed(struct master *master, const struct fact *fact)
{
    const struct master_attempt *attempt = master_attempt_find(master, fact->attempt_id);

    if (attempt && attempt->done)
        count_work(&master->totals, attempt->stage, attempt->done);
    ended(master, fact->attempt_id, OUTCOME_COMPLETED, 0);
}

static void worker_lost(struct master *master, const struct fact *lost)
{
    master->totals.workers_lost++;
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next)
        job_lost_worker(master, CONTAINER_OF(at, struct master_job, link), lost);
    for (struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        const struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        if (attempt->worker_id == lost->worker_id)
            ended(master, attempt->id, OUTCOME_WORKER_LOST, METRICS_WORKER_LOST);
    }
}

static void output_lost(struct master *master, uint64_t job_id)
{
    struct master_job *job = master_job_find(master, job_id);

    master->totals.outputs_lost++;
    if (job)
        job_effort_output_lost(&job->effort);
}

static void attempt_ended(struct master *master, const struct fact *fact, size_t left)
{
    enum attempt_outcome outcome;

    if (!attempt_outcome_of(fact, left > 1 ? fact + 1 : NULL, &outcome))
        return;
    if (job_notice_is_retry(fact, left))
        job_tries_again(master, fact);
    ended(master, fact->attempt_id, outcome,
          outcome == OUTCOME_FAILED ? (int)fact->failure : METRICS_GIVEN_UP);
}

void master_job_effort(const struct master_job *job, struct job_effort *out)
{
    *out = job->effort;
    if (!job->record->submit->drive)
        job_work_of(&job->results, job->plan_done ? job->plan_done->plan : NULL,
                    job->stage_begun_ns, job->stage_ended_ns, clock_monotonic_ns(), &out->work);
}

void master_account(struct master *master, const struct fact *fact, size_t left)
{
    switch (fact->kind) {
    case FACT_ATTEMPT_STARTED:
        metrics_attempt_started(&master->totals, fact->stage);
        return;
    case FACT_PLAN_MADE:
    case FACT_TASK_COMPLETED:
        completed(master, fact);
        return;
    case FACT_ATTEMPT_ENDED:
    case FACT_RECORDS_BAD:
        attempt_ended(master, fact, left);
        return;
    case FACT_OUTPUT_LOST:
        output_lost(master, fact->job_id);
        return;
    case FACT_WORKER_LOST:
        worker_lost(master, fact);
        return;
    case FACT_JOB_ENDED:
        master->totals.jobs_ended[fact->status]++;
        return;
    case FACT_EPOCH_BEGUN:
    case FACT_JOB_ACCEPTED:
    case FACT_OUTPUT_FOUND:
    case FACT_OUTPUTS_LOST:
        return;
    }
}
