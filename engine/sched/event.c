#include "sched/event.h"

#include <assert.h>
#include <stdlib.h>

#include "sched/aside.h"
#include "sched/blame.h"
#include "sched/skip.h"

void attempt_give_up(struct sched *sched, struct attempt *attempt)
{
    struct fact fact = attempt_fact(FACT_ATTEMPT_ENDED, attempt);

    assert(fact.failure == ERR_NONE);
    say_attempt_command(sched, COMMAND_KILL_ATTEMPT, attempt);
    say_fact(sched, &fact);
}

static void stage_give_up(struct sched *sched, struct stage *stage)
{
    for (uint32_t i = 0; i < stage->task_count && stage->counts[TASK_IN_PROGRESS] > 0; i++)
        while (stage->tasks[i].attempt)
            attempt_give_up(sched, stage->tasks[i].attempt);
    assert(stage->counts[TASK_IN_PROGRESS] == 0);
}

/* How a job ends; the task and what it did where the reason names them. */
struct ending {
    enum job_change change;
    enum end_reason reason;
    const struct task *task; /* NULL: none is to blame */
    uint64_t attempt_id;
    enum err_kind failure;
};

static void job_end(struct sched *sched, struct job *job, const struct ending *ending)
{
    struct fact fact = {.kind = FACT_JOB_ENDED,
                        .job_id = job->id,
                        .status = job->status,
                        .reason = ending->reason,
                        .attempt_id = ending->attempt_id,
                        .failure = ending->failure};
    bool can = job_next(&fact.status, ending->change);
    struct command *command;

    assert(can);
    if (ending->task) {
        fact.stage = ending->task->stage->kind;
        fact.task = task_index(ending->task);
    }
    for (int kind = 0; kind < STAGE_COUNT; kind++)
        stage_give_up(sched, &job->stages[kind]);
    say_fact(sched, &fact);
    command = say_command(sched, COMMAND_JOB_ENDED);
    command->job_id = fact.job_id;
    command->status = fact.status;
    command->reason = fact.reason;
    command->stage = fact.stage;
    command->task = fact.task;
    command->attempt_id = fact.attempt_id;
    command->failure = fact.failure;
    assert(job_status_is_end(command->status));
}

void job_break(struct sched *sched, const struct attempt *attempt, enum end_reason reason,
               enum err_kind failure)
{
    struct ending ending = {.change = JOB_BROKEN,
                            .reason = reason,
                            .task = attempt->task,
                            .attempt_id = attempt->id,
                            .failure = failure};

    job_end(sched, attempt->task->stage->job, &ending);
}

/* What was read is not what was written. A map that has once differed is the reason, by name. */
static void job_end_audit(struct sched *sched, struct job *job)
{
    struct ending ending = {.change = JOB_BROKEN, .reason = END_AUDIT};

    if (job->attempt_differed != 0) {
        ending.reason = END_NOT_DETERMINISTIC;
        ending.task = task_get(job, STAGE_MAP, job->task_differed);
        ending.attempt_id = job->attempt_differed;
    }
    job_end(sched, job, &ending);
}

bool job_settle(struct sched *sched, struct job *job)
{
    const struct stage *maps = &job->stages[STAGE_MAP];
    const struct stage *reduces = &job->stages[STAGE_REDUCE];

    assert(!job_status_is_end(job->status));
    if (job->status != JOB_COMMITTING)
        return true;
    if (job->stages[STAGE_COMMIT].counts[TASK_COMPLETED] > 0) {
        job_end(sched, job, &(struct ending){.change = JOB_COMMITTED});
        return false;
    }
    if (reduces->task_count > 0 && !digest_equal(&maps->digest, &reduces->digest)) {
        job_end_audit(sched, job);
        return false;
    }
    stage_give_up(sched, &job->stages[STAGE_SAMPLE]); /* of a job without maps */
    stage_give_up(sched, &job->stages[STAGE_MAP]);    /* lost maps that nobody needs now */
    assert(reduces->counts[TASK_IN_PROGRESS] == 0);
    return true;
}

/* Keeps an idle task out of the queue for a while: full jitter, longer with each failure. */
static void task_delay(struct sched *sched, struct task *task, uint32_t failure_count)
{
    uint64_t delay_ns_max = blame_delay_ns_max(&sched->options, failure_count);

    assert(task->state == TASK_IDLE);
    assert(!timer_is_armed(&task->retry));
    list_remove(&task->link);
    task->retry.kind = TIMER_RETRY;
    timer_arm(&sched->timers, &task->retry,
              sched->now_ns + rand_below(&sched->rand, delay_ns_max + 1));
}

/* The task has just reported a failure: another try, or the end of its job. */
static void task_judge(struct sched *sched, struct task *task, const struct cause *cause,
                       uint32_t free_count)
{
    struct job *job = task->stage->job;
    bool runs_job_code = STAGE_TRAITS[task->stage->kind].runs_job_code;
    struct ending ending = {.change = JOB_BROKEN,
                            .task = task,
                            .attempt_id = cause->attempt_id,
                            .failure = cause->failure};

    assert(task->state != TASK_COMPLETED);
    assert(task->failure_count > 0);
    ending.reason = blame_verdict(&job->rules, runs_job_code, cause->failure, task->fault_count,
                                  task->failure_count);
    if (ending.reason != END_NONE)
        job_end(sched, job, &ending);
    else if (task->failure_count > free_count && task->state == TASK_IDLE)
        task_delay(sched, task, task->failure_count - free_count);
}

static void attempt_fail(struct sched *sched, struct attempt *attempt, enum err_kind failure)
{
    struct task *task = attempt->task;
    struct fact fact = attempt_fact(FACT_ATTEMPT_ENDED, attempt);
    struct cause cause = {.attempt_id = fact.attempt_id, .failure = failure};

    assert(failure != ERR_NONE);
    if (failure == ERR_DISK && attempt->worker)
        aside_set(sched, attempt->worker);
    assert(task->state == TASK_IN_PROGRESS);
    fact.failure = failure;
    say_fact(sched, &fact);
    task_judge(sched, task, &cause, 0);
}

/* The output of a completed task cannot be read. It is made again: the first time at once. */
static void output_fail(struct sched *sched, struct task *task)
{
    struct fact fact = {.kind = FACT_OUTPUT_LOST,
                        .job_id = task->stage->job->id,
                        .stage = task->stage->kind,
                        .task = task_index(task),
                        .attempt_id = task->attempt_id,
                        .worker_id = task->worker ? task->worker->id : WORKER_NONE,
                        .incarnation = task->worker ? task->worker->incarnation : 0,
                        .failure = ERR_PEER};
    struct cause cause = {.attempt_id = fact.attempt_id, .failure = ERR_PEER};

    assert(task->state == TASK_COMPLETED);
    assert(!task->worker || task->worker->state != WORKER_GONE);
    say_forget(sched, task);
    say_fact(sched, &fact);
    task_judge(sched, task, &cause, 1);
}

/*
 * `reporter` says that an output cannot be had. Two of them, about two outputs of one worker:
 * nobody can read from it, and all that it holds is made again at once, not one by one. What is in
 * a store has no such holder.
 */
static void output_suspect(struct sched *sched, struct task *task, uint32_t reporter)
{
    struct worker *holder = task->worker;
    bool all = holder && aside_is_suspect(sched, holder, reporter);
    struct fact fact = {.kind = FACT_OUTPUTS_LOST};

    output_fail(sched, task);
    if (!all)
        return;
    fact.worker_id = holder->id;
    fact.incarnation = holder->incarnation;
    for (struct list *at = holder->outputs.next; at != &holder->outputs; at = at->next)
        say_forget(sched, CONTAINER_OF(at, struct task, link));
    if (!list_is_empty(&holder->outputs))
        say_fact(sched, &fact);
    aside_set(sched, holder);
    assert(list_is_empty(&holder->outputs));
}

/* The task of this stage whose output this attempt id is, as long as it is. */
static struct task *output_get(struct stage *stage, uint32_t task_number, uint64_t attempt_id)
{
    struct task *task = task_get(stage->job, stage->kind, task_number);

    assert(!job_status_is_end(stage->job->status));
    if (!task || task->state != TASK_COMPLETED || task->attempt_id != attempt_id)
        return NULL;
    assert((task->worker != NULL) == (stage->home == OUTPUT_ON_WORKER));
    return task;
}

/* The same of a map that reduces read. */
static struct task *map_output_get(struct job *job, const struct event *event)
{
    struct stage *maps = &job->stages[STAGE_MAP];

    return output_is_read_by_reduces(maps->home)
               ? output_get(maps, event->peer_task, event->peer_attempt_id)
               : NULL;
}

/* Whose output an attempt that failed with ERR_PEER names: a commit's a part's, others' a map's. */
static struct task *peer_get(const struct attempt *attempt, const struct event *event)
{
    struct job *job = attempt->task->stage->job;

    return attempt->task->stage->kind == STAGE_COMMIT
               ? output_get(job_last_stage(job), event->peer_task, event->peer_attempt_id)
               : map_output_get(job, event);
}

struct attempt *event_attempt(const struct sched *sched, const struct event *event)
{
    struct attempt *attempt = idtable_get(&sched->attempts_by_id, event->attempt_id);

    if (!attempt)
        return NULL;
    assert(attempt->id == event->attempt_id);
    if (!attempt->worker)
        return event->worker_id == WORKER_NONE ? attempt : NULL;
    if (event->worker_id != attempt->worker->id ||
        event->incarnation != attempt->worker->incarnation)
        return NULL;
    assert(worker_is_here(attempt->worker));
    return attempt;
}

static bool on_job_submitted(struct sched *sched, const struct event *event)
{
    struct fact fact = {.kind = FACT_JOB_ACCEPTED, .job_id = event->job_id, .rules = event->rules};

    assert(event->job_id != 0);
    assert(event->rules.attempts_max >= 1);
    assert(event->rules.attempts_max <= SCHED_FAILURE_COUNT_MAX);
    assert(event->rules.skip_bad <= SCHED_SKIP_BAD_MAX);
    if (job_get(sched, event->job_id) || past_job_get(sched, event->job_id))
        return false;
    say_fact(sched, &fact);
    return true;
}

static bool on_job_cancelled(struct sched *sched, const struct event *event)
{
    struct job *job = job_get(sched, event->job_id);

    if (!job)
        return false;
    assert(job->id == event->job_id);
    /* A commit that runs may have given final names, even the last one: it is let to its end. */
    if (job->stages[STAGE_COMMIT].counts[TASK_IN_PROGRESS] > 0)
        return false;
    job_end(sched, job, &(struct ending){.change = JOB_STOPPED, .reason = END_CANCELLED});
    return true;
}

static bool on_plan_made(struct sched *sched, const struct event *event)
{
    struct attempt *attempt = event_attempt(sched, event);
    struct fact fact;

    assert(event->map_count <= SCHED_TASK_COUNT_MAX);
    assert(event->reduce_count <= SCHED_TASK_COUNT_MAX);
    assert(event->sample_count <= 1);
    if (!attempt || attempt->task->stage->kind != STAGE_PLAN)
        return false;
    fact = attempt_fact(FACT_PLAN_MADE, attempt);
    fact.map_count = event->map_count;
    fact.reduce_count = event->reduce_count;
    fact.sample_count = event->sample_count;
    say_fact(sched, &fact);
    return true;
}

static bool on_attempt_progress(struct sched *sched, const struct event *event)
{
    struct attempt *attempt = event_attempt(sched, event);

    if (!attempt)
        return false;
    attempt_is_alive(sched, attempt);
    if (event->progress_count != attempt->progress_count)
        attempt->moved_ns = sched->now_ns;
    attempt->progress_count = event->progress_count;
    attempt->progress_permille = event->progress_permille;
    return true;
}

static void attempt_has_fetched(struct sched *sched, struct attempt *attempt)
{
    assert(attempt->phase == ATTEMPT_FETCHING);
    timer_disarm(&sched->timers, &attempt->silence);
    attempt_set_phase(sched, attempt, ATTEMPT_FETCHED);
}

static bool on_attempt_fetched(struct sched *sched, const struct event *event)
{
    struct attempt *attempt = event_attempt(sched, event);
    enum attempt_phase phase = attempt ? attempt->phase : ATTEMPT_RUNNING;
    const struct stage *maps;

    if (!attempt)
        return false;
    maps = &attempt->task->stage->job->stages[STAGE_MAP];
    if (!attempt_next(&phase, ATTEMPT_HAS_FETCHED))
        return false;
    /* A run is served before its map is heard of: that is waited for. */
    if (maps->answered_count < maps->task_count)
        attempt->was_early = true;
    else
        attempt_has_fetched(sched, attempt);
    return true;
}

/* The last map has been heard of: reduces that were early hold their inputs now. */
static void maps_have_answered(struct sched *sched, struct stage *reduces)
{
    struct list *next;

    for (struct list *at = reduces->live.next; at != &reduces->live; at = next) {
        struct attempt *attempt = CONTAINER_OF(at, struct attempt, by_stage);

        next = at->next;
        if (attempt->was_early && attempt->phase == ATTEMPT_FETCHING)
            attempt_has_fetched(sched, attempt);
    }
}

/*
 * P6: a second answer that is not the first. Reduces may have read some of the old one and would
 * read some of the new one: all start again. One that has completed cannot: the job fails. (What a
 * reduce has read may differ from what it had read when its part was lost, for that part has never
 * had a name: at the end the sums are compared all the same.)
 */
static bool answer_differs(const struct task *task, const struct digest *digest)
{
    assert(task->state == TASK_IN_PROGRESS);
    return output_is_read_by_reduces(task->stage->home) && task->has_answered &&
           !digest_equal(&task->digest, digest);
}

/* The first answer is the task's: another attempt of it is over, and does not count. */
static void attempt_take_answer(struct sched *sched, struct attempt *attempt,
                                const struct digest *digest)
{
    struct task *task = attempt->task;
    struct fact fact = attempt_fact(FACT_TASK_COMPLETED, attempt);

    if (task->attempt != attempt)
        attempt_give_up(sched, task->attempt);
    else if (attempt->other)
        attempt_give_up(sched, attempt->other);
    if (attempt->worker) {
        runtime_add(&task->stage->runtime, sched->now_ns - attempt->since_ns);
        aside_doubt(sched, task, attempt->worker);
    }
    fact.digest = *digest;
    say_fact(sched, &fact);
    assert(task->attempt_id == fact.attempt_id);
    if (task->stage->kind == STAGE_MAP && task->stage->answered_count == task->stage->task_count)
        maps_have_answered(sched, &task->stage->job->stages[STAGE_REDUCE]);
}

static bool on_attempt_done(struct sched *sched, const struct event *event)
{
    struct attempt *attempt = event_attempt(sched, event);
    struct task *task = attempt ? attempt->task : NULL;
    enum attempt_phase phase = attempt ? attempt->phase : ATTEMPT_RUNNING;
    struct stage *reduces = task ? &task->stage->job->stages[STAGE_REDUCE] : NULL;

    if (!attempt || task->stage->kind == STAGE_PLAN || !attempt_next(&phase, ATTEMPT_IS_DONE))
        return false;
    if (answer_differs(task, &event->digest)) {
        if (reduces->counts[TASK_COMPLETED] > 0) {
            job_break(sched, attempt, END_NOT_DETERMINISTIC, ERR_NONE);
            return true;
        }
        stage_give_up(sched, reduces);
    }
    attempt_take_answer(sched, attempt, &event->digest);
    return true;
}

static bool on_output_lost(struct sched *sched, const struct event *event)
{
    struct job *job = job_get(sched, event->job_id);
    struct task *task = job ? map_output_get(job, event) : NULL;

    if (!task || job->status != JOB_RUNNING)
        return false; /* replaced since, or of no use to anybody */
    assert(task->stage->job == job);
    output_suspect(sched, task, event->worker_id);
    return true;
}

static bool on_attempt_failed(struct sched *sched, const struct event *event)
{
    struct attempt *attempt = event_attempt(sched, event);
    struct task *peer = NULL;
    struct fact fact;

    assert(event->failure > ERR_NONE);
    assert((int)event->failure < ERR_KIND_COUNT);
    if (!attempt) /* whoever says it, what it says of the output is as true */
        return event->failure == ERR_PEER && on_output_lost(sched, event);
    if (event->failure == ERR_PEER)
        peer = peer_get(attempt, event);
    if (!peer) {
        attempt_fail(sched, attempt, event->failure);
        return true;
    }
    /* The map's fault, not the reduce's; the part's, not the commit's. */
    fact = attempt_fact(FACT_ATTEMPT_ENDED, attempt);
    say_fact(sched, &fact);
    output_suspect(sched, peer, event->worker_id);
    return true;
}

/* Its worker drains, or has no room. It will not do so for long, but may be asked again. */
static bool on_attempt_returned(struct sched *sched, const struct event *event)
{
    struct attempt *attempt = event_attempt(sched, event);
    struct task *task = attempt ? attempt->task : NULL;
    struct fact fact;

    if (!attempt)
        return false;
    fact = attempt_fact(FACT_ATTEMPT_ENDED, attempt);
    assert(fact.failure == ERR_NONE);
    say_fact(sched, &fact);
    if (task->state == TASK_IDLE)
        task_delay(sched, task, 1);
    return true;
}

static void on_silence(struct sched *sched, struct attempt *attempt)
{
    assert(attempt->phase != ATTEMPT_FETCHED);
    if (can_be_told(attempt->worker)) {
        struct command *command = say_command(sched, COMMAND_KILL_ATTEMPT);

        *command = attempt_command(COMMAND_KILL_ATTEMPT, attempt);
        command->failure = ERR_RETRY;
    }
    attempt_fail(sched, attempt, ERR_RETRY);
}

static void on_timer(struct sched *sched, struct timer *timer)
{
    timer_disarm(&sched->timers, timer);
    assert(!timer_is_armed(timer));
    switch (timer->kind) {
    case TIMER_SILENCE:
        on_silence(sched, CONTAINER_OF(timer, struct attempt, silence));
        return;
    case TIMER_RETRY:
        task_queue_first(sched, CONTAINER_OF(timer, struct task, retry));
        return;
    case TIMER_REJOIN:
        on_rejoin_timer(sched, CONTAINER_OF(timer, struct worker, rejoin));
        return;
    case TIMER_HEARD:
        on_heard_timer(sched, CONTAINER_OF(timer, struct worker, heard));
        return;
    case TIMER_ASIDE:
        aside_end(sched, CONTAINER_OF(timer, struct worker, aside_end));
        return;
    case TIMER_BACKUP:
        sched->backup_is_due = true;
        return;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

static bool on_tick(struct sched *sched)
{
    struct timer *timer;

    while ((timer = timer_first_due(&sched->timers, sched->now_ns)))
        on_timer(sched, timer);
    assert(timer_next_due_ns(&sched->timers) > sched->now_ns);
    return true;
}

void epoch_begin(struct sched *sched)
{
    struct fact fact = {.kind = FACT_EPOCH_BEGUN, .epoch = sched->epoch + 1};

    assert(!sched->has_begun);
    if (fact.epoch < sched->options.epoch_min)
        fact.epoch = sched->options.epoch_min;
    say_fact(sched, &fact);
    sched->has_begun = true;
    for (uint32_t i = 0; i < sched->worker_capacity; i++) {
        struct worker *worker = sched->workers[i];

        if (worker && !list_is_empty(&worker->outputs))
            worker_await(sched, worker);
    }
}

struct worker *event_worker(const struct sched *sched, const struct event *event)
{
    struct worker *worker = worker_get(sched, event->worker_id);

    if (!worker || worker->state != WORKER_UP || worker->incarnation != event->incarnation)
        return NULL;
    assert(worker->incarnation != 0);
    return worker;
}

bool event_handle(struct sched *sched, const struct event *event)
{
    struct worker *speaker = event_worker(sched, event);

    assert(sched->has_begun);
    assert(sched->out != NULL);
    if (speaker)
        speaker->heard_ns = sched->now_ns;
    switch (event->kind) {
    case EVENT_TICK:
        return on_tick(sched);
    case EVENT_JOB_SUBMITTED:
        return on_job_submitted(sched, event);
    case EVENT_JOB_CANCELLED:
        return on_job_cancelled(sched, event);
    case EVENT_PLAN_MADE:
        return on_plan_made(sched, event);
    case EVENT_WORKER_JOINED:
        return on_worker_joined(sched, event);
    case EVENT_WORKER_LOST:
        return on_worker_lost(sched, event);
    case EVENT_ATTEMPT_PROGRESS:
        return on_attempt_progress(sched, event);
    case EVENT_ATTEMPT_FETCHED:
        return on_attempt_fetched(sched, event);
    case EVENT_ATTEMPT_DONE:
        return on_attempt_done(sched, event);
    case EVENT_ATTEMPT_FAILED:
        return on_attempt_failed(sched, event);
    case EVENT_RECORDS_BAD:
        return skip_on_records_bad(sched, event);
    case EVENT_OUTPUT_LOST:
        return on_output_lost(sched, event);
    case EVENT_WORKER_RESET:
        return on_worker_reset(sched, event);
    case EVENT_WORKER_HEARD:
        return speaker != NULL;
    case EVENT_WORKER_SLOTS:
        return on_worker_slots(sched, event);
    case EVENT_ATTEMPT_RETURNED:
        return on_attempt_returned(sched, event);
    case EVENT_OUTPUT_HELD:
        return on_output_held(sched, event);
    case EVENT_ATTEMPT_HELD:
        return on_attempt_held(sched, event);
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}
