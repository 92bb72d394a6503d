/*
 * Facts as lines of the log: each change of a task's state is one line with its job, task, attempt
 * and worker, said once its turn is committed.
 */
#include "master/master_state.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>

/* ---- what is to be said ---- */

static struct master_line *keep(struct master *master, const struct fact *fact)
{
    struct master_line *line;

    if (master->unlogged_count == master->unlogged_capacity) {
        master->unlogged_capacity = master->unlogged_capacity ? 2 * master->unlogged_capacity : 64;
        master->unlogged = mem_realloc_array(master->unlogged, master->unlogged_capacity,
                                             sizeof *master->unlogged);
    }
    line = &master->unlogged[master->unlogged_count++];
    *line = (struct master_line){.fact = *fact};
    return line;
}

static uint32_t count_outputs(const struct master *master, const struct fact *fact)
{
    uint32_t count = 0;

    for (const struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        const struct master_job *job = CONTAINER_OF(at, struct master_job, link);

        for (size_t i = 0; i < job->source_count; i++)
            if (job->sources[i].worker_id == fact->worker_id &&
                job->sources[i].incarnation == fact->incarnation)
                count += job->sources[i].count;
    }
    return count;
}

/* What it ran is lost with it: no fact says so of each. */
static uint32_t keep_attempts(struct master *master, const struct fact *fact)
{
    uint32_t count = 0;

    for (const struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        const struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);
        const struct fact ended = {.kind = FACT_ATTEMPT_ENDED,
                                   .job_id = attempt->job_id,
                                   .stage = attempt->stage,
                                   .task = attempt->task,
                                   .attempt_id = attempt->id,
                                   .worker_id = attempt->worker_id};

        if (attempt->worker_id != fact->worker_id)
            continue;
        keep(master, &ended)->is_with_worker = true;
        count++;
    }
    return count;
}

void master_log_keep(struct master *master, const struct fact *fact)
{
    struct master_line *line;
    size_t number = master->unlogged_count;
    uint32_t attempts = 0;

    if (log_format() == LOG_OFF)
        return;
    keep(master, fact);
    if (fact->kind == FACT_WORKER_LOST)
        attempts = keep_attempts(master, fact);
    line = &master->unlogged[number]; /* where it may have moved to */
    line->attempts = attempts;
    if (fact->kind == FACT_WORKER_LOST || fact->kind == FACT_OUTPUTS_LOST)
        line->outputs = count_outputs(master, fact);
}

/* ---- of attempts ---- */

enum { FIELD_COUNT_MAX = 8 };

struct line {
    struct log_field fields[FIELD_COUNT_MAX];
    size_t count;
};

static void add(struct line *line, struct log_field field)
{
    assert(line->count < FIELD_COUNT_MAX);
    line->fields[line->count++] = field;
}

static void add_worker(struct line *line, uint32_t worker_id)
{
    if (worker_id == WORKER_NONE)
        add(line, log_text("worker", "master"));
    else if (worker_id > 0) /* 0: an attempt of an earlier life of the master */
        add(line, log_number("worker", worker_id));
}

static struct line attempt_line(const struct fact *fact)
{
    struct line line = {.count = 0};

    add(&line, log_number("job", fact->job_id));
    add(&line, log_task(stage_kind_name(fact->stage), fact->task));
    add(&line, log_number("attempt", fact->attempt_id));
    add_worker(&line, fact->worker_id);
    return line;
}

static void say(enum log_severity severity, const char *event, const struct line *line)
{
    log_write(severity, event, line->fields, line->count);
}

static void say_attempt(enum log_severity severity, const char *event, const struct fact *fact)
{
    struct line line = attempt_line(fact);

    say(severity, event, &line);
}

static void add_failure(struct line *line, const struct fact *fact, const struct job_fault *fault)
{
    add(line, log_text("kind", err_kind_name(fact->failure)));
    add(line, log_text("reason", fault ? fault->err.message : "nothing was heard of it"));
}

static const struct job_fault *fault_of(const struct master *master, const struct fact *fact)
{
    const struct master_job *job = master_job_find(master, fact->job_id);

    return job ? job_faults_find(&job->faults, fact->attempt_id) : NULL;
}

/* It failed, and its task goes on without what it failed on. */
static void say_records_bad(const struct master *master, const struct fact *fact)
{
    struct line line = attempt_line(fact);

    add(&line, log_number("records", fact->bad_count));
    add_failure(&line, fact, fault_of(master, fact));
    say(SEVERITY_WARNING, "records_bad", &line);
}

/* Without a result: it failed, or it was given up and nobody is to blame. */
static void say_attempt_ended(const struct master *master, const struct master_line *kept,
                              const struct fact *next)
{
    const struct fact *fact = &kept->fact;
    struct line line = attempt_line(fact);

    if (kept->is_with_worker) {
        say(SEVERITY_WARNING, "attempt_lost", &line);
        return;
    }
    if (fact->failure == ERR_NONE) {
        if (fact_is_lost_race(fact, next))
            add(&line, log_text("reason", "killed (lost race)"));
        say(SEVERITY_INFO, "attempt_given_up", &line);
        return;
    }
    add_failure(&line, fact, fault_of(master, fact));
    say(SEVERITY_WARNING, "attempt_failed", &line);
}

/* A fact of an output names its attempt; the timeline knows whose that was. */
static void say_output_lost(const struct master *master, const struct fact *fact)
{
    const struct master_job *job = master_job_find(master, fact->job_id);
    const struct timeline_entry *entry =
        job ? job_timeline_find(&job->timeline, fact->attempt_id) : NULL;
    struct fact whole = *fact;

    whole.worker_id = entry ? entry->worker_id : 0;
    say_attempt(SEVERITY_WARNING, "output_lost", &whole);
}

/* ---- of jobs and workers ---- */

static void say_job_accepted(const struct master *master, const struct fact *fact)
{
    const struct master_job *job = master_job_find(master, fact->job_id);

    log_event(SEVERITY_INFO, "job_accepted", log_number("job", fact->job_id),
              log_text("name", job ? job->record->submit->name : NULL),
              log_text("user", job ? job->record->submit->user : NULL));
}

static void say_plan_made(const struct fact *fact)
{
    log_event(SEVERITY_INFO, "plan_made", log_number("job", fact->job_id),
              log_number("attempt", fact->attempt_id), log_number("maps", fact->map_count),
              log_number("reduces", fact->reduce_count));
}

static void say_job_ended(const struct master *master, const struct fact *fact)
{
    const struct master_past *past = master_past_find(master, fact->job_id);
    const Mrlua__Error *error = past ? past->history->info->error : NULL;
    struct line line = {.count = 0};

    add(&line, log_number("job", fact->job_id));
    add(&line, log_text("status", job_status_name(fact->status)));
    if (fact->status != JOB_SUCCEEDED && error)
        add(&line, log_text("reason", error->message));
    say(fact->status == JOB_FAILED ? SEVERITY_ERROR : SEVERITY_INFO, "job_ended", &line);
}

static void say_worker(const char *event, const struct master_line *line)
{
    log_event(SEVERITY_WARNING, event, log_number("worker", line->fact.worker_id),
              log_number("incarnation", line->fact.incarnation),
              log_number("attempts", line->attempts), log_number("outputs", line->outputs));
}

static void say_line(const struct master *master, const struct master_line *line,
                     const struct fact *next)
{
    const struct fact *fact = &line->fact;

    switch (fact->kind) {
    case FACT_EPOCH_BEGUN:
        log_event(SEVERITY_INFO, "epoch_begun", log_number("epoch", fact->epoch));
        return;
    case FACT_JOB_ACCEPTED:
        say_job_accepted(master, fact);
        return;
    case FACT_PLAN_MADE:
        say_plan_made(fact);
        return;
    case FACT_ATTEMPT_STARTED:
        say_attempt(SEVERITY_INFO, "attempt_started", fact);
        return;
    case FACT_ATTEMPT_ENDED:
        say_attempt_ended(master, line, next);
        return;
    case FACT_RECORDS_BAD:
        say_records_bad(master, fact);
        return;
    case FACT_TASK_COMPLETED:
        say_attempt(SEVERITY_INFO, "task_completed", fact);
        return;
    case FACT_OUTPUT_LOST:
        say_output_lost(master, fact);
        return;
    case FACT_OUTPUT_FOUND:
        say_attempt(SEVERITY_INFO, "output_found", fact);
        return;
    case FACT_WORKER_LOST:
        say_worker("worker_lost", line);
        return;
    case FACT_OUTPUTS_LOST:
        say_worker("outputs_lost", line);
        return;
    case FACT_JOB_ENDED:
        say_job_ended(master, fact);
        return;
    }
}

void master_log_say(struct master *master)
{
    for (size_t i = 0; i < master->unlogged_count; i++)
        say_line(master, &master->unlogged[i],
                 i + 1 < master->unlogged_count ? &master->unlogged[i + 1].fact : NULL);
    master->unlogged_count = 0;
}
