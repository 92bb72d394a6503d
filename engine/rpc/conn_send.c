#include "rpc/conn_state.h"

#include "base/io.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>

void conn_queue(struct conn *conn, const struct buf *bytes)
{
    if (bytes->len == 0)
        return;
    conn->output_waits = true;
    if (conn->is_tls) {
        conn_tls_queue(conn, buf_slice(bytes));
        return;
    }
    if (bufferevent_write(conn->stream, bytes->ptr, bytes->len) != 0)
        abort(); /* out of memory, as everywhere in base/ */
    backlog_add(&conn->backlog, bytes->len);
}

static size_t wire_bytes(const struct conn *conn)
{
    return evbuffer_get_length(bufferevent_get_output(conn->stream));
}

void conn_send_frame(struct conn *conn, const struct frame *frame)
{
    struct buf out = {0};
    uint64_t waiting;

    if (conn->state == CONN_FAILING)
        return;
    assert(conn->state == CONN_OPEN);
    assert(access_allows(conn->is_server ? ROLE_SERVER : conn->auth.role, frame->type));
    waiting = backlog_memory_bytes(&conn->backlog, wire_bytes(conn)) + conn->after_bytes;
    if (waiting > conn->options.output_bytes_max) {
        err_set(&conn->err, ERR_RETRY, "%s: %llu bytes wait for it, it does not take them",
                conn->peer, (unsigned long long)waiting);
        conn_fail(conn, NULL);
        return;
    }
    frame_encode(&out, frame);
    conn_queue(conn, &out);
    buf_deinit(&out);
}

void conn_send(struct conn *conn, enum message_type type, uint64_t request_id,
               const ProtobufCMessage *body)
{
    struct frame frame = {.type = (uint8_t)type, .request_id = request_id};
    struct buf payload = {0};

    if (body)
        message_pack(&payload, body);
    frame.payload = buf_slice(&payload);
    conn_send_frame(conn, &frame);
    buf_deinit(&payload);
}

void conn_send_file_take(struct conn *conn, int fd, uint64_t offset, uint64_t bytes)
{
    struct evbuffer_file_segment *segment = NULL;

    assert(conn->state == CONN_OPEN || conn->state == CONN_FAILING);
    if (conn->state == CONN_FAILING || bytes == 0) {
        io_close(&fd);
        return;
    }
    if (conn->is_tls) {
        conn_tls_queue_file_take(conn, fd, offset, bytes);
        return;
    }
    segment =
        evbuffer_file_segment_new(fd, (ev_off_t)offset, (ev_off_t)bytes, EVBUF_FS_CLOSE_ON_FREE);
    if (!segment || evbuffer_add_file_segment(bufferevent_get_output(conn->stream), segment, 0,
                                              (ev_off_t)bytes) != 0)
        abort();                         /* out of memory */
    evbuffer_file_segment_free(segment); /* the buffer holds it until it is sent */
    backlog_add_file(&conn->backlog, bytes);
    conn->output_waits = true;
}

uint64_t conn_output_bytes(const struct conn *conn)
{
    return conn->stream ? wire_bytes(conn) + conn->files_bytes + conn->after_bytes : 0;
}
