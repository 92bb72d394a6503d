/*
 * What is between a connection and the wire: TLS, where it is spoken. Bytes that have come go from
 * conn_take() through struct tls to conn_read.c; those to be sent from conn_send.c through struct
 * tls into the same bufferevent that plain text goes into. So whatever conn.h promises of
 * deadlines, marks, ends and errors holds by the same code.
 *
 * Files cannot be sent by the kernel then. Their ranges wait in a list, with what was queued behind
 * them, and are read and encrypted while less than FILL_BYTES wait in memory.
 */
#include "rpc/conn_state.h"

#include "base/io.h"
#include "base/mem.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FILE_PIECE_BYTES = 64 * 1024,
    FILL_BYTES = 256 * 1024, /* what one turn sends (conn.c) */
};

/* ---- the two ends of struct tls ---- */

static size_t take(void *context, void *out, size_t max)
{
    return conn_take(context, out, max);
}

static void put(void *context, const void *bytes, size_t len)
{
    struct conn *conn = context;

    if (bufferevent_write(conn->stream, bytes, len) != 0)
        abort(); /* out of memory */
    if (conn->is_file_put)
        backlog_add_file(&conn->backlog, len);
    else
        backlog_add(&conn->backlog, len);
    conn->output_waits = true;
}

/* ---- who speaks what ---- */

static void queue_plain(struct conn *conn, const void *bytes, size_t len)
{
    put(conn, bytes, len);
    conn->finishes = true;
}

/* A frame, so that a TLS client sees that this is no TLS. */
static void queue_plain_answer(struct conn *conn, const struct err *err)
{
    Mrlua__Answer answer = MRLUA__ANSWER__INIT;
    Mrlua__Error error;
    struct buf payload = {0}, out = {0};

    message_of_err(&error, err, NULL);
    answer.error = &error;
    message_pack(&payload, &answer.base);
    frame_encode(&out, &(struct frame){.type = MESSAGE_ANSWER, .payload = buf_slice(&payload)});
    queue_plain(conn, out.ptr, out.len);
    buf_deinit(&payload);
    buf_deinit(&out);
}

/* The other end speaks TLS and we do not, or the other way round. */
static void disagree(struct conn *conn)
{
    struct err err;

    if (conn->is_server && conn->is_tls) {
        err_set(&err, ERR_SETUP, "%s: it speaks plain text, and here TLS is spoken", conn->peer);
        queue_plain(conn, TLS_REFUSAL, sizeof TLS_REFUSAL);
    } else if (conn->is_server) {
        err_set(&err, ERR_SETUP, "%s: it speaks TLS, and here plain text is spoken", conn->peer);
        queue_plain_answer(conn, &err);
    } else if (conn->is_tls) {
        err_set(&err, ERR_SETUP,
                "%s speaks plain text, and this end TLS: start that one without "
                "--insecure-plain (on loopback: with --tls); or, if you trust the network, this "
                "one with --insecure-plain",
                conn->peer);
    } else {
        err_set(&err, ERR_SETUP,
                "%s speaks TLS, and this end plain text: leave out --insecure-plain here, or, "
                "towards loopback, add --tls",
                conn->peer);
    }
    conn_fail(conn, &err);
}

bool conn_tls_probe(struct conn *conn)
{
    uint8_t bytes[TLS_PROBE_BYTES];
    ev_ssize_t count = evbuffer_copyout(bufferevent_get_input(conn->stream), bytes, sizeof bytes);

    if (count < (ev_ssize_t)sizeof bytes)
        return false;
    conn->is_known = tls_is_record(bytes) == conn->is_tls;
    if (!conn->is_known)
        disagree(conn);
    return conn->is_known;
}

/* ---- the handshake ---- */

static void open_tls(struct conn *conn)
{
    const struct conn_options *options = &conn->options;
    const struct tls_io io = {.take = take, .put = put, .context = conn};

    if (conn->is_server)
        conn->tls = tls_open_server(options->keys, options->roles_accepted, &io);
    else
        conn->tls = tls_open_client(options->role, keys_of_role(options->keys, options->role), &io);
}

void conn_tls_step(struct conn *conn)
{
    uint8_t channel[TLS_CHANNEL_BYTES];
    struct err err;
    int rc;

    if (!conn->tls)
        open_tls(conn);
    rc = tls_handshake(conn->tls, &err);
    if (rc == 0)
        return;
    if (rc < 0) {
        err_prefix(&err, "%s", conn->peer);
        conn->finishes = conn_output_bytes(conn) > 0; /* the alert */
        conn_fail(conn, &err);
        return;
    }
    tls_channel(conn->tls, channel);
    conn_begin_auth(conn, channel);
}

/* ---- bytes ---- */

/* Who finishes has nobody to tell: its timer ends it. */
static void give_up(struct conn *conn, struct err *err)
{
    if (conn->state == CONN_FINISHING)
        loop_timer_start(conn->timer, 0);
    err_prefix(err, "%s", conn->peer);
    conn_fail(conn, err);
}

size_t conn_tls_read(struct conn *conn, void *out, size_t max)
{
    struct err err;
    size_t len = 0, count;
    int rc = 1;

    /* A record has 16 KiB at most; who takes the bytes writes them to a file. */
    while (len < max && (rc = tls_read(conn->tls, (char *)out + len, max - len, &count, &err)) == 1)
        len += count;
    if (rc < 0 && len == 0) /* else it is said again the next time */
        give_up(conn, &err);
    return len;
}

static int encrypt(struct conn *conn, const void *bytes, size_t len)
{
    struct err err;

    if (tls_write(conn->tls, bytes, len, &err) == 0)
        return 0;
    give_up(conn, &err);
    return -1;
}

void conn_tls_queue(struct conn *conn, struct slice bytes)
{
    if (!conn->files) {
        (void)encrypt(conn, bytes.ptr, bytes.len); /* a failure is on its way to `closed` */
        return;
    }
    buf_append(&conn->last_file->after, bytes.ptr, bytes.len);
    conn->after_bytes += bytes.len;
}

/* ---- files ---- */

void conn_tls_queue_file_take(struct conn *conn, int fd, uint64_t offset, uint64_t bytes)
{
    struct conn_file *file = mem_alloc(sizeof *file);

    *file = (struct conn_file){.fd = fd, .offset = offset, .left = bytes};
    if (conn->files)
        conn->last_file->next = file;
    else
        conn->files = file;
    conn->last_file = file;
    conn->files_bytes += bytes;
    conn->output_waits = true;
    conn_tls_fill(conn);
}

static void remove_first(struct conn *conn)
{
    struct conn_file *file = conn->files;

    conn->files = file->next;
    conn->files_bytes -= file->left;
    conn->after_bytes -= file->after.len;
    io_close(&file->fd);
    buf_deinit(&file->after);
    free(file);
}

/* What was queued before goes, then the end: in the middle of what was announced. */
static void end_early(struct conn *conn, struct err *err)
{
    while (conn->files)
        remove_first(conn);
    conn->finishes = true;
    err_prefix(err, "%s", conn->peer);
    conn_fail(conn, err);
}

static int encrypt_piece(struct conn *conn, struct conn_file *file)
{
    static char bytes[FILE_PIECE_BYTES];
    size_t len = file->left < sizeof bytes ? (size_t)file->left : sizeof bytes;
    ssize_t count;
    struct err err;
    int rc;

    count = io_pread(file->fd, bytes, len, file->offset, "a file that is sent", ERR_RETRY, &err);
    if (count >= 0 && (size_t)count < len)
        count = err_set(&err, ERR_RETRY, "the file that is sent ended early");
    if (count < 0) {
        end_early(conn, &err);
        return -1;
    }
    file->offset += len;
    file->left -= len;
    conn->files_bytes -= len;
    conn->is_file_put = true;
    rc = encrypt(conn, bytes, len);
    conn->is_file_put = false;
    return rc;
}

void conn_tls_fill(struct conn *conn)
{
    struct evbuffer *output = bufferevent_get_output(conn->stream);

    while (conn->files && evbuffer_get_length(output) < FILL_BYTES) {
        struct conn_file *file = conn->files;

        if (file->left > 0) {
            if (encrypt_piece(conn, file) != 0)
                return;
            continue;
        }
        if (file->after.len > 0 && encrypt(conn, file->after.ptr, file->after.len) != 0)
            return;
        remove_first(conn);
    }
}

void conn_tls_deinit(struct conn *conn)
{
    while (conn->files)
        remove_first(conn);
    tls_close(conn->tls);
    conn->tls = NULL;
}
