#include "master/master_state.h"

#include <assert.h>

static void fail(struct master_attempt *attempt, const struct err *err)
{
    Mrlua__Error error = MRLUA__ERROR__INIT;

    attempt->has_answered = true;
    message_of_err(&error, err, NULL);
    master_attempt_failed(attempt, &error);
}

/* A plan that a scheduler cannot hold is refused where it comes in. */
static void take_plan(struct master_attempt *attempt, Mrlua__Done *done, struct slice packed)
{
    struct event event = master_event(attempt, EVENT_PLAN_MADE);
    const struct master_job *job = master_job_find(attempt->master, attempt->job_id);
    const Mrlua__JobSubmit *submit = job ? job->record->submit : NULL;
    struct err err;

    if (job_plan_check(done->plan, submit ? submit->n_groups : 0, submit && submit->map_only,
                       &err) != 0) {
        message_free(done);
        fail(attempt, &err);
        return;
    }
    message_free(attempt->done);
    attempt->done = done;
    buf_clear(&attempt->plan);
    buf_append(&attempt->plan, packed.ptr, packed.len);
    event.map_count = job_plan_split_count(done->plan);
    event.reduce_count =
        submit ? job_parts_reduce_count(done->plan->reducers, submit->n_outputs) : 0;
    event.sample_count = submit ? job_task_sample_count(submit->ranged, done->plan->reducers) : 0;
    master_queue(attempt->master, &event);
}

static void take_done(struct master_attempt *attempt, Mrlua__Done *done, struct slice packed)
{
    struct event event = master_event(attempt, EVENT_ATTEMPT_DONE);

    attempt->has_answered = true;
    if (attempt->pins) {
        master_drive_pinned(attempt, done, packed);
        message_free(done);
        return;
    }
    if (attempt->stage == STAGE_PLAN) {
        take_plan(attempt, done, packed);
        return;
    }
    message_free(attempt->done);
    attempt->done = done;
    master_queue(attempt->master, &event);
}

static void take_frame(struct master_attempt *attempt, const struct frame *frame)
{
    struct event progress = master_event(attempt, EVENT_ATTEMPT_PROGRESS);
    struct err err;
    void *message;

    if (frame->type == MESSAGE_PROGRESS) {
        master_queue(attempt->master, &progress);
    } else if (frame->type == MESSAGE_DONE) {
        message = message_unpack(&mrlua__done__descriptor, frame->payload, &err);
        if (message)
            take_done(attempt, message, frame->payload);
        else
            fail(attempt, &err);
    } else if (frame->type == MESSAGE_FAILED) {
        Mrlua__Failed *failed = message_unpack(&mrlua__failed__descriptor, frame->payload, &err);

        attempt->has_answered = true;
        master_attempt_failed(attempt, failed ? failed->error : NULL);
        message_free(failed);
    }
}

/* Its record goes with its process, unless the scheduler still has to take what it said: then the
 * turn removes it. */
static void end_process(struct master_attempt *attempt)
{
    struct master *master = attempt->master;
    uint64_t job_id = attempt->job_id;

    loop_event_close(attempt->readable);
    attempt->readable = NULL;
    attempt_end(&attempt->process);
    if (attempt->has_pinned && !attempt->is_killed) {
        master_drive_ready(attempt);
        return;
    }
    if (attempt->is_killed || !attempt->done)
        master_attempt_remove(attempt);
    master_step_helper_ended(master, job_id);
    master_abort_go_on(master, job_id);
}

static void on_readable(void *context)
{
    struct master_attempt *attempt = context;
    struct frame frame;
    struct err err = {0};
    int rc;

    while ((rc = attempt_read(&attempt->process, &frame, &err)) == 1) {
        if (!attempt->is_killed && !attempt->has_answered)
            take_frame(attempt, &frame);
    }
    if (rc < 0 && !attempt->is_killed && !attempt->has_answered)
        fail(attempt, &err);
    if (rc < 0)
        end_process(attempt);
}

void master_helper_start(struct master *master, const struct command *command)
{
    struct master_attempt *attempt = master_attempt_find(master, command->attempt_id);
    struct master_job *job = master_job_find(master, command->job_id);
    struct job_source source;
    struct job_task task;
    struct err err;
    int rc;

    if (!attempt || !job || attempt->readable)
        return;
    if (command->stage == STAGE_PLAN && job->record->submit->drive && !master_drive_must_pin(job)) {
        master_drive_start(master, attempt);
        return;
    }
    attempt->works_on_store = job->publish.is_gs;
    if (job->record->submit->drive && command->stage == STAGE_PLAN) {
        rc = master_drive_pin(master, job, attempt, &err);
    } else if (job->record->submit->drive) {
        rc = master_drive_commit(master, job, &attempt->process, &err);
    } else {
        source = master_job_source(job);
        job_task_init(&task, &source, command->stage, command->task, command->attempt_id);
        rc = attempt_start(master->nursery, &task.start, &attempt->process, &err);
        job_task_deinit(&task);
    }
    if (rc == 0) {
        attempt->readable =
            loop_fd_open(master->loop, attempt->process.fd, on_readable, attempt, &err);
        if (attempt->readable)
            return;
        attempt_end(&attempt->process);
    }
    fail(attempt, &err);
}

/* Who works on a store ends between two requests (attempt/trusted.c), and they have limits. */
void master_helper_stop(struct master_attempt *attempt)
{
    assert(attempt->readable);
    attempt->is_killed = true;
    attempt_kill(&attempt->process, attempt->works_on_store ? NULL : attempt->master->loop);
}

void master_helpers_pulse(struct master *master)
{
    for (struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);
        struct event event = master_event(attempt, EVENT_ATTEMPT_PROGRESS);

        if ((attempt->readable && !attempt->has_answered && !attempt->is_killed) ||
            (attempt->is_driver && attempt->driver_worker == 0))
            master_queue(master, &event);
    }
}

void master_helpers_close(struct master *master)
{
    struct master_attempt *attempt;

    while ((attempt = LIST_FIRST(&master->attempts, struct master_attempt, by_master)))
        master_attempt_remove(attempt);
}
