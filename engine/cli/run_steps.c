#include "cli/run_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "master/job_notice.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void run_queue(struct run_shell *shell, const struct event *event)
{
    if (shell->queue_count == shell->queue_capacity) {
        shell->queue_capacity = shell->queue_capacity ? 2 * shell->queue_capacity : 16;
        shell->queue = mem_realloc_array(shell->queue, shell->queue_capacity, sizeof *event);
    }
    shell->queue[shell->queue_count++] = *event;
}

struct event run_event(const struct run_attempt *attempt, enum event_kind kind)
{
    bool is_helper = attempt->stage == STAGE_PLAN || attempt->stage == STAGE_COMMIT;

    return (struct event){.kind = kind,
                          .job_id = RUN_JOB_ID,
                          .attempt_id = attempt->id,
                          .worker_id = is_helper ? WORKER_NONE : RUN_WORKER_ID,
                          .incarnation = is_helper ? 0 : 1};
}

/*
 * What the scheduler is told of a failure. Two that another worker would be tried for are final
 * here: there is no other disk, and a plan that has begun to read standard input cannot begin
 * again, what it read is gone. (What the user is told keeps its kind.)
 */
static enum err_kind kind_of(const struct run_attempt *attempt, const struct err *err)
{
    if (err->kind == ERR_DISK)
        return ERR_SETUP;
    if (attempt->stage == STAGE_PLAN && attempt->shell->config.reads_stdin &&
        err->kind == ERR_RETRY)
        return ERR_INPUT;
    return err->kind == ERR_NONE ? ERR_RETRY : err->kind;
}

/* What writes scratch files, runs and parts does not know where they are; who frees a disk must. */
static void tell_folders(const struct run_attempt *attempt, struct buf *out)
{
    const struct run_config *config = &attempt->shell->config;

    if (attempt->stage == STAGE_PLAN || attempt->stage == STAGE_COMMIT)
        return; /* they name paths */
    buf_printf(out, "intermediate files: in %s (--tmp DIR: elsewhere)\n", temp_choose(config->tmp));
    if (attempt->stage == (config->map_only ? STAGE_MAP : STAGE_REDUCE) && config->output)
        buf_printf(out, "output: in %s\n", config->output);
}

static void keep_fault(struct run_attempt *attempt, const struct err *err,
                       const Mrlua__Error *error)
{
    struct buf lines = {0};

    buf_append_string(&lines, error ? error->detail : "");
    job_bad_advise(error, attempt->shell->config.skip_bad, &lines);
    if (err->kind == ERR_DISK)
        tell_folders(attempt, &lines);
    job_faults_add(&attempt->shell->faults, attempt->id, err, buf_string(&lines));
    run_trail_keep(attempt, err, error, buf_string(&lines));
    buf_deinit(&lines);
}

/* Whose output an attempt could not have. False: nobody is to blame for it. */
static bool set_peer(const struct run_attempt *attempt, const Mrlua__Error *error,
                     struct event *event)
{
    const struct job_results *results = &attempt->shell->results;

    if (!error)
        return false;
    event->peer_task = error->peer_map;
    if (attempt->stage == STAGE_COMMIT)
        event->peer_attempt_id = error->peer_attempt;
    else if (attempt->sources && error->peer_map < results->task_counts[STAGE_MAP])
        event->peer_attempt_id = attempt->sources[error->peer_map]; /* a child may say anything */
    return event->peer_attempt_id != 0;
}

/* Records that are set aside for it, if there are any. */
static void set_bad(const struct run_attempt *attempt, const Mrlua__Error *error,
                    struct event *event)
{
    struct job_bad_where where = {.attempt_id = attempt->id,
                                  .stage = attempt->stage,
                                  .task = attempt->task,
                                  .attempts_max = attempt->shell->config.attempts};

    event->bad_count = job_bad_report(&attempt->shell->bad, &where, error);
    if (event->bad_count > 0)
        event->kind = EVENT_RECORDS_BAD;
}

void run_attempt_failed(struct run_attempt *attempt, const struct err *err,
                        const Mrlua__Error *error)
{
    struct run_shell *shell = attempt->shell;
    struct event event = run_event(attempt, EVENT_ATTEMPT_FAILED);

    if (attempt->has_answered)
        return;
    attempt->has_answered = true;
    event.failure = kind_of(attempt, err);
    if (event.failure == ERR_PEER && !set_peer(attempt, error, &event))
        event.failure = ERR_RETRY;
    if (error && shell->config.skip_bad > 0)
        set_bad(attempt, error, &event);
    keep_fault(attempt, err, error);
    run_queue(shell, &event);
}

static void begin_stage(struct run_shell *shell, enum stage_kind stage)
{
    if (!shell->stage_begun_ns[stage])
        shell->stage_begun_ns[stage] = clock_monotonic_ns();
}

/*
 * A reduce "fetches" nothing here: the runs are files of this machine, and its process copies its
 * segments out of them when it runs. So it is told fetched at once and waits for its slot. A commit
 * without an output folder has nothing to publish: the parts are printed when the job has ended.
 */
static void start(struct run_shell *shell, const struct command *command)
{
    struct run_attempt *attempt = run_attempt_add(shell, command);
    struct event event;

    if (command->stage == STAGE_REDUCE) {
        event = run_event(attempt, EVENT_ATTEMPT_FETCHED);
        run_queue(shell, &event);
    } else if (command->stage == STAGE_COMMIT && !shell->output.has_folder) {
        attempt->has_answered = true;
        event = run_event(attempt, EVENT_ATTEMPT_DONE);
        run_queue(shell, &event);
    } else {
        begin_stage(shell, command->stage);
        run_attempt_start(attempt);
    }
}

static void forget_output(struct run_shell *shell, const struct command *command)
{
    struct buf path = {0};

    if (command->stage == STAGE_MAP && !shell->config.map_only)
        job_task_map_path(shell->temp.path, command->task, command->attempt_id, &path);
    else
        run_output_part_path(&shell->output, command->task, command->attempt_id, &path);
    unlink(buf_string(&path)); /* the temporary folder goes as a whole anyway */
    buf_deinit(&path);
}

static void carry_out(struct run_shell *shell, const struct command *command)
{
    struct run_attempt *attempt = run_attempt_find(shell, command->attempt_id);

    switch (command->kind) {
    case COMMAND_START_ATTEMPT:
        start(shell, command);
        return;
    case COMMAND_RUN_ATTEMPT:
        begin_stage(shell, command->stage);
        if (attempt)
            run_attempt_start(attempt);
        return;
    case COMMAND_KILL_ATTEMPT:
        if (attempt)
            run_attempt_stop(attempt);
        return;
    case COMMAND_FORGET_OUTPUT:
        forget_output(shell, command);
        return;
    case COMMAND_JOB_ENDED:
        shell->job_ended = true;
        shell->is_committed = command->status == JOB_SUCCEEDED;
        return;
    }
}

/* An attempt has ended: what it took, and that its task is tried again. */
static void account(struct run_shell *shell, const struct fact *fact, size_t left)
{
    const struct run_attempt *attempt = run_attempt_find(shell, fact->attempt_id);
    struct timeline_entry entry = {.attempt_id = fact->attempt_id,
                                   .ended_ns = clock_monotonic_ns(),
                                   .task = fact->task,
                                   .stage = fact->stage};
    struct job_notice_of of = {0};

    if (!attempt_outcome_of(fact, left > 1 ? fact + 1 : NULL, &entry.outcome))
        return;
    entry.begun_ns = attempt && attempt->begun_ns ? attempt->begun_ns : entry.ended_ns;
    job_effort_attempt(&shell->effort, &entry, NULL);
    if (!job_notice_is_retry(fact, left) || !job_effort_may_notice(&shell->effort))
        return;
    of.step = shell->config.step;
    job_notice_retry(fact, &of, job_faults_find(&shell->faults, fact->attempt_id), &shell->notices);
    buf_append_byte(&shell->notices, '\n');
}

/* What is completed and what is lost is the scheduler's word; what it told is kept here. */
static void note(struct run_shell *shell, const struct fact *fact)
{
    struct run_attempt *attempt = run_attempt_find(shell, fact->attempt_id);

    if (fact->kind == FACT_TASK_COMPLETED) {
        shell->stage_ended_ns[fact->stage] = clock_monotonic_ns();
        if (attempt && attempt->done) {
            job_results_take(&shell->results, fact->stage, fact->task, fact->attempt_id,
                             attempt->done);
            attempt->done = NULL;
        }
    } else if (fact->kind == FACT_PLAN_MADE) {
        shell->stage_ended_ns[STAGE_PLAN] = clock_monotonic_ns();
    } else if (fact->kind == FACT_OUTPUT_LOST) {
        job_effort_output_lost(&shell->effort);
        job_results_drop(&shell->results, fact->stage, fact->task);
    } else if (fact->kind == FACT_RECORDS_BAD) {
        job_bad_take(&shell->bad, fact->attempt_id);
    }
}

/* Attempts that ended without ever having a process. */
static void sweep(struct run_shell *shell)
{
    struct run_attempt *attempt = shell->attempts;

    while (attempt) {
        struct run_attempt *next = attempt->next;

        if (attempt->has_answered && !attempt->readable)
            run_attempt_remove(attempt);
        attempt = next;
    }
}

static void step(struct run_shell *shell, struct event *event)
{
    event->now_ns = clock_monotonic_ns();
    sched_step(shell->sched, event, &shell->decisions);
    for (size_t i = 0; i < shell->decisions.fact_count; i++) {
        account(shell, &shell->decisions.facts[i], shell->decisions.fact_count - i);
        note(shell, &shell->decisions.facts[i]);
    }
    for (size_t i = 0; i < shell->decisions.command_count; i++)
        carry_out(shell, &shell->decisions.commands[i]);
}

static void arm(struct run_shell *shell)
{
    uint64_t due_ns = sched_next_due_ns(shell->sched), now_ns = clock_monotonic_ns();

    if (due_ns == UINT64_MAX)
        loop_timer_stop(shell->sched_timer);
    else
        loop_timer_start(shell->sched_timer, due_ns > now_ns ? due_ns - now_ns : 0);
}

void run_pump(struct run_shell *shell)
{
    for (size_t i = 0; i < shell->queue_count; i++) {
        struct event event = shell->queue[i]; /* a step may queue more and move the queue */

        step(shell, &event);
    }
    shell->queue_count = 0;
    sweep(shell);
    if (!shell->job_ended)
        arm(shell);
    else
        loop_timer_stop(shell->sched_timer);
}
