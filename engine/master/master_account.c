/*
 * What is counted of facts (metrics.h) and remembered of attempts (job_timeline.h).
 */
#include "master/master_state.h"

#include "base/clock.h"

#include <string.h>

/* An attempt has ended. Of one that the master has not heard of in this life nothing is known. */
static void ended(struct master *master, uint64_t attempt_id, enum attempt_outcome outcome, int end)
{
    const struct master_attempt *attempt = master_attempt_find(master, attempt_id);
    struct master_job *job = attempt ? master_job_find(master, attempt->job_id) : NULL;
    struct timeline_entry entry = {.attempt_id = attempt_id, .outcome = outcome};

    if (!job)
        return;
    entry.begun_ns = attempt->begun_ns;
    entry.ended_ns = clock_monotonic_ns();
    entry.task = attempt->task;
    entry.worker_id = attempt->worker_id;
    entry.stage = attempt->stage;
    job_timeline_add(&job->timeline, &entry);
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

static void worker_lost(struct master *master, uint32_t worker_id)
{
    master->totals.workers_lost++;
    for (struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        const struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        if (attempt->worker_id == worker_id)
            ended(master, attempt->id, OUTCOME_WORKER_LOST, METRICS_WORKER_LOST);
    }
}

void master_account(struct master *master, const struct fact *fact, const struct fact *next)
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
        if (fact->failure == ERR_NONE)
            ended(master, fact->attempt_id,
                  fact_is_lost_race(fact, next) ? OUTCOME_LOST_RACE : OUTCOME_GIVEN_UP,
                  METRICS_GIVEN_UP);
        else
            ended(master, fact->attempt_id, OUTCOME_FAILED, (int)fact->failure);
        return;
    case FACT_RECORDS_BAD:
        ended(master, fact->attempt_id, OUTCOME_FAILED, (int)fact->failure);
        return;
    case FACT_OUTPUT_LOST:
        master->totals.outputs_lost++;
        return;
    case FACT_WORKER_LOST:
        worker_lost(master, fact->worker_id);
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
