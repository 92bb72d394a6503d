#include "store/gcs_upload.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "store/gcs_json.h"
#include "store/gcs_put.h"

#include <assert.h>
#include <stdlib.h>

enum {
    STALL_S = 60,           /* the end of a large object takes the service its time */
    SESSION_COUNT_MAX = 10, /* begun again from byte 0: more is a service that is down */
};

/* Some bytes of an upload: of a descriptor, or in memory. `text` begins at byte `text_start`. */
struct body {
    int fd;
    struct slice text;
    uint64_t text_start;
};

/* Bytes on their way into a session. */
struct sending {
    struct gcs *gcs;
    struct gcs_session *session;
    struct body body;
    uint64_t size; /* UINT64_MAX: of a stream, not known yet */
    struct retry retry;
    uint64_t delay_ns;        /* before the next request */
    bool is_finished;         /* 200 or 201: the service says it is an object */
    bool has_failed;          /* an answer was lost: what follows may be about our own success */
    struct gcs_object object; /* as the service described it, or empty */
};

void gcs_session_deinit(struct gcs_session *session)
{
    if (session->uri)
        explicit_bzero(session->uri, strlen(session->uri));
    free(session->uri);
    free(session->bucket);
    free(session->object);
    free(session->upload_id);
    *session = (struct gcs_session){0};
}

uint64_t gcs_session_tail(uint64_t size)
{
    return size == 0 ? 0 : (size - 1) / GCS_CHUNK_UNIT_BYTES * GCS_CHUNK_UNIT_BYTES;
}

static int prefix(const struct gcs_session *session, struct err *err)
{
    return err_prefix(err, "upload gs://%s/%s", session->bucket, session->object);
}

/* ---- a session's beginning ---- */

static enum gcs_outcome keep_location(const struct gcs_call *call, struct gcs_session *session,
                                      struct err *err)
{
    const struct buf *location = &call->http.reply_headers.location;

    if (call->http.status == 412)
        return GCS_LOST;
    if (call->http.status / 100 != 2) {
        gcs_answer_error(call, "upload", session->bucket, session->object, ERR_SETUP, err);
        return GCS_FAILED;
    }
    if (location->len == 0 || location->len > GCS_SESSION_URI_BYTES_MAX) {
        err_set(err, ERR_RETRY, "the service names no session");
        prefix(session, err);
        return GCS_FAILED;
    }
    session->uri = mem_strndup(location->ptr, location->len);
    session->is_known = true;
    return GCS_WRITTEN;
}

/* `size` is UINT64_MAX, and `crc32c` NULL, for a stream. */
static enum gcs_outcome begin(struct gcs *gcs, uint64_t size, const uint32_t *crc32c,
                              const struct gcs_put *put, struct gcs_session *session,
                              struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    struct buf json = {0};
    enum gcs_outcome outcome = GCS_FAILED;

    call.http.method = "POST";
    gcs_url_upload(gcs, &call.url, session->bucket);
    gcs_url_add(&call.url, "uploadType", "resumable");
    gcs_url_add(&call.url, "fields", GCS_OBJECT_FIELDS);
    gcs_put_condition(&call.url, put);
    /* A session that nobody knows of does no harm: it may be made twice, whatever the condition. */
    call.operation = RETRY_ALWAYS;
    buf_append_string(&call.headers, "Content-Type: application/json; charset=UTF-8\n");
    buf_printf(&call.headers, "X-Upload-Content-Type: %s\n",
               put->content_type ? put->content_type : "application/octet-stream");
    if (size != UINT64_MAX)
        buf_printf(&call.headers, "X-Upload-Content-Length: %llu\n", (unsigned long long)size);
    gcs_json_put(&json, session->object, put, session->upload_id, crc32c);
    call.http.has_body = true;
    call.http.body = buf_slice(&json);
    if (gcs_call_run(gcs, &call, err) != 0)
        prefix(session, err);
    else
        outcome = keep_location(&call, session, err);
    gcs_call_deinit(gcs, &call);
    buf_deinit(&json);
    return outcome;
}

static void name_session(struct gcs *gcs, const char *bucket, const char *object,
                         const struct gcs_put *put, struct gcs_session *out)
{
    char made_up[GCS_RANDOM_BYTES];

    gcs_random_text(gcs, made_up);
    *out = (struct gcs_session){
        .bucket = mem_strdup(bucket),
        .object = mem_strdup(object),
        .upload_id = mem_strdup(put->upload_id ? put->upload_id : made_up),
    };
}

enum gcs_outcome gcs_session_create(struct gcs *gcs, const char *bucket, const char *object,
                                    uint64_t size, uint32_t crc32c, const struct gcs_put *put,
                                    struct gcs_session *out, struct err *err)
{
    enum gcs_outcome outcome;

    name_session(gcs, bucket, object, put, out);
    out->size = size;
    out->crc32c = crc32c;
    outcome = begin(gcs, size, &crc32c, put, out, err);
    if (outcome != GCS_WRITTEN)
        gcs_session_deinit(out);
    return outcome;
}

/* ---- one request on a session ---- */

static void fill_body(struct gcs_call *call, const struct body *body, uint64_t from, uint64_t len)
{
    call->http.has_body = true;
    if (len == 0)
        return;
    if (body->fd >= 0) {
        call->http.body_fd = body->fd;
        call->http.body_fd_offset = from;
        call->http.body_fd_bytes = len;
        return;
    }
    assert(from >= body->text_start && from + len <= body->text_start + body->text.len);
    call->http.body = slice_of(body->text.ptr + (from - body->text_start), (size_t)len);
}

/* Which bytes come, of how many; without bytes, or without a size, a star stands there. */
static void put_range(struct buf *headers, uint64_t from, uint64_t len, uint64_t size)
{
    buf_append_string(headers, "Content-Range: bytes ");
    if (len > 0)
        buf_printf(headers, "%llu-%llu/", (unsigned long long)from,
                   (unsigned long long)(from + len - 1));
    else
        buf_append_string(headers, "*/");
    if (size == UINT64_MAX)
        buf_append_string(headers, "*\n");
    else
        buf_printf(headers, "%llu\n", (unsigned long long)size);
}

static enum gcs_outcome read_answer(struct sending *sending, const struct gcs_call *call,
                                    struct err *err)
{
    const struct http_headers *headers = &call->http.reply_headers;
    struct gcs_session *session = sending->session;
    uint64_t was = session->stored;
    struct err ignored;

    switch (call->http.status) {
    case 308: /* what is stored may be less than what was sent */
        session->stored = headers->stored_last == HTTP_NO_NUMBER ? 0 : headers->stored_last + 1;
        session->is_known = true;
        if (session->stored > was)
            retry_progress(&sending->retry);
        return GCS_WRITTEN;
    case 200:
    case 201:
        sending->is_finished = true;
        if (gcs_json_object(buf_slice(&call->http.reply), &sending->object, &ignored) != 0)
            sending->object = (struct gcs_object){0};
        return GCS_WRITTEN;
    case 404:
    case 410:
        return GCS_GONE;
    case 412:
        return GCS_LOST;
    default:
        if (gcs_answer_is_damage(call)) /* what it has is worth nothing */
            return GCS_GONE;
        gcs_answer_error(call, "upload", session->bucket, session->object, ERR_SETUP, err);
        return GCS_FAILED;
    }
}

/* After a failed try of a piece: GCS_WRITTEN means that it goes on, with a question. */
static enum gcs_outcome judge(struct sending *sending, const struct gcs_call *call,
                              const struct err *err)
{
    struct retry_answer answer = {
        .status = call->http.status,
        .failure = call->http.failure,
        .retry_after_s = call->http.reply_headers.retry_after_s,
    };

    sending->has_failed = true;
    sending->session->is_known = false;
    if (err->kind != ERR_RETRY ||
        retry_judge(&sending->retry, RETRY_ALWAYS, &answer, &sending->delay_ns) != RETRY_AGAIN)
        return GCS_FAILED;
    return GCS_WRITTEN;
}

/* Sends `len` bytes from `from` on, in one try: after a failure the next question is how many have
 * arrived. With `len` 0 it is that question; if all of a known size is there, it ends the upload.
 */
static enum gcs_outcome send_piece(struct sending *sending, uint64_t from, uint64_t len,
                                   struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    enum gcs_outcome outcome;

    call.http.method = "PUT";
    call.http.stall_ns = STALL_S * NS_PER_S;
    call.operation = RETRY_ALWAYS;
    call.needs_no_token = true;
    call.is_single = len > 0;
    call.delay_ns = sending->delay_ns;
    sending->delay_ns = 0;
    buf_append_string(&call.url, sending->session->uri);
    put_range(&call.headers, from, len, sending->size);
    fill_body(&call, &sending->body, from, len);
    if (gcs_call_run(sending->gcs, &call, err) == 0) {
        sending->has_failed |= call.failure_count > 0;
        outcome = read_answer(sending, &call, err);
    } else {
        outcome = len > 0 ? judge(sending, &call, err) : GCS_FAILED;
        prefix(sending->session, err);
    }
    gcs_call_deinit(sending->gcs, &call);
    return outcome;
}

/* Until the server has all bytes before `to`; if that is the size, until it is an object. */
static enum gcs_outcome send_up_to(struct sending *sending, uint64_t to, struct err *err)
{
    struct gcs_session *session = sending->session;
    enum gcs_outcome outcome = GCS_WRITTEN;

    while (outcome == GCS_WRITTEN && !sending->is_finished &&
           (!session->is_known || session->stored < to || to == sending->size)) {
        uint64_t left = session->is_known && session->stored < to ? to - session->stored : 0;

        if (left > 0 && sending->body.fd < 0 && session->stored < sending->body.text_start)
            return GCS_GONE; /* it has less than we can still give it */
        outcome = send_piece(sending, session->stored,
                             left < GCS_CHUNK_BYTES ? left : GCS_CHUNK_BYTES, err);
    }
    return outcome;
}

static void sending_init(struct sending *sending, struct gcs *gcs, struct gcs_session *session,
                         uint64_t size)
{
    *sending = (struct sending){.gcs = gcs, .session = session, .body.fd = -1, .size = size};
    retry_init(&sending->retry, &RETRY_POLICY, clock_monotonic_ns());
}

/* ---- a session's end ---- */

/* What the outcome is, when an answer says it or the object itself has to. A 200 to a question is
 * no proof: a test server was seen to give it for a session that had lost. */
static enum gcs_outcome resolve(struct sending *sending, enum gcs_outcome outcome,
                                struct gcs_object *out, struct err *err)
{
    const struct gcs_session *session = sending->session;
    const char *id = gcs_object_metadata(&sending->object, GCS_UPLOAD_ID_KEY);
    bool is_told =
        outcome == GCS_WRITTEN && !sending->has_failed && id && strcmp(id, session->upload_id) == 0;
    int rc;

    if (out)
        *out = (struct gcs_object){0};
    if (outcome == GCS_FAILED || (outcome != GCS_WRITTEN && !sending->has_failed))
        return outcome;
    if (is_told) {
        if (gcs_put_check(sending->gcs, session->bucket, &sending->object, session->size,
                          session->crc32c, err) != 0)
            return GCS_FAILED;
        if (out) {
            *out = sending->object;
            sending->object = (struct gcs_object){0};
        }
        return GCS_WRITTEN;
    }
    rc = gcs_put_is_ours(sending->gcs, session->bucket, session->object, session->upload_id,
                         session->size, session->crc32c, out, err);
    if (rc != 0)
        return rc < 0 ? GCS_FAILED : GCS_WRITTEN;
    return outcome == GCS_WRITTEN ? GCS_LOST : outcome;
}

static enum gcs_outcome finish(struct gcs *gcs, struct gcs_session *session,
                               const struct body *body, struct gcs_object *out, struct err *err)
{
    struct sending sending;
    enum gcs_outcome outcome;

    sending_init(&sending, gcs, session, session->size);
    sending.body = *body;
    outcome = send_up_to(&sending, session->size, err);
    outcome = resolve(&sending, outcome, out, err);
    gcs_object_deinit(&sending.object);
    return outcome;
}

enum gcs_outcome gcs_session_hold(struct gcs *gcs, struct gcs_session *session, int fd,
                                  struct err *err)
{
    struct sending sending;
    enum gcs_outcome outcome;

    sending_init(&sending, gcs, session, session->size);
    sending.body.fd = fd;
    outcome = send_up_to(&sending, gcs_session_tail(session->size), err);
    gcs_object_deinit(&sending.object);
    return outcome;
}

enum gcs_outcome gcs_session_finish(struct gcs *gcs, struct gcs_session *session, int fd,
                                    struct gcs_object *out, struct err *err)
{
    return finish(gcs, session, &(struct body){.fd = fd}, out, err);
}

enum gcs_outcome gcs_session_finish_tail(struct gcs *gcs, struct gcs_session *session,
                                         struct slice tail, struct gcs_object *out, struct err *err)
{
    struct body body = {.fd = -1, .text = tail, .text_start = gcs_session_tail(session->size)};

    return finish(gcs, session, &body, out, err);
}

int gcs_session_cancel(struct gcs *gcs, const struct gcs_session *session, struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    int rc, status;

    call.http.method = "DELETE";
    call.operation = RETRY_ALWAYS;
    call.needs_no_token = true;
    call.http.has_body = true; /* an empty one: Content-Length: 0 is asked for */
    buf_append_string(&call.url, session->uri);
    rc = gcs_call_run(gcs, &call, err);
    status = call.http.status;
    if (rc != 0)
        prefix(session, err);
    /* 499 is the answer; the others say that there is no such session (any more). */
    else if (status != 499 && status / 100 != 2 && status != 404 && status != 410)
        rc = gcs_answer_error(&call, "end the upload of", session->bucket, session->object,
                              ERR_SETUP, err);
    gcs_call_deinit(gcs, &call);
    return rc;
}

/* ---- whole uploads ---- */

static enum gcs_outcome outcome_of(int rc)
{
    return rc == 1 ? GCS_WRITTEN : rc == 0 ? GCS_LOST : GCS_FAILED;
}

enum gcs_outcome gcs_upload(struct gcs *gcs, const char *bucket, const char *object, int fd,
                            uint64_t size, const uint32_t *crc32c, const struct gcs_put *put,
                            struct gcs_object *out, struct err *err)
{
    struct gcs_body body = {.fd = fd, .bytes = size, .crc32c = crc32c};
    enum gcs_outcome outcome = GCS_GONE;
    uint32_t sum;

    if (size < GCS_RESUMABLE_BYTES)
        return outcome_of(gcs_put_whole(gcs, bucket, object, &body, put, out, err));
    if (crc32c)
        sum = *crc32c;
    else if (gcs_put_checksum(fd, size, object, &sum, err) != 0)
        return GCS_FAILED;
    for (int i = 0; i < SESSION_COUNT_MAX && outcome == GCS_GONE; i++) {
        struct gcs_session session;

        outcome = gcs_session_create(gcs, bucket, object, size, sum, put, &session, err);
        if (outcome != GCS_WRITTEN)
            return outcome;
        outcome = gcs_session_finish(gcs, &session, fd, out, err);
        gcs_session_deinit(&session);
    }
    if (outcome != GCS_GONE)
        return outcome;
    err_set(err, ERR_RETRY, "upload gs://%s/%s: its session was lost %d times", bucket, object,
            SESSION_COUNT_MAX);
    return GCS_FAILED;
}

static enum gcs_outcome send_stream(struct sending *sending, int fd, char *chunk, struct err *err)
{
    struct gcs_session *session = sending->session;
    enum gcs_outcome outcome = GCS_WRITTEN;
    uint64_t read = 0;

    while (outcome == GCS_WRITTEN && sending->size == UINT64_MAX) {
        ssize_t count = io_read(fd, chunk, GCS_STREAM_CHUNK_BYTES, "the stream", ERR_INPUT, err);

        if (count < 0)
            return GCS_FAILED;
        sending->body =
            (struct body){.fd = -1, .text = slice_of(chunk, (size_t)count), .text_start = read};
        session->crc32c = crc32c(session->crc32c, chunk, (size_t)count);
        read += (uint64_t)count;
        if (count < GCS_STREAM_CHUNK_BYTES)
            sending->size = session->size = read;
        outcome = send_up_to(sending, read, err);
    }
    return outcome;
}

enum gcs_outcome gcs_upload_stream(struct gcs *gcs, const char *bucket, const char *object, int fd,
                                   const struct gcs_put *put, struct gcs_object *out,
                                   struct err *err)
{
    char *chunk = mem_alloc(GCS_STREAM_CHUNK_BYTES);
    struct gcs_session session;
    struct sending sending;
    enum gcs_outcome outcome;

    name_session(gcs, bucket, object, put, &session);
    outcome = begin(gcs, UINT64_MAX, NULL, put, &session, err);
    if (outcome == GCS_WRITTEN) {
        sending_init(&sending, gcs, &session, UINT64_MAX);
        outcome = send_stream(&sending, fd, chunk, err);
        outcome = resolve(&sending, outcome, out, err);
        gcs_object_deinit(&sending.object);
    }
    if (outcome == GCS_GONE) {
        err_set(err, ERR_RETRY,
                "upload gs://%s/%s: its session was lost, and a stream cannot be read again",
                bucket, object);
        outcome = GCS_FAILED;
    }
    gcs_session_deinit(&session);
    free(chunk);
    return outcome;
}
