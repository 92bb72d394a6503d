/*
 * dispatch: who gets what. After each event, as long as there is both room and work.
 *
 * Whose turn it is among jobs (job_goes_before): higher priorities first; then, unless told to go
 * by the order of submission, who has the least slots for its weight. Nobody is stopped for
 * another. Within a job, what is queued first goes first: lost maps, then what failed, then the
 * rest. A reduce that has fetched gets a slot after the waiting maps of its own job: at that time
 * these are lost ones, and other reduces wait for them. No slot stays free while anything could use
 * it, and who has a slot needs nobody, so every order ends.
 */
#include <assert.h>

#include "sched/event.h"
#include "sched/state.h"

bool stage_is_wanted(const struct stage *stage)
{
    const struct stage *reduces = &stage->job->stages[STAGE_REDUCE];

    assert(reduces->counts[TASK_COMPLETED] + reduces->held_count <= reduces->task_count);
    if (!output_is_read_by_reduces(stage->home))
        return true; /* it goes into the job's output, or is an answer */
    return reduces->counts[TASK_COMPLETED] + reduces->held_count < reduces->task_count;
}

/* What is in a store is fetched when all of it is there: who made which map is then told once, and
 * ranges of objects come fast enough not to be begun before. */
static uint32_t fetch_start_percent(const struct sched *sched, const struct stage *maps)
{
    return maps->home == OUTPUT_IN_STORE ? 100 : sched->options.fetch_start_percent;
}

bool stage_is_open(const struct sched *sched, const struct stage *stage)
{
    const struct stage *maps = &stage->job->stages[STAGE_MAP];
    const struct stage *samples = &stage->job->stages[STAGE_SAMPLE];

    assert(!job_status_is_end(stage->job->status));
    switch (stage->kind) {
    case STAGE_PLAN:
        return stage->job->status == JOB_PLANNING;
    case STAGE_SAMPLE:
        return stage->job->status == JOB_RUNNING;
    case STAGE_MAP:
        return stage->job->status == JOB_RUNNING &&
               samples->counts[TASK_COMPLETED] == samples->task_count;
    case STAGE_REDUCE:
        return stage->job->status == JOB_RUNNING &&
               (uint64_t)maps->counts[TASK_COMPLETED] * 100 >=
                   (uint64_t)maps->task_count * fetch_start_percent(sched, maps);
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
    assert(attempt_is_listed(attempt));
    assert(attempt->task->state == TASK_IN_PROGRESS);
    if (attempt->phase != ATTEMPT_FETCHED)
        arm_silence(sched, attempt);
}

void task_start(struct sched *sched, struct task *task, struct worker *worker)
{
    struct fact fact = {.kind = FACT_ATTEMPT_STARTED,
                        .job_id = task->stage->job->id,
                        .stage = task->stage->kind,
                        .task = task_index(task),
                        .attempt_id = sched->attempt_id_last + 1,
                        .worker_id = worker ? worker->id : WORKER_NONE,
                        .incarnation = worker ? worker->incarnation : 0};

    assert(task->state != TASK_COMPLETED);
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

static uint64_t weight_of(const struct job *job)
{
    return job->rules.weight > 0 ? job->rules.weight : 1;
}

/* Does `job` go before `other`, which has been preferred so far? */
static bool job_goes_before(const struct sched *sched, const struct job *job,
                            const struct job *other, enum stage_kind kind)
{
    bool fetches = STAGE_TRAITS[kind].fetches; /* then places to fetch are what is shared */
    uint64_t used = fetches ? job->fetch_count : job->slots_used;
    uint64_t other_used = fetches ? other->fetch_count : other->slots_used;

    if (job->rules.priority != other->rules.priority)
        return job->rules.priority > other->rules.priority;
    if (sched->options.order == SCHED_FIFO)
        return job->id < other->id;
    return used * weight_of(other) < other_used * weight_of(job);
}

/* The next task of the job for a slot of its own, or NULL. */
static struct task *next_of_job(const struct sched *sched, struct job *job)
{
    struct task *sample = next_task(sched, &job->stages[STAGE_SAMPLE]);

    return sample ? sample : next_task(sched, &job->stages[STAGE_MAP]);
}

/* The task whose turn it is among all jobs, or NULL. STAGE_MAP: a map or a sample. */
static struct task *next_of_all(const struct sched *sched, enum stage_kind kind)
{
    struct task *best = NULL;

    for (struct list *at = sched->jobs.next; at != &sched->jobs; at = at->next) {
        struct job *job = CONTAINER_OF(at, struct job, link);
        struct task *task =
            kind == STAGE_MAP ? next_of_job(sched, job) : next_task(sched, &job->stages[kind]);

        if (task && (!best || job_goes_before(sched, job, best->stage->job, kind)))
            best = task;
    }
    return best;
}

/* The reduce whose turn it is of those that have fetched on this worker. */
static struct attempt *next_fetched(const struct sched *sched, const struct worker *worker)
{
    struct attempt *best = NULL;

    for (struct list *at = worker->fetched.next; at != &worker->fetched; at = at->next) {
        struct attempt *attempt = CONTAINER_OF(at, struct attempt, fetched);
        struct job *job = attempt->task->stage->job;

        assert(attempt->phase == ATTEMPT_FETCHED);
        if (!best || job_goes_before(sched, job, best->task->stage->job, STAGE_MAP))
            best = attempt;
    }
    return best;
}

/* Gives a slot of a worker where a reduce waits for one: to it, or to a map whose turn it is. */
static void serve(struct sched *sched, struct worker *worker)
{
    struct attempt *attempt = next_fetched(sched, worker);
    struct job *job = attempt->task->stage->job;
    bool takes_maps = !list_is_empty(&worker->with_slot);
    struct task *own = takes_maps ? next_of_job(sched, job) : NULL;
    struct task *any = takes_maps ? next_of_all(sched, STAGE_MAP) : NULL;

    if (any && job_goes_before(sched, any->stage->job, job, STAGE_MAP))
        task_start(sched, any, worker);
    else if (own)
        task_start(sched, own, worker);
    else
        run(sched, attempt);
}

static void serve_fetched(struct sched *sched)
{
    struct worker *worker;

    while ((worker = LIST_FIRST(&sched->with_runnable, struct worker, with_runnable)))
        serve(sched, worker);
    assert(list_is_empty(&sched->with_runnable));
}

static void start_maps(struct sched *sched)
{
    struct task *task;
    struct worker *worker;

    while ((worker = LIST_FIRST(&sched->with_slot, struct worker, with_slot)) &&
           (task = next_of_all(sched, STAGE_MAP)))
        task_start(sched, task, worker);
    assert(list_is_empty(&sched->with_runnable));
}

static void start_fetches(struct sched *sched)
{
    struct task *task;
    struct worker *worker;

    while ((worker = LIST_FIRST(&sched->with_fetch, struct worker, with_fetch)) &&
           (task = next_of_all(sched, STAGE_REDUCE)))
        task_start(sched, task, worker);
    assert(list_is_empty(&sched->with_runnable));
}

static void start_helpers(struct sched *sched, struct job *job)
{
    struct task *task;

    assert(!job_status_is_end(job->status));
    while ((task = next_task(sched, &job->stages[STAGE_PLAN])))
        task_start(sched, task, NULL);
    while ((task = next_task(sched, &job->stages[STAGE_COMMIT])))
        task_start(sched, task, NULL);
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
    serve_fetched(sched); /* each reduce makes room for another fetch */
    start_maps(sched);
    start_fetches(sched);
}
