#include "sched/aside.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"

enum { ASIDE_SHARE = 3 }; /* of the workers, one in so many at most */

/* Two reports about a worker belong together when they are not further apart: a fetch that fails
 * twice takes seconds, and a network that was broken an hour ago says nothing. */
#define SUSPICION_NS (60 * NS_PER_S)

void aside_set(struct sched *sched, struct worker *worker)
{
    uint64_t end_ns = sched->now_ns + sched->options.aside_ns;
    bool is_aside = !list_is_empty(&worker->aside);
    uint32_t count = sched->aside_count + !is_aside;

    if (sched->options.aside_ns == 0 || worker->slots_counted == 0 ||
        (uint64_t)count * ASIDE_SHARE > sched->present_count)
        return;
    assert(worker_is_here(worker));
    sched->aside_count = count;
    list_remove(&worker->aside);
    list_append(&sched->aside, &worker->aside);
    worker->aside_end.kind = TIMER_ASIDE;
    timer_arm(&sched->timers, &worker->aside_end, end_ns);
    memset(worker->doubts, 0, sizeof worker->doubts);
    worker_refresh(sched, worker);
}

void aside_end(struct sched *sched, struct worker *worker)
{
    if (list_is_empty(&worker->aside))
        return;
    assert(sched->aside_count > 0);
    sched->aside_count--;
    list_remove(&worker->aside);
    timer_disarm(&sched->timers, &worker->aside_end);
    worker_refresh(sched, worker);
}

void aside_forgive(struct sched *sched, struct worker *worker)
{
    assert(list_is_empty(&worker->aside)); /* it was lost before */
    memset(worker->doubts, 0, sizeof worker->doubts);
    worker->reporter_until_ns = 0;
    worker->attempt_id_before = sched->attempt_id_last;
}

/* Notes one more task that failed here and completed elsewhere; each counts once. */
static void worker_add_doubt(struct sched *sched, struct worker *worker, const struct task *task)
{
    struct doubt doubt = {
        .job_id = task->stage->job->id, .task = task_index(task), .stage = task->stage->kind};
    int count = 0;

    while (count < DOUBT_COUNT_MAX && worker->doubts[count].job_id != 0) {
        const struct doubt *other = &worker->doubts[count++];

        if (other->job_id == doubt.job_id && other->task == doubt.task &&
            other->stage == doubt.stage)
            return;
    }
    if (count < DOUBT_COUNT_MAX)
        worker->doubts[count++] = doubt;
    if (count == DOUBT_COUNT_MAX)
        aside_set(sched, worker);
}

void aside_doubt(struct sched *sched, const struct task *task, const struct worker *worker)
{
    for (const struct failure *at = task->failures; at; at = at->older) {
        struct worker *other = worker_get(sched, at->cause.worker_id);
        bool is_of_job = at->cause.failure == ERR_JOB || at->cause.failure == ERR_INPUT;

        assert(at->cause.failure != ERR_NONE);
        if (other && other != worker && !is_of_job &&
            at->cause.attempt_id > other->attempt_id_before)
            worker_add_doubt(sched, other, task);
    }
}

bool aside_is_suspect(struct sched *sched, struct worker *holder, uint32_t reporter)
{
    bool is_second = holder->reporter_until_ns > sched->now_ns && holder->reporter != reporter;

    if (reporter == holder->id || reporter == WORKER_NONE)
        return false;
    holder->reporter = reporter;
    holder->reporter_until_ns = is_second ? 0 : sched->now_ns + SUSPICION_NS;
    return is_second;
}

void aside_settle(struct sched *sched)
{
    while ((uint64_t)sched->aside_count * ASIDE_SHARE > sched->present_count)
        aside_end(sched, LIST_FIRST(&sched->aside, struct worker, aside));
    assert(sched->aside_count == 0 || sched->aside_count < sched->present_count);
}
