#include "master/master_state.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/claim.h"
#include "master/job_plan_v1.h"
#include "sched/fact_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 4 };

void master_pack_fact(const struct fact *fact, struct slice extra, struct buf *out)
{
    size_t at = out->len;
    char length[LENGTH_BYTES] = {0};

    buf_append(out, length, sizeof length);
    fact_encode(fact, out);
    put_u32le(out->ptr + at, (uint32_t)(out->len - at - LENGTH_BYTES));
    buf_append(out, extra.ptr, extra.len);
}

static int unpack_fact(struct slice row, struct fact *fact, struct slice *extra, struct err *err)
{
    size_t len;

    if (row.len < LENGTH_BYTES || get_u32le(row.ptr) > row.len - LENGTH_BYTES)
        return err_set(err, ERR_SETUP, "the journal holds a fact that is cut off");
    len = get_u32le(row.ptr);
    *extra = slice_of(row.ptr + LENGTH_BYTES + len, row.len - LENGTH_BYTES - len);
    return fact_decode(slice_of(row.ptr + LENGTH_BYTES, len), fact, err);
}

/* The facts so far, in order. */
struct restoring {
    struct master *master;
    struct fact *facts;
    size_t count, capacity;
};

static struct fact *next_fact(struct restoring *restoring)
{
    if (restoring->count == restoring->capacity) {
        restoring->capacity = restoring->capacity ? 2 * restoring->capacity : 64;
        restoring->facts =
            mem_realloc_array(restoring->facts, restoring->capacity, sizeof *restoring->facts);
    }
    return &restoring->facts[restoring->count];
}

static int take_result(struct master_job *job, const struct fact *fact, struct slice extra,
                       struct err *err)
{
    Mrlua__Done *done;

    if (fact->stage == STAGE_MAP)
        master_job_note_source(job, fact);
    done = message_unpack(&mrlua__done__descriptor, extra, err);
    if (!done)
        return -1;
    job_results_take(&job->results, fact->stage, fact->task, fact->attempt_id, done);
    return 0;
}

static int take_fault(struct master_job *job, const struct fact *fact, struct slice extra,
                      struct err *err)
{
    Mrlua__Error *error = message_unpack(&mrlua__error__descriptor, extra, err);
    struct err fault;

    if (!error)
        return -1;
    message_to_err(error, &fault);
    job_faults_add(&job->faults, fact->attempt_id, &fault, error->detail);
    master_job_report_bad(job, fact, error, fact->kind == FACT_RECORDS_BAD);
    if (fact->kind == FACT_RECORDS_BAD)
        job_bad_take(&job->bad, fact->attempt_id);
    message_free(error);
    return 0;
}

static void lose_sources(struct master *master, const struct fact *fact)
{
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next)
        master_job_drop_source(CONTAINER_OF(at, struct master_job, link), fact->worker_id,
                               fact->incarnation);
}

static int take_fact(struct restoring *restoring, struct slice row, struct err *err)
{
    struct fact *fact = next_fact(restoring);
    struct master_job *job;
    struct slice extra;

    if (unpack_fact(row, fact, &extra, err) != 0)
        return -1;
    restoring->count++;
    if (fact->kind == FACT_WORKER_LOST || fact->kind == FACT_OUTPUTS_LOST)
        lose_sources(restoring->master, fact);
    job = master_job_find(restoring->master, fact->job_id);
    if (!job)
        return 0;
    if (fact->kind == FACT_TASK_COMPLETED)
        return take_result(job, fact, extra, err);
    if ((fact->kind == FACT_ATTEMPT_ENDED || fact->kind == FACT_RECORDS_BAD) && extra.len > 0)
        return take_fault(job, fact, extra, err);
    if (fact->kind == FACT_OUTPUT_FOUND)
        master_job_note_source(job, fact);
    return 0;
}

static int take_job(struct master *master, const struct journal_row *row, struct err *err)
{
    Mrlua__JobRecord *record = message_unpack(&mrlua__job_record__descriptor, row->payload, err);

    if (!record)
        return -1;
    if (!record->submit || master_job_find(master, row->job_id) || row->job_id == 0) {
        message_free(record);
        return err_set(err, ERR_SETUP, "the journal holds a job that is none");
    }
    master_job_add_take(master, row->job_id, record);
    return 0;
}

static int take_plan(struct master *master, const struct journal_row *row, struct err *err)
{
    struct master_job *job = master_job_find(master, row->job_id);
    Mrlua__Done *done = row->version == 1
                            ? job_plan_v1_unpack(row->payload, err)
                            : message_unpack(&mrlua__done__descriptor, row->payload, err);

    if (!done)
        return -1;
    if (!job || job->plan_done ||
        job_plan_check(done->plan, job->record->submit->n_groups, job->record->submit->map_only,
                       err) != 0) {
        message_free(done);
        return err_set(err, ERR_SETUP, "the journal holds a plan that is none");
    }
    master_job_plan_take(job, done);
    return 0;
}

static int take_history(struct master *master, const struct journal_row *row, struct err *err)
{
    Mrlua__JobHistory *history = message_unpack(&mrlua__job_history__descriptor, row->payload, err);

    if (!history)
        return -1;
    if (!history->info) {
        message_free(history);
        return err_set(err, ERR_SETUP, "the journal holds a history that is none");
    }
    master_past_add_take(master, row->job_id, history);
    return 0;
}

static int take_step(struct master *master, const struct journal_row *row, struct err *err)
{
    struct master_job *job = master_job_find(master, row->job_id);
    Mrlua__StepRecord *record = message_unpack(&mrlua__step_record__descriptor, row->payload, err);

    if (!record)
        return -1;
    if (!job || !record->answer || record->number != job->step_count + 1) {
        message_free(record);
        return err_set(err, ERR_SETUP, "the journal holds a step that is none");
    }
    master_step_take(job, record);
    return 0;
}

static int take_files(struct master *master, const struct journal_row *row, struct err *err)
{
    struct master_job *job = master_job_find(master, row->job_id);
    Mrlua__Done *done = message_unpack(&mrlua__done__descriptor, row->payload, err);
    bool is_right = job && done && done->plan;

    if (is_right)
        master_job_pin(job, done->plan);
    else if (done)
        err_set(err, ERR_SETUP, "the journal holds side files of no job");
    message_free(done);
    return is_right ? 0 : -1;
}

static int take_row(void *context, const struct journal_row *row, struct err *err)
{
    struct restoring *restoring = context;

    switch (row->kind) {
    case JOURNAL_FACT:
        return take_fact(restoring, row->payload, err);
    case JOURNAL_JOB:
        return take_job(restoring->master, row, err);
    case JOURNAL_PLAN:
        return take_plan(restoring->master, row, err);
    case JOURNAL_HISTORY:
        return take_history(restoring->master, row, err);
    case JOURNAL_STEP:
        return take_step(restoring->master, row, err);
    case JOURNAL_FILES:
        return take_files(restoring->master, row, err);
    }
    return err_set(err, ERR_SETUP, "the journal holds a row of a kind that is not known");
}

/* Outputs that the master of before has claimed are this one's: else whoever asks takes them for
 * those of a job that was killed. A folder that cannot be written to fails its job later. */
static void renew_claims(const struct master *master)
{
    struct err err;

    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        const struct master_job *job = CONTAINER_OF(at, struct master_job, link);
        struct claim mine = {.pid = job->publish.holder};

        if (job->publish.is_gs)
            continue; /* that claim names no process */
        snprintf(mine.job, sizeof mine.job, "%s", job->publish.job_id);
        if (claim_renew(job->publish.claim, &mine, &err) != 0)
            log_event(SEVERITY_WARNING, "claim_not_renewed", log_number("job", job->id),
                      log_text("reason", err.message));
    }
}

static bool is_wanted(void *context, const char *hash_text)
{
    uint8_t hash[BLOB_HASH_BYTES];

    return blob_hash_parse(hash_text, hash) && master_blob_is_named(context, hash);
}

int master_restore(struct master *master, struct err *err)
{
    struct restoring restoring = {.master = master};
    struct event tick = {.kind = EVENT_TICK};
    int rc = journal_read(master->journal, take_row, &restoring, err);

    if (rc == 0)
        rc = sched_restore(master->sched, restoring.facts, restoring.count, err);
    free(restoring.facts);
    if (rc != 0)
        return -1;
    master_aborts_again(master);
    renew_claims(master);
    blobs_sweep(&master->blobs, is_wanted, master);
    master_queue(master, &tick);
    master_turn(master);
    if (master->has_failed) {
        *err = master->err;
        return -1;
    }
    log_event(SEVERITY_INFO, "master_restored", log_number("epoch", master->epoch),
              log_number("facts", restoring.count), log_number("past_jobs", master->past_count));
    return 0;
}
