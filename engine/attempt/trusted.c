#include "attempt/trusted.h"

#include "attempt/capsule.h"
#include "attempt/fetch.h"
#include "attempt/fetch_remote.h"
#include "attempt/fetch_store.h"
#include "attempt/files.h"
#include "attempt/heartbeat.h"
#include "attempt/keep.h"
#include "attempt/plan_task.h"
#include "attempt/serve.h"
#include "base/io.h"
#include "store/http_client.h"
#include "store/uri.h"

#include <unistd.h>

static bool has_result(const Mrlua__TaskStart *start)
{
    return start->kind == MRLUA__TASK_KIND__MAP || start->kind == MRLUA__TASK_KIND__REDUCE;
}

/* The page, and for a task with a result its files. */
static int open_files(struct trusted *trusted, struct err *err)
{
    const Mrlua__TaskStart *start = trusted->start;
    int *fds = trusted->fds;

    fds[CHILD_PAGE] = page_create(&trusted->page, err);
    if (fds[CHILD_PAGE] < 0)
        return -1;
    if (!has_result(start))
        return 0;
    fds[CHILD_SCRATCH_A] = files_scratch(start->tmp_folder, err);
    fds[CHILD_SCRATCH_B] = fds[CHILD_SCRATCH_A] < 0 ? -1 : files_scratch(start->tmp_folder, err);
    if (fds[CHILD_SCRATCH_B] < 0)
        return -1;
    fds[CHILD_RESULT] = files_result(start->result_path, err);
    trusted->made_result = fds[CHILD_RESULT] >= 0;
    return trusted->made_result ? outputs_create(&trusted->outputs, start, err) : -1;
}

/* Also those that have to be fetched first. */
static int open_side_files(struct trusted *trusted, struct err *err)
{
    int rc;

    if (trusted->start->n_files == 0)
        return 0;
    heartbeat_start(trusted->shell.fd, "files", NULL);
    rc = side_files_open(trusted->start, trusted->fds + CHILD_FILE_FIRST, &trusted->files, err);
    heartbeat_stop();
    return rc;
}

/* The page stays: a failure is told with what is in it. */
static void close_files(struct trusted *trusted)
{
    for (int i = 0; i < CHILD_FD_COUNT; i++)
        io_close(&trusted->fds[i]);
}

/* ---- what kinds of tasks do ---- */

/* Waits for the shell's word to go on. 0, or -1: it has hung up, or broke. */
static int wait_for_run(struct trusted *trusted, const struct fetched *fetched, struct err *err)
{
    Mrlua__Fetched message = MRLUA__FETCHED__INIT;
    struct frame frame;
    int rc;

    if (!trusted->start->waits_when_fetched)
        return 0;
    message.bytes = fetched->table.bytes;
    message.records = fetched->records;
    if (channel_send(&trusted->shell, MESSAGE_FETCHED, &message.base, err) != 0)
        return -1;
    /* Beats tell the shell that it is still there, and notice when the shell is not. */
    heartbeat_start(trusted->shell.fd, "wait", trusted->start->result_path);
    do
        rc = channel_receive(&trusted->shell, &frame, err);
    while (rc == 1 && frame.type == MESSAGE_SOURCES); /* late ones */
    heartbeat_stop();
    if (rc == 1 && frame.type == MESSAGE_RUN)
        return 0;
    trusted->shell_is_gone = rc == 0;
    return rc < 0 ? -1
                  : err_set(err, ERR_RETRY, "message %u where the word to run was expected",
                            rc == 0 ? 0U : frame.type);
}

static int fetch_from_files(struct trusted *trusted, struct fetched *fetched, struct err *err)
{
    int rc;

    heartbeat_start(trusted->shell.fd, "fetch", trusted->start->result_path);
    rc = fetch_segments(trusted->start, trusted->fds[CHILD_SCRATCH_A], fetched, err);
    heartbeat_stop();
    return rc;
}

static int fetch_from_store(struct trusted *trusted, struct fetched *fetched, struct err *err)
{
    int rc;

    heartbeat_start(trusted->shell.fd, "fetch", trusted->start->result_path);
    rc = fetch_store(trusted->start, trusted->fds[CHILD_SCRATCH_A], fetched, err);
    heartbeat_stop();
    return rc;
}

static int fetch_from_workers(struct trusted *trusted, struct fetched *fetched, struct err *err)
{
    struct fetch_remote remote = {.start = trusted->start,
                                  .scratch = trusted->fds[CHILD_SCRATCH_A],
                                  .shell = &trusted->shell};
    int rc = fetch_remote(&remote, fetched, err);

    trusted->shell_is_gone = remote.shell_is_gone;
    return rc;
}

static int fetch(struct trusted *trusted, struct fetched *fetched, struct err *err)
{
    if (trusted->start->shuffle[0])
        return fetch_from_store(trusted, fetched, err);
    return trusted->start->fetch ? fetch_from_workers(trusted, fetched, err)
                                 : fetch_from_files(trusted, fetched, err);
}

/* The result goes to a store, if that is its place; the file has served its purpose then. */
static int store_result(struct trusted *trusted, bool is_stored, struct err *err)
{
    const Mrlua__TaskStart *start = trusted->start;
    int rc = 0;

    if (!keep_is_wanted(start))
        return 0;
    if (is_stored)
        goto out;
    heartbeat_start(trusted->shell.fd, "store", start->result_path);
    rc = keep_result(start, trusted->fds[CHILD_RESULT], trusted->outputs.fds,
                     buf_slice(&trusted->done), err);
    heartbeat_stop();
out:
    if (rc == 0)
        unlink(start->result_path);
    return rc;
}

static int run_reduce(struct trusted *trusted, struct err *err)
{
    struct fetched fetched;
    int rc = fetch(trusted, &fetched, err);

    trusted->peer_map = fetched.peer_map;
    trusted->peer_attempt = fetched.peer_attempt;
    trusted->records_total = fetched.records;
    if (rc == 0)
        rc = wait_for_run(trusted, &fetched, err);
    if (rc == 0)
        rc = serve_child(trusted, &fetched, err);
    fetch_deinit(&fetched);
    return rc;
}

/* The cache is none of the job's business: what is wrong with it is told and goes on. */
static void tell_of_cache(struct trusted *trusted, const struct err *failure)
{
    Mrlua__Log log = MRLUA__LOG__INIT;
    struct buf text = {0};
    struct err err;

    buf_printf(&text, "mrlua: cache: %s", failure->message);
    log.text = (char *)(uintptr_t)buf_string(&text);
    if (channel_send(&trusted->shell, MESSAGE_LOG, &log.base, &err) != 0)
        trusted->shell_is_gone = true;
    buf_deinit(&text);
}

/* True: the run of an earlier job is the result. */
static bool take_kept_run(struct trusted *trusted)
{
    struct err err;
    int rc;

    if (!trusted->reuse.is_on)
        return false;
    heartbeat_start(trusted->shell.fd, "reuse", trusted->start->result_path);
    rc = reuse_find(&trusted->reuse, &trusted->done, &err);
    heartbeat_stop();
    if (rc < 0)
        tell_of_cache(trusted, &err);
    trusted->made_result = rc == 1 && !keep_is_wanted(trusted->start);
    return rc == 1;
}

/* *is_stored: the result is in its store now. */
static int keep_run_for_later(struct trusted *trusted, bool *is_stored, struct err *err)
{
    struct err failure;
    int rc;

    *is_stored = false;
    if (!trusted->reuse.is_on)
        return 0;
    if (reuse_name(&trusted->reuse, &trusted->done, err) != 0)
        return -1;
    heartbeat_start(trusted->shell.fd, "keep", trusted->start->result_path);
    rc = reuse_keep(&trusted->reuse, trusted->fds[CHILD_RESULT], &trusted->done, &failure);
    heartbeat_stop();
    if (rc < 0)
        tell_of_cache(trusted, &failure);
    *is_stored = rc == 1 && keep_is_wanted(trusted->start);
    return 0;
}

static int run_with_child(struct trusted *trusted, struct err *err)
{
    bool is_stored = false;
    int rc = -1;

    if (!trusted->start->limits)
        return err_set(err, ERR_SETUP, "a task without limits");
    if (trusted->start->kind == MRLUA__TASK_KIND__SAMPLE &&
        (trusted->start->n_shares != trusted->start->n_pieces ||
         trusted->start->partition_count == 0))
        return err_set(err, ERR_SETUP, "a sample without shares, or parts");
    for (size_t i = 0; i < trusted->start->n_pieces; i++)
        trusted->bytes_total += trusted->start->pieces[i]->length;
    reuse_init(&trusted->reuse, trusted->start);
    if (take_kept_run(trusted))
        return 0;
    if (open_side_files(trusted, err) == 0 && open_files(trusted, err) == 0)
        rc = trusted->start->kind == MRLUA__TASK_KIND__REDUCE ? run_reduce(trusted, err)
                                                              : serve_child(trusted, NULL, err);
    if (rc == 0)
        rc = keep_run_for_later(trusted, &is_stored, err);
    if (rc == 0)
        rc = store_result(trusted, is_stored, err);
    close_files(trusted);
    return rc;
}

/* Not wanted any more, who works on a store ends between two requests. A request that is under way
 * may be done after its sender's end, and then behind the one that removes what the job made. */
static void start_heart(const struct trusted *trusted, const char *phase)
{
    const Mrlua__CommitRequest *commit = trusted->start->commit;

    if (commit && (uri_is_gs(commit->output_folder) || uri_is_gs(commit->shuffle)))
        heartbeat_start_gentle(trusted->shell.fd, phase, http_client_wind_down);
    else
        heartbeat_start(trusted->shell.fd, phase, NULL);
}

static int run_alone(struct trusted *trusted, struct err *err)
{
    const Mrlua__TaskStart *start = trusted->start;
    bool is_plan = start->kind == MRLUA__TASK_KIND__PLAN;
    bool is_abort = start->kind == MRLUA__TASK_KIND__ABORT;
    uint32_t lost = 0;
    int rc = 0;

    if (is_plan ? !start->plan : !start->commit)
        return err_set(err, ERR_SETUP, "a task without its request");
    start_heart(trusted, is_plan ? "plan" : is_abort ? "abort" : "commit");
    if (is_abort)
        rc = abort_task_run(start, &trusted->done, err);
    else
        rc = is_plan ? plan_task_run(start, &trusted->done, err)
                     : commit_task_run(start, &trusted->done, &lost, err);
    heartbeat_stop();
    if (rc != 0 && err->kind == ERR_PEER && lost < start->commit->n_parts) {
        trusted->peer_map = start->commit->parts[lost]->partition;
        trusted->peer_attempt = start->commit->parts[lost]->attempt;
    }
    return rc;
}

static int run(struct trusted *trusted, struct err *err)
{
    switch (trusted->start->kind) {
    case MRLUA__TASK_KIND__LOAD:
    case MRLUA__TASK_KIND__SAMPLE:
    case MRLUA__TASK_KIND__MAP:
    case MRLUA__TASK_KIND__REDUCE:
    case MRLUA__TASK_KIND__DRIVE:
        return run_with_child(trusted, err);
    case MRLUA__TASK_KIND__PLAN:
    case MRLUA__TASK_KIND__COMMIT:
    case MRLUA__TASK_KIND__ABORT:
        return run_alone(trusted, err);
    default:
        return err_set(err, ERR_SETUP, "a task of unknown kind %d", (int)trusted->start->kind);
    }
}

/* ---- the last word ---- */

static void tell_failed(struct trusted *trusted, const struct err *failure)
{
    Mrlua__Failed failed = MRLUA__FAILED__INIT;
    Mrlua__Error error;
    struct buf part = {0};
    struct err err;

    message_of_err(&error, failure, buf_string(&trusted->detail));
    error.peer_map = trusted->peer_map;
    error.peer_attempt = trusted->peer_attempt;
    bad_records_tell(&trusted->bad, &error);
    capsule_part(trusted->start, trusted->page, buf_slice(&trusted->scene), &part);
    error.capsule = (ProtobufCBinaryData){part.len, (uint8_t *)part.ptr};
    failed.error = &error;
    channel_send(&trusted->shell, MESSAGE_FAILED, &failed.base, &err);
    buf_deinit(&part);
}

static void tell_done(struct trusted *trusted)
{
    struct frame frame = {.type = MESSAGE_DONE, .payload = buf_slice(&trusted->done)};
    struct err err;

    if (channel_forward(&trusted->shell, &frame, &err) != 0)
        trusted->shell_is_gone = true;
}

int trusted_main(const Mrlua__TaskStart *start, int request_socket, int shell)
{
    struct trusted trusted = {
        .start = start,
        .request_socket = request_socket,
    };
    struct err err;
    int rc;

    for (int i = 0; i < CHILD_FD_COUNT; i++)
        trusted.fds[i] = -1;
    channel_init_take(&trusted.shell, shell);
    bad_records_init(&trusted.bad, start);
    rc = run(&trusted, &err);
    if (rc == 0)
        tell_done(&trusted);
    if (trusted.made_result && (rc != 0 || trusted.shell_is_gone))
        unlink(start->result_path); /* before the shell hears of it */
    outputs_deinit(&trusted.outputs, rc == 0 && !trusted.shell_is_gone);
    if (rc != 0 && !trusted.shell_is_gone)
        tell_failed(&trusted, &err);
    buf_deinit(&trusted.done);
    buf_deinit(&trusted.detail);
    buf_deinit(&trusted.scene);
    page_unmap(trusted.page);
    bad_records_deinit(&trusted.bad);
    channel_deinit(&trusted.shell);
    return 0;
}
