/*
 * What jobs that ended without success leave of their outputs is removed by a process each, as a
 * commit is made by one: a folder may hold thousands of parts, and a disk may be slow. Who watches
 * the job hears of its end when that is done. A master that dies before finds the rest of it in its
 * journal (master_restore.c). What is on gs:// is left to such a process alone, for this one does
 * not wait for a store: where it fails, the next life of the master begins one more.
 *
 * It begins when the job's own helpers have ended: one that was told to stop may still be making
 * what is to be removed, a claim for instance.
 */
#include "master/master_state.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

struct master_abort {
    struct list link; /* master->aborts */
    struct master *master;
    uint64_t job_id;
    struct publish publish;
    char *shuffle; /* gs://BUCKET/PREFIX/ of the outputs of its maps; "": none */
    struct attempt process;
    struct loop_event *readable;
    bool is_done;
    bool is_old; /* the job ended in an earlier life: nobody waits to hear of it */
};

/* Ends the process. What it has not done is done here: it was killed, or could not be had. */
static void finish(struct master_abort *abort)
{
    struct err ignored;

    loop_event_close(abort->readable);
    attempt_end(&abort->process);
    if (!abort->is_done && (abort->publish.is_gs || abort->shuffle[0]))
        log_event(SEVERITY_WARNING, "abort_not_done", log_number("job", abort->job_id));
    if (!abort->is_done && !abort->publish.is_gs)
        publish_abort(&abort->publish, &ignored);
    publish_deinit(&abort->publish);
    free(abort->shuffle);
    list_remove(&abort->link);
    free(abort);
}

static struct master_abort *find(const struct master *master, uint64_t job_id)
{
    for (struct list *at = master->aborts.next; at != &master->aborts; at = at->next) {
        struct master_abort *abort = CONTAINER_OF(at, struct master_abort, link);

        if (abort->job_id == job_id)
            return abort;
    }
    return NULL;
}

static void over(struct master *master, uint64_t job_id)
{
    master_job_over(master, job_id, false);
    loop_timer_start(master->turn_timer, 0); /* a master with --once may end now */
}

static void on_readable(void *context)
{
    struct master_abort *abort = context;
    struct master *master = abort->master;
    uint64_t job_id = abort->job_id;
    bool is_old = abort->is_old;
    struct frame frame;
    struct err err;
    int rc;

    while ((rc = attempt_read(&abort->process, &frame, &err)) == 1)
        abort->is_done = abort->is_done || frame.type == MESSAGE_DONE;
    if (rc == 0)
        return;
    finish(abort);
    if (!is_old)
        over(master, job_id);
}

/* Of its own, or of a step. */
static bool has_helper(const struct master *master, uint64_t job_id)
{
    for (const struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        const struct master_attempt *attempt =
            CONTAINER_OF(at, const struct master_attempt, by_master);

        const struct master_job *job = master_job_find(master, attempt->job_id);
        const Mrlua__JobStep *step = job ? job->record->submit->step : NULL;

        if (attempt->readable && (attempt->job_id == job_id || (step && step->parent == job_id)))
            return true;
    }
    return false;
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
    request.shuffle = abort->shuffle;
    task.kind = MRLUA__TASK_KIND__ABORT;
    task.job = abort->job_id;
    task.commit = &request;
    if (attempt_start(master->nursery, &task, &abort->process, &err) != 0)
        return -1;
    abort->readable = loop_fd_open(master->loop, abort->process.fd, on_readable, abort, &err);
    return abort->readable ? 0 : -1;
}

/* Takes `publish`. -1: there is no process for it, and what could be done was done. Of a job that
 * still has helpers it starts in master_abort_go_on(). */
static int begin(struct master *master, uint64_t job_id, const struct publish *publish,
                 const char *shuffle, bool is_old)
{
    struct master_abort *abort = mem_alloc(sizeof *abort);

    *abort = (struct master_abort){.master = master,
                                   .job_id = job_id,
                                   .publish = *publish,
                                   .shuffle = mem_strdup(shuffle),
                                   .is_old = is_old,
                                   .process = {.fd = -1}};
    list_init(&abort->link);
    list_append(&master->aborts, &abort->link);
    if (has_helper(master, job_id) || start(abort) == 0)
        return 0;
    finish(abort);
    return -1;
}

void master_abort_go_on(struct master *master, uint64_t job_id)
{
    struct master_abort *abort = find(master, job_id);

    if (!abort || abort->readable || has_helper(master, job_id) || start(abort) == 0)
        return;
    finish(abort);
    over(master, job_id);
}

void master_abort_begin(struct master *master, struct master_job *job)
{
    struct publish publish = job->publish;

    job->publish = (struct publish){0};
    if (begin(master, job->id, &publish, buf_string(&job->shuffle), false) != 0)
        master_job_over(master, job->id, false);
}

static bool is_unclean(const Mrlua__JobHistory *history)
{
    return history->info->status != JOB_SUCCEEDED && history->publish_id[0] != '\0';
}

void master_aborts_again(struct master *master)
{
    size_t left = MASTER_ABORT_AGAIN_COUNT;
    struct err ignored;

    for (size_t i = master->past_count; i > 0; i--) {
        const Mrlua__JobHistory *history = master->past[i - 1].history;
        struct publish publish;

        if (!is_unclean(history))
            continue;
        publish_init(&publish, history->info->output_folder, history->publish_id,
                     history->overwrite);
        if (!publish.is_gs && history->shuffle[0] == '\0') {
            publish_abort(&publish, &ignored);
            publish_deinit(&publish);
        } else if (left == 0) {
            publish_deinit(&publish);
        } else {
            left--;
            begin(master, master->past[i - 1].job_id, &publish, history->shuffle, true);
        }
    }
}

bool master_abort_runs(const struct master *master, uint64_t job_id)
{
    return find(master, job_id) != NULL;
}

void master_aborts_close(struct master *master)
{
    struct master_abort *abort;

    while ((abort = LIST_FIRST(&master->aborts, struct master_abort, link)))
        finish(abort);
}
