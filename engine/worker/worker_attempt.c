#include "worker/worker_state.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

struct worker_attempt *worker_attempt_add(struct worker *worker, Mrlua__AttemptStart *start)
{
    struct worker_attempt *attempt = mem_alloc(sizeof *attempt);

    *attempt = (struct worker_attempt){.worker = worker,
                                       .next = worker->attempts,
                                       .id = start->start->attempt,
                                       .job = start->start->job,
                                       .task = start->start->task,
                                       .start = start,
                                       .attempt = {.fd = -1}};
    worker->attempts = attempt;
    return attempt;
}

struct worker_attempt *worker_attempt_find(const struct worker *worker, uint64_t attempt_id)
{
    struct worker_attempt *attempt = worker->attempts;

    while (attempt && attempt->id != attempt_id)
        attempt = attempt->next;
    return attempt;
}

static void end_process(struct worker_attempt *attempt)
{
    loop_event_close(attempt->readable);
    if (attempt->readable)
        attempt_end(&attempt->attempt);
    attempt->readable = NULL;
}

void worker_attempt_remove(struct worker_attempt *attempt)
{
    struct worker_attempt **link = &attempt->worker->attempts;

    while (*link != attempt)
        link = &(*link)->next;
    *link = attempt->next;
    end_process(attempt);
    message_free(attempt->start);
    message_free(attempt->progress);
    message_free(attempt->fetched);
    message_free(attempt->done);
    message_free(attempt->failed);
    free(attempt);
}

bool worker_attempt_is_map(const struct worker_attempt *attempt)
{
    return attempt->start->start->kind == MRLUA__TASK_KIND__MAP;
}

bool worker_attempt_is_reduce(const struct worker_attempt *attempt)
{
    return attempt->start->start->kind == MRLUA__TASK_KIND__REDUCE;
}

/* A map of a job without reduces has no partitions: it writes a part. */
bool worker_attempt_leaves_run(const struct worker_attempt *attempt)
{
    return worker_attempt_is_map(attempt) && attempt->start->start->partition_count > 0;
}

bool worker_attempt_leaves_part(const struct worker_attempt *attempt)
{
    return worker_attempt_is_reduce(attempt) ||
           (worker_attempt_is_map(attempt) && attempt->start->start->partition_count == 0);
}

static const char *stage_of(const struct worker_attempt *attempt)
{
    if (worker_attempt_is_map(attempt))
        return "map";
    if (attempt->start->start->kind == MRLUA__TASK_KIND__DRIVE)
        return "drive";
    return worker_attempt_is_reduce(attempt) ? "reduce" : "sample";
}

void worker_attempt_log(const struct worker_attempt *attempt, const char *event,
                        const struct err *reason)
{
    struct log_field fields[] = {
        log_number("job", attempt->job),
        log_task(stage_of(attempt), attempt->task),
        log_number("attempt", attempt->id),
        log_number("worker", agent_worker_id(attempt->worker->agent)),
        log_text("kind", reason ? err_kind_name(reason->kind) : NULL),
        log_text("reason", reason ? reason->message : NULL),
    };
    size_t count = sizeof fields / sizeof fields[0];

    log_write(reason ? SEVERITY_WARNING : SEVERITY_INFO, event, fields, reason ? count : count - 2);
}

/* `why` NULL: it is no failure. */
static void queue(const struct worker_attempt *attempt, enum agent_event_kind kind,
                  const struct err *why)
{
    struct agent_event event = {
        .kind = kind, .attempt_id = attempt->id, .failure = why ? why->kind : ERR_NONE};

    worker_attempt_log(attempt, agent_event_kind_name(kind), why);
    worker_queue(attempt->worker, &event);
}

void worker_attempt_stop(struct worker_attempt *attempt)
{
    attempt->is_killed = true;
    attempt->waits_for_blobs = false;
    if (attempt->readable)
        attempt_kill(&attempt->attempt, attempt->worker->loop);
    else
        queue(attempt, AGENT_ATTEMPT_ENDED, NULL);
}

void worker_attempt_fail(struct worker_attempt *attempt, const struct err *err)
{
    if (attempt->has_answered || attempt->is_killed)
        return;
    attempt->has_answered = true;
    attempt->failure = *err;
    queue(attempt, AGENT_ATTEMPT_FAILED, err);
    worker_attempt_stop(attempt);
}

/* ---- what it says ---- */

static void take_done(struct worker_attempt *attempt, Mrlua__Done *done)
{
    attempt->has_answered = true;
    attempt->done = done;
    if (worker_attempt_leaves_run(attempt) && done->path[0]) { /* before anybody is told of it */
        segment_server_hold(attempt->worker->server, attempt->job, attempt->task, attempt->id,
                            done->path);
        worker_look_at_disk(attempt->worker);
    }
    queue(attempt, AGENT_ATTEMPT_DONE, NULL);
}

static void take_failed(struct worker_attempt *attempt, Mrlua__Failed *failed)
{
    struct err err;

    if (!failed->error) {
        message_free(failed);
        err_set(&err, ERR_RETRY, "an attempt failed without a reason");
        worker_attempt_fail(attempt, &err);
        return;
    }
    message_to_err(failed->error, &err);
    attempt->has_answered = true;
    attempt->failed = failed;
    queue(attempt, AGENT_ATTEMPT_FAILED, &err);
}

static void take_fetched(struct worker_attempt *attempt, Mrlua__Fetched *fetched)
{
    message_free(attempt->fetched);
    attempt->fetched = fetched;
    queue(attempt, AGENT_ATTEMPT_FETCHED, NULL);
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
    case MESSAGE_FETCHED:
        return &mrlua__fetched__descriptor;
    case MESSAGE_LOG:
        return &mrlua__log__descriptor;
    case MESSAGE_STEP_CALL:
        return &mrlua__step_call__descriptor;
    default:
        return NULL; /* Started: nobody asks */
    }
}

static void take_message(struct worker_attempt *attempt, uint8_t type, void *message)
{
    switch (type) {
    case MESSAGE_PROGRESS:
        message_free(attempt->progress);
        attempt->progress = message;
        return;
    case MESSAGE_DONE:
        take_done(attempt, message);
        return;
    case MESSAGE_FAILED:
        take_failed(attempt, message);
        return;
    case MESSAGE_FETCHED:
        take_fetched(attempt, message);
        return;
    case MESSAGE_STEP_CALL:
        worker_send_call(attempt->worker, attempt->id, message);
        message_free(message);
        return;
    default:
        worker_send_log(attempt->worker, attempt->id, ((Mrlua__Log *)message)->text);
        message_free(message);
    }
}

static void take_frame(struct worker_attempt *attempt, const struct frame *frame)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(frame->type);
    struct err err;
    void *message;

    if (frame->type == MESSAGE_OUTPUT_LOST) {
        worker_forward(attempt->worker, frame);
        return;
    }
    if (!descriptor)
        return;
    message = message_unpack(descriptor, frame->payload, &err);
    if (message)
        take_message(attempt, frame->type, message);
    else
        worker_attempt_fail(attempt, &err);
}

/* Its socket has something to say, or has ended. */
static void on_readable(void *context)
{
    struct worker_attempt *attempt = context;
    struct worker *worker = attempt->worker;
    struct frame frame;
    struct err err = {0};
    int rc;

    while ((rc = attempt_read(&attempt->attempt, &frame, &err)) == 1) {
        if (!attempt->is_killed && !attempt->has_answered)
            take_frame(attempt, &frame);
    }
    if (rc < 0) {
        end_process(attempt);
        if (!attempt->has_answered && !attempt->is_killed) {
            attempt->has_answered = true;
            attempt->failure = err;
            queue(attempt, AGENT_ATTEMPT_FAILED, &err);
        }
        queue(attempt, AGENT_ATTEMPT_ENDED, NULL);
    }
    worker_pump(worker);
}

/* ---- starting ---- */

/* What heartbeats say of one that waits for blobs: it stands still by nobody's fault. */
static void say_waiting(struct worker_attempt *attempt)
{
    Mrlua__Progress *progress;

    if (attempt->progress)
        return;
    progress = mem_alloc(sizeof *progress);
    mrlua__progress__init(progress);
    progress->phase = mem_strdup("files");
    progress->moved = true;
    attempt->progress = progress;
}

void worker_attempt_start(struct worker_attempt *attempt)
{
    struct err err;
    int rc = worker_start(attempt, &err);

    attempt->waits_for_blobs = rc == 0;
    if (rc == 0)
        say_waiting(attempt);
    if (rc == 1) {
        attempt->readable =
            loop_fd_open(attempt->worker->loop, attempt->attempt.fd, on_readable, attempt, &err);
        if (!attempt->readable)
            attempt_end(&attempt->attempt);
    }
    if (rc < 0 || (rc == 1 && !attempt->readable))
        worker_attempt_fail(attempt, &err);
}

void worker_attempts_go_on(struct worker *worker)
{
    for (struct worker_attempt *at = worker->attempts, *next; at; at = next) {
        next = at->next;
        if (at->waits_for_blobs)
            worker_attempt_start(at);
    }
}
