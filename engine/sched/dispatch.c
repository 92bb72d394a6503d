/*
 * dispatch: who gets what. After each event, as long as there is both room and work.
 *
 * Jobs are served in the order of their submission. Within a job, what is queued first goes first:
 * lost maps, then what failed, then the rest. A reduce that has fetched gets a slot before any map
 * of another job, but after the waiting maps of its own: at that time these are lost ones, and
 * other reduces wait for them. No slot stays free while anything could use it, and who has a slot
 * needs nobody, so every order ends; this one ends the oldest job first.
 */
#include <assert.h>

#include "sched/event.h"
#include "sched/state.h"

bool stage_is_wanted(const struct stage *stage)
{
    const struct stage *reduces = &stage->job->stages[STAGE_REDUCE];

    assert(reduces->counts[TASK_COMPLETED] + reduces->held_count <= reduces->task_count);
    if (!stage->output_on_worker)
        return true; /* it goes into the job's output */
    return reduces->counts[TASK_COMPLETED] + reduces->held_count < reduces->task_count;
}

bool stage_is_open(const struct sched *sched, const struct stage *stage)
{
    const struct stage *maps = &stage->job->stages[STAGE_MAP];

    assert(!job_status_is_end(stage->job->status));
    switch (stage->kind) {
    case STAGE_PLAN:
        return stage->job->status == JOB_PLANNING;
    case STAGE_MAP:
        return stage->job->status == JOB_RUNNING;
    case STAGE_REDUCE:
        return stage->job->status == JOB_RUNNING &&
               (uint64_t)maps->counts[TASK_COMPLETED] * 100 >=
                   (uint64_t)maps->task_count * sched->options.fetch_start_percent;
    case STAGE_COMMIT:
        return stage->job->status == JOB_COMMITTING;
    }
    return false;
}

/* The next task of this stage that may start now, or NULL. */
static struct task *next_task(const struct sched *sched, struct stage *stage)
{
    if (list_is_empty(&stage->queue))
        return NULL;
    assert(stage->counts[TASK_IDLE] > 0);
    if (!stage_is_open(sched, stage) || !stage_is_wanted(stage))
        return NULL;
    return LIST_FIRST(&stage->queue, struct task, link);
}

static void arm_silence(struct sched *sched, struct attempt *attempt)
{
    const struct job *job = attempt->task->stage->job;
    uint64_t silence_ns = job->rules.silence_ns;

    assert(attempt->phase != ATTEMPT_FETCHED);
    if (silence_ns == 0)
        silence_ns = sched->options.silence_ns;
    assert(silence_ns > 0);
    timer_arm(&sched->timers, &attempt->silence, sched->now_ns + silence_ns);
}

void attempt_is_alive(struct sched *sched, struct attempt *attempt)
{
    assert(attempt->task->attempt == attempt);
    assert(attempt->task->state == TASK_IN_PROGRESS);
    if (attempt->phase != ATTEMPT_FETCHED)
        arm_silence(sched, attempt);
}

static void start(struct sched *sched, struct task *task, struct worker *worker)
{
    struct fact fact = {.kind = FACT_ATTEMPT_STARTED,
                        .job_id = task->stage->job->id,
                        .stage = task->stage->kind,
                        .task = task_index(task),
                        .attempt_id = sched->attempt_id_last + 1,
                        .worker_id = worker ? worker->id : WORKER_NONE,
                        .incarnation = worker ? worker->incarnation : 0};

    assert(task->state == TASK_IDLE);
    assert(!worker || worker->state == WORKER_UP);
    say_fact(sched, &fact);
    arm_silence(sched, task->attempt);
    say_attempt_command(sched, COMMAND_START_ATTEMPT, task->attempt);
}

static void run(struct sched *sched, struct attempt *attempt)
{
    enum attempt_phase phase = attempt->phase;
    bool can = attempt_next(&phase, ATTEMPT_WAS_GIVEN_SLOT);

    assert(can);
    assert(attempt->worker->slots_used < attempt->worker->slot_count);
    attempt_set_phase(sched, attempt, phase);
    arm_silence(sched, attempt);
    say_attempt_command(sched, COMMAND_RUN_ATTEMPT, attempt);
}

/* The next reduce that has fetched and finds a slot. `politely`: not before maps of its job. */
static struct attempt *next_fetched(const struct sched *sched, bool politely)
{
    const struct list *end = &sched->with_runnable;

    for (struct list *at = end->next; at != end; at = at->next) {
        struct worker *worker = CONTAINER_OF(at, struct worker, with_runnable);
        struct attempt *attempt = LIST_FIRST(&worker->fetched, struct attempt, fetched);

        assert(attempt != NULL);
        assert(attempt->phase == ATTEMPT_FETCHED);
        if (!politely || !next_task(sched, &attempt->task->stage->job->stages[STAGE_MAP]))
            return attempt;
    }
    return NULL;
}

static void run_fetched(struct sched *sched, bool politely)
{
    struct attempt *attempt;

    while ((attempt = next_fetched(sched, politely)))
        run(sched, attempt);
    assert(politely || list_is_empty(&sched->with_runnable));
}

static void start_maps(struct sched *sched, struct job *job)
{
    struct task *task;
    struct worker *worker;

    assert(!job_status_is_end(job->status));
    while ((worker = LIST_FIRST(&sched->with_slot, struct worker, with_slot)) &&
           (task = next_task(sched, &job->stages[STAGE_MAP])))
        start(sched, task, worker);
}

static void start_fetches(struct sched *sched, struct job *job)
{
    struct task *task;
    struct worker *worker;

    assert(!job_status_is_end(job->status));
    while ((worker = LIST_FIRST(&sched->with_fetch, struct worker, with_fetch)) &&
           (task = next_task(sched, &job->stages[STAGE_REDUCE])))
        start(sched, task, worker);
}

static void start_helpers(struct sched *sched, struct job *job)
{
    struct task *task;

    assert(!job_status_is_end(job->status));
    while ((task = next_task(sched, &job->stages[STAGE_PLAN])))
        start(sched, task, NULL);
    while ((task = next_task(sched, &job->stages[STAGE_COMMIT])))
        start(sched, task, NULL);
}

void dispatch(struct sched *sched)
{
    struct list *next;

    for (struct list *at = sched->jobs.next; at != &sched->jobs; at = next) {
        struct job *job = CONTAINER_OF(at, struct job, link);

        next = at->next;
        if (job_settle(sched, job))
            start_helpers(sched, job);
    }
    run_fetched(sched, true);
    for (struct list *at = sched->jobs.next; at != &sched->jobs; at = at->next)
        start_maps(sched, CONTAINER_OF(at, struct job, link));
    run_fetched(sched, false); /* each makes room for another fetch */
    for (struct list *at = sched->jobs.next; at != &sched->jobs; at = at->next)
        start_fetches(sched, CONTAINER_OF(at, struct job, link));
    assert(list_is_empty(&sched->with_runnable));
}
