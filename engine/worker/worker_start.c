#include "worker/worker_state.h"

#include "attempt/side_files.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a TaskStart borrows while its attempt is started. */
struct start {
    Mrlua__TaskStart task; /* a copy whose pointers are the message's or ours */
    Mrlua__FetchRequest fetch;
    struct buf bundle, params, view;
    struct side_files files;
    struct buf copies[CHILD_FILE_COUNT_MAX]; /* where they are */
    struct buf result_path;
    uint8_t segment_key[KEY_BYTES];
};

static ProtobufCBinaryData bytes_of(const void *ptr, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)ptr};
}

/* ---- sources ---- */

static struct worker_sources *sources_of(const struct worker *worker, uint64_t job)
{
    struct worker_sources *sources = worker->sources;

    while (sources && sources->message->job != job)
        sources = sources->next;
    return sources;
}

void worker_sources_keep(struct worker *worker, Mrlua__Sources *message)
{
    struct worker_sources *sources = sources_of(worker, message->job);

    if (!sources) {
        sources = mem_alloc(sizeof *sources);
        sources->next = worker->sources;
        worker->sources = sources;
    }
    message_free(sources->message);
    sources->message = message;
    for (struct worker_attempt *at = worker->attempts; at; at = at->next) {
        if (at->readable && at->job == message->job && worker_attempt_is_reduce(at))
            attempt_sources(&at->attempt, message);
    }
}

void worker_sources_drop(struct worker *worker, uint64_t job)
{
    struct worker_sources **link = &worker->sources, *sources;

    while (*link && (*link)->message->job != job)
        link = &(*link)->next;
    sources = *link;
    if (!sources)
        return;
    *link = sources->next;
    message_free(sources->message);
    free(sources);
}

/* ---- what is refused ---- */

/* A plain file's path is good on all machines or on none; which, only its user knows. */
static int check_path(const struct worker *worker, const char *what, const char *path,
                      enum err_kind kind, struct err *err)
{
    const struct worker_options *options = &worker->options;

    if (access(path, F_OK) != 0)
        return err_set(err, kind,
                       "worker %s cannot see %s %s: %s (workers and master need a shared place "
                       "for plain files)",
                       options->name, what, path, strerror(errno));
    if (options->root && !path_is_below(options->root, path))
        return err_set(err, ERR_SETUP, "worker %s opens nothing outside of its root: %s",
                       options->name, path);
    if (path_is_below(worker->storage.path, path))
        return err_set(err, ERR_SETUP, "%s is in the folder of worker %s", path, options->name);
    return 0;
}

/* A limit of memory is a promise: what is promised to all slots must be there. */
static int check_memory(const struct worker *worker, const Mrlua__TaskStart *task, struct err *err)
{
    const struct worker_options *options = &worker->options;
    uint64_t share = options->memory_bytes / options->slots;
    uint64_t limit = task->limits ? task->limits->memory_bytes : 0;

    if (options->memory_bytes == 0 || (limit <= share && task->sort_buffer_bytes <= share - limit))
        return 0;
    return err_set(err, ERR_SETUP,
                   "worker %s cannot give an attempt %llu MB of Lua and %llu MB of sort buffer: a "
                   "slot has %llu MB (%llu MB for %u); lower --limit-memory or --sort-buffer, or "
                   "start it with fewer --slots",
                   options->name, (unsigned long long)(limit >> 20),
                   (unsigned long long)(task->sort_buffer_bytes >> 20),
                   (unsigned long long)(share >> 20),
                   (unsigned long long)(options->memory_bytes >> 20), options->slots);
}

static int check(const struct worker_attempt *attempt, struct err *err)
{
    const struct worker *worker = attempt->worker;
    const Mrlua__AttemptStart *start = attempt->start;

    if (start->start->unsafe && !worker->options.allow_unsafe)
        return err_set(err, ERR_SETUP, "worker %s runs no unsafe jobs (--allow-unsafe)",
                       worker->options.name);
    if (check_memory(worker, start->start, err) != 0)
        return -1;
    for (size_t i = 0; i < start->start->n_pieces; i++) {
        if (start->start->pieces[i]->generation == 0 && /* an object is seen from everywhere */
            check_path(worker, "input", start->start->pieces[i]->path, ERR_INPUT, err) != 0)
            return -1;
    }
    if (!worker_attempt_leaves_part(attempt))
        return 0;
    if (start->start->commit)
        return 0; /* its part goes to gs:// */
    if (start->start->result_path[0] != '/')
        return err_set(err, ERR_SETUP, "a part without a path");
    return check_path(worker, "the output folder", start->output_folder, ERR_SETUP, err);
}

/* ---- what it is given ---- */

static int read_blobs(struct worker_attempt *attempt, struct start *start, struct err *err)
{
    const Mrlua__AttemptStart *message = attempt->start;
    const ProtobufCBinaryData *hashes[] = {&message->bundle_hash, &message->params_hash,
                                           &message->view_hash};
    struct buf *bufs[] = {&start->bundle, &start->params, &start->view};
    int all = 1;

    for (size_t i = 0; i < 3; i++) {
        int rc = worker_blob_read(attempt->worker, hashes[i], bufs[i], err);

        if (rc < 0)
            return -1;
        all = all && rc;
    }
    start->task.bundle = bytes_of(start->bundle.ptr, start->bundle.len);
    start->task.params = bytes_of(start->params.ptr, start->params.len);
    start->task.view = bytes_of(start->view.ptr, start->view.len);
    return all;
}

/* All that are missing are asked for at once. */
static int find_files(struct worker_attempt *attempt, struct start *start, struct err *err)
{
    const Mrlua__TaskStart *task = attempt->start->start;
    int all = 1;

    if (task->n_files > CHILD_FILE_COUNT_MAX)
        return err_set(err, ERR_SETUP, "a task has %zu side files, %d are the most", task->n_files,
                       CHILD_FILE_COUNT_MAX);
    for (size_t i = 0; i < task->n_files; i++) {
        Mrlua__SideFile *file = side_files_add(&start->files, task->files[i]);
        int rc = worker_side_file(attempt->worker, file, &start->copies[i], err);

        if (rc < 0)
            return -1;
        file->copy = (char *)(uintptr_t)buf_string(&start->copies[i]);
        all = all && rc;
    }
    start->task.n_files = start->files.count;
    start->task.files = start->files.list;
    return all;
}

static int find_blobs(struct worker_attempt *attempt, struct start *start, struct err *err)
{
    int code = read_blobs(attempt, start, err);
    int files = code < 0 ? -1 : find_files(attempt, start, err);

    return code < 0 || files < 0 ? -1 : code && files;
}

/* A result that this worker chooses the place of: a run, or a part on its way to gs://. */
static int set_result(struct worker_attempt *attempt, struct start *start, struct err *err)
{
    const struct storage *storage = &attempt->worker->storage;

    storage_run_path(storage, attempt->job, attempt->task, attempt->id, &start->result_path);
    start->task.result_path = (char *)(uintptr_t)buf_string(&start->result_path);
    return storage_make_job(storage, attempt->job, err);
}

static void set_reduce(const struct worker_attempt *attempt, struct start *start)
{
    const struct worker *worker = attempt->worker;
    const struct worker_sources *sources = sources_of(worker, attempt->job);

    mrlua__fetch_request__init(&start->fetch);
    start->fetch.map_count = attempt->start->map_count;
    if (sources) {
        start->fetch.n_sources = sources->message->n_sources;
        start->fetch.sources = sources->message->sources;
    }
    keys_of_job(worker->options.keys, attempt->job, start->segment_key);
    start->fetch.segment_key = bytes_of(start->segment_key, KEY_BYTES);
    start->fetch.worker_key = bytes_of(keys_of_role(worker->options.keys, ROLE_WORKER), KEY_BYTES);
    start->task.fetch = &start->fetch;
    start->task.waits_when_fetched = true;
}

static int fill(struct worker_attempt *attempt, struct start *start, struct err *err)
{
    const struct worker *worker = attempt->worker;

    start->task.worker = agent_worker_id(worker->agent);
    start->task.tmp_folder = worker->storage.tmp_path;
    if (worker_attempt_leaves_run(attempt))
        return set_result(attempt, start, err);
    if (worker_attempt_is_reduce(attempt))
        set_reduce(attempt, start);
    return start->task.commit ? set_result(attempt, start, err) : 0;
}

int worker_start(struct worker_attempt *attempt, struct err *err)
{
    struct start start = {.task = *attempt->start->start};
    int rc = check(attempt, err);

    if (rc == 0)
        rc = find_blobs(attempt, &start, err);
    if (rc == 1 && (fill(attempt, &start, err) != 0 ||
                    attempt_start(attempt->worker->nursery, &start.task, &attempt->attempt, err)))
        rc = -1;
    buf_deinit(&start.bundle);
    buf_deinit(&start.params);
    buf_deinit(&start.view);
    for (size_t i = 0; i < CHILD_FILE_COUNT_MAX; i++)
        buf_deinit(&start.copies[i]);
    buf_deinit(&start.result_path);
    explicit_bzero(start.segment_key, sizeof start.segment_key);
    return rc;
}
