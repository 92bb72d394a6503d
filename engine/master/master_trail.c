/*
 * What attempts leave of a job (job_trail.h), in STATE/trails, and who asks for it. All of it is a
 * help: what cannot be kept is said in the log, once a job, and changes nothing else.
 */
#include "master/master_state.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 512 * 1024,          /* of a file in one answer: it is read in the event loop */
    CODE_BYTES_MAX = 16 * 1024 * 1024, /* of a bundle, parameters, a table */
};

static void root_of(const struct master *master, struct buf *out)
{
    buf_printf(out, "%s/trails", master->state_folder);
}

void master_trail_open(struct master_job *job)
{
    struct buf root = {0};

    root_of(job->master, &root);
    trail_init_at(&job->trail, buf_string(&root), job->id);
    job_trail_init(&job->kept, &job->trail);
    buf_deinit(&root);
}

static void warn(const struct master_job *job, const struct err *err)
{
    log_event(SEVERITY_WARNING, "trail_not_kept", log_number("job", job->id),
              log_text("reason", err->message));
}

/* Where a job leaves it: a step at the job that it is of, which lives as long. */
static struct master_job *keeper_of(const struct master_job *job)
{
    const Mrlua__JobStep *step = job->record->submit->step;
    struct master_job *parent = step ? master_job_find(job->master, step->parent) : NULL;

    return parent ? parent : master_job_find(job->master, job->id);
}

static void flush(struct master_job *job)
{
    struct err err;

    if (job_trail_flush(&job->kept, &err) != 0)
        warn(job, &err);
}

void master_trails_write(struct master *master)
{
    master->trail_timer_runs = false;
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next)
        flush(CONTAINER_OF(at, struct master_job, link));
}

void master_trail_close(struct master_job *job)
{
    flush(job);
    job_trail_deinit(&job->kept);
    trail_deinit(&job->trail);
}

/* ---- what attempts tell ---- */

static uint32_t step_of(const struct master_job *job)
{
    return job->record->submit->step ? job->record->submit->step->number : 0;
}

static struct job_trail_who who_is(const struct master_attempt *attempt,
                                   const struct master_job *job)
{
    return (struct job_trail_who){.step = step_of(job),
                                  .stage = attempt->stage,
                                  .is_driver = attempt->is_driver,
                                  .task = attempt->task,
                                  .attempt_id = attempt->id};
}

void master_trail_print(const struct master_attempt *attempt, struct master_job *job,
                        const char *text)
{
    struct job_trail_who who = who_is(attempt, job);
    struct err err;

    job = keeper_of(job);
    if (job_trail_print(&job->kept, &who, text, &err) != 0)
        warn(job, &err);
    if (job->master->trail_timer_runs)
        return;
    job->master->trail_timer_runs = true;
    loop_timer_start(job->master->trail_timer, MASTER_TRAIL_MS * NS_PER_MS);
}

/* A blob of the job, or nothing, where there is none. */
static struct slice read_blob(const struct master *master, const ProtobufCBinaryData *hash,
                              struct buf *out)
{
    uint64_t total;
    struct err ignored;

    if (hash->len == BLOB_HASH_BYTES)
        blobs_get(&master->blobs, hash->data, 0, CODE_BYTES_MAX, out, &total, &ignored);
    return buf_slice(out);
}

void master_trail_keep(const struct master_attempt *attempt, struct master_job *job,
                       const struct err *err, const Mrlua__Error *error, const char *detail)
{
    const Mrlua__JobSubmit *submit = job->record->submit;
    struct job_trail_who who = who_is(attempt, job);
    struct buf id = {0}, bundle = {0}, params = {0}, view = {0};
    struct job_trail_failure failure = {.err = err, .detail = detail};
    struct err trouble;

    job = keeper_of(job);
    if (!error || error->capsule.len == 0 || !job_trail_wants(&job->kept, &who, err->kind))
        return;
    buf_printf(&id, "%llu", (unsigned long long)job->id);
    failure.part = slice_of(error->capsule.data, error->capsule.len);
    failure.job =
        (struct capsule_job){.id = buf_string(&id),
                             .name = submit->name,
                             .bundle = read_blob(job->master, &submit->bundle_hash, &bundle),
                             .params = read_blob(job->master, &submit->params_hash, &params),
                             .view = read_blob(job->master, &submit->view_hash, &view)};
    if (job_trail_keep(&job->kept, &who, &failure, &trouble) < 0)
        warn(job, &trouble);
    buf_deinit(&id);
    buf_deinit(&bundle);
    buf_deinit(&params);
    buf_deinit(&view);
}

void master_trail_advise(const struct master_job *job, const struct job_progress *progress,
                         enum err_kind kind, struct buf *detail)
{
    struct job_trail_who who = {.step = step_of(job),
                                .stage = progress->stage,
                                .is_driver =
                                    progress->stage == STAGE_PLAN && job->record->submit->drive,
                                .task = progress->task,
                                .attempt_id = progress->attempt_id};
    struct buf id = {0};

    job = keeper_of(job);
    buf_printf(&id, "%llu", (unsigned long long)job->id);
    job_trail_advise(&job->kept, &who, kind, buf_string(&id), detail);
    buf_deinit(&id);
}

/* ---- who asks ---- */

static void path_of(const struct master *master, uint64_t job, struct buf *out)
{
    struct buf root = {0};

    root_of(master, &root);
    trail_path(buf_string(&root), job, out);
    buf_deinit(&root);
}

static void answer_names(struct master_peer *peer, uint64_t request_id, const char *path)
{
    Mrlua__TrailData answer = MRLUA__TRAIL_DATA__INIT;
    char **names = trail_names(path, &answer.n_names);

    answer.names = names;
    conn_send(peer->conn, MESSAGE_TRAIL_DATA, request_id, &answer.base);
    for (size_t i = 0; i < answer.n_names; i++)
        free(names[i]);
    free(names);
}

/* A piece of the file. False: there is none. */
static bool read_piece(const char *path, uint64_t offset, struct buf *bytes, uint64_t *total)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    struct err ignored;
    ssize_t count = -1;

    if (size >= 0) {
        count = io_pread(fd, buf_reserve(bytes, PIECE_BYTES), PIECE_BYTES, offset, path, ERR_DISK,
                         &ignored);
        bytes->len += count > 0 ? (size_t)count : 0;
        *total = (uint64_t)size;
    }
    io_close(&fd);
    return count >= 0;
}

static void answer_piece(struct master_peer *peer, uint64_t request_id, const char *path,
                         uint64_t offset)
{
    Mrlua__TrailData answer = MRLUA__TRAIL_DATA__INIT;
    struct buf bytes = {0};

    answer.unknown =
        offset > INT64_MAX - PIECE_BYTES || !read_piece(path, offset, &bytes, &answer.total_bytes);
    answer.bytes = (ProtobufCBinaryData){bytes.len, (uint8_t *)bytes.ptr};
    conn_send(peer->conn, MESSAGE_TRAIL_DATA, request_id, &answer.base);
    buf_deinit(&bytes);
}

/* A capsule has records of the input in it: that is more than who may look at jobs is to see. */
static int check(const struct master_peer *peer, const Mrlua__TrailGet *get, struct err *err)
{
    if (strchr(get->name, '/') || get->name[0] == '.')
        return err_set(err, ERR_SETUP, "%s is no file of a job", get->name);
    if (conn_role(peer->conn) != ROLE_SUBMIT && get->name[0] && strcmp(get->name, "log") != 0)
        return err_set(err, ERR_SETUP,
                       "what a failed attempt left is for who may submit jobs: a key of the role "
                       "read may see logs");
    return 0;
}

static void answer_get(struct master_peer *peer, uint64_t request_id, const Mrlua__TrailGet *get)
{
    struct master *master = peer->master;
    struct master_job *job = master_job_find(master, get->job);
    struct buf path = {0};

    if (!job && !master_past_find(master, get->job)) {
        master_answer_no_job(peer, request_id, get->job);
        return;
    }
    if (job)
        flush(job);
    path_of(master, get->job, &path);
    if (get->name[0] == '\0') {
        answer_names(peer, request_id, buf_string(&path));
    } else {
        buf_printf(&path, "/%s", get->name);
        answer_piece(peer, request_id, buf_string(&path), get->offset);
    }
    buf_deinit(&path);
}

void master_trail_take(struct master_peer *peer, const struct frame *frame)
{
    struct err err;
    Mrlua__TrailGet *get = message_unpack(&mrlua__trail_get__descriptor, frame->payload, &err);

    if (!get || check(peer, get, &err) != 0)
        master_answer_error(peer, frame->request_id, &err);
    else
        answer_get(peer, frame->request_id, get);
    message_free(get);
}
