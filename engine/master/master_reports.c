#include "master/master_state.h"

#include "base/clock.h"

/* The live attempt that the worker speaks of, or NULL. */
static struct master_attempt *reported(const struct master_peer *peer, uint64_t attempt_id)
{
    struct master_attempt *attempt = master_attempt_find(peer->master, attempt_id);

    if (attempt && attempt->is_driver)
        return attempt->driver_worker == peer->worker->id ? attempt : NULL;
    return attempt && attempt->worker_id == peer->worker->id ? attempt : NULL;
}

static void take_fetched(struct master_peer *peer, const Mrlua__AttemptFetched *message)
{
    struct master_attempt *attempt = reported(peer, message->attempt);
    struct event event;

    if (attempt) {
        if (!attempt->has_fetched) /* it may say so again */
            metrics_observe(&peer->master->totals.fetches,
                            clock_monotonic_ns() - attempt->begun_ns);
        attempt->has_fetched = true;
        event = master_event(attempt, EVENT_ATTEMPT_FETCHED);
        master_queue(peer->master, &event);
    }
    master_post_heard(peer->master, peer->worker, message->attempt, MESSAGE_ATTEMPT_FETCHED);
}

static void take_done(struct master_peer *peer, Mrlua__AttemptDone *message)
{
    struct master_attempt *attempt = reported(peer, message->attempt);
    struct event event;

    if (attempt && attempt->is_driver) {
        master_drive_done(attempt);
    } else if (attempt && message->done) {
        event = master_event(attempt, EVENT_ATTEMPT_DONE);
        if (message->done->digest)
            event.digest = (struct digest){.low = message->done->digest->low,
                                           .high = message->done->digest->high,
                                           .record_count = message->done->digest->records};
        message_free(attempt->done);
        attempt->done = message->done;
        message->done = NULL; /* taken */
        master_queue(peer->master, &event);
    }
    master_post_heard(peer->master, peer->worker, message->attempt, MESSAGE_ATTEMPT_DONE);
}

static void take_failed(struct master_peer *peer, const Mrlua__AttemptFailed *message)
{
    struct master_attempt *attempt = reported(peer, message->attempt);
    struct event event;

    if (attempt && message->returned) {
        event = master_event(attempt, EVENT_ATTEMPT_RETURNED);
        master_queue(peer->master, &event);
    } else if (attempt) {
        master_attempt_failed(attempt, message->error);
    }
    master_post_heard(peer->master, peer->worker, message->attempt, MESSAGE_ATTEMPT_FAILED);
}

static void take_progress(struct master_peer *peer, const Mrlua__AttemptProgress *message)
{
    struct master_attempt *attempt = reported(peer, message->attempt);
    struct master_job *job = attempt ? master_job_find(peer->master, attempt->job_id) : NULL;
    const Mrlua__Progress *progress = message->progress;
    struct event event;

    if (!attempt)
        return;
    event = master_event(attempt, EVENT_ATTEMPT_PROGRESS);
    if (progress) {
        double fraction =
            progress->fraction > 0 && progress->fraction <= 1 ? progress->fraction : 0;

        attempt->fraction = fraction;
        attempt->records_in = progress->records_in;
        event.progress_permille = (uint32_t)(fraction * 1000);
        event.progress_count = progress->bytes_in + progress->records_in + progress->records_out;
    }
    if (job)
        job->change_count++;
    master_queue(peer->master, &event);
}

static void take_heartbeat(struct master_peer *peer, const Mrlua__Heartbeat *message)
{
    struct master_worker *worker = peer->worker;

    worker->disk_free_bytes = message->disk_free_bytes;
    for (size_t i = 0; i < message->n_attempts; i++)
        take_progress(peer, message->attempts[i]);
    if (message->draining == worker->draining)
        return;
    worker->draining = message->draining;
    master_queue_slots(peer->master, worker);
    master_drives_go_on(peer->master);
}

/* A map whose output is with that worker. The attempt that made it, or 0: there is none. */
static uint64_t any_output_of(const struct master_job *job, uint32_t worker_id, uint32_t *task)
{
    struct output_place place;

    for (*task = 0; *task < job->results.task_counts[STAGE_MAP]; ++*task)
        if (sched_output_of(job->master->sched, job->id, STAGE_MAP, *task, &place) &&
            place.worker_id == worker_id)
            return place.attempt_id;
    return 0;
}

/* Who can have nothing from a worker (attempt 0) names no map: one of them is suspected each time
 * it says so, and the scheduler, which weighs such reports, gives up the worker's outputs at the
 * second. */
static void take_output_lost(struct master_peer *peer, const Mrlua__OutputLost *message)
{
    struct event event = master_worker_event(peer->worker, EVENT_OUTPUT_LOST);
    const struct master_job *job = master_job_find(peer->master, message->job);

    if (!job)
        return;
    event.job_id = message->job;
    event.peer_task = message->task;
    event.peer_attempt_id = message->attempt;
    if (message->attempt == 0)
        event.peer_attempt_id = any_output_of(job, message->worker_id, &event.peer_task);
    if (event.peer_attempt_id != 0)
        master_queue(peer->master, &event);
}

static void take_log(struct master_peer *peer, const Mrlua__AttemptLog *message)
{
    struct master_attempt *attempt = reported(peer, message->attempt);
    struct master_job *job = attempt ? master_job_find(peer->master, attempt->job_id) : NULL;

    if (!job)
        return;
    master_trail_print(attempt, job, message->text);
    master_watch_log(peer->master, job, message->text);
}

static const ProtobufCMessageDescriptor *descriptor_of(uint8_t type)
{
    switch (type) {
    case MESSAGE_WORKER_JOIN:
        return &mrlua__worker_join__descriptor;
    case MESSAGE_HEARTBEAT:
        return &mrlua__heartbeat__descriptor;
    case MESSAGE_ATTEMPT_FETCHED:
        return &mrlua__attempt_fetched__descriptor;
    case MESSAGE_ATTEMPT_DONE:
        return &mrlua__attempt_done__descriptor;
    case MESSAGE_ATTEMPT_FAILED:
        return &mrlua__attempt_failed__descriptor;
    case MESSAGE_OUTPUT_LOST:
        return &mrlua__output_lost__descriptor;
    case MESSAGE_ATTEMPT_LOG:
        return &mrlua__attempt_log__descriptor;
    case MESSAGE_ATTEMPT_CALL:
        return &mrlua__attempt_call__descriptor;
    default:
        return NULL;
    }
}

static void take_message(struct master_peer *peer, uint8_t type, void *message)
{
    if (type == MESSAGE_WORKER_JOIN)
        master_worker_join(peer, message);
    else if (type == MESSAGE_HEARTBEAT)
        take_heartbeat(peer, message);
    else if (type == MESSAGE_ATTEMPT_FETCHED)
        take_fetched(peer, message);
    else if (type == MESSAGE_ATTEMPT_DONE)
        take_done(peer, message);
    else if (type == MESSAGE_ATTEMPT_FAILED)
        take_failed(peer, message);
    else if (type == MESSAGE_OUTPUT_LOST)
        take_output_lost(peer, message);
    else if (type == MESSAGE_ATTEMPT_CALL)
        master_step_called(peer, message);
    else
        take_log(peer, message);
}

/* It was silent for so long that it was given up; now it speaks again. On a new connection it joins
 * and says what it holds. */
static bool is_given_up(const struct master_peer *peer)
{
    struct worker_view view;

    return !sched_worker_view(peer->master->sched, peer->worker->id, &view) ||
           view.status == WORKER_STATUS_GONE || view.incarnation != peer->worker->incarnation;
}

void master_worker_hears(struct master_peer *peer, const struct frame *frame)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(frame->type);
    struct event heard;
    struct err err;
    void *message;

    if (!descriptor)
        return;
    message = message_unpack(descriptor, frame->payload, &err);
    if (!message || (!peer->worker && frame->type != MESSAGE_WORKER_JOIN) ||
        (peer->worker && is_given_up(peer))) {
        message_free(message);
        master_peer_close(peer);
        return;
    }
    if (peer->worker) {
        peer->worker->heard_ns = clock_monotonic_ns();
        heard = master_worker_event(peer->worker, EVENT_WORKER_HEARD);
        master_queue(peer->master, &heard);
    }
    take_message(peer, frame->type, message);
    message_free(message);
}
