#include "master/master_state.h"

#include "attempt/input_groups.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "format/publish_gs.h"
#include "format/reader.h"
#include "format/writer.h"
#include "master/job_inputs.h"
#include "master/job_shuffle.h"
#include "store/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REDUCERS_MAX = 100000, /* what a run file can hold */
    PUBLISH_ID_BYTES = 32,
};

/* ---- answers ---- */

void master_answer_error(struct master_peer *peer, uint64_t request_id, const struct err *err)
{
    Mrlua__Answer answer = MRLUA__ANSWER__INIT;
    Mrlua__Error error = MRLUA__ERROR__INIT;

    message_of_err(&error, err, NULL);
    answer.error = &error;
    conn_send(peer->conn, MESSAGE_ANSWER, request_id, &answer.base);
}

static void answer_job(struct master_peer *peer, uint64_t request_id, uint64_t job_id, bool existed)
{
    Mrlua__Answer answer = MRLUA__ANSWER__INIT;

    answer.job = job_id;
    answer.existed = existed;
    conn_send(peer->conn, MESSAGE_ANSWER, request_id, &answer.base);
}

void master_answer_no_job(struct master_peer *peer, uint64_t request_id, uint64_t job_id)
{
    struct err err;

    err_set(&err, ERR_SETUP, "there is no job %llu (the last %d that ended are kept)",
            (unsigned long long)job_id, JOURNAL_HISTORY_COUNT_MAX);
    master_answer_error(peer, request_id, &err);
}

Mrlua__JobInfo *master_info_of(const struct master *master, uint64_t job_id,
                               enum info_extent extent)
{
    const struct master_job *job = master_job_find(master, job_id);
    const struct master_past *past = job ? NULL : master_past_find(master, job_id);
    Mrlua__JobInfo *info = NULL;
    struct buf packed = {0};
    struct err err;

    if (job)
        master_job_info(job, extent, &packed);
    else if (past)
        message_pack(&packed, &past->history->info->base);
    if (job || past)
        info = message_unpack(&mrlua__job_info__descriptor, buf_slice(&packed), &err);
    buf_deinit(&packed);
    return info;
}

/* ---- submit ---- */

/* What a job reads or writes: below the root, if there is one, and never the journal. */
static int check_path(const struct master *master, const char *what, const char *path,
                      struct err *err)
{
    if (path[0] != '/')
        return err_set(err, ERR_SETUP, "%s %s: the master needs a path from the root", what, path);
    if (master->root && !path_is_below(master->root, path))
        return err_set(err, ERR_SETUP, "%s %s: the master opens nothing outside of its root", what,
                       path);
    if (path_is_below(master->state_folder, path))
        return err_set(err, ERR_SETUP, "%s %s: is in the master's own folder", what, path);
    return 0;
}

static int check_input(const struct master *master, const char *folder, const char *input,
                       struct err *err)
{
    char *path;
    int rc;

    if (strcmp(input, "-") == 0)
        return err_set(err, ERR_SETUP, "input -: the master has no standard input");
    if (uri_is_gs(input)) /* its helper looks whether there is such an object */
        return 0;
    path = path_join(folder, input);
    rc = check_path(master, "input", path, err);
    free(path);
    return rc;
}

static int check_output(const struct master *master, const char *output, struct err *err)
{
    struct publish_gs out;
    int rc;

    if (!uri_is_gs(output))
        return check_path(master, "output", output, err);
    rc = publish_gs_init(&out, output, "none", false, err);
    publish_gs_deinit(&out);
    return rc;
}

static int check_paths(const struct master *master, const Mrlua__JobSubmit *submit, struct err *err)
{
    if (check_output(master, submit->output_folder, err) != 0)
        return -1;
    if (submit->n_inputs == 0)
        return err_set(err, ERR_SETUP, "the job has no input");
    for (size_t i = 0; i < submit->n_inputs; i++)
        if (check_input(master, submit->folder, submit->inputs[i], err) != 0)
            return -1;
    return 0;
}

static int check_shuffle(const Mrlua__JobSubmit *submit, struct err *err)
{
    struct buf prefix = {0};
    int rc = job_shuffle_prefix(submit->shuffle, submit->output_folder, "none", &prefix, err);

    buf_deinit(&prefix);
    return rc;
}

/* Its maps answer the same each time: that a client has to know, who reads the job's table. */
static int check_reuse(const Mrlua__JobSubmit *submit, struct err *err)
{
    struct buf prefix = {0};
    int rc;

    if (!submit->reuse)
        return 0;
    /* Of a job of several steps each is asked by itself: master_steps.c. */
    if (!submit->drive && (submit->map_only || submit->unsafe || submit->skip_bad > 0))
        return err_set(err, ERR_SETUP,
                       "--reuse: a job without reduce, or with unsafe or skip_bad, has nothing to "
                       "take");
    rc = job_shuffle_cache(submit->shuffle, submit->output_folder, &prefix, err);
    buf_deinit(&prefix);
    return rc;
}

static int check_blob(const struct master *master, const ProtobufCBinaryData *hash,
                      const char *what, struct err *err)
{
    if (hash->len == 0)
        return 0;
    if (hash->len != BLOB_HASH_BYTES || !blobs_has(&master->blobs, hash->data))
        return err_set(err, ERR_RETRY, "the job's %s has not been sent", what);
    return 0;
}

/* What a cluster reads is a blob or an object: a path of the client's machine is none of ours. */
static int check_file(const struct master *master, const Mrlua__SideFile *file, struct err *err)
{
    if (file->name[0] == '\0')
        return err_set(err, ERR_SETUP, "a side file without a name");
    if (file->hash.len == 0 && !uri_is_gs(file->path))
        return err_set(err, ERR_SETUP, "side file %s: it came neither as a blob nor as gs://",
                       file->name);
    if (check_blob(master, &file->hash, "side file", err) != 0)
        return err_prefix(err, "side file %s", file->name);
    return 0;
}

static int check_files(const struct master *master, const Mrlua__JobSubmit *submit, struct err *err)
{
    if (submit->n_files > CHILD_FILE_COUNT_MAX)
        return err_set(err, ERR_SETUP, "a job has %zu side files, %d are the most", submit->n_files,
                       CHILD_FILE_COUNT_MAX);
    for (size_t i = 0; i < submit->n_files; i++)
        if (check_file(master, submit->files[i], err) != 0)
            return -1;
    return 0;
}

int master_submit_check(const struct master *master, const Mrlua__JobSubmit *submit,
                        struct err *err)
{
    enum reader_kind reader;
    struct writer_format writer;

    if (submit->idempotency_key[0] == '\0')
        return err_set(err, ERR_SETUP, "a submit without an idempotency key");
    if (submit->skip_bad > SCHED_SKIP_BAD_MAX)
        return err_set(err, ERR_SETUP, "skip_bad: %u is more than %d", submit->skip_bad,
                       SCHED_SKIP_BAD_MAX);
    if (submit->attempts > SCHED_FAILURE_COUNT_MAX)
        return err_set(err, ERR_SETUP, "attempts: %u is more than %d", submit->attempts,
                       SCHED_FAILURE_COUNT_MAX);
    if (submit->reducers > REDUCERS_MAX)
        return err_set(err, ERR_SETUP, "reducers: %u is more than %d", submit->reducers,
                       REDUCERS_MAX);
    if (master->jobs_by_id.count >= MASTER_JOB_COUNT_MAX)
        return err_set(err, ERR_RETRY, "the master has %d jobs", MASTER_JOB_COUNT_MAX);
    if (check_paths(master, submit, err) != 0 || check_shuffle(submit, err) != 0 ||
        check_reuse(submit, err) != 0 ||
        reader_kind_by_name(slice_of_string(submit->input), &reader, err) != 0 ||
        input_groups_check(submit->groups, submit->n_groups, submit->n_inputs, err) != 0 ||
        writer_format_by_name(slice_of_string(submit->output), &writer, err) != 0 ||
        job_parts_check(submit->outputs, submit->n_outputs, err) != 0 ||
        check_blob(master, &submit->bundle_hash, "bundle", err) != 0 ||
        check_blob(master, &submit->params_hash, "parameters", err) != 0 ||
        check_blob(master, &submit->view_hash, "table", err) != 0 ||
        check_files(master, submit, err) != 0)
        return -1;
    if (submit->overwrite)
        return job_inputs_check(submit->output_folder, submit->folder, submit->inputs,
                                submit->n_inputs, err);
    return 0;
}

/* A claim made for a submit that was not answered is the one of the submit that comes again. */
static char *make_publish_id(const char *key)
{
    char id[PUBLISH_ID_BYTES];

    snprintf(id, sizeof id, "job-%016llx", (unsigned long long)hash64(slice_of_string(key)));
    return mem_strdup(id);
}

static int claim(const struct master *master, const Mrlua__JobSubmit *submit,
                 const char *publish_id, struct err *err)
{
    struct publish publish;
    int rc;

    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        const struct master_job *job = CONTAINER_OF(at, struct master_job, link);

        if (strcmp(job->record->submit->output_folder, submit->output_folder) == 0)
            return err_set(err, ERR_SETUP, "output %s: job %llu (%s) is writing to it",
                           submit->output_folder, (unsigned long long)job->id,
                           job->record->submit->name);
    }
    publish_init(&publish, submit->output_folder, publish_id, submit->overwrite);
    rc = publish.is_gs ? 0 : publish_claim(&publish, err); /* on gs:// the plan's helper does it */
    publish_deinit(&publish);
    return rc;
}

static bool has_worker(const struct master *master)
{
    for (uint32_t i = 1; i < master->worker_capacity; i++)
        if (master->workers[i] && master->workers[i]->conn)
            return true;
    return false;
}

uint64_t master_job_accept_take(struct master *master, Mrlua__JobRecord *record)
{
    const Mrlua__JobSubmit *submit = record->submit;
    struct buf packed = {0};
    struct event event = {.kind = EVENT_JOB_SUBMITTED,
                          .job_id = master->job_id_last + 1,
                          .rules = {.attempts_max = master_job_attempts_max(submit),
                                    .skip_bad = submit->skip_bad,
                                    .unsafe = submit->unsafe,
                                    .priority = submit->priority,
                                    .outputs_in_store = uri_is_gs(submit->shuffle) ||
                                                        strcmp(submit->shuffle, "gcs") == 0}};

    message_pack(&packed, &record->base);
    journal_append(master->journal, JOURNAL_JOB, event.job_id, buf_slice(&packed));
    buf_deinit(&packed);
    master_job_add_take(master, event.job_id, record);
    if (!has_worker(master))
        master_watch_notice(
            master, master_job_find(master, event.job_id),
            "mrlua: no worker has joined yet, so the job waits ('mrlua worker' starts "
            "one)");
    master_queue(master, &event);
    return event.job_id;
}

/* The answer follows when the turn is committed. */
static void accept_job(struct master_peer *peer, uint64_t request_id, Mrlua__JobRecord *record)
{
    struct master_letter letter = {.kind = LETTER_ACCEPTED, .request_id = request_id, .peer = peer};

    letter.job_id = master_job_accept_take(peer->master, record);
    master_post(peer->master, &letter);
}

/* The request as it came, kept: it is unpacked once more, as a part of the record. */
static Mrlua__JobRecord *make_record(const struct frame *frame, struct err *err)
{
    Mrlua__JobRecord *record = mem_alloc(sizeof *record);

    mrlua__job_record__init(record);
    record->submit = message_unpack(&mrlua__job_submit__descriptor, frame->payload, err);
    if (!record->submit) {
        free(record);
        return NULL;
    }
    record->publish_id = make_publish_id(record->submit->idempotency_key);
    record->submitted_ns = (int64_t)clock_realtime_ns();
    return record;
}

static void take_submit(struct master_peer *peer, const struct frame *frame)
{
    struct master *master = peer->master;
    struct err err;
    Mrlua__JobRecord *record = make_record(frame, &err);
    uint64_t known;

    if (!record) {
        master_answer_error(peer, frame->request_id, &err);
        return;
    }
    known = master_job_by_key(master, record->submit->idempotency_key);
    if (known) {
        answer_job(peer, frame->request_id, known, true);
    } else if (record->submit->step) {
        err_set(&err, ERR_SETUP, "a step is submitted by nobody but its driver");
        master_answer_error(peer, frame->request_id, &err);
    } else if (master_submit_check(master, record->submit, &err) == 0 &&
               claim(master, record->submit, record->publish_id, &err) == 0) {
        accept_job(peer, frame->request_id, record);
        return;
    } else {
        master_answer_error(peer, frame->request_id, &err);
    }
    message_free(record);
}

void master_clients_accepted(struct master *master, const struct master_letter *letter)
{
    (void)master;
    if (letter->peer)
        answer_job(letter->peer, letter->request_id, letter->job_id, false);
}

/* ---- what else is asked ---- */

static void take_list(struct master_peer *peer, const struct frame *frame)
{
    struct master *master = peer->master;
    struct err err;
    Mrlua__JobList *list = message_unpack(&mrlua__job_list__descriptor, frame->payload, &err);
    Mrlua__JobListAnswer answer = MRLUA__JOB_LIST_ANSWER__INIT;
    size_t count = master->jobs_by_id.count + master->past_count;
    uint64_t oldest = master_oldest_job(master);
    size_t count_max = list && list->count_max && list->count_max < count ? list->count_max : count;

    answer.jobs = mem_alloc_array(count_max, sizeof *answer.jobs);
    for (uint64_t id = master->job_id_last; id >= oldest && answer.n_jobs < count_max; id--) {
        Mrlua__JobInfo *info = master_info_of(master, id, INFO_LISTED);

        if (info && info->parent)
            message_free(info); /* its job shows it */
        else if (info)
            answer.jobs[answer.n_jobs++] = info;
    }
    conn_send(peer->conn, MESSAGE_JOB_LIST_ANSWER, frame->request_id, &answer.base);
    for (size_t i = 0; i < answer.n_jobs; i++)
        message_free(answer.jobs[i]);
    free(answer.jobs);
    message_free(list);
}

static void take_cancel(struct master_peer *peer, const struct frame *frame)
{
    struct err err;
    Mrlua__JobCancel *cancel = message_unpack(&mrlua__job_cancel__descriptor, frame->payload, &err);
    struct event event = {.kind = EVENT_JOB_CANCELLED, .job_id = cancel ? cancel->job : 0};

    if (cancel && master_job_find(peer->master, cancel->job)) {
        struct master_letter letter = {.kind = LETTER_ACCEPTED,
                                       .job_id = cancel->job,
                                       .request_id = frame->request_id,
                                       .peer = peer};

        master_queue(peer->master, &event);
        master_post(peer->master, &letter);
    } else if (cancel && master_past_find(peer->master, cancel->job)) {
        err_set(&err, ERR_SETUP, "job %llu has ended", (unsigned long long)cancel->job);
        master_answer_error(peer, frame->request_id, &err);
    } else {
        master_answer_no_job(peer, frame->request_id, event.job_id);
    }
    message_free(cancel);
}

struct worker_list {
    Mrlua__WorkerInfo *items, **list;
    size_t count;
};

static void add_worker(void *context, const Mrlua__WorkerInfo *info)
{
    struct worker_list *workers = context;

    workers->items[workers->count] = *info;
    workers->list[workers->count] = &workers->items[workers->count];
    workers->count++;
}

static void take_worker_list(struct master_peer *peer, const struct frame *frame)
{
    struct master *master = peer->master;
    Mrlua__WorkerListAnswer answer = MRLUA__WORKER_LIST_ANSWER__INIT;
    struct worker_list workers = {
        .items = mem_alloc_array(master->worker_capacity, sizeof *workers.items),
        .list = mem_alloc_array(master->worker_capacity, sizeof *workers.list)};

    master_info_workers(master, add_worker, &workers);
    answer.workers = workers.list;
    answer.n_workers = workers.count;
    answer.epoch = master->epoch;
    conn_send(peer->conn, MESSAGE_WORKER_LIST_ANSWER, frame->request_id, &answer.base);
    free(workers.list);
    free(workers.items);
}

/* ---- blobs ---- */

static void take_put(struct master_peer *peer, const struct frame *frame)
{
    struct err err;
    Mrlua__BlobPut *put = message_unpack(&mrlua__blob_put__descriptor, frame->payload, &err);
    Mrlua__BlobHave answer = MRLUA__BLOB_HAVE__INIT;
    struct blob_have have;
    int rc = -1;

    if (put && put->hash.len != BLOB_HASH_BYTES)
        err_set(&err, ERR_SETUP, "the name of a blob has %d bytes", BLOB_HASH_BYTES);
    else if (put)
        rc = blobs_put(&peer->master->blobs, put->hash.data, put->offset, put->total_bytes,
                       slice_of(put->bytes.data, put->bytes.len), &have, &err);
    if (rc == 0 && have.is_complete)
        blobs_leave(&peer->master->blobs, put->hash.data, clock_monotonic_ns());
    if (rc != 0) {
        master_answer_error(peer, frame->request_id, &err);
    } else {
        answer.hash = put->hash;
        answer.bytes = have.bytes;
        answer.complete = have.is_complete;
        conn_send(peer->conn, MESSAGE_BLOB_HAVE, frame->request_id, &answer.base);
    }
    message_free(put);
}

/* A piece of what is asked for, in `bytes` and `answer`; or why there is none, in `trouble`. */
static void get_piece(const struct blobs *blobs, const Mrlua__BlobGet *get, struct buf *bytes,
                      Mrlua__BlobData *answer, struct err *trouble)
{
    int rc = 1;

    if (get->hash.len != BLOB_HASH_BYTES || get->offset > BLOB_BYTES_MAX) {
        answer->unknown = true;
        return;
    }
    if (get->came_damaged) {
        rc = blobs_check(blobs, get->hash.data, trouble);
        if (rc == 0)
            err_set(trouble, ERR_SETUP, "the master's copy was damaged: submit the job again");
    }
    if (rc == 1)
        rc = blobs_get(blobs, get->hash.data, get->offset, BLOB_PIECE_BYTES, bytes,
                       &answer->total_bytes, trouble);
    if (rc < 0)
        err_prefix(trouble, "the master cannot read its copy");
    answer->unknown = rc != 1;
}

static void take_get(struct master_peer *peer, const struct frame *frame)
{
    struct err err = {0};
    Mrlua__BlobGet *get = message_unpack(&mrlua__blob_get__descriptor, frame->payload, &err);
    Mrlua__BlobData answer = MRLUA__BLOB_DATA__INIT;
    struct buf bytes = {0};

    if (!get) {
        master_answer_error(peer, frame->request_id, &err);
        return;
    }
    get_piece(&peer->master->blobs, get, &bytes, &answer, &err);
    answer.hash = get->hash;
    answer.offset = get->offset;
    answer.trouble = err.message;
    answer.bytes = (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)bytes.ptr};
    conn_send(peer->conn, MESSAGE_BLOB_DATA, frame->request_id, &answer.base);
    buf_deinit(&bytes);
    message_free(get);
}

void master_client_hears(struct master_peer *peer, const struct frame *frame)
{
    switch (frame->type) {
    case MESSAGE_JOB_SUBMIT:
        take_submit(peer, frame);
        return;
    case MESSAGE_JOB_WATCH:
        master_watch_take(peer, frame);
        return;
    case MESSAGE_JOB_LIST:
        take_list(peer, frame);
        return;
    case MESSAGE_JOB_STATUS:
        master_status_take(peer, frame);
        return;
    case MESSAGE_JOB_CANCEL:
        take_cancel(peer, frame);
        return;
    case MESSAGE_WORKER_LIST:
        take_worker_list(peer, frame);
        return;
    case MESSAGE_TRAIL_GET:
        master_trail_take(peer, frame);
        return;
    case MESSAGE_BLOB_PUT:
        take_put(peer, frame);
        return;
    case MESSAGE_BLOB_GET:
        take_get(peer, frame);
        return;
    default:
        return;
    }
}
