#include "master/master_state.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

void master_queue(struct master *master, const struct event *event)
{
    if (master->queue_count == master->queue_capacity) {
        master->queue_capacity = master->queue_capacity ? 2 * master->queue_capacity : 64;
        master->queue = mem_realloc_array(master->queue, master->queue_capacity, sizeof *event);
    }
    master->queue[master->queue_count++] = *event;
    if (!master->is_turning)
        loop_timer_start(master->turn_timer, 0);
}

void master_post(struct master *master, const struct master_letter *letter)
{
    if (master->letter_count == master->letter_capacity) {
        master->letter_capacity = master->letter_capacity ? 2 * master->letter_capacity : 64;
        master->letters =
            mem_realloc_array(master->letters, master->letter_capacity, sizeof *letter);
    }
    master->letters[master->letter_count++] = *letter;
    if (!master->is_turning)
        loop_timer_start(master->turn_timer, 0);
}

/* ---- attempts ---- */

struct master_attempt *master_attempt_find(const struct master *master, uint64_t id)
{
    return id ? idtable_get(&master->attempts_by_id, id) : NULL;
}

struct master_attempt *master_attempt_add(struct master *master, const struct command *command)
{
    struct master_attempt *attempt = master_attempt_find(master, command->attempt_id);

    if (attempt)
        return attempt;
    attempt = mem_alloc(sizeof *attempt);
    *attempt = (struct master_attempt){
        .master = master,
        .id = command->attempt_id,
        .job_id = command->job_id,
        .stage = command->stage,
        .task = command->task,
        .worker_id = command->worker_id,
        .begun_ns = clock_monotonic_ns(),
        .process = {.fd = -1},
    };
    list_init(&attempt->by_master);
    list_append(&master->attempts, &attempt->by_master);
    idtable_put(&master->attempts_by_id, attempt->id, attempt);
    return attempt;
}

void master_attempt_remove(struct master_attempt *attempt)
{
    idtable_remove(&attempt->master->attempts_by_id, attempt->id);
    list_remove(&attempt->by_master);
    loop_event_close(attempt->readable);
    if (attempt->readable)
        attempt_end(&attempt->process);
    message_free(attempt->done);
    buf_deinit(&attempt->plan);
    free(attempt);
}

struct event master_event(const struct master_attempt *attempt, enum event_kind kind)
{
    const struct master_worker *worker = master_worker_find(attempt->master, attempt->worker_id);

    return (struct event){.kind = kind,
                          .job_id = attempt->job_id,
                          .attempt_id = attempt->id,
                          .worker_id = attempt->worker_id,
                          .incarnation = worker ? worker->incarnation : 0};
}

static void keep_fault(struct master_job *job, const struct master_attempt *attempt,
                       const struct err *err, const Mrlua__Error *error)
{
    struct buf detail = {0};

    buf_append_string(&detail, error ? error->detail : "");
    job_bad_advise(error, job->record->submit->skip_bad, &detail);
    job_faults_add(&job->faults, attempt->id, err, buf_string(&detail));
    master_trail_keep(attempt, job, err, error, buf_string(&detail));
    buf_deinit(&detail);
}

void master_attempt_failed(struct master_attempt *attempt, const Mrlua__Error *error)
{
    struct master_job *job = master_job_find(attempt->master, attempt->job_id);
    struct event event = master_event(attempt, EVENT_ATTEMPT_FAILED);
    struct err err;

    if (error)
        message_to_err(error, &err);
    else
        err_set(&err, ERR_RETRY, "an attempt failed without a reason");
    event.failure = err.kind == ERR_NONE ? ERR_RETRY : err.kind;
    if (event.failure == ERR_PEER) {
        event.peer_task = error->peer_map;
        event.peer_attempt_id = error->peer_attempt;
        if (event.peer_attempt_id == 0)
            event.failure = ERR_RETRY; /* nobody to blame for it */
    }
    if (job && error) {
        struct fact place = {
            .attempt_id = attempt->id, .stage = attempt->stage, .task = attempt->task};

        event.bad_count = master_job_report_bad(job, &place, error, false);
        if (event.bad_count > 0)
            event.kind = EVENT_RECORDS_BAD;
    }
    if (job)
        keep_fault(job, attempt, &err, error);
    master_queue(attempt->master, &event);
}

/* ---- facts ---- */

/* What is kept with a fact: the answer of a task, the words of a failure. */
static void pack_extra(struct master *master, const struct fact *fact, struct buf *out)
{
    const struct master_attempt *attempt = master_attempt_find(master, fact->attempt_id);
    const struct master_job *job = master_job_find(master, fact->job_id);
    const struct job_fault *fault;
    Mrlua__Error error = MRLUA__ERROR__INIT;

    if (fact->kind == FACT_TASK_COMPLETED && attempt && attempt->done)
        message_pack(out, &attempt->done->base);
    if ((fact->kind != FACT_ATTEMPT_ENDED && fact->kind != FACT_RECORDS_BAD) ||
        fact->failure == ERR_NONE || !job)
        return;
    fault = job_faults_find(&job->faults, fact->attempt_id);
    if (!fault && fact->kind != FACT_RECORDS_BAD)
        return;
    if (fault)
        message_of_err(&error, &fault->err, fault->detail);
    error.kind = fact->failure;
    job_bad_tell(&job->bad, fact->attempt_id, &error);
    message_pack(out, &error.base);
}

/* The plan stands before the fact that there is one. */
static void note_plan(struct master *master, const struct fact *fact)
{
    struct master_attempt *attempt = master_attempt_find(master, fact->attempt_id);
    struct master_job *job = master_job_find(master, fact->job_id);

    if (!attempt || !attempt->done || !job)
        return;
    journal_append(master->journal, JOURNAL_PLAN, job->id, buf_slice(&attempt->plan));
    buf_deinit(&attempt->plan);
    master_job_plan_take(job, attempt->done);
    attempt->done = NULL;
    job->stage_ended_ns[STAGE_PLAN] = clock_monotonic_ns();
}

static void note_completed(struct master *master, const struct fact *fact)
{
    struct master_attempt *attempt = master_attempt_find(master, fact->attempt_id);
    struct master_job *job = master_job_find(master, fact->job_id);

    if (!job)
        return;
    job->stage_ended_ns[fact->stage] = clock_monotonic_ns();
    if (attempt && attempt->done) {
        job_results_take(&job->results, fact->stage, fact->task, fact->attempt_id, attempt->done);
        attempt->done = NULL;
    }
    if (fact->stage == STAGE_MAP)
        master_job_note_source(job, fact);
}

/* Its attempts ended with it. */
static void forget_attempts_of(struct master *master, uint32_t worker_id)
{
    for (struct list *at = master->attempts.next, *next; at != &master->attempts; at = next) {
        struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        next = at->next;
        if (attempt->worker_id == worker_id)
            master_attempt_remove(attempt);
    }
}

static void drop_sources(struct master *master, const struct fact *fact)
{
    if (fact->kind == FACT_WORKER_LOST)
        forget_attempts_of(master, fact->worker_id);
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next)
        master_job_drop_source(CONTAINER_OF(at, struct master_job, link), fact->worker_id,
                               fact->incarnation);
}

/* The job's rows become one: its history. */
static void note_job_ended(struct master *master, const struct fact *fact)
{
    struct master_job *job = master_job_find(master, fact->job_id);
    Mrlua__JobHistory *history;
    struct buf info = {0}, packed = {0};
    struct err err;

    master->is_durable = true;
    journal_remove(master->journal, fact->job_id);
    if (!job)
        return;
    master_job_info(job, INFO_WHOLE, &info);
    history = mem_alloc(sizeof *history);
    mrlua__job_history__init(history);
    history->info = message_unpack(&mrlua__job_info__descriptor, buf_slice(&info), &err);
    assert(history->info); /* it was packed here */
    history->idempotency_key = job->record->submit->idempotency_key;
    history->publish_id = job->record->publish_id;
    history->overwrite = job->record->submit->overwrite;
    history->shuffle = (char *)(uintptr_t)buf_string(&job->shuffle);
    history->facts = master_facts_of(master, job->id);
    message_pack(&packed, &history->base);
    journal_append(master->journal, JOURNAL_HISTORY, job->id, buf_slice(&packed));
    message_free(history->info);
    message_free(history->facts);
    free(history);
    master_step_note(master, job);
    history = message_unpack(&mrlua__job_history__descriptor, buf_slice(&packed), &err);
    assert(history);
    master_past_add_take(master, job->id, history);
    buf_deinit(&info);
    buf_deinit(&packed);
}

static void keep(struct master *master, const struct fact *fact)
{
    struct buf extra = {0}, row = {0};

    pack_extra(master, fact, &extra);
    master_pack_fact(fact, buf_slice(&extra), &row);
    journal_append(master->journal, JOURNAL_FACT, fact->job_id, buf_slice(&row));
    buf_deinit(&extra);
    buf_deinit(&row);
}

static void note(struct master *master, const struct fact *fact)
{
    struct master_job *job = master_job_find(master, fact->job_id);

    if (job)
        job->change_count++;
    if (fact->kind == FACT_JOB_ENDED) {
        note_job_ended(master, fact);
        return;
    }
    if (fact->kind == FACT_PLAN_MADE)
        note_plan(master, fact);
    keep(master, fact); /* before what the attempt told is taken from it */
    switch (fact->kind) {
    case FACT_EPOCH_BEGUN:
        master->epoch = fact->epoch;
        master->epoch_fact = *fact;
        return;
    case FACT_JOB_ACCEPTED:
        master->is_durable = true;
        return;
    case FACT_TASK_COMPLETED:
        note_completed(master, fact);
        return;
    case FACT_OUTPUT_FOUND:
        if (job)
            master_job_note_source(job, fact);
        return;
    case FACT_WORKER_LOST:
    case FACT_OUTPUTS_LOST:
        drop_sources(master, fact);
        return;
    case FACT_ATTEMPT_STARTED:
        if (job && !job->stage_begun_ns[fact->stage])
            job->stage_begun_ns[fact->stage] = clock_monotonic_ns();
        return;
    case FACT_RECORDS_BAD:
        if (job)
            job_bad_take(&job->bad, fact->attempt_id);
        return;
    case FACT_PLAN_MADE:
    case FACT_ATTEMPT_ENDED:
    case FACT_OUTPUT_LOST:
    case FACT_JOB_ENDED:
        return;
    }
}

/* ---- commands ---- */

void master_job_over(struct master *master, uint64_t job_id, bool has_succeeded)
{
    const struct master_past *past = master_past_find(master, job_id);

    master_watch_job_ended(master, job_id);
    if (past && past->history->info->parent)
        return; /* a step: its job goes on, or ends by itself */
    if (!master->has_ended)
        master->has_succeeded = has_succeeded;
    master->has_ended = true;
}

static void job_ended(struct master *master, const struct command *command)
{
    struct master_job *job = master_job_find(master, command->job_id);
    struct master_past *past = master_past_find(master, command->job_id);

    if (!job)
        return;
    master_workers_job_over(master, job->id);
    if (past) {
        past->log = job->log; /* who was cut off may still ask for it */
        job->log = (struct job_log){0};
        past->timeline = job->timeline;
        past->begun_ns = job->begun_ns;
        job->timeline = (struct job_timeline){0};
        master_past_drop_timeline(master);
    }
    master_job_leave_blobs(job);
    master_steps_cancel(master, job->id);
    if (job->record->submit->step)
        master_step_over(master, job->record->submit->step);
    if (command->status == JOB_SUCCEEDED)
        master_job_over(master, job->id, true);
    else
        master_abort_begin(master, job);
    master_job_remove(job);
    mem_give_back(); /* of 100,000 tasks 20 MB stayed */
}

static void carry_out(struct master *master, const struct command *command)
{
    struct master_attempt *attempt;

    switch (command->kind) {
    case COMMAND_START_ATTEMPT:
        master_attempt_add(master, command);
        if (command->worker_id == WORKER_NONE)
            master_helper_start(master, command);
        else
            master_worker_command(master, command);
        return;
    case COMMAND_KILL_ATTEMPT:
        attempt = master_attempt_find(master, command->attempt_id);
        if (command->worker_id != WORKER_NONE)
            master_worker_command(master, command);
        if (attempt && attempt->readable)
            master_helper_stop(attempt);
        else if (attempt)
            master_attempt_remove(attempt);
        return;
    case COMMAND_RUN_ATTEMPT:
        attempt = master_attempt_find(master, command->attempt_id);
        if (attempt)
            attempt->ran_ns = clock_monotonic_ns();
        master_worker_command(master, command);
        return;
    case COMMAND_FORGET_OUTPUT:
        master_worker_command(master, command);
        return;
    case COMMAND_JOB_ENDED:
        job_ended(master, command);
        return;
    }
}

static void deliver(struct master *master)
{
    master_log_say(master);
    for (size_t i = 0; i < master->letter_count; i++) {
        struct master_letter letter = master->letters[i]; /* more may be posted, the list moves */

        if (letter.kind == LETTER_COMMAND)
            carry_out(master, &letter.command);
        else if (letter.kind == LETTER_HEARD)
            master_worker_heard(master, &letter);
        else
            master_clients_accepted(master, &letter);
    }
    master->letter_count = 0;
}

/* ---- the turn ---- */

/* Attempts that have ended are not asked about any more. */
static void forget_attempt(struct master *master, const struct fact *fact)
{
    struct master_attempt *attempt = master_attempt_find(master, fact->attempt_id);

    if (attempt && attempt->is_driver && fact->kind == FACT_ATTEMPT_ENDED)
        master_drive_stop(attempt); /* it may not know */
    if (attempt && !attempt->readable &&
        (fact->kind == FACT_TASK_COMPLETED || fact->kind == FACT_PLAN_MADE ||
         fact->kind == FACT_ATTEMPT_ENDED || fact->kind == FACT_RECORDS_BAD))
        master_attempt_remove(attempt);
}

static void step(struct master *master, struct event *event)
{
    struct master_letter letter = {.kind = LETTER_COMMAND};

    event->now_ns = clock_monotonic_ns();
    sched_step(master->sched, event, &master->decisions);
    for (size_t i = 0; i < master->decisions.fact_count; i++) {
        const struct fact *fact = &master->decisions.facts[i];

        master_account(master, fact, master->decisions.fact_count - i);
        master_log_keep(master, fact);
        note(master, fact);
        forget_attempt(master, fact);
    }
    for (size_t i = 0; i < master->decisions.command_count; i++) {
        letter.command = master->decisions.commands[i];
        master_post(master, &letter);
    }
}

/* When nobody lives, facts of no job say nothing but which epoch it was. */
static void prune(struct master *master)
{
    if (!list_is_empty(&master->jobs) ||
        journal_row_count(master->journal) <= master->past_count + 16)
        return;
    journal_remove(master->journal, 0);
    keep(master, &master->epoch_fact);
}

static void arm(struct master *master)
{
    uint64_t due_ns = sched_next_due_ns(master->sched), now_ns = clock_monotonic_ns();

    master->tick_due_ns = due_ns;
    if (due_ns == UINT64_MAX)
        loop_timer_stop(master->sched_timer);
    else
        loop_timer_start(master->sched_timer, due_ns > now_ns ? due_ns - now_ns : 0);
}

static bool work(struct master *master)
{
    for (size_t i = 0; i < master->queue_count; i++) {
        struct event event = master->queue[i];

        step(master, &event);
    }
    master->queue_count = 0;
    prune(master);
    if (journal_commit(master->journal, master->is_durable, &master->err) != 0)
        return false;
    master->is_durable = false;
    deliver(master);
    return true;
}

void master_turn(struct master *master)
{
    assert(!master->is_turning);
    if (master->has_failed)
        return;
    master->is_turning = true;
    do {
        if (!work(master)) {
            master->has_failed = true;
            loop_break(master->loop);
            return;
        }
    } while (master->queue_count > 0 || master->letter_count > 0);
    master->is_turning = false;
    master_drives_begin(master);
    master_workers_sources(master);
    arm(master);
    if (master->once && master->has_ended && master->linger_until_ns == 0) {
        master->linger_until_ns = clock_monotonic_ns() + MASTER_LINGER_MS * NS_PER_MS;
        loop_timer_start(master->linger_timer, 0);
    }
}
