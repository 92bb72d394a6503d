#include "rpc/conn_state.h"

#include "base/bytes.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>
#include <sys/socket.h>

enum {
    LENGTH_BYTES = 4,                        /* of a frame's length */
    RAW_READ_BYTES = 64 * 1024,              /* libevent reads 4 KiB at a time */
    RAW_TURN_BYTES_MAX = 1024 * 1024,        /* then others have their turn */
    READ_ROLE_MESSAGE_BYTES_MAX = 64 * 1024, /* a question is short */
};

void conn_expect_raw(struct conn *conn, uint64_t bytes)
{
    assert(conn->raw_left == 0 && conn->ops->raw);
    conn->raw_left = bytes;
}

static struct frame_limits limits_of(const struct conn *conn)
{
    size_t message_bytes_max = CONN_MESSAGE_BYTES_MAX;

    if (conn->is_server && conn->auth.role == ROLE_READ)
        message_bytes_max = READ_ROLE_MESSAGE_BYTES_MAX;
    return (struct frame_limits){.frame_bytes_max = FRAME_BYTES_MAX,
                                 .message_bytes_max = message_bytes_max};
}

/* Between two frames, so nothing is lost with the old decoder. */
static void become_open(struct conn *conn)
{
    struct frame_limits limits = limits_of(conn);

    loop_timer_stop(conn->timer);
    conn->is_last_chance = false;
    frame_decoder_deinit(&conn->decoder);
    frame_decoder_init(&conn->decoder, &limits);
    conn->state = CONN_OPEN;
    if (conn->owner.opened)
        conn->owner.opened(conn->owner.context, conn);
    if (conn->ops->opened)
        conn->ops->opened(conn->context, conn);
}

static void on_handshake(struct conn *conn, const struct frame *frame)
{
    struct buf out = {0};
    struct err err;
    int rc = auth_step(&conn->auth, frame, &out, &err);

    conn_queue(conn, &out);
    buf_deinit(&out);
    if (rc < 0) {
        err_prefix(&err, "%s", conn->peer);
        conn->finishes = conn_output_bytes(conn) > 0;
        conn_fail(conn, &err);
    } else if (rc == 1) {
        become_open(conn);
    }
}

/* The other end is who it says, but may not say this. A client is told, then closed. */
static void refuse(struct conn *conn, const struct frame *frame)
{
    Mrlua__Answer answer = MRLUA__ANSWER__INIT;
    Mrlua__Error error;
    struct err err;

    err_set(&err, ERR_SETUP, "a key of role %s may not do this (message %u)",
            access_role_name(conn->auth.role), frame->type);
    if (conn->is_server) {
        message_of_err(&error, &err, NULL);
        answer.error = &error;
        conn_send(conn, MESSAGE_ANSWER, frame->request_id, &answer.base);
        conn->finishes = true;
    } else {
        err_set(&err, ERR_RETRY, "a server may not send message %u", frame->type);
    }
    err_prefix(&err, "%s", conn->peer);
    conn_fail(conn, &err);
}

static void on_message(struct conn *conn, const struct frame *frame)
{
    enum access_role sender = conn->is_server ? conn->auth.role : ROLE_SERVER;

    conn->message_count++;
    if (conn->state == CONN_HANDSHAKE)
        on_handshake(conn, frame);
    else if (!access_allows(sender, frame->type))
        refuse(conn, frame);
    else
        conn->ops->message(conn->context, conn, frame);
}

static bool is_reading(const struct conn *conn)
{
    return conn->state == CONN_HANDSHAKE || conn->state == CONN_OPEN;
}

/* With nothing left in libevent's buffer raw bytes are read from the socket directly, in larger
 * pieces. An end or an error is left for libevent to find. */
size_t conn_take(struct conn *conn, void *out, size_t max)
{
    int count = evbuffer_remove(bufferevent_get_input(conn->stream), out, max);
    ssize_t direct;

    if (count > 0)
        return (size_t)count;
    if (conn->state != CONN_OPEN || conn->raw_left == 0)
        return 0;
    direct = recv(bufferevent_getfd(conn->stream), out,
                  max < conn->turn_left ? max : conn->turn_left, MSG_DONTWAIT);
    if (direct <= 0)
        return 0;
    conn->turn_left -= (size_t)direct;
    return (size_t)direct;
}

static size_t pull(struct conn *conn, char *out, size_t max)
{
    return conn->is_tls ? conn_tls_read(conn, out, max) : conn_take(conn, out, max);
}

/* What has come of a frame's length, or of what it counts. */
static void count_frame_bytes(struct conn *conn, const char *bytes, size_t count)
{
    if (conn->frame_left > 0) {
        conn->frame_left -= count;
        return;
    }
    memcpy(conn->length + conn->length_len, bytes, count);
    conn->length_len += count;
    if (conn->length_len < LENGTH_BYTES)
        return;
    conn->frame_left = get_u32le(conn->length); /* the decoder says whether it is a good one */
    conn->length_len = 0;
}

/*
 * Feeds the decoder up to the end of a frame and not a byte further: what follows may be raw, or
 * under other limits. False: there is nothing more to be had for now.
 */
static bool read_frame_bytes(struct conn *conn)
{
    char bytes[RAW_READ_BYTES];
    size_t want = conn->frame_left ? conn->frame_left : LENGTH_BYTES - conn->length_len;
    size_t count = pull(conn, bytes, want < sizeof bytes ? want : sizeof bytes);
    struct frame frame;
    struct err err;
    int rc;

    if (count == 0)
        return false;
    frame_decoder_feed(&conn->decoder, slice_of(bytes, count));
    count_frame_bytes(conn, bytes, count);
    rc = frame_decoder_next(&conn->decoder, &frame, &err);
    if (rc < 0) {
        err_prefix(&err, "%s", conn->peer);
        conn_fail(conn, &err);
    } else if (rc == 1) {
        on_message(conn, &frame);
    }
    return true;
}

static bool read_raw_bytes(struct conn *conn)
{
    char own[RAW_READ_BYTES];
    size_t room = sizeof own, count;
    void *bytes = conn->ops->raw_room ? conn->ops->raw_room(conn->context, conn, &room) : NULL;

    if (!bytes) {
        bytes = own;
        room = sizeof own;
    }
    count = pull(conn, bytes, conn->raw_left < room ? (size_t)conn->raw_left : room);
    if (count == 0)
        return false;
    conn->raw_left -= count;
    conn->message_count++; /* the deadline is for each piece */
    conn->ops->raw(conn->context, conn, slice_of(bytes, count));
    return true;
}

bool conn_is_inside_message(const struct conn *conn)
{
    return conn->frame_left > 0 || conn->raw_left > 0 || !frame_decoder_is_empty(&conn->decoder) ||
           evbuffer_get_length(bufferevent_get_input(conn->stream)) > 0 ||
           (conn->tls && tls_is_inside_record(conn->tls));
}

/* A deadline for what has begun and is not complete; the drops of a slow peer do not move it. */
static void set_message_deadline(struct conn *conn)
{
    bool is_inside = conn_is_inside_message(conn);

    if (is_inside && (!conn->timer_runs || conn->timed_message != conn->message_count)) {
        loop_timer_start(conn->timer, conn->options.message_ns_max);
        conn->is_last_chance = false;
        conn->timed_message = conn->message_count;
    } else if (!is_inside && conn->timer_runs) {
        loop_timer_stop(conn->timer);
    }
    conn->timer_runs = is_inside;
}

void conn_on_readable(struct bufferevent *stream, void *context)
{
    struct conn *conn = context;
    struct evbuffer *input = bufferevent_get_input(stream);
    bool goes_on = conn->is_known;

    conn_enter(conn);
    if (!goes_on && (conn->state == CONN_TLS || is_reading(conn)))
        goes_on = conn_tls_probe(conn);
    conn->turn_left = RAW_TURN_BYTES_MAX;
    if (goes_on && conn->state == CONN_TLS)
        conn_tls_step(conn);
    while (goes_on && is_reading(conn))
        goes_on = conn->raw_left > 0 ? read_raw_bytes(conn) : read_frame_bytes(conn);
    if (conn->state == CONN_OPEN)
        set_message_deadline(conn);
    else if (conn->state == CONN_FINISHING)
        evbuffer_drain(input, evbuffer_get_length(input));
    conn_leave(conn);
}
