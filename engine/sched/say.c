/*
 * say: commands and facts about attempts and outputs, filled in.
 *
 * Who is cut off is told nothing: what was said to nobody would have to be said again, and is, when
 * the worker is back and names what it has (rejoin.c).
 */
#include <assert.h>

#include "sched/event.h"

struct command attempt_command(enum command_kind kind, const struct attempt *attempt)
{
    struct command command = {.kind = kind,
                              .job_id = attempt->task->stage->job->id,
                              .stage = attempt->task->stage->kind,
                              .task = task_index(attempt->task),
                              .attempt_id = attempt->id,
                              .worker_id = WORKER_NONE};

    assert(attempt_is_listed(attempt));
    assert(kind != COMMAND_JOB_ENDED);
    if (attempt->worker) {
        command.worker_id = attempt->worker->id;
        command.incarnation = attempt->worker->incarnation;
    }
    return command;
}

bool can_be_told(const struct worker *worker)
{
    return !worker || worker->state == WORKER_UP;
}

void say_attempt_command(struct sched *sched, enum command_kind kind, const struct attempt *attempt)
{
    if (can_be_told(attempt->worker))
        *say_command(sched, kind) = attempt_command(kind, attempt);
}

void say_forget(struct sched *sched, const struct task *task)
{
    struct command *command;

    assert(task->state == TASK_COMPLETED);
    if (!task->worker || !can_be_told(task->worker))
        return; /* what is in a store goes with its job */
    command = say_command(sched, COMMAND_FORGET_OUTPUT);
    command->job_id = task->stage->job->id;
    command->stage = task->stage->kind;
    command->task = task_index(task);
    command->attempt_id = task->attempt_id;
    command->worker_id = task->worker->id;
    command->incarnation = task->worker->incarnation;
}

struct fact attempt_fact(enum fact_kind kind, const struct attempt *attempt)
{
    struct fact fact = {.kind = kind,
                        .job_id = attempt->task->stage->job->id,
                        .stage = attempt->task->stage->kind,
                        .task = task_index(attempt->task),
                        .attempt_id = attempt->id,
                        .worker_id = WORKER_NONE};

    assert(attempt_is_listed(attempt));
    if (attempt->worker) {
        fact.worker_id = attempt->worker->id;
        fact.incarnation = attempt->worker->incarnation;
    }
    assert(fact.attempt_id != 0);
    return fact;
}
