#include "sched/state.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

const struct stage_traits STAGE_TRAITS[STAGE_COUNT] = {
    [STAGE_PLAN] = {.on_worker = false, .fetches = false, .runs_job_code = false},
    [STAGE_MAP] = {.on_worker = true, .fetches = false, .runs_job_code = true},
    [STAGE_REDUCE] = {.on_worker = true, .fetches = true, .runs_job_code = true},
    [STAGE_COMMIT] = {.on_worker = false, .fetches = false, .runs_job_code = false},
    [STAGE_SAMPLE] = {.on_worker = true, .fetches = false, .runs_job_code = true},
};

void stage_open(struct stage *stage, uint32_t task_count, enum output_home home)
{
    assert(stage->task_count == 0);
    assert(task_count <= SCHED_TASK_COUNT_MAX);
    stage->tasks = task_count ? mem_alloc_array(task_count, sizeof *stage->tasks) : NULL;
    stage->task_count = task_count;
    stage->home = home;
    stage->counts[TASK_IDLE] = task_count;
    for (uint32_t i = 0; i < task_count; i++) {
        stage->tasks[i].stage = stage;
        list_init(&stage->tasks[i].link);
        list_append(&stage->queue, &stage->tasks[i].link);
    }
}

struct job *job_open(struct sched *sched, uint64_t id, const struct job_rules *rules)
{
    struct job *job = mem_alloc(sizeof *job);

    assert(id != 0);
    assert(rules->attempts_max >= 1);
    job->id = id;
    job->rules = *rules;
    job->status = JOB_PLANNING;
    for (int kind = 0; kind < STAGE_COUNT; kind++) {
        job->stages[kind].job = job;
        job->stages[kind].kind = (enum stage_kind)kind;
        list_init(&job->stages[kind].queue);
        list_init(&job->stages[kind].live);
    }
    stage_open(&job->stages[STAGE_PLAN], 1, OUTPUT_WITH_MASTER);
    stage_open(&job->stages[STAGE_COMMIT], 1, OUTPUT_WITH_MASTER);
    list_init(&job->link);
    list_append(&sched->jobs, &job->link);
    idtable_put(&sched->jobs_by_id, id, job);
    return job;
}

struct stage *job_last_stage(struct job *job)
{
    struct stage *reduces = &job->stages[STAGE_REDUCE];

    return reduces->task_count > 0 ? reduces : &job->stages[STAGE_MAP];
}

static void failures_free(struct failure *failure)
{
    while (failure) {
        struct failure *older = failure->older;

        free(failure);
        failure = older;
    }
}

static void stage_close(struct sched *sched, struct stage *stage)
{
    for (uint32_t i = 0; i < stage->task_count; i++) {
        struct task *task = &stage->tasks[i];

        assert(task->attempt == NULL); /* attempts are closed before their job */
        assert(task->stage == stage);
        timer_disarm(&sched->timers, &task->retry);
        list_remove(&task->link);
        failures_free(task->failures);
    }
    free(stage->tasks);
}

void job_close(struct sched *sched, struct job *job)
{
    assert(job_get(sched, job->id) == job);
    for (int kind = 0; kind < STAGE_COUNT; kind++)
        stage_close(sched, &job->stages[kind]);
    list_remove(&job->link);
    idtable_remove(&sched->jobs_by_id, job->id);
    free(job);
}

struct worker *worker_get(const struct sched *sched, uint32_t id)
{
    return id < sched->worker_capacity ? sched->workers[id] : NULL;
}

static void workers_grow(struct sched *sched, uint32_t id)
{
    uint32_t capacity = sched->worker_capacity ? sched->worker_capacity : 16;

    while (capacity <= id)
        capacity *= 2;
    sched->workers = mem_realloc_array(sched->workers, capacity, sizeof(struct worker *));
    for (uint32_t i = sched->worker_capacity; i < capacity; i++)
        sched->workers[i] = NULL;
    sched->worker_capacity = capacity;
    assert(id < sched->worker_capacity);
}

struct worker *worker_get_or_add(struct sched *sched, uint32_t id)
{
    struct worker *worker = worker_get(sched, id);

    assert(id <= SCHED_WORKER_ID_MAX);
    if (worker)
        return worker;
    if (id >= sched->worker_capacity)
        workers_grow(sched, id);
    worker = mem_alloc(sizeof *worker);
    worker->id = id;
    list_init(&worker->attempts);
    list_init(&worker->outputs);
    list_init(&worker->fetched);
    list_init(&worker->with_slot);
    list_init(&worker->with_fetch);
    list_init(&worker->with_runnable);
    list_init(&worker->aside);
    sched->workers[id] = worker;
    return worker;
}

/* Puts `link` at the end of `list`, so that workers are taken in turn, or in no list. */
static void list_set(struct list *list, struct list *link, bool member)
{
    list_remove(link);
    if (member)
        list_append(list, link);
    assert(list_is_empty(link) == !member);
}

/* What it adds to the slots of all. */
static void worker_count(struct sched *sched, struct worker *worker)
{
    uint32_t slots = worker_is_here(worker) ? worker->slot_count : 0;

    assert(sched->slot_count >= worker->slots_counted);
    sched->slot_count += slots - worker->slots_counted;
    if ((slots > 0) != (worker->slots_counted > 0))
        sched->present_count += slots > 0 ? 1 : UINT32_MAX;
    worker->slots_counted = slots;
}

void worker_refresh(struct sched *sched, struct worker *worker)
{
    bool is_up = worker->state == WORKER_UP;
    bool is_aside = !list_is_empty(&worker->aside);
    bool has_slot = is_up && worker->slots_used < worker->slot_count;
    bool has_fetch = is_up && worker->fetch_count < worker->slot_count;

    assert(!is_up || worker->slots_used <= worker->slot_ceiling);
    assert(!is_up || worker->fetch_count <= worker->slot_ceiling);
    worker_count(sched, worker);
    list_set(&sched->with_slot, &worker->with_slot, has_slot && !is_aside);
    list_set(&sched->with_fetch, &worker->with_fetch, has_fetch && !is_aside);
    list_set(&sched->with_runnable, &worker->with_runnable,
             has_slot && !list_is_empty(&worker->fetched));
}

/* Does another attempt of the same task hold all its inputs? */
static bool other_holds_inputs(const struct attempt *attempt)
{
    const struct attempt *other = attempt->other ? attempt->other : attempt->task->attempt;

    return other != attempt && other->phase != ATTEMPT_FETCHING;
}

/* Counts the attempt, in its phase, where it is counted (sign +1), or takes it out (-1). */
static void attempt_count(struct sched *sched, struct attempt *attempt, int sign)
{
    struct worker *worker = attempt->worker;
    struct stage *stage = attempt->task->stage;
    bool is_running = attempt->phase == ATTEMPT_RUNNING;
    uint32_t *of_worker, *of_job;

    assert(sign == 1 || sign == -1);
    if (!worker)
        return;
    of_worker = is_running ? &worker->slots_used : &worker->fetch_count;
    of_job = is_running ? &stage->job->slots_used : &stage->job->fetch_count;
    assert(sign == 1 || *of_worker > 0);
    assert(sign == 1 || *of_job > 0);
    *of_worker += (uint32_t)sign;
    *of_job += (uint32_t)sign;
    if (attempt->phase != ATTEMPT_FETCHING && !other_holds_inputs(attempt))
        stage->held_count += (uint32_t)sign;
    if (attempt->phase == ATTEMPT_FETCHED)
        list_set(&worker->fetched, &attempt->fetched, sign == 1);
    worker_refresh(sched, worker);
}

/* Its time begins: it is now the last of its stage. */
static void attempt_begin(const struct sched *sched, struct attempt *attempt)
{
    attempt->since_ns = sched->now_ns;
    attempt->moved_ns = sched->now_ns;
    list_set(&attempt->task->stage->live, &attempt->by_stage, attempt->worker != NULL);
}

void attempt_set_phase(struct sched *sched, struct attempt *attempt, enum attempt_phase phase)
{
    assert(attempt->worker != NULL); /* a helper runs from its start to its end */
    assert(phase > attempt->phase);
    attempt_count(sched, attempt, -1);
    attempt->phase = phase;
    attempt_count(sched, attempt, 1);
    if (phase == ATTEMPT_RUNNING) {
        attempt->was_run = true;
        attempt_begin(sched, attempt);
    }
}

void attempt_open(struct sched *sched, struct task *task, uint64_t id, struct worker *worker)
{
    const struct stage_traits *traits = &STAGE_TRAITS[task->stage->kind];
    struct attempt *attempt = mem_alloc(sizeof *attempt);

    assert((worker != NULL) == traits->on_worker);
    assert(!task->attempt || !task->attempt->other); /* two at most */
    attempt->id = id;
    attempt->task = task;
    attempt->other = task->attempt;
    attempt->worker = worker;
    attempt->phase = traits->fetches ? ATTEMPT_FETCHING : ATTEMPT_RUNNING;
    attempt->silence.kind = TIMER_SILENCE;
    list_init(&attempt->by_stage);
    list_init(&attempt->by_worker);
    list_init(&attempt->fetched);
    if (worker)
        list_append(&worker->attempts, &attempt->by_worker);
    task->attempt = attempt;
    sched->backup_count += attempt->other != NULL;
    idtable_put(&sched->attempts_by_id, id, attempt);
    attempt_begin(sched, attempt);
    attempt_count(sched, attempt, 1);
}

void attempt_close(struct sched *sched, struct attempt *attempt)
{
    struct task *task = attempt->task;

    assert(attempt_is_listed(attempt));
    assert(idtable_get(&sched->attempts_by_id, attempt->id) == attempt);
    attempt_count(sched, attempt, -1);
    timer_disarm(&sched->timers, &attempt->silence);
    list_remove(&attempt->by_stage);
    list_remove(&attempt->by_worker);
    idtable_remove(&sched->attempts_by_id, attempt->id);
    sched->backup_count -= task->attempt->other != NULL;
    if (task->attempt == attempt)
        task->attempt = attempt->other;
    else
        task->attempt->other = NULL;
    free(attempt);
}

void task_set_state(struct task *task, enum task_state state)
{
    struct stage *stage = task->stage;

    assert(task->state != state);
    assert(stage->counts[task->state] > 0);
    stage->counts[task->state]--;
    stage->counts[state]++;
    task->state = state;
}

void task_unqueue(struct sched *sched, struct task *task)
{
    assert(task->state == TASK_IDLE);
    list_remove(&task->link);
    timer_disarm(&sched->timers, &task->retry);
    assert(!timer_is_armed(&task->retry));
}

void task_queue_first(struct sched *sched, struct task *task)
{
    assert(task->state == TASK_IDLE);
    assert(task->attempt == NULL);
    timer_disarm(&sched->timers, &task->retry);
    list_remove(&task->link);
    list_prepend(&task->stage->queue, &task->link);
}

void task_add_failure(struct task *task, const struct cause *cause)
{
    struct failure *failure = mem_alloc(sizeof *failure);

    assert(cause->failure != ERR_NONE);
    assert(task->failure_count < UINT8_MAX);
    failure->older = task->failures;
    failure->cause = *cause;
    task->failures = failure;
    task->failure_count++;
    task->stage->failure_count++;
}

void task_forgive(struct task *task)
{
    struct failure *older;

    task->stage->failure_count -= task->failure_count;
    for (struct failure *at = task->failures; at; at = older) {
        older = at->older;
        free(at);
    }
    task->failures = NULL;
    task->failure_count = task->fault_count = 0;
}

bool end_names_task(enum end_reason reason)
{
    switch (reason) {
    case END_FAULT:
    case END_ATTEMPTS:
    case END_FAILURES:
    case END_NOT_DETERMINISTIC:
    case END_BAD_RECORDS:
        return true;
    case END_NONE:
    case END_CANCELLED:
    case END_AUDIT:
        return false;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

void past_job_add(struct sched *sched, const struct job *job, const struct fact *end)
{
    struct past_job *past = &sched->past[sched->past_next];
    const struct task *task = NULL;

    assert(!job || job->id == end->job_id);
    assert(sched->past_next < SCHED_HISTORY_COUNT_MAX);
    if (job && end_names_task(end->reason)) {
        assert(end->task < job->stages[end->stage].task_count);
        task = &job->stages[end->stage].tasks[end->task];
    }
    free(past->causes);
    *past = (struct past_job){.id = end->job_id};
    if (job)
        sched_job_progress(sched, job->id, &past->progress);
    past->progress.status = end->status;
    past->progress.reason = end->reason;
    past->progress.stage = end->stage;
    past->progress.task = end->task;
    past->progress.attempt_id = end->attempt_id;
    past->progress.failure = end->failure;
    if (task && task->failure_count > 0)
        past->causes = mem_alloc_array(task->failure_count, sizeof *past->causes);
    for (struct failure *failure = task ? task->failures : NULL; failure; failure = failure->older)
        past->causes[past->cause_count++] = failure->cause;
    sched->past_next = (sched->past_next + 1) % SCHED_HISTORY_COUNT_MAX;
}

const struct past_job *past_job_get(const struct sched *sched, uint64_t id)
{
    assert(id != 0);
    for (size_t i = 0; i < SCHED_HISTORY_COUNT_MAX; i++)
        if (sched->past[i].id == id)
            return &sched->past[i];
    return NULL;
}
