/*
 * check: what must hold after every step, and the hash of what lasts. For tests: both are O(n).
 *
 * Numbers as in the list of invariants that the simulation names:
 *
 *     I1   an attempt has one id, of this epoch, not above the last one given
 *     I5   the sums of the audit are the sums over the tasks
 *     I6   whatever lives or is held belongs to the incarnation that is there
 *     I7   whatever is not at its end waits for a timer, or for room that somebody with a timer has
 *     I8   slots and fetches in use are those of the attempts, and not more than there are
 *     I9   a job that is listed has not ended
 *     I11  faults of the job are not more than its reported failures, both within their limits
 *     I13  who holds a slot holds its inputs: every map had answered
 *     and  a task is in exactly one place: queue, delay, attempt, worker's outputs, store
 *
 * I2 (grants) comes with commits on gs://; I3, I4 and I10 need what was there before or elsewhere
 * and are checked in ctest/sim; I12 is about messages.
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

static void check_attempt(const struct sched *sched, const struct attempt *attempt)
{
    const struct stage *stage = attempt->task->stage;
    const struct stage *maps = &stage->job->stages[STAGE_MAP];
    bool is_fetched = attempt->phase == ATTEMPT_FETCHED;

    assert(idtable_get(&sched->attempts_by_id, attempt->id) == attempt); /* I1 */
    assert(attempt->id <= sched->attempt_id_last);
    assert((attempt->worker != NULL) == STAGE_TRAITS[stage->kind].on_worker);
    assert(list_is_empty(&attempt->fetched) == !is_fetched);
    if (!sched->has_begun)
        return;
    assert(attempt->id >> 32 == sched->epoch);
    assert(timer_is_armed(&attempt->silence) == !is_fetched); /* I7: a fetched one waits for us */
    assert(!attempt->worker || attempt->worker->state == WORKER_UP); /* I6 */
    if (STAGE_TRAITS[stage->kind].fetches && attempt->phase != ATTEMPT_FETCHING)
        assert(maps->answered_count == maps->task_count); /* I13 */
}

static void check_in_progress(const struct sched *sched, const struct task *task)
{
    assert(task->attempt != NULL);
    assert(task->attempt->task == task);
    assert(task->worker == NULL);
    assert(list_is_empty(&task->link));
    assert(!timer_is_armed(&task->retry));
    check_attempt(sched, task->attempt);
}

static void check_completed(const struct sched *sched, const struct task *task)
{
    assert(task->attempt == NULL);
    assert(task->has_answered);
    assert(task->attempt_id != 0);
    assert(!timer_is_armed(&task->retry));
    assert((task->worker != NULL) == task->stage->output_on_worker);
    assert(list_is_empty(&task->link) == !task->worker);
    assert(!task->worker || !sched->has_begun || task->worker->state != WORKER_GONE); /* I6 */
}

static void check_task(const struct sched *sched, const struct task *task)
{
    assert(task->fault_count <= task->failure_count); /* I11 */
    assert(task->failure_count <= SCHED_FAILURE_COUNT_MAX);
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
        if (task->attempt && task->attempt->worker)
            held_count += task->attempt->phase != ATTEMPT_FETCHING;
        if (task->has_answered)
            digest_add(&digest, &task->digest);
    }
    for (int state = 0; state < TASK_STATE_COUNT; state++)
        assert(counts[state] == stage->counts[state]);
    assert(answered_count == stage->answered_count);
    assert(held_count == stage->held_count);
    assert(digest_equal(&digest, &stage->digest)); /* I5 */
}

static void check_job(const struct sched *sched, const struct job *job)
{
    assert(!job_status_is_end(job->status)); /* I9 */
    assert(job_get(sched, job->id) == job);
    assert((job->status == JOB_PLANNING) == !job->stages[STAGE_PLAN].answered_count);
    for (int kind = 0; kind < STAGE_COUNT; kind++)
        check_stage(sched, &job->stages[kind]);
}

static void check_worker(const struct sched *sched, const struct worker *worker)
{
    uint32_t slots_used = 0, fetch_count = 0, fetched_count = 0;
    bool is_up = worker->state == WORKER_UP;

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
    assert(!is_up || slots_used <= worker->slot_count);
    assert(!is_up || fetch_count <= worker->slot_count);
    assert(list_is_empty(&worker->with_slot) == !(is_up && slots_used < worker->slot_count));
    assert(list_is_empty(&worker->with_fetch) == !(is_up && fetch_count < worker->slot_count));
    assert(list_is_empty(&worker->with_runnable)); /* I7: no slot is free beside who waits for it */
    assert(timer_is_armed(&worker->rejoin) == (worker->state == WORKER_AWAITED)); /* I7 */
    assert(is_up || !sched->has_begun || list_is_empty(&worker->attempts));
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
        const struct job *job = CONTAINER_OF(at, struct job, link);

        check_job(sched, job);
        if (sched->has_begun)
            check_nothing_waits_for_nothing(sched, job);
    }
    for (uint32_t i = 0; i < sched->worker_capacity; i++)
        if (sched->workers[i])
            check_worker(sched, sched->workers[i]);
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
    mix(hash, task->state == TASK_COMPLETED ? task->attempt_id : 0);
    mix_place(hash, task->worker);
    mix(hash, task->has_answered);
    mix_digest(hash, &task->digest);
    mix(hash, task->attempt ? task->attempt->id : 0);
    mix_place(hash, task->attempt ? task->attempt->worker : NULL);
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
    for (int kind = 0; kind < STAGE_COUNT; kind++) {
        const struct stage *stage = &job->stages[kind];

        mix(hash, stage->task_count);
        mix(hash, stage->output_on_worker);
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
    for (size_t i = 0; i < SCHED_HISTORY_COUNT_MAX && sched->past[i].id != 0; i++) {
        mix(&hash, sched->past[i].id);
        mix(&hash, sched->past[i].progress.status);
        mix(&hash, sched->past[i].progress.reason);
        mix(&hash, sched->past[i].cause_count);
    }
    return hash;
}
