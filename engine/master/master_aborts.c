/*
 * What jobs that ended without success leave of their outputs is removed by a process each, as a
 * commit is made by one: a folder may hold thousands of parts, and a disk may be slow. Who watches
 * the job hears of its end when that is done. A master that dies before finds the rest of it in its
 * journal (master_restore.c).
 */
#include "master/master_state.h"

#include "base/mem.h"

#include <stdlib.h>

struct master_abort {
    struct list link; /* master->aborts */
    struct master *master;
    uint64_t job_id;
    struct publish publish;
    struct attempt process;
    struct loop_event *readable;
    bool is_done;
};

/* Ends the process. What it has not done is done here: it was killed, or could not be had. */
static void finish(struct master_abort *abort)
{
    loop_event_close(abort->readable);
    attempt_end(&abort->process);
    if (!abort->is_done)
        publish_abort(&abort->publish);
    publish_deinit(&abort->publish);
    list_remove(&abort->link);
    free(abort);
}

static void on_readable(void *context)
{
    struct master_abort *abort = context;
    struct master *master = abort->master;
    uint64_t job_id = abort->job_id;
    struct frame frame;
    struct err err;
    int rc;

    while ((rc = attempt_read(&abort->process, &frame, &err)) == 1)
        abort->is_done = abort->is_done || frame.type == MESSAGE_DONE;
    if (rc == 0)
        return;
    finish(abort);
    master_job_over(master, job_id, false);
    loop_timer_start(master->turn_timer, 0); /* a master with --once may end now */
}

static int start(struct master_abort *abort)
{
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;
    Mrlua__TaskStart task = MRLUA__TASK_START__INIT;
    struct master *master = abort->master;
    struct err err;

    request.output_folder = abort->publish.output;
    request.overwrite = abort->publish.overwrite;
    request.job_id = abort->publish.job_id;
    task.kind = MRLUA__TASK_KIND__ABORT;
    task.job = abort->job_id;
    task.commit = &request;
    if (attempt_start(master->nursery, &task, &abort->process, &err) != 0)
        return -1;
    abort->readable = loop_fd_open(master->loop, abort->process.fd, on_readable, abort, &err);
    return abort->readable ? 0 : -1;
}

void master_abort_begin(struct master *master, struct master_job *job)
{
    struct master_abort *abort = mem_alloc(sizeof *abort);

    *abort = (struct master_abort){
        .master = master, .job_id = job->id, .publish = job->publish, .process = {.fd = -1}};
    job->publish = (struct publish){0};
    list_init(&abort->link);
    list_append(&master->aborts, &abort->link);
    if (start(abort) == 0)
        return;
    finish(abort);
    master_job_over(master, job->id, false);
}

bool master_abort_runs(const struct master *master, uint64_t job_id)
{
    for (const struct list *at = master->aborts.next; at != &master->aborts; at = at->next)
        if (CONTAINER_OF(at, const struct master_abort, link)->job_id == job_id)
            return true;
    return false;
}

void master_aborts_close(struct master *master)
{
    struct master_abort *abort;

    while ((abort = LIST_FIRST(&master->aborts, struct master_abort, link)))
        finish(abort);
}
