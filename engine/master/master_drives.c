#include "master/master_state.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/*
 * A job of several steps has a driver, which says what its steps are. For the scheduler that is the
 * job's plan: a helper of the master's that takes no slot, after which there are no maps and no
 * reduces, and then a commit. But the master runs no Lua: so this helper is an attempt on a worker
 * (MASTER_DRIVER_COUNT_MAX on each), and what is heard of it is said to the scheduler as of a
 * helper.
 *
 * Why not a stage of its own: it would need what a plan has, in all tables of the scheduler, to say
 * the same.
 *
 * A driver lives no longer than the connection to its worker, and no longer than the master: it is
 * started again from the top, and steps that have ended answer at once (master_steps.c). So no call
 * and no answer is ever repeated.
 *
 * It may read the side files of its job, and objects among them have no generation before somebody
 * has looked them up. So the driver of a job with such files starts when a helper has done that;
 * it, and all steps, are told what was found, which is journaled: after a restart they are the
 * same.
 *
 * The commit removes what the steps have left to each other; the job's output is the last step's.
 */

void master_drive_folder(const Mrlua__JobSubmit *submit, const char *publish_id, struct buf *out)
{
    const char *output = submit->output_folder, *slash;
    size_t len = strlen(output);

    while (len > 1 && output[len - 1] == '/')
        len--;
    for (slash = output + len; slash > output && slash[-1] != '/';)
        slash--;
    buf_append(out, output, (size_t)(slash - output));
    buf_printf(out, ".%.*s.%s-steps/", (int)((size_t)(output + len - slash)), slash, publish_id);
}

/* ---- where it runs ---- */

static uint32_t count_on(const struct master *master, uint32_t worker_id)
{
    uint32_t count = 0;

    for (const struct list *at = master->attempts.next; at != &master->attempts; at = at->next)
        count +=
            CONTAINER_OF(at, const struct master_attempt, by_master)->driver_worker == worker_id;
    return count;
}

/* The worker with the fewest, or NULL. */
static struct master_worker *choose(const struct master *master)
{
    struct master_worker *best = NULL;
    uint32_t best_count = MASTER_DRIVER_COUNT_MAX;

    for (uint32_t i = 1; i < master->worker_capacity; i++) {
        struct master_worker *worker = master->workers[i];
        uint32_t count;

        if (!worker || !worker->conn || worker->draining)
            continue;
        count = count_on(master, i);
        if (count < best_count) {
            best = worker;
            best_count = count;
        }
    }
    return best;
}

/* ---- its side files ---- */

bool master_drive_must_pin(const struct master_job *job)
{
    const Mrlua__JobSubmit *submit = job->record->submit;

    for (size_t i = 0; submit->drive && i < submit->n_files; i++)
        if (submit->files[i]->hash.len == 0 && submit->files[i]->generation == 0)
            return true;
    return false;
}

int master_drive_pin(const struct master *master, const struct master_job *job,
                     struct master_attempt *attempt, struct err *err)
{
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT; /* of no input */
    Mrlua__TaskStart task = MRLUA__TASK_START__INIT;

    request.n_files = job->record->submit->n_files;
    request.files = job->record->submit->files;
    task.kind = MRLUA__TASK_KIND__PLAN;
    task.job = job->id;
    task.attempt = attempt->id;
    task.input = job->record->submit->input;
    task.plan = &request;
    attempt->pins = attempt->works_on_store = true;
    return attempt_start(master->nursery, &task, &attempt->process, err);
}

void master_drive_pinned(struct master_attempt *attempt, const Mrlua__Done *done,
                         struct slice packed)
{
    struct master_job *job = master_job_find(attempt->master, attempt->job_id);

    if (!job || !done->plan)
        return;
    master_job_pin(job, done->plan);
    attempt->has_pinned = true;
    journal_append(attempt->master->journal, JOURNAL_FILES, job->id, packed);
}

void master_drive_ready(struct master_attempt *attempt)
{
    struct event event = master_event(attempt, EVENT_ATTEMPT_PROGRESS);

    attempt->master->has_pinned = true;
    master_queue(attempt->master, &event); /* for a turn, which writes what was found */
}

/* ---- how it begins ---- */

static void send_start(const struct master_attempt *attempt, const struct master_worker *worker)
{
    const struct master_job *job = master_job_find(attempt->master, attempt->job_id);
    const Mrlua__JobSubmit *submit = job->record->submit;
    Mrlua__AttemptStart start = MRLUA__ATTEMPT_START__INIT;
    Mrlua__TaskStart task = MRLUA__TASK_START__INIT;

    task.kind = MRLUA__TASK_KIND__DRIVE;
    task.n_files = submit->n_files;
    task.files = submit->files;
    task.job = job->id;
    task.attempt = attempt->id;
    task.worker = worker->id;
    task.unsafe = submit->unsafe;
    task.limits = submit->limits;
    start.start = &task;
    start.bundle_hash = submit->bundle_hash;
    start.params_hash = submit->params_hash;
    start.view_hash = submit->view_hash;
    conn_send(worker->conn, MESSAGE_ATTEMPT_START, 0, &start.base);
}

static void try_to_start(struct master_attempt *attempt)
{
    const struct master_worker *worker = choose(attempt->master);

    if (!worker || !master_job_find(attempt->master, attempt->job_id))
        return;
    attempt->driver_worker = worker->id;
    send_start(attempt, worker);
}

void master_drive_start(struct master *master, struct master_attempt *attempt)
{
    (void)master;
    attempt->is_driver = true;
    try_to_start(attempt);
}

void master_drives_begin(struct master *master)
{
    if (!master->has_pinned)
        return;
    master->has_pinned = false;
    for (struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        if (!attempt->has_pinned || attempt->readable)
            continue;
        attempt->has_pinned = false;
        master_drive_start(master, attempt);
    }
}

void master_drives_go_on(struct master *master)
{
    for (struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        if (attempt->is_driver && attempt->driver_worker == 0)
            try_to_start(attempt);
    }
}

void master_drives_cut(struct master *master, const struct master_worker *worker)
{
    for (struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);
        struct event event = master_event(attempt, EVENT_ATTEMPT_RETURNED);

        if (!attempt->is_driver || attempt->driver_worker != worker->id)
            continue;
        attempt->driver_worker = WORKER_NONE; /* never to be started under this number again */
        master_queue(master, &event);
    }
}

void master_drive_stop(struct master_attempt *attempt)
{
    const struct master_worker *worker =
        master_worker_find(attempt->master, attempt->driver_worker);
    Mrlua__AttemptKill kill = MRLUA__ATTEMPT_KILL__INIT;

    kill.attempt = attempt->id;
    if (worker && worker->conn)
        conn_send(worker->conn, MESSAGE_ATTEMPT_KILL, 0, &kill.base);
}

/* ---- how it ends ---- */

void master_drive_done(struct master_attempt *attempt)
{
    struct event event = master_event(attempt, EVENT_PLAN_MADE);
    Mrlua__Done *done = mem_alloc(sizeof *done);
    Mrlua__Plan *plan = mem_alloc(sizeof *plan);

    mrlua__done__init(done);
    mrlua__plan__init(plan);
    done->plan = plan;
    message_free(attempt->done);
    attempt->done = done;
    buf_clear(&attempt->plan);
    message_pack(&attempt->plan, &done->base);
    master_queue(attempt->master, &event);
}

int master_drive_commit(const struct master *master, const struct master_job *job,
                        struct attempt *process, struct err *err)
{
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;
    Mrlua__TaskStart task = MRLUA__TASK_START__INIT;
    struct buf folder = {0};
    int rc;

    master_drive_folder(job->record->submit, job->record->publish_id, &folder);
    request.shuffle = (char *)(uintptr_t)buf_string(&folder);
    task.kind = MRLUA__TASK_KIND__ABORT; /* of no output: the last step has committed it */
    task.job = job->id;
    task.commit = &request;
    rc = attempt_start(master->nursery, &task, process, err);
    buf_deinit(&folder);
    return rc;
}
