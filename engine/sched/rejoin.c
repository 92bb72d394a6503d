/*
 * rejoin: workers come, are cut off, come back, and are lost (the table in sched.h).
 *
 * Who comes back within its grace has lost nothing: its attempts are still its own. Who comes back
 * later finds its attempts given up and its outputs lost, each of them until another attempt has
 * answered: a task remembers whose answer its last one was (task.attempt_id), so a run that its
 * worker still holds counts again, and nobody else's.
 *
 * Who comes back and does not name an output has lost it: a run that broke while nobody could be
 * told, or whose loss was told over a connection that was cut.
 */
#include <assert.h>

#include "sched/aside.h"
#include "sched/event.h"

/* With all it runs and holds. It is not journaled that somebody left who had nothing. */
static void worker_lose(struct sched *sched, struct worker *worker)
{
    struct fact fact = {
        .kind = FACT_WORKER_LOST, .worker_id = worker->id, .incarnation = worker->incarnation};
    bool can = worker_next(&worker->state, WORKER_LEAVES);

    assert(can);
    timer_disarm(&sched->timers, &worker->rejoin);
    timer_disarm(&sched->timers, &worker->heard);
    aside_end(sched, worker);
    worker_refresh(sched, worker);
    if (!list_is_empty(&worker->attempts) || !list_is_empty(&worker->outputs))
        say_fact(sched, &fact);
    assert(list_is_empty(&worker->attempts));
    assert(list_is_empty(&worker->outputs));
}

static void arm_rejoin(struct sched *sched, struct worker *worker, uint64_t grace_ns)
{
    assert(worker->state != WORKER_GONE);
    worker->rejoin.kind = TIMER_REJOIN;
    timer_arm(&sched->timers, &worker->rejoin, sched->now_ns + grace_ns);
}

static void worker_set_slots(struct sched *sched, struct worker *worker, uint32_t slot_count)
{
    worker->slot_count = slot_count;
    worker->slot_ceiling = slot_count;
    if (worker->slot_ceiling < worker->slots_used)
        worker->slot_ceiling = worker->slots_used;
    if (worker->slot_ceiling < worker->fetch_count)
        worker->slot_ceiling = worker->fetch_count;
    worker_refresh(sched, worker);
}

/* From now until it says its slots it names what it holds. */
static void begin_naming(struct worker *worker)
{
    for (struct list *at = worker->outputs.next; at != &worker->outputs; at = at->next)
        CONTAINER_OF(at, struct task, link)->is_named = false;
    worker->is_joining = true;
}

static void end_naming(struct sched *sched, struct worker *worker)
{
    struct list *next;

    worker->is_joining = false;
    for (struct list *at = worker->outputs.next; at != &worker->outputs; at = next) {
        struct task *task = CONTAINER_OF(at, struct task, link);
        struct fact fact = {.kind = FACT_OUTPUT_LOST,
                            .job_id = task->stage->job->id,
                            .stage = task->stage->kind,
                            .task = task_index(task),
                            .attempt_id = task->attempt_id,
                            .worker_id = worker->id,
                            .incarnation = worker->incarnation};

        next = at->next;
        if (!task->is_named)
            say_fact(sched, &fact);
    }
}

bool on_worker_joined(struct sched *sched, const struct event *event)
{
    struct worker *worker = worker_get_or_add(sched, event->worker_id);
    bool is_same = worker->state == WORKER_GONE || worker->incarnation == event->incarnation;
    enum worker_state state = worker->state;

    assert(event->incarnation != 0);
    if (!worker_next(&state, is_same ? WORKER_JOINS : WORKER_REPLACED))
        return false;
    if (!is_same)
        worker_lose(sched, worker);
    timer_disarm(&sched->timers, &worker->rejoin);
    worker->state = state;
    if (worker->incarnation != event->incarnation) {
        worker->incarnation = event->incarnation;
        aside_forgive(sched, worker);
    }
    worker->heard_ns = sched->now_ns;
    worker->heard.kind = TIMER_HEARD;
    if (sched->options.worker_silence_ns > 0)
        timer_arm(&sched->timers, &worker->heard, sched->now_ns + sched->options.worker_silence_ns);
    worker->is_joining = false;
    if (event->slot_count == 0)
        begin_naming(worker);
    worker_set_slots(sched, worker, event->slot_count);
    if (event->slot_count == 0) /* it says more soon, or is one that drains */
        arm_rejoin(sched, worker, sched->options.reset_grace_ns);
    return true;
}

bool on_worker_lost(struct sched *sched, const struct event *event)
{
    struct worker *worker = worker_get(sched, event->worker_id);

    if (!worker || worker->state == WORKER_GONE || worker->incarnation != event->incarnation)
        return false;
    worker_lose(sched, worker);
    assert(worker->state == WORKER_GONE);
    return true;
}

bool on_worker_reset(struct sched *sched, const struct event *event)
{
    struct worker *worker = event_worker(sched, event);

    if (!worker || !worker_next(&worker->state, WORKER_IS_CUT))
        return false;
    timer_disarm(&sched->timers, &worker->heard);
    arm_rejoin(sched, worker, sched->options.reset_grace_ns);
    worker_refresh(sched, worker);
    return true;
}

/* The next attempt of a worker that drains and holds no slot. */
static struct attempt *attempt_without_slot(const struct worker *worker)
{
    for (struct list *at = worker->attempts.next; at != &worker->attempts; at = at->next) {
        struct attempt *attempt = CONTAINER_OF(at, struct attempt, by_worker);

        if (attempt->phase != ATTEMPT_RUNNING)
            return attempt;
    }
    assert(worker->fetch_count == 0);
    return NULL;
}

/* It takes no more work: what holds no slot there would wait for ever. */
static void worker_drain(struct sched *sched, struct worker *worker)
{
    struct attempt *attempt;

    assert(worker->slot_count == 0);
    while ((attempt = attempt_without_slot(worker)))
        attempt_give_up(sched, attempt);
}

bool on_worker_slots(struct sched *sched, const struct event *event)
{
    struct worker *worker = event_worker(sched, event);

    if (!worker)
        return false;
    timer_disarm(&sched->timers, &worker->rejoin);
    if (worker->is_joining)
        end_naming(sched, worker);
    worker_set_slots(sched, worker, event->slot_count);
    if (event->slot_count == 0)
        worker_drain(sched, worker);
    return true;
}

void worker_await(struct sched *sched, struct worker *worker)
{
    assert(worker->state == WORKER_GONE);
    worker->state = WORKER_AWAITED;
    arm_rejoin(sched, worker, sched->options.rejoin_grace_ns);
}

void on_rejoin_timer(struct sched *sched, struct worker *worker)
{
    assert(worker->state != WORKER_GONE);
    if (worker->state == WORKER_UP)
        worker_drain(sched, worker);
    else
        worker_lose(sched, worker);
}

/* What is heard does not move the timer: it is looked at when the timer is due. */
void on_heard_timer(struct sched *sched, struct worker *worker)
{
    uint64_t due_ns = worker->heard_ns + sched->options.worker_silence_ns;

    assert(worker->state == WORKER_UP);
    if (due_ns > sched->now_ns)
        timer_arm(&sched->timers, &worker->heard, due_ns);
    else
        worker_lose(sched, worker);
}

/* The task of the event's job whose last answer is this attempt's, or NULL. */
static struct task *task_answered_by(const struct sched *sched, const struct event *event,
                                     enum stage_kind stage, uint64_t attempt_id)
{
    struct job *job = job_get(sched, event->job_id);
    struct task *task = job ? task_get(job, stage, event->peer_task) : NULL;

    assert(!task || task->attempt_id == 0 || task->has_answered);
    return task && attempt_id != 0 && task->attempt_id == attempt_id ? task : NULL;
}

/* A run of a map that `worker` has. False: nobody wants it. */
static bool output_take_back(struct sched *sched, struct worker *worker, struct task *task)
{
    struct job *job = task->stage->job;
    struct fact fact = {.kind = FACT_OUTPUT_FOUND,
                        .job_id = job->id,
                        .stage = task->stage->kind,
                        .task = task_index(task),
                        .attempt_id = task->attempt_id,
                        .worker_id = worker->id,
                        .incarnation = worker->incarnation};

    if (task->worker == worker)
        task->is_named = true;
    if (task->state == TASK_COMPLETED)
        return task->worker == worker || task->stage->home != OUTPUT_ON_WORKER;
    if (job->status != JOB_RUNNING)
        return false;
    while (task->attempt)
        attempt_give_up(sched, task->attempt);
    say_fact(sched, &fact);
    assert(task->worker == worker);
    return true;
}

/* Is it live on this worker? Then what it holds is its own affair until it has answered. */
static bool is_live_there(const struct sched *sched, const struct worker *worker,
                          uint64_t attempt_id)
{
    const struct attempt *attempt = idtable_get(&sched->attempts_by_id, attempt_id);

    return attempt && attempt->worker == worker;
}

bool on_output_held(struct sched *sched, const struct event *event)
{
    struct worker *worker = event_worker(sched, event);
    struct task *task = task_answered_by(sched, event, STAGE_MAP, event->peer_attempt_id);
    struct command *command;

    if (!worker)
        return false;
    if (is_live_there(sched, worker, event->peer_attempt_id))
        return true;
    if (task && output_take_back(sched, worker, task))
        return true;
    command = say_command(sched, COMMAND_FORGET_OUTPUT);
    command->job_id = event->job_id;
    command->stage = STAGE_MAP;
    command->task = event->peer_task;
    command->attempt_id = event->peer_attempt_id;
    command->worker_id = worker->id;
    command->incarnation = worker->incarnation;
    return true;
}

bool on_attempt_held(struct sched *sched, const struct event *event)
{
    struct worker *worker = event_worker(sched, event);
    struct task *map = task_answered_by(sched, event, STAGE_MAP, event->attempt_id);
    struct command *command;

    if (!worker)
        return false;
    if (is_live_there(sched, worker, event->attempt_id)) {
        attempt_is_alive(sched, idtable_get(&sched->attempts_by_id, event->attempt_id));
        return true;
    }
    /* It has answered, and does not know that it was heard: what it made must stay. */
    if (map && output_take_back(sched, worker, map))
        return true;
    if (task_answered_by(sched, event, STAGE_REDUCE, event->attempt_id))
        return true;
    command = say_command(sched, COMMAND_KILL_ATTEMPT);
    command->job_id = event->job_id;
    command->task = event->peer_task;
    command->attempt_id = event->attempt_id;
    command->worker_id = worker->id;
    command->incarnation = worker->incarnation;
    return true;
}
