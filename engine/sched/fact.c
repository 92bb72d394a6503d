/*
 * fact: the fold. What lasts changes here and nowhere else, in a step as in a restore, so that a
 * restored scheduler is what the one before it was.
 *
 * Each function checks first that the fact fits (a step's facts always do; a journal's might be of
 * something else) and then changes.
 */
#include <assert.h>
#include <stdlib.h>

#include "sched/blame.h"
#include "sched/skip.h"
#include "sched/state.h"

/* sum -= digest, modulo 2^128. */
static void digest_take(struct digest *sum, const struct digest *digest)
{
    assert(sum->record_count >= digest->record_count);
    sum->high -= digest->high + (sum->low < digest->low);
    sum->low -= digest->low;
    sum->record_count -= digest->record_count;
}

/* The attempt has ended without a result; its task waits for the other one, or for another. */
static void attempt_end(struct sched *sched, struct attempt *attempt)
{
    struct task *task = attempt->task;
    enum task_state state = task->state;
    bool is_one_of_two = task->attempt->other != NULL;
    bool can = task_next(&state, is_one_of_two ? TASK_ONE_ENDED : TASK_ENDED, task->stage->home);

    assert(can);
    attempt_close(sched, attempt);
    if (is_one_of_two)
        return;
    task_set_state(task, state);
    task_queue_first(sched, task);
}

static void stage_end_attempts(struct sched *sched, struct stage *stage)
{
    for (uint32_t i = stage->task_count; i > 0; i--) /* the first is then queued first */
        while (stage->tasks[i - 1].attempt)
            attempt_end(sched, stage->tasks[i - 1].attempt);
    assert(stage->counts[TASK_IN_PROGRESS] == 0);
}

static void task_record_answer(struct task *task, const struct digest *digest)
{
    struct stage *stage = task->stage;

    if (task->has_answered && output_is_read_by_reduces(stage->home) &&
        !digest_equal(&task->digest, digest)) {
        stage->job->attempt_differed = task->attempt_id;
        stage->job->task_differed = task_index(task);
    }
    if (task->has_answered)
        digest_take(&stage->digest, &task->digest);
    else
        stage->answered_count++;
    task->has_answered = true;
    task->digest = *digest;
    digest_add(&stage->digest, digest);
    assert(stage->answered_count <= stage->task_count);
}

/* Idle, in progress, completed: the attempt's output is the task's. */
static void attempt_complete(struct sched *sched, struct attempt *attempt,
                             const struct digest *digest)
{
    struct task *task = attempt->task;
    enum task_state state = task->state;
    bool can = task_next(&state, TASK_ANSWERED, task->stage->home);

    assert(can);
    assert(!task->attempt->other); /* it was ended before */
    task->attempt_id = attempt->id;
    task->worker = task->stage->home == OUTPUT_ON_WORKER ? attempt->worker : NULL;
    task->is_named = true;
    attempt_close(sched, attempt);
    task_set_state(task, state);
    task_record_answer(task, digest);
    if (task->worker)
        list_append(&task->worker->outputs, &task->link);
}

/* `may_return`: it is lost with its worker, not by itself. Without a part there is no commit. */
static void output_lose(struct sched *sched, struct task *task, bool may_return)
{
    enum task_state state = task->state;
    bool can = task_next(&state, TASK_OUTPUT_LOST, task->stage->home);

    assert(can);
    assert((task->worker != NULL) == (task->stage->home == OUTPUT_ON_WORKER));
    list_remove(&task->link);
    task->worker = NULL;
    if (!may_return)
        task->attempt_id = 0;
    task_set_state(task, state);
    task_queue_first(sched, task);
    if (task->stage->home == OUTPUT_IS_PART)
        job_next(&task->stage->job->status, JOB_DATA_LOST);
}

static void job_look_if_data_done(struct job *job)
{
    struct stage *last = job_last_stage(job);

    assert(!job_status_is_end(job->status));
    if (job->status == JOB_RUNNING && last->counts[TASK_COMPLETED] == last->task_count)
        job_next(&job->status, JOB_DATA_DONE);
}

static bool apply_epoch_begun(struct sched *sched, const struct fact *fact)
{
    if (fact->epoch <= sched->epoch || fact->epoch > UINT32_MAX)
        return false;
    assert(fact->epoch > 0);
    sched->epoch = fact->epoch;
    sched->attempt_id_last = fact->epoch << 32;
    for (struct list *at = sched->jobs.next; at != &sched->jobs; at = at->next) {
        struct job *job = CONTAINER_OF(at, struct job, link);

        for (int kind = 0; kind < STAGE_COUNT; kind++)
            stage_end_attempts(sched, &job->stages[kind]);
    }
    assert(sched->attempts_by_id.count == 0);
    return true;
}

static bool apply_job_accepted(struct sched *sched, const struct fact *fact)
{
    const struct job_rules *rules = &fact->rules;

    if (fact->job_id == 0 || job_get(sched, fact->job_id) || past_job_get(sched, fact->job_id))
        return false;
    if (rules->attempts_max < 1 || rules->attempts_max > SCHED_FAILURE_COUNT_MAX ||
        rules->skip_bad > SCHED_SKIP_BAD_MAX)
        return false;
    job_open(sched, fact->job_id, rules);
    return true;
}

static struct attempt *live_attempt(const struct sched *sched, const struct fact *fact)
{
    struct attempt *attempt = idtable_get(&sched->attempts_by_id, fact->attempt_id);

    return attempt && attempt->task->stage->job->id == fact->job_id ? attempt : NULL;
}

/* Without reduces nobody fetches: a map writes its part where the job's output goes. */
static enum output_home home_of_maps(const struct job *job, uint32_t reduce_count)
{
    if (reduce_count == 0)
        return OUTPUT_IS_PART;
    return job->rules.outputs_in_store ? OUTPUT_IN_STORE : OUTPUT_ON_WORKER;
}

static bool apply_plan_made(struct sched *sched, const struct fact *fact)
{
    struct attempt *attempt = live_attempt(sched, fact);
    struct job *job = attempt ? attempt->task->stage->job : NULL;

    if (!attempt || attempt->task->stage->kind != STAGE_PLAN)
        return false;
    if (fact->map_count > SCHED_TASK_COUNT_MAX || fact->reduce_count > SCHED_TASK_COUNT_MAX ||
        fact->sample_count > 1)
        return false;
    assert(job->status == JOB_PLANNING);
    attempt_complete(sched, attempt, &(struct digest){0});
    stage_open(&job->stages[STAGE_SAMPLE], fact->sample_count, OUTPUT_WITH_MASTER);
    stage_open(&job->stages[STAGE_MAP], fact->map_count, home_of_maps(job, fact->reduce_count));
    stage_open(&job->stages[STAGE_REDUCE], fact->reduce_count, OUTPUT_IS_PART);
    job_next(&job->status, JOB_PLAN_MADE);
    job_look_if_data_done(job);
    return true;
}

static bool worker_is_empty(const struct worker *worker)
{
    return list_is_empty(&worker->attempts) && list_is_empty(&worker->outputs);
}

/* The worker that a fact names, ready for it. NULL: it has another incarnation. */
static struct worker *worker_of_fact(struct sched *sched, const struct fact *fact)
{
    struct worker *worker;

    if (fact->worker_id > SCHED_WORKER_ID_MAX || fact->incarnation == 0)
        return NULL;
    worker = worker_get_or_add(sched, fact->worker_id);
    if (worker_is_empty(worker) && worker->state == WORKER_GONE)
        worker->incarnation = fact->incarnation;
    return worker->incarnation == fact->incarnation ? worker : NULL;
}

static bool apply_attempt_started(struct sched *sched, const struct fact *fact)
{
    struct job *job = job_get(sched, fact->job_id);
    struct task *task = job ? task_get(job, fact->stage, fact->task) : NULL;
    bool on_worker = STAGE_TRAITS[fact->stage].on_worker;
    struct worker *worker = on_worker ? worker_of_fact(sched, fact) : NULL;
    enum task_state state = task ? task->state : TASK_IDLE;
    struct attempt *first = task ? task->attempt : NULL;

    if (!task || (on_worker && !worker) || fact->attempt_id <= sched->attempt_id_last)
        return false;
    if (first && (first->other || first->worker == worker))
        return false; /* two at most, on two workers */
    if (!task_next(&state, first ? TASK_BACKED_UP : TASK_STARTED, task->stage->home))
        return false;
    assert(fact->attempt_id >> 32 == sched->epoch || !sched->has_begun);
    sched->attempt_id_last = fact->attempt_id;
    if (!first) {
        task_unqueue(sched, task);
        task_set_state(task, state);
    }
    attempt_open(sched, task, fact->attempt_id, worker);
    return true;
}

static void count_failure(struct task *task, const struct fact *fact)
{
    struct cause cause = {
        .attempt_id = fact->attempt_id, .worker_id = fact->worker_id, .failure = fact->failure};

    assert(fact->failure != ERR_NONE);
    task_add_failure(task, &cause);
    if (blame_is_on_job(fact->failure))
        task->fault_count++;
    assert(task->fault_count <= task->failure_count);
}

static bool apply_attempt_ended(struct sched *sched, const struct fact *fact)
{
    struct attempt *attempt = live_attempt(sched, fact);
    struct task *task = attempt ? attempt->task : NULL;

    if (!attempt || task->failure_count == UINT8_MAX)
        return false;
    attempt_end(sched, attempt);
    if (fact->failure != ERR_NONE)
        count_failure(task, fact);
    assert(task->state != TASK_COMPLETED);
    return true;
}

static bool apply_records_bad(struct sched *sched, const struct fact *fact)
{
    struct attempt *attempt = live_attempt(sched, fact);
    struct task *task = attempt ? attempt->task : NULL;

    if (!attempt || task->attempt->other || !STAGE_TRAITS[task->stage->kind].runs_job_code)
        return false;
    if (fact->bad_count < 1 || fact->bad_count > skip_count_left(task->stage))
        return false;
    attempt_end(sched, attempt);
    task_forgive(task);
    task->stage->bad_count += fact->bad_count;
    assert(task->state == TASK_IDLE);
    return true;
}

static bool apply_task_completed(struct sched *sched, const struct fact *fact)
{
    struct attempt *attempt = live_attempt(sched, fact);
    struct job *job = attempt ? attempt->task->stage->job : NULL;

    if (!attempt || attempt->task->stage->kind == STAGE_PLAN || attempt->task->attempt->other)
        return false;
    attempt_complete(sched, attempt, &fact->digest);
    job_look_if_data_done(job);
    return true;
}

static bool apply_output_lost(struct sched *sched, const struct fact *fact)
{
    struct job *job = job_get(sched, fact->job_id);
    struct task *task = job ? task_get(job, fact->stage, fact->task) : NULL;
    enum task_state state = task ? task->state : TASK_IDLE;

    if (!task || !task_next(&state, TASK_OUTPUT_LOST, task->stage->home) ||
        task->attempt_id != fact->attempt_id)
        return false;
    if (task->failure_count == UINT8_MAX)
        return false;
    output_lose(sched, task, false);
    if (fact->failure != ERR_NONE)
        count_failure(task, fact);
    assert(task->state == TASK_IDLE);
    return true;
}

static bool apply_worker_lost(struct sched *sched, const struct fact *fact)
{
    struct worker *worker = worker_get(sched, fact->worker_id);
    struct attempt *attempt;
    struct task *task;

    if (!worker || worker->incarnation != fact->incarnation)
        return !worker || worker_is_empty(worker); /* the facts of what it had were dropped */
    while ((task = LIST_LAST(&worker->outputs, struct task, link)))
        output_lose(sched, task, true);
    while ((attempt = LIST_LAST(&worker->attempts, struct attempt, by_worker)))
        attempt_end(sched, attempt);
    assert(list_is_empty(&worker->fetched));
    assert(worker->slots_used == 0);
    return true;
}

static bool apply_outputs_lost(struct sched *sched, const struct fact *fact)
{
    struct worker *worker = worker_get(sched, fact->worker_id);
    struct task *task;

    if (!worker || worker->incarnation != fact->incarnation)
        return !worker || worker_is_empty(worker);
    while ((task = LIST_LAST(&worker->outputs, struct task, link)))
        output_lose(sched, task, false);
    assert(list_is_empty(&worker->outputs));
    return true;
}

static bool apply_output_found(struct sched *sched, const struct fact *fact)
{
    struct job *job = job_get(sched, fact->job_id);
    struct task *task = job ? task_get(job, fact->stage, fact->task) : NULL;
    struct worker *worker = task ? worker_of_fact(sched, fact) : NULL;
    enum task_state state = task ? task->state : TASK_IDLE;

    if (!worker || fact->attempt_id == 0 || task->attempt_id != fact->attempt_id)
        return false;
    if (!task_next(&state, TASK_OUTPUT_FOUND, task->stage->home))
        return false;
    assert(task->has_answered);
    task_unqueue(sched, task);
    task_set_state(task, state);
    task->worker = worker;
    task->is_named = true;
    list_append(&worker->outputs, &task->link);
    return true;
}

static bool apply_job_ended(struct sched *sched, const struct fact *fact)
{
    struct job *job = job_get(sched, fact->job_id);

    if (!job_status_is_end(fact->status) || fact->job_id == 0 || past_job_get(sched, fact->job_id))
        return false;
    if (job && end_names_task(fact->reason) && !task_get(job, fact->stage, fact->task))
        return false;
    for (int kind = 0; job && kind < STAGE_COUNT; kind++)
        stage_end_attempts(sched, &job->stages[kind]);
    past_job_add(sched, job, fact);
    if (job)
        job_close(sched, job);
    assert(!job_get(sched, fact->job_id));
    return true;
}

bool fact_apply(struct sched *sched, const struct fact *fact)
{
    assert((int)fact->stage >= 0);
    assert((int)fact->stage < STAGE_COUNT);
    assert((int)fact->failure < ERR_KIND_COUNT);
    switch (fact->kind) {
    case FACT_EPOCH_BEGUN:
        return apply_epoch_begun(sched, fact);
    case FACT_JOB_ACCEPTED:
        return apply_job_accepted(sched, fact);
    case FACT_PLAN_MADE:
        return apply_plan_made(sched, fact);
    case FACT_ATTEMPT_STARTED:
        return apply_attempt_started(sched, fact);
    case FACT_ATTEMPT_ENDED:
        return apply_attempt_ended(sched, fact);
    case FACT_TASK_COMPLETED:
        return apply_task_completed(sched, fact);
    case FACT_OUTPUT_LOST:
        return apply_output_lost(sched, fact);
    case FACT_WORKER_LOST:
        return apply_worker_lost(sched, fact);
    case FACT_JOB_ENDED:
        return apply_job_ended(sched, fact);
    case FACT_OUTPUT_FOUND:
        return apply_output_found(sched, fact);
    case FACT_OUTPUTS_LOST:
        return apply_outputs_lost(sched, fact);
    case FACT_RECORDS_BAD:
        return apply_records_bad(sched, fact);
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

/* attempt_take_answer() says the two one after the other. */
bool fact_is_lost_race(const struct fact *fact, const struct fact *next)
{
    return fact->kind == FACT_ATTEMPT_ENDED && fact->failure == ERR_NONE && next &&
           next->kind == FACT_TASK_COMPLETED && next->job_id == fact->job_id &&
           next->stage == fact->stage && next->task == fact->task;
}
