#include "cli/run_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "master/job_plan.h"

#include <stdlib.h>
#include <unistd.h>

struct run_attempt *run_attempt_add(struct run_shell *shell, const struct command *command)
{
    struct run_attempt *attempt = mem_alloc(sizeof *attempt);

    *attempt = (struct run_attempt){.shell = shell,
                                    .next = shell->attempts,
                                    .id = command->attempt_id,
                                    .stage = command->stage,
                                    .task = command->task,
                                    .attempt = {.fd = -1}};
    shell->attempts = attempt;
    return attempt;
}

struct run_attempt *run_attempt_find(const struct run_shell *shell, uint64_t attempt_id)
{
    struct run_attempt *attempt = shell->attempts;

    while (attempt && attempt->id != attempt_id)
        attempt = attempt->next;
    return attempt;
}

void run_attempt_remove(struct run_attempt *attempt)
{
    struct run_attempt **link = &attempt->shell->attempts;

    while (*link != attempt)
        link = &(*link)->next;
    *link = attempt->next;
    loop_event_close(attempt->readable);
    if (attempt->readable)
        attempt_end(&attempt->attempt);
    message_free(attempt->done);
    free(attempt->sources);
    free(attempt);
}

void run_attempt_stop(struct run_attempt *attempt)
{
    attempt->is_killed = true;
    if (attempt->readable)
        attempt_kill(&attempt->attempt, attempt->shell->loop);
    else
        run_attempt_remove(attempt);
}

struct job_outputs run_outputs_of(const struct run_config *config)
{
    return (struct job_outputs){.format = config->output_format,
                                .items = config->outputs.list,
                                .count = config->outputs.count,
                                .map_only = config->map_only};
}

struct job_source run_source_of(struct run_shell *shell)
{
    const uint64_t *begun = shell->stage_begun_ns, *ended = shell->stage_ended_ns;
    struct run_config *config = &shell->config;

    return (struct job_source){
        .job = RUN_JOB_ID,
        .worker_id = RUN_WORKER_ID,
        .name = config->job_name,
        .input_format = config->input_format,
        .outputs = run_outputs_of(config),
        .inputs = config->inputs,
        .input_count = config->input_count,
        .files = config->files.list,
        .file_count = config->files.count,
        .groups = config->groups,
        .group_count = config->group_count,
        .output_folder = config->output,
        .publish_id = shell->output.job_id,
        .shuffle = shell->output.shuffle.len ? shell->output.shuffle.ptr : NULL,
        .reuse_folder = shell->cache.folder,
        .publish = shell->output.has_folder ? &shell->output.publish : NULL,
        .claim_holder = (uint32_t)getpid(),
        .overwrite = config->overwrite,
        .unsafe = config->unsafe,
        .ranged = config->ranged,
        .reducers = config->reducers,
        .split_bytes = config->split_bytes,
        .sort_buffer_bytes = config->sort_buffer_bytes,
        .memory_bytes = config->memory_bytes,
        .progress_ms = config->progress_ms,
        .record_ms = config->record_ms,
        .bundle = config->bundle,
        .params = config->params,
        .view = config->view,
        .temp_path = shell->temp.path,
        .results = &shell->results,
        .bad = &shell->bad,
        .skip_bad = config->skip_bad,
        .plan = shell->plan_done ? shell->plan_done->plan : NULL,
        .map_ms = (ended[STAGE_MAP] - begun[STAGE_MAP]) / NS_PER_MS,
        .reduce_ms = (ended[STAGE_REDUCE] - begun[STAGE_REDUCE]) / NS_PER_MS,
    };
}

static void take_progress(struct run_attempt *attempt, const Mrlua__Progress *progress)
{
    struct event event = run_event(attempt, EVENT_ATTEMPT_PROGRESS);

    attempt->fraction = progress->fraction;
    attempt->records_in = progress->records_in;
    run_queue(attempt->shell, &event);
}

/* A plan that a scheduler cannot hold is refused where it comes in. */
static void take_plan(struct run_attempt *attempt, Mrlua__Done *done)
{
    struct run_shell *shell = attempt->shell;
    struct event event = run_event(attempt, EVENT_PLAN_MADE);
    struct err err;

    if (job_plan_check(done->plan, shell->config.group_count, shell->config.map_only, &err) != 0) {
        message_free(done);
        run_attempt_failed(attempt, &err, NULL);
        return;
    }
    message_free(shell->plan_done);
    shell->plan_done = done;
    event.map_count = job_plan_split_count(done->plan);
    event.reduce_count = job_parts_reduce_count(done->plan->reducers, shell->config.outputs.count);
    event.sample_count = job_task_sample_count(shell->config.ranged, done->plan->reducers);
    job_parts_plan(&shell->results, event.map_count, done->plan->reducers,
                   shell->config.outputs.count);
    attempt->has_answered = true;
    run_queue(shell, &event);
}

static void take_done(struct run_attempt *attempt, Mrlua__Done *done)
{
    struct event event = run_event(attempt, EVENT_ATTEMPT_DONE);

    if (attempt->stage == STAGE_PLAN) {
        take_plan(attempt, done);
        return;
    }
    if (done->digest)
        event.digest = (struct digest){.low = done->digest->low,
                                       .high = done->digest->high,
                                       .record_count = done->digest->records};
    message_free(attempt->done);
    attempt->done = done;
    attempt->has_answered = true;
    run_queue(attempt->shell, &event);
}

static void take_failed(struct run_attempt *attempt, const Mrlua__Failed *failed)
{
    struct err err;

    if (!failed->error) {
        err_set(&err, ERR_RETRY, "an attempt failed without a reason");
        run_attempt_failed(attempt, &err, NULL);
        return;
    }
    message_to_err(failed->error, &err);
    run_attempt_failed(attempt, &err, failed->error);
}

static void take_log(struct run_attempt *attempt, const Mrlua__Log *log)
{
    struct run_shell *shell = attempt->shell;

    run_trail_print(attempt, log->text);
    buf_append_string(&shell->log, log->text);
    buf_append_byte(&shell->log, '\n');
    if (shell->log.len >= RUN_LOG_BYTES_MAX)
        loop_break(shell->loop);
}

static const ProtobufCMessageDescriptor *descriptor_of(uint8_t type)
{
    switch (type) {
    case MESSAGE_PROGRESS:
        return &mrlua__progress__descriptor;
    case MESSAGE_DONE:
        return &mrlua__done__descriptor;
    case MESSAGE_FAILED:
        return &mrlua__failed__descriptor;
    case MESSAGE_LOG:
        return &mrlua__log__descriptor;
    default:
        return NULL; /* Started: the scheduler has known since it said so */
    }
}

static void take_frame(struct run_attempt *attempt, const struct frame *frame)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(frame->type);
    struct err err;
    void *message;

    if (!descriptor)
        return;
    message = message_unpack(descriptor, frame->payload, &err);
    if (!message) {
        run_attempt_failed(attempt, &err, NULL);
        return;
    }
    if (frame->type == MESSAGE_DONE) {
        take_done(attempt, message);
        return;
    }
    if (frame->type == MESSAGE_PROGRESS)
        take_progress(attempt, message);
    else if (frame->type == MESSAGE_FAILED)
        take_failed(attempt, message);
    else
        take_log(attempt, message);
    message_free(message);
}

/* Its socket has something to say, or has ended. */
static void on_readable(void *context)
{
    struct run_attempt *attempt = context;
    struct run_shell *shell = attempt->shell;
    struct frame frame;
    struct err err = {0};
    int rc;

    while ((rc = attempt_read(&attempt->attempt, &frame, &err)) == 1) {
        if (!attempt->is_killed && !attempt->has_answered)
            take_frame(attempt, &frame);
    }
    if (rc < 0 && !attempt->is_killed && !attempt->has_answered)
        run_attempt_failed(attempt, &err, NULL);
    run_pump(shell);
    if (rc < 0)
        run_attempt_remove(attempt);
    if (shell->job_ended && !shell->attempts)
        loop_break(shell->loop);
}

/* Who made the outputs that a reduce is told of: a broken one is reported with its maker. */
static void keep_sources(struct run_attempt *attempt, const struct job_task *task)
{
    attempt->sources = mem_alloc_array(task->map_output_count, sizeof *attempt->sources);
    for (size_t i = 0; i < task->map_output_count; i++)
        attempt->sources[i] = task->map_outputs[i].attempt;
}

void run_attempt_start(struct run_attempt *attempt)
{
    struct run_shell *shell = attempt->shell;
    struct job_source source = run_source_of(shell);
    struct job_task task;
    struct err err;
    int rc;

    job_task_init(&task, &source, attempt->stage, attempt->task, attempt->id);
    if (attempt->stage == STAGE_REDUCE)
        keep_sources(attempt, &task);
    attempt->begun_ns = clock_monotonic_ns();
    rc = attempt_start(shell->nursery, &task.start, &attempt->attempt, &err);
    job_task_deinit(&task);
    if (rc == 0) {
        attempt->readable =
            loop_fd_open(shell->loop, attempt->attempt.fd, on_readable, attempt, &err);
        if (attempt->readable)
            return;
        attempt_end(&attempt->attempt);
    }
    run_attempt_failed(attempt, &err, NULL);
}
