/*
 * conn_kit: a listener and clients of it on one loop, with everything they heard written down.
 *
 *     struct kit kit;
 *     kit_open(&kit, &options);                  listens on a free port of 127.0.0.1
 *     kit_connect(&kit, ROLE_WORKER);            kit.client
 *     kit_await(&kit, both_are_open);            runs the loop until it is true, or fails
 *     kit_close(&kit);
 *
 * A raw client is a blocking socket of the test that speaks as it likes.
 *
 * With TEST_TLS in the environment all of it is over TLS: the tests of rpc/conn.h run both ways.
 */
#ifndef CTEST_RPC_CONN_KIT_H
#define CTEST_RPC_CONN_KIT_H

#include "test.h"

#include "base/clock.h"
#include "base/hash.h"
#include "rpc/auth.h"
#include "rpc/conn.h"
#include "rpc/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KIT_AWAIT_MS_MAX = 30 * 1000 };

/* What one end heard. */
struct heard {
    struct conn *conn; /* NULL: not open, or closed */
    int opened, closed, drained;
    int messages;
    uint8_t last_type;
    uint64_t last_id;
    char last_text[64]; /* of an AttemptLog, or the error of an Answer */
    uint64_t raw_bytes;
    uint32_t raw_crc;
    struct err err;
    void (*on_message)(struct heard *heard, const struct frame *frame); /* NULL: nothing more */
    void (*on_opened)(struct heard *heard);
};

struct kit {
    struct loop *loop;
    struct listener *listener;
    struct keys keys;
    struct heard server, client;
    bool (*is_done)(struct kit *kit);
    uint64_t begin_ns;
    struct loop_event *tick;
    int tick_count; /* of this wait */
    int raw;        /* -1: none */
    struct tls *raw_tls;
    int fd_count; /* before; and after */
    int number;
};

static inline void heard_opened(void *context, struct conn *conn)
{
    struct heard *heard = context;

    heard->conn = conn;
    heard->opened++;
    if (heard->on_opened)
        heard->on_opened(heard);
}

static inline void heard_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct heard *heard = context;
    struct err err;

    assert_ptr_equal(conn, heard->conn);
    heard->messages++;
    heard->last_type = frame->type;
    heard->last_id = frame->request_id;
    if (frame->type == MESSAGE_ATTEMPT_LOG) {
        Mrlua__AttemptLog *log =
            message_unpack(&mrlua__attempt_log__descriptor, frame->payload, &err);

        assert_non_null(log);
        snprintf(heard->last_text, sizeof heard->last_text, "%.60s", log->text);
        message_free(log);
    } else if (frame->type == MESSAGE_ANSWER) {
        Mrlua__Answer *answer = message_unpack(&mrlua__answer__descriptor, frame->payload, &err);

        assert_non_null(answer);
        snprintf(heard->last_text, sizeof heard->last_text, "%.60s",
                 answer->error ? answer->error->message : "");
        message_free(answer);
    }
    if (heard->on_message)
        heard->on_message(heard, frame);
}

static inline void heard_raw(void *context, struct conn *conn, struct slice bytes)
{
    struct heard *heard = context;

    (void)conn;
    heard->raw_bytes += bytes.len;
    heard->raw_crc = crc32c(heard->raw_crc, bytes.ptr, bytes.len);
}

static inline void heard_drained(void *context, struct conn *conn)
{
    struct heard *heard = context;

    (void)conn;
    heard->drained++;
}

static inline void heard_closed(void *context, struct conn *conn, const struct err *err)
{
    struct heard *heard = context;

    (void)conn;
    heard->conn = NULL;
    heard->closed++;
    heard->err = *err;
}

static const struct conn_ops KIT_OPS = {
    .opened = heard_opened,
    .message = heard_message,
    .raw = heard_raw,
    .drained = heard_drained,
    .closed = heard_closed,
};

static inline void kit_tick(void *context)
{
    struct kit *kit = context;

    /* Most things are true after a few turns; a core is not burnt for the others. */
    loop_timer_start(kit->tick, kit->tick_count++ < 100 ? 0 : NS_PER_MS / 2);
    if (kit->is_done(kit))
        loop_break(kit->loop);
    else if (clock_monotonic_ns() - kit->begin_ns > KIT_AWAIT_MS_MAX * NS_PER_MS)
        fail_msg("awaited in vain; server: %s; client: %s", kit->server.err.message,
                 kit->client.err.message);
}

static inline void kit_await(struct kit *kit, bool (*is_done)(struct kit *kit))
{
    struct err err;

    kit->is_done = is_done;
    kit->begin_ns = clock_monotonic_ns();
    kit->tick_count = 0;
    loop_timer_start(kit->tick, 0);
    assert_int_equal(loop_run(kit->loop, &err), 0);
    loop_timer_stop(kit->tick);
}

static inline int open_fd_count(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static inline enum tls_use kit_tls(void)
{
    return getenv("TEST_TLS") ? TLS_ALWAYS : TLS_BEYOND_LOOPBACK;
}

/* All roles but what `change` says; NULL: the defaults. */
static inline void kit_open(struct kit *kit, const struct listener_options *change)
{
    struct listener_options options = change ? *change : (struct listener_options){0};
    static const uint8_t secret[KEY_BYTES] = "a secret of thirty-two bytes....";
    struct err err;

    *kit = (struct kit){.raw = -1, .fd_count = open_fd_count()};
    kit->loop = loop_open(&err);
    assert_non_null(kit->loop);
    keys_of_secret(&kit->keys, secret);
    options.conn.keys = &kit->keys;
    if (!options.conn.roles_accepted)
        options.conn.roles_accepted = UINT32_MAX;
    options.conn.epoch = 7;
    if (!options.conn.tls)
        options.conn.tls = kit_tls();
    kit->listener = listener_open(kit->loop, "127.0.0.1:0", &options, &KIT_OPS, &kit->server, &err);
    if (!kit->listener)
        fail_msg("%s", err.message);
    kit->tick = loop_timer_open(kit->loop, kit_tick, kit);
}

static inline void kit_close(struct kit *kit)
{
    conn_close(kit->client.conn);
    conn_close(kit->server.conn);
    listener_close(kit->listener);
    loop_event_close(kit->tick);
    loop_close(kit->loop);
    tls_close(kit->raw_tls);
    if (kit->raw >= 0)
        close(kit->raw);
    keys_forget(&kit->keys);
    assert_int_equal(open_fd_count(), kit->fd_count);
}

static inline struct conn *kit_connect_with(struct kit *kit, const struct conn_options *change)
{
    struct conn_options options = *change;
    struct conn *conn;
    struct err err;

    if (!options.tls)
        options.tls = kit_tls();
    conn = conn_connect(kit->loop, listener_address(kit->listener), &options, &KIT_OPS,
                        &kit->client, &err);
    if (!conn)
        fail_msg("%s", err.message);
    kit->client.conn = conn;
    return conn;
}

static inline struct conn *kit_connect(struct kit *kit, enum access_role role)
{
    struct conn_options options = {.role = role, .keys = &kit->keys};

    return kit_connect_with(kit, &options);
}

static inline bool both_are_open(struct kit *kit)
{
    return kit->server.opened > 0 && kit->client.opened > 0;
}

static inline bool client_is_closed(struct kit *kit)
{
    return kit->client.closed > 0;
}

static inline bool both_are_closed(struct kit *kit)
{
    return kit->client.closed > 0 && kit->server.closed > 0;
}

static inline bool server_is_closed(struct kit *kit)
{
    return kit->server.closed > 0;
}

/* The listener has no connection. */
static inline bool nobody_is_there(struct kit *kit)
{
    return listener_counts(kit->listener).connected == 0;
}

static inline bool one_was_refused(struct kit *kit)
{
    return listener_counts(kit->listener).refused > 0;
}

static inline void kit_open_both(struct kit *kit, enum access_role role)
{
    kit_connect(kit, role);
    kit_await(kit, both_are_open);
}

static inline void say(struct conn *conn, uint64_t request_id, const char *text)
{
    Mrlua__AttemptLog log = MRLUA__ATTEMPT_LOG__INIT;

    log.text = (char *)text;
    conn_send(conn, MESSAGE_ATTEMPT_LOG, request_id, &log.base);
}

static inline int raw_connect(struct kit *kit)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(listener_port(kit->listener)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    kit->raw = fd;
    return fd;
}

/* Encrypted once raw_begin_tls() was called. */
static inline void raw_send(struct kit *kit, const void *bytes, size_t len)
{
    struct err err;

    if (kit->raw_tls)
        assert_int_equal(tls_write(kit->raw_tls, bytes, len, &err), 0);
    else
        assert_int_equal(send(kit->raw, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static inline void raw_send_frame(struct kit *kit, uint8_t type, struct slice payload)
{
    struct buf out = {0};

    frame_encode(&out, &(struct frame){.type = type, .request_id = 9, .payload = payload});
    raw_send(kit, out.ptr, out.len);
    buf_deinit(&out);
}

/* The other end has closed the raw client's connection. */
static inline bool raw_is_closed(struct kit *kit)
{
    char bytes[4096];
    ssize_t count;

    do
        count = recv(kit->raw, bytes, sizeof bytes, MSG_DONTWAIT);
    while (count > 0);
    return count == 0 || errno == ECONNRESET;
}

static inline bool raw_has_bytes(struct kit *kit)
{
    char byte;

    return recv(kit->raw, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

static inline size_t raw_take(void *context, void *out, size_t max)
{
    ssize_t count = recv(((struct kit *)context)->raw, out, max, MSG_DONTWAIT);

    return count > 0 ? (size_t)count : 0;
}

/* The other end may have gone, as it likes. */
static inline void raw_put(void *context, const void *bytes, size_t len)
{
    (void)!send(((struct kit *)context)->raw, bytes, len, MSG_NOSIGNAL);
}

static inline bool raw_tls_is_done(struct kit *kit)
{
    struct err err;
    int rc = tls_handshake(kit->raw_tls, &err);

    if (rc < 0)
        fail_msg("%s", err.message);
    return rc == 1;
}

static inline void raw_begin_tls(struct kit *kit, enum access_role role)
{
    const struct tls_io io = {.take = raw_take, .put = raw_put, .context = kit};

    kit->raw_tls = tls_open_client(role, keys_of_role(&kit->keys, role), &io);
    kit_await(kit, raw_tls_is_done);
}

/* Connected, over TLS with the key of `role` where TLS is spoken. */
static inline void raw_dial(struct kit *kit, enum access_role role)
{
    raw_connect(kit);
    if (kit_tls() == TLS_ALWAYS)
        raw_begin_tls(kit, role);
}

/* What is there now, up to `max` bytes; not nothing. */
static inline size_t raw_receive(struct kit *kit, void *out, size_t max)
{
    size_t len = 0;
    struct err err;

    if (kit->raw_tls)
        assert_int_equal(tls_read(kit->raw_tls, out, max, &len, &err), 1);
    else
        len = raw_take(kit, out, max);
    assert_true(len > 0);
    return len;
}

/* A handshake by hand: the raw client is an open connection of `role` after it. What it has sent
 * is added to `said`. */
static inline void raw_handshake(struct kit *kit, enum access_role role, struct buf *said)
{
    const uint8_t nonce[AUTH_NONCE_BYTES] = "raw";
    struct frame_decoder decoder;
    struct buf out = {0};
    struct frame frame;
    struct auth auth;
    struct err err;
    int rc = 0;

    raw_dial(kit, role);
    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    auth_init_client(&auth, role, keys_of_role(&kit->keys, role), nonce, &out);
    if (kit->raw_tls) {
        uint8_t channel[TLS_CHANNEL_BYTES];

        tls_channel(kit->raw_tls, channel);
        auth_set_channel(&auth, channel);
    }
    while (rc == 0) {
        char bytes[4096];

        raw_send(kit, out.ptr, out.len);
        buf_append(said, out.ptr, out.len);
        buf_clear(&out);
        kit_await(kit, raw_has_bytes);
        frame_decoder_feed(&decoder, slice_of(bytes, raw_receive(kit, bytes, sizeof bytes)));
        while (rc == 0 && frame_decoder_next(&decoder, &frame, &err) == 1)
            rc = auth_step(&auth, &frame, &out, &err);
    }
    assert_int_equal(rc, 1);
    assert_int_equal(kit->server.opened, 1);
    buf_deinit(&out);
    auth_deinit(&auth);
    frame_decoder_deinit(&decoder);
}

static inline void raw_authenticate(struct kit *kit, enum access_role role)
{
    struct buf said = {0};

    raw_handshake(kit, role, &said);
    buf_deinit(&said);
}

#endif
