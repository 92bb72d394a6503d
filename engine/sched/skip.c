#include "sched/skip.h"

#include <assert.h>

#include "sched/event.h"

uint32_t skip_count_left(const struct stage *stage)
{
    const struct stage *stages = stage->job->stages;
    uint32_t count = stages[STAGE_MAP].bad_count + stages[STAGE_REDUCE].bad_count;

    if (stage->kind == STAGE_SAMPLE)
        count = stage->bad_count;
    assert(count <= stage->job->rules.skip_bad);
    return stage->job->rules.skip_bad - count;
}

bool skip_on_records_bad(struct sched *sched, const struct event *event)
{
    struct attempt *attempt = event_attempt(sched, event);
    struct task *task = attempt ? attempt->task : NULL;
    struct fact fact;

    assert(event->failure > ERR_NONE);
    assert(event->bad_count >= 1);
    if (!attempt || !STAGE_TRAITS[task->stage->kind].runs_job_code)
        return false;
    if (event->bad_count > skip_count_left(task->stage)) {
        job_break(sched, attempt, END_BAD_RECORDS, event->failure);
        return true;
    }
    if (attempt->other || task->attempt != attempt)
        attempt_give_up(sched, attempt->other ? attempt->other : task->attempt);
    fact = attempt_fact(FACT_RECORDS_BAD, attempt);
    fact.failure = event->failure;
    fact.bad_count = event->bad_count;
    say_fact(sched, &fact);
    assert(task->state == TASK_IDLE);
    return true;
}
