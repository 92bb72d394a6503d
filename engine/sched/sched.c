#include "sched/sched.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sched/aside.h"
#include "sched/backup.h"
#include "sched/event.h"
#include "sched/state.h"

void sched_options_default(struct sched_options *options)
{
    *options = (struct sched_options){
        .seed = 1,
        .retry_delay_ns_min = 100 * NS_PER_MS,
        .retry_delay_ns_max = 30 * NS_PER_S,
        .silence_ns = 120 * NS_PER_S,
        .rejoin_grace_ns = 10 * NS_PER_S,
        .reset_grace_ns = 1 * NS_PER_S,
        .aside_ns = 600 * NS_PER_S,
        .fetch_start_percent = 100,
    };
}

void sched_options_cluster(struct sched_options *options)
{
    sched_options_default(options);
    options->worker_silence_ns = 10 * NS_PER_S;
    options->fetch_start_percent = 5;
    options->backup = true;
}

void sched_output_deinit(struct sched_output *out)
{
    free(out->commands);
    free(out->facts);
    *out = (struct sched_output){0};
}

struct sched *sched_open(const struct sched_options *options)
{
    struct sched *sched = mem_alloc(sizeof *sched);

    assert(options->retry_delay_ns_min <= options->retry_delay_ns_max);
    assert(options->silence_ns > 0);
    assert(options->fetch_start_percent <= 100);
    assert(options->epoch_min <= UINT32_MAX);
    sched->options = *options;
    rand_init(&sched->rand, options->seed);
    list_init(&sched->jobs);
    list_init(&sched->with_slot);
    list_init(&sched->with_fetch);
    list_init(&sched->with_runnable);
    list_init(&sched->aside);
    sched->backup.kind = TIMER_BACKUP;
    sched->past = mem_alloc_array(SCHED_HISTORY_COUNT_MAX, sizeof *sched->past);
    return sched;
}

static void close_job(struct sched *sched, struct job *job)
{
    for (int kind = 0; kind < STAGE_COUNT; kind++) {
        struct stage *stage = &job->stages[kind];

        for (uint32_t i = 0; i < stage->task_count; i++)
            while (stage->tasks[i].attempt)
                attempt_close(sched, stage->tasks[i].attempt);
    }
    job_close(sched, job);
}

void sched_close(struct sched *sched)
{
    struct job *job;

    if (!sched)
        return;
    while ((job = LIST_FIRST(&sched->jobs, struct job, link)))
        close_job(sched, job);
    assert(sched->attempts_by_id.count == 0);
    assert(sched->jobs_by_id.count == 0);
    for (uint32_t i = 0; i < sched->worker_capacity; i++)
        free(sched->workers[i]);
    for (size_t i = 0; i < SCHED_HISTORY_COUNT_MAX; i++)
        free(sched->past[i].causes);
    free(sched->workers);
    free(sched->past);
    idtable_deinit(&sched->attempts_by_id);
    idtable_deinit(&sched->jobs_by_id);
    timer_heap_deinit(&sched->timers);
    free(sched);
}

int sched_restore(struct sched *sched, const struct fact *facts, size_t fact_count, struct err *err)
{
    assert(!sched->has_begun);
    for (size_t i = 0; i < fact_count; i++)
        if (!fact_apply(sched, &facts[i]))
            return err_set(err, ERR_SETUP, "restore: fact %zu (%s) does not fit those before it", i,
                           fact_kind_name(facts[i].kind));
    assert(!sched->has_begun);
    return 0;
}

/* `count` items of `item_bytes` and room for one more. */
static void *with_room(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    assert(count <= *capacity);
    if (count < *capacity)
        return items;
    *capacity = *capacity ? 2 * *capacity : 16;
    return mem_realloc_array(items, *capacity, item_bytes);
}

struct command *say_command(struct sched *sched, enum command_kind kind)
{
    struct sched_output *out = sched->out;
    struct command *command;

    assert(out != NULL); /* only a step says something */
    out->commands =
        with_room(out->commands, out->command_count, &out->command_capacity, sizeof *out->commands);
    command = &out->commands[out->command_count++];
    *command = (struct command){.kind = kind, .worker_id = WORKER_NONE};
    return command;
}

void say_fact(struct sched *sched, const struct fact *fact)
{
    struct sched_output *out = sched->out;
    bool fits;

    assert(out != NULL); /* only a step says something */
    out->facts = with_room(out->facts, out->fact_count, &out->fact_capacity, sizeof *out->facts);
    out->facts[out->fact_count++] = *fact;
    fits = fact_apply(sched, fact);
    assert(fits); /* we say only what is so */
}

void sched_step(struct sched *sched, const struct event *event, struct sched_output *out)
{
    assert(event->now_ns >= sched->now_ns);
    assert((int)event->kind >= 0);
    assert((int)event->kind < EVENT_KIND_COUNT);
    out->command_count = 0;
    out->fact_count = 0;
    sched->out = out;
    sched->now_ns = event->now_ns;
    if (!sched->has_begun)
        epoch_begin(sched);
    if (!event_handle(sched, event))
        sched->stale_count++;
    aside_settle(sched);
    dispatch(sched);
    backup_settle(sched); /* with what nobody else has taken */
    sched->out = NULL;
}

uint64_t sched_next_due_ns(const struct sched *sched)
{
    return timer_next_due_ns(&sched->timers);
}

uint64_t sched_stale_count(const struct sched *sched)
{
    return sched->stale_count;
}

bool sched_job_progress(const struct sched *sched, uint64_t job_id, struct job_progress *out)
{
    const struct job *job = job_get(sched, job_id);
    const struct past_job *past = job || job_id == 0 ? NULL : past_job_get(sched, job_id);

    if (past)
        *out = past->progress;
    if (!job)
        return past != NULL;
    *out = (struct job_progress){.status = job->status};
    for (int kind = 0; kind < STAGE_COUNT; kind++) {
        const struct stage *stage = &job->stages[kind];

        out->stages[kind] = (struct stage_progress){
            .task_count = stage->task_count,
            .idle_count = stage->counts[TASK_IDLE],
            .in_progress_count = stage->counts[TASK_IN_PROGRESS],
            .completed_count = stage->counts[TASK_COMPLETED],
            .failure_count = stage->failure_count,
        };
    }
    return true;
}

size_t sched_causes(const struct sched *sched, uint64_t job_id, struct cause *out, size_t count_max)
{
    const struct past_job *past = job_id ? past_job_get(sched, job_id) : NULL;
    size_t count = past ? past->cause_count : 0;

    if (count > count_max)
        count = count_max;
    if (count > 0)
        memcpy(out, past->causes, count * sizeof *out);
    assert(count <= count_max);
    return count;
}

bool sched_output_of(const struct sched *sched, uint64_t job_id, enum stage_kind stage,
                     uint32_t task_number, struct output_place *out)
{
    struct job *job = job_get(sched, job_id);
    const struct task *task = job ? task_get(job, stage, task_number) : NULL;

    assert((int)stage < STAGE_COUNT);
    if (!task || task->state != TASK_COMPLETED)
        return false;
    assert(task->attempt_id != 0);
    *out = (struct output_place){.attempt_id = task->attempt_id, .worker_id = WORKER_NONE};
    if (task->worker) {
        out->worker_id = task->worker->id;
        out->incarnation = task->worker->incarnation;
    }
    return true;
}

void sched_worker_attempts(const struct sched *sched, uint32_t worker_id,
                           void (*see)(void *context, const struct command *command), void *context)
{
    const struct worker *worker = worker_get(sched, worker_id);

    if (!worker)
        return;
    for (struct list *at = worker->attempts.next; at != &worker->attempts; at = at->next) {
        const struct attempt *attempt = CONTAINER_OF(at, struct attempt, by_worker);
        struct command command = attempt_command(COMMAND_START_ATTEMPT, attempt);

        assert(attempt->worker == worker);
        see(context, &command);
        command.kind = COMMAND_RUN_ATTEMPT;
        if (attempt->was_run)
            see(context, &command);
    }
}

static enum worker_status status_of(enum worker_state state)
{
    switch (state) {
    case WORKER_GONE:
        return WORKER_STATUS_GONE;
    case WORKER_AWAITED:
        return WORKER_STATUS_AWAITED;
    case WORKER_CUT:
        return WORKER_STATUS_CUT;
    case WORKER_UP:
        return WORKER_STATUS_UP;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

bool sched_worker_view(const struct sched *sched, uint32_t worker_id, struct worker_view *out)
{
    const struct worker *worker = worker_get(sched, worker_id);

    if (!worker)
        return false;
    assert(worker->id == worker_id);
    *out = (struct worker_view){
        .status = status_of(worker->state),
        .incarnation = worker->incarnation,
        .slot_count = worker_is_here(worker) ? worker->slot_count : 0,
        .slots_used = worker->slots_used,
        .fetch_count = worker->fetch_count,
    };
    if (timer_is_armed(&worker->aside_end))
        out->aside_until_ns = worker->aside_end.due_ns;
    if (timer_is_armed(&worker->heard))
        out->silence_due_ns = worker->heard_ns + sched->options.worker_silence_ns;
    return true;
}

const char *stage_kind_name(enum stage_kind stage)
{
    static const char *const names[STAGE_COUNT] = {"plan", "map", "reduce", "commit", "sample"};

    assert((int)stage >= 0 && (int)stage < STAGE_COUNT);
    return names[stage];
}

const char *event_kind_name(enum event_kind kind)
{
    static const char *const names[EVENT_KIND_COUNT] = {
        [EVENT_TICK] = "tick",
        [EVENT_JOB_SUBMITTED] = "job_submitted",
        [EVENT_JOB_CANCELLED] = "job_cancelled",
        [EVENT_PLAN_MADE] = "plan_made",
        [EVENT_WORKER_JOINED] = "worker_joined",
        [EVENT_WORKER_LOST] = "worker_lost",
        [EVENT_WORKER_RESET] = "worker_reset",
        [EVENT_WORKER_HEARD] = "worker_heard",
        [EVENT_WORKER_SLOTS] = "worker_slots",
        [EVENT_ATTEMPT_PROGRESS] = "attempt_progress",
        [EVENT_ATTEMPT_FETCHED] = "attempt_fetched",
        [EVENT_ATTEMPT_DONE] = "attempt_done",
        [EVENT_ATTEMPT_FAILED] = "attempt_failed",
        [EVENT_RECORDS_BAD] = "records_bad",
        [EVENT_ATTEMPT_RETURNED] = "attempt_returned",
        [EVENT_OUTPUT_LOST] = "output_lost",
        [EVENT_OUTPUT_HELD] = "output_held",
        [EVENT_ATTEMPT_HELD] = "attempt_held",
    };

    assert((int)kind >= 0 && (int)kind < EVENT_KIND_COUNT);
    return names[kind];
}

const char *command_kind_name(enum command_kind kind)
{
    static const char *const names[] = {
        [COMMAND_START_ATTEMPT] = "start_attempt", [COMMAND_RUN_ATTEMPT] = "run_attempt",
        [COMMAND_KILL_ATTEMPT] = "kill_attempt",   [COMMAND_FORGET_OUTPUT] = "forget_output",
        [COMMAND_JOB_ENDED] = "job_ended",
    };

    assert((int)kind >= 0 && (int)kind <= COMMAND_JOB_ENDED);
    return names[kind];
}

const char *fact_kind_name(enum fact_kind kind)
{
    static const char *const names[FACT_KIND_COUNT] = {
        [FACT_EPOCH_BEGUN] = "epoch_begun",     [FACT_JOB_ACCEPTED] = "job_accepted",
        [FACT_PLAN_MADE] = "plan_made",         [FACT_ATTEMPT_STARTED] = "attempt_started",
        [FACT_ATTEMPT_ENDED] = "attempt_ended", [FACT_TASK_COMPLETED] = "task_completed",
        [FACT_OUTPUT_LOST] = "output_lost",     [FACT_WORKER_LOST] = "worker_lost",
        [FACT_JOB_ENDED] = "job_ended",         [FACT_OUTPUT_FOUND] = "output_found",
        [FACT_OUTPUTS_LOST] = "outputs_lost",   [FACT_RECORDS_BAD] = "records_bad",
    };

    assert((int)kind >= 0 && (int)kind < FACT_KIND_COUNT);
    return names[kind];
}

const char *job_status_name(enum job_status status)
{
    static const char *const names[JOB_STATUS_COUNT] = {
        [JOB_PLANNING] = "planning",   [JOB_RUNNING] = "running", [JOB_COMMITTING] = "committing",
        [JOB_SUCCEEDED] = "succeeded", [JOB_FAILED] = "failed",   [JOB_CANCELLED] = "cancelled",
    };

    assert((int)status >= 0 && (int)status < JOB_STATUS_COUNT);
    return names[status];
}
