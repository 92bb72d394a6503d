/*
 * check: what must hold after every step, and the hash of what lasts. For tests: both are O(n).
 *
 * Numbers as in the list of invariants that the simulation names:
 *
 *     I1   an attempt has one id, of this epoch, not above the last one given
 *     I5   the sums of the audit are the sums over the tasks
 *     I6   whatever lives or is held belongs to the incarnation that is there
 *     I7   whatever is not at its end waits for a timer, or for room that somebody with a timer has
 *     I8   slots and fetches in use are those of the attempts, and not more than there are (or
 *          were, when a worker offers less than before)
 *     I9   a job that is listed has not ended
 *     I11  faults of the job are not more than its reported failures, both within their limits
 *     I13  who holds a slot holds its inputs: every map had answered
 *     I14  a map runs only when the sample it needs has answered
 *     I15  a job commits as long as every part of it is there, and no longer
 *     and  a task is in exactly one place: queue, delay, attempt, worker's outputs, store; it has
 *          two attempts at most, on two workers; not more than a third of the workers are aside
 *
 * I2 (one commit at a time), I3, I4 and I10 need what was there before or elsewhere and are checked
 * in ctest/sim; I12 is about messages.
 */
#include <assert.h>

#include "sched/state.h"

static void check_idle(const struct sched *sched, const struct task *task)
{
    bool is_queued = !list_is_empty(&task->link);

    assert(task->attempt == NULL);
    assert(task->worker == NULL);
    assert(!sched->has_begun || is_queued != timer_is_armed(&task->retry)); /* I7 */
    assert(sched->has_begun || is_queued);
}

static void check_attempt(const struct sched *sched, const struct task *task,
                          const struct attempt *attempt)
{
    const struct stage *stage = attempt->task->stage;
    const struct stage *maps = &stage->job->stages[STAGE_MAP];
    const struct stage *samples = &stage->job->stages[STAGE_SAMPLE];
    bool is_fetched = attempt->phase == ATTEMPT_FETCHED;

    assert(attempt->task == task);
    assert(idtable_get(&sched->attempts_by_id, attempt->id) == attempt); /* I1 */
    assert(attempt->id <= sched->attempt_id_last);
    assert((attempt->worker != NULL) == STAGE_TRAITS[stage->kind].on_worker);
    assert(list_is_empty(&attempt->fetched) == !is_fetched);
    assert(list_is_empty(&attempt->by_stage) == !attempt->worker);
    if (!sched->has_begun)
        return;
    assert(attempt->id >> 32 == sched->epoch);
    assert(timer_is_armed(&attempt->silence) == !is_fetched); /* I7: a fetched one waits for us */
    assert(!attempt->worker || worker_is_here(attempt->worker)); /* I6 */
    if (stage->kind == STAGE_MAP)
        assert(samples->counts[TASK_COMPLETED] == samples->task_count); /* I14 */
    if (STAGE_TRAITS[stage->kind].fetches && attempt->phase != ATTEMPT_FETCHING)
        assert(maps->answered_count == maps->task_count); /* I13 */
}

static void check_in_progress(const struct sched *sched, const struct task *task)
{
    const struct attempt *older = task->attempt ? task->attempt->other : NULL;

    assert(task->attempt != NULL);
    assert(task->worker == NULL);
    assert(list_is_empty(&task->link));
    assert(!timer_is_armed(&task->retry));
    check_attempt(sched, task, task->attempt);
    if (!older)
        return;
    assert(older->other == NULL);
    assert(older->id < task->attempt->id);
    assert(older->worker != task->attempt->worker);
    check_attempt(sched, task, older);
}

static void check_completed(const struct sched *sched, const struct task *task)
{
    assert(task->attempt == NULL);
    assert(task->has_answered);
    assert(task->attempt_id != 0);
    assert(!timer_is_armed(&task->retry));
    assert((task->worker != NULL) == (task->stage->home == OUTPUT_ON_WORKER));
    assert(list_is_empty(&task->link) == !task->worker);
    assert(!task->worker || !sched->has_begun || task->worker->state != WORKER_GONE); /* I6 */
}

static void check_task(const struct sched *sched, const struct task *task)
{
    assert(task->fault_count <= task->failure_count); /* I11 */
    assert(task->failure_count <= SCHED_FAILURE_COUNT_MAX);
    assert(task->attempt_id == 0 || task->has_answered);
    switch (task->state) {
    case TASK_IDLE:
        check_idle(sched, task);
        break;
    case TASK_IN_PROGRESS:
        check_in_progress(sched, task);
        break;
    case TASK_COMPLETED:
        check_completed(sched, task);
        break;
    }
}

static bool holds_inputs(const struct attempt *attempt)
{
    return attempt && attempt->worker && attempt->phase != ATTEMPT_FETCHING;
}

static void check_stage(const struct sched *sched, const struct stage *stage)
{
    uint32_t counts[TASK_STATE_COUNT] = {0}, answered_count = 0, held_count = 0;
    struct digest digest = {0};

    for (uint32_t i = 0; i < stage->task_count; i++) {
        const struct task *task = &stage->tasks[i];

        assert(task->stage == stage);
        check_task(sched, task);
        counts[task->state]++;
        answered_count += task->has_answered;
        held_count +=
            holds_inputs(task->attempt) || (task->attempt && holds_inputs(task->attempt->other));
        if (task->has_answered)
            digest_add(&digest, &task->digest);
    }
    for (int state = 0; state < TASK_STATE_COUNT; state++)
        assert(counts[state] == stage->counts[state]);
    assert(answered_count == stage->answered_count);
    assert(held_count == stage->held_count);
    assert(digest_equal(&digest, &stage->digest)); /* I5 */
}

static void check_job(const struct sched *sched, struct job *job)
{
    const struct stage *last = job_last_stage(job);
    bool is_whole = last->counts[TASK_COMPLETED] == last->task_count;

    assert(!job_status_is_end(job->status)); /* I9 */
    assert(job_get(sched, job->id) == job);
    assert((job->status == JOB_PLANNING) == !job->stages[STAGE_PLAN].answered_count);
    assert(job->status == JOB_PLANNING || (job->status == JOB_COMMITTING) == is_whole); /* I15 */
    assert(job->stages[STAGE_MAP].bad_count + job->stages[STAGE_REDUCE].bad_count <=
           job->rules.skip_bad);
    assert(job->stages[STAGE_SAMPLE].bad_count <= job->rules.skip_bad);
    for (int kind = 0; kind < STAGE_COUNT; kind++)
        check_stage(sched, &job->stages[kind]);
}

/* The lists and timers that its state puts it in. */
static void check_worker_state(const struct sched *sched, const struct worker *worker)
{
    bool is_up = worker->state == WORKER_UP;
    bool is_aside = timer_is_armed(&worker->aside_end);
    bool has_slot = is_up && !is_aside && worker->slots_used < worker->slot_count;
    bool has_fetch = is_up && !is_aside && worker->fetch_count < worker->slot_count;

    assert(list_is_empty(&worker->aside) == !is_aside);
    assert(!is_aside || worker_is_here(worker));
    assert(list_is_empty(&worker->with_slot) == !has_slot);
    assert(list_is_empty(&worker->with_fetch) == !has_fetch);
    assert(list_is_empty(&worker->with_runnable)); /* I7: no slot is free beside who waits for it */
    if (!is_up)                                    /* I7 */
        assert(timer_is_armed(&worker->rejoin) == (worker->state != WORKER_GONE));
    else if (worker->slot_count == 0) /* who waits for a slot there is given up in time */
        assert(timer_is_armed(&worker->rejoin) || worker->fetch_count == 0);
    else
        assert(!timer_is_armed(&worker->rejoin));
    assert(timer_is_armed(&worker->heard) == (is_up && sched->options.worker_silence_ns > 0));
    assert(worker_is_here(worker) || !sched->has_begun || list_is_empty(&worker->attempts));
}

static void check_worker(const struct sched *sched, const struct worker *worker)
{
    uint32_t slots_used = 0, fetch_count = 0, fetched_count = 0;

    for (struct list *at = worker->attempts.next; at != &worker->attempts; at = at->next) {
        struct attempt *attempt = CONTAINER_OF(at, struct attempt, by_worker);

        assert(attempt->worker == worker);
        slots_used += attempt->phase == ATTEMPT_RUNNING;
        fetch_count += attempt->phase != ATTEMPT_RUNNING;
        fetched_count += attempt->phase == ATTEMPT_FETCHED;
    }
    assert(slots_used == worker->slots_used); /* I8 */
    assert(fetch_count == worker->fetch_count);
    assert(list_is_empty(&worker->fetched) == (fetched_count == 0));
    assert(!sched->has_begun || slots_used <= worker->slot_ceiling);
    assert(!sched->has_begun || fetch_count <= worker->slot_ceiling);
    check_worker_state(sched, worker);
}

/* What is counted over all workers, and over all jobs. */
static void check_totals(const struct sched *sched)
{
    uint32_t slot_count = 0, present_count = 0, aside_count = 0;

    for (uint32_t i = 0; i < sched->worker_capacity; i++) {
        const struct worker *worker = sched->workers[i];
        bool is_here = worker && worker_is_here(worker);

        slot_count += is_here ? worker->slot_count : 0;
        present_count += is_here && worker->slot_count > 0;
        aside_count += worker && timer_is_armed(&worker->aside_end);
    }
    assert(slot_count == sched->slot_count);
    assert(present_count == sched->present_count);
    assert(aside_count == sched->aside_count);
    assert((uint64_t)aside_count * 3 <= present_count);
    assert(timer_is_armed(&sched->backup) ==
           (sched->has_begun && sched->options.backup && !list_is_empty(&sched->jobs)));
}

/* What is in use, over the workers, is what is in use over the jobs. */
static void check_shares(const struct sched *sched)
{
    uint64_t of_workers = 0, of_jobs = 0;

    for (struct list *at = sched->jobs.next; at != &sched->jobs; at = at->next) {
        of_jobs += CONTAINER_OF(at, struct job, link)->slots_used;
        of_jobs += (uint64_t)CONTAINER_OF(at, struct job, link)->fetch_count << 32;
    }
    for (uint32_t i = 0; i < sched->worker_capacity; i++) {
        of_workers += sched->workers[i] ? sched->workers[i]->slots_used : 0;
        of_workers += sched->workers[i] ? (uint64_t)sched->workers[i]->fetch_count << 32 : 0;
    }
    assert(of_workers == of_jobs);
}

/* I7: nobody idles beside work. */
static void check_nothing_waits_for_nothing(const struct sched *sched, const struct job *job)
{
    const struct stage *stage;

    for (int kind = 0; kind < STAGE_COUNT; kind++) {
        stage = &job->stages[kind];
        if (list_is_empty(&stage->queue) || !stage_is_open(sched, stage) || !stage_is_wanted(stage))
            continue;
        assert(STAGE_TRAITS[kind].on_worker); /* a helper starts at once */
        if (STAGE_TRAITS[kind].fetches)
            assert(list_is_empty(&sched->with_fetch));
        else
            assert(list_is_empty(&sched->with_slot));
    }
}

void sched_check(const struct sched *sched)
{
    for (struct list *at = sched->jobs.next; at != &sched->jobs; at = at->next) {
        struct job *job = CONTAINER_OF(at, struct job, link);

        check_job(sched, job);
        if (sched->has_begun)
            check_nothing_waits_for_nothing(sched, job);
    }
    for (uint32_t i = 0; i < sched->worker_capacity; i++)
        if (sched->workers[i])
            check_worker(sched, sched->workers[i]);
    check_totals(sched);
    check_shares(sched);
    timer_heap_check(&sched->timers);
}

/* One more number into the hash. */
static void mix(uint64_t *hash, uint64_t number)
{
    *hash = hash64_seeded(slice_of(&number, sizeof number), *hash);
}

static void mix_digest(uint64_t *hash, const struct digest *digest)
{
    mix(hash, digest->low);
    mix(hash, digest->high);
    mix(hash, digest->record_count);
}

static void mix_place(uint64_t *hash, const struct worker *worker)
{
    mix(hash, worker ? worker->id : WORKER_NONE);
    mix(hash, worker ? worker->incarnation : 0);
}

static void mix_task(uint64_t *hash, const struct task *task)
{
    mix(hash, task->state);
    mix(hash, task->failure_count);
    mix(hash, task->fault_count);
    mix(hash, task->attempt_id);
    mix_place(hash, task->worker);
    mix(hash, task->has_answered);
    mix_digest(hash, &task->digest);
    for (const struct attempt *at = task->attempt; at; at = at->other) {
        mix(hash, at->id);
        mix_place(hash, at->worker);
    }
    for (const struct failure *at = task->failures; at; at = at->older) {
        mix(hash, at->cause.attempt_id);
        mix(hash, at->cause.worker_id);
        mix(hash, at->cause.failure);
    }
}

static void mix_job(uint64_t *hash, const struct job *job)
{
    mix(hash, job->id);
    mix(hash, job->status);
    mix(hash, job->rules.attempts_max);
    mix(hash, job->rules.unsafe);
    mix(hash, job->rules.silence_ns);
    mix(hash, (uint32_t)job->rules.priority);
    mix(hash, job->rules.weight);
    mix(hash, job->rules.outputs_in_store);
    mix(hash, job->rules.skip_bad);
    mix(hash, job->attempt_differed);
    mix(hash, job->task_differed);
    for (int kind = 0; kind < STAGE_COUNT; kind++) {
        const struct stage *stage = &job->stages[kind];

        mix(hash, stage->task_count);
        mix(hash, stage->home);
        mix(hash, stage->bad_count);
        mix_digest(hash, &stage->digest);
        for (uint32_t i = 0; i < stage->task_count; i++)
            mix_task(hash, &stage->tasks[i]);
    }
}

uint64_t sched_hash(const struct sched *sched)
{
    uint64_t hash = 0;

    mix(&hash, sched->epoch);
    mix(&hash, sched->attempt_id_last);
    for (struct list *at = sched->jobs.next; at != &sched->jobs; at = at->next)
        mix_job(&hash, CONTAINER_OF(at, struct job, link));
    /* From the oldest; not what a journal drops when it keeps of a job no more than its end. */
    for (size_t i = 0; i < SCHED_HISTORY_COUNT_MAX; i++) {
        const struct past_job *past =
            &sched->past[(sched->past_next + i) % SCHED_HISTORY_COUNT_MAX];

        if (past->id == 0)
            continue;
        mix(&hash, past->id);
        mix(&hash, past->progress.status);
        mix(&hash, past->progress.reason);
        mix(&hash, past->progress.failure);
    }
    return hash;
}
