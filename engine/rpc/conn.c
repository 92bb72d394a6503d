#include "rpc/conn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "rpc/conn_state.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITE_BYTES_MAX = 256 * 1024, /* in one turn; libevent's default is 16 KiB */
    LAST_CHANCE_MS = 5,
    KEEPALIVE_IDLE_S = 10,
    KEEPALIVE_INTERVAL_S = 5,
    KEEPALIVE_COUNT = 4, /* a peer whose machine is gone is noticed after 30 s */
};
static_assert((int)CONN_HANDSHAKE_BYTES_MAX >= FRAME_HEADER_BYTES + FRAME_CRC_BYTES,
              "an empty frame fits");

/* Closes the socket. The memory goes when no callback of it is running. */
static void release(struct conn *conn)
{
    if (conn->state != CONN_GONE) {
        conn->state = CONN_GONE;
        loop_guest_remove(&conn->guest);
        if (conn->stream)
            bufferevent_free(conn->stream);
        conn->stream = NULL;
        loop_event_close(conn->timer);
        conn_tls_deinit(conn);
        auth_deinit(&conn->auth);
        backlog_deinit(&conn->backlog);
        if (conn->owner.released)
            conn->owner.released(conn->owner.context, conn, &conn->err);
    }
    if (conn->depth > 0)
        return;
    frame_decoder_deinit(&conn->decoder); /* a callback may have been looking at its frame */
    free(conn);
}

void conn_enter(struct conn *conn)
{
    conn->depth++;
}

void conn_leave(struct conn *conn)
{
    conn->depth--;
    if (conn->state == CONN_GONE)
        release(conn);
}

void conn_fail(struct conn *conn, const struct err *err)
{
    if (conn->state >= CONN_FAILING)
        return;
    if (err)
        conn->err = *err;
    conn->state = CONN_FAILING;
    if (conn->stream)
        bufferevent_disable(conn->stream, EV_READ | (conn->finishes ? 0 : EV_WRITE));
    loop_timer_start(conn->timer, 0);
}

static void close_guest(struct loop_guest *guest)
{
    release((struct conn *)((char *)guest - offsetof(struct conn, guest)));
}

/* What was queued goes first, then the other end is told, by FIN, and has its say: closing with
 * unread bytes would be a reset, and take back what we sent. */
static void begin_to_finish(struct conn *conn)
{
    conn->state = CONN_FINISHING;
    conn->guest.close = close_guest;
    loop_guest_add(conn->loop, &conn->guest);
    bufferevent_enable(conn->stream, EV_READ | EV_WRITE);
    loop_timer_start(conn->timer, CONN_OPEN_MS_MAX * NS_PER_MS);
    if (conn_output_bytes(conn) == 0)
        shutdown(bufferevent_getfd(conn->stream), SHUT_WR);
}

static void end(struct conn *conn)
{
    bool was_told = !conn->is_server || conn->auth.state == AUTH_OPEN;

    if (was_told)
        conn->ops->closed(conn->context, conn, &conn->err);
    if (conn->finishes && conn->stream)
        begin_to_finish(conn);
    else
        release(conn);
}

/*
 * A deadline has passed. It may be that this process was stopped, and what is missed lies in the
 * socket: one more turn of the loop reads it. False: that turn has been.
 */
static bool has_last_chance(struct conn *conn)
{
    if (conn->state >= CONN_FAILING || conn->is_last_chance)
        return false;
    conn->is_last_chance = true;
    loop_timer_start(conn->timer, LAST_CHANCE_MS * NS_PER_MS);
    return true;
}

static void on_timer(void *context)
{
    struct conn *conn = context;

    if (has_last_chance(conn))
        return;
    conn_enter(conn);
    switch (conn->state) {
    case CONN_CONNECTING:
    case CONN_TLS:
    case CONN_HANDSHAKE:
        err_set(&conn->err, ERR_RETRY, "%s: no handshake in time", conn->peer);
        conn_fail(conn, NULL);
        break;
    case CONN_OPEN:
        err_set(&conn->err, ERR_RETRY, "%s: a message that has begun does not end", conn->peer);
        conn_fail(conn, NULL);
        break;
    case CONN_FAILING:
        end(conn);
        break;
    case CONN_FINISHING:
        release(conn);
        break;
    case CONN_GONE:
        break;
    }
    conn_leave(conn);
}

/* Called when the output is empty. */
static void on_writable(struct bufferevent *stream, void *context)
{
    struct conn *conn = context;

    conn_enter(conn);
    if (conn->files)
        conn_tls_fill(conn);
    if (conn_output_bytes(conn) > 0) { /* more was queued since */
        conn_leave(conn);
        return;
    }
    if (conn->state == CONN_FINISHING)
        shutdown(bufferevent_getfd(stream), SHUT_WR);
    if (conn->state == CONN_OPEN && conn->output_waits) {
        conn->output_waits = false;
        if (conn->ops->drained)
            conn->ops->drained(conn->context, conn);
    }
    conn_leave(conn);
}

static void set_socket_options(const struct conn *conn)
{
    const int yes = 1, idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S,
              count = KEEPALIVE_COUNT;
    const unsigned stalled_ms = (unsigned)(conn->options.stalled_ns_max / NS_PER_MS);
    int fd = bufferevent_getfd(conn->stream);

    /* Without them it is slower, or notices later that the other end is gone: no failure. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    /* Keepalive is silent while sent bytes wait for their answer, and who sends heartbeats always
     * has some: a host that is gone would be believed for a quarter of an hour. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stalled_ms, sizeof stalled_ms);
}

void conn_begin_auth(struct conn *conn, const uint8_t *channel)
{
    const struct frame_limits limits = {
        .frame_bytes_max = CONN_HANDSHAKE_BYTES_MAX < (int)FRAME_BYTES_MAX
                               ? CONN_HANDSHAKE_BYTES_MAX
                               : (int)FRAME_BYTES_MAX,
        .message_bytes_max = CONN_HANDSHAKE_BYTES_MAX,
    };
    const struct conn_options *options = &conn->options;
    uint8_t nonce[AUTH_NONCE_BYTES];
    struct buf out = {0};

    conn->state = CONN_HANDSHAKE;
    frame_decoder_init(&conn->decoder, &limits);
    keys_random(nonce, sizeof nonce);
    if (conn->is_server)
        auth_init_server(&conn->auth, options->keys, options->roles_accepted, options->epoch,
                         nonce);
    else
        auth_init_client(&conn->auth, options->role, keys_of_role(options->keys, options->role),
                         nonce, &out);
    if (channel)
        auth_set_channel(&conn->auth, channel);
    conn_queue(conn, &out);
    buf_deinit(&out);
}

/* The socket is connected. A server's TLS begins with the first bytes that come: until then a
 * connection costs next to nothing. */
static void begin_handshake(struct conn *conn)
{
    set_socket_options(conn);
    if (!conn->is_tls) {
        conn_begin_auth(conn, NULL);
        return;
    }
    conn->state = CONN_TLS;
    if (!conn->is_server)
        conn_tls_step(conn);
}

static void connect_next(struct conn *conn);

/* Why the stream ended, from what libevent says about it. */
static void explain_end(struct conn *conn, short what)
{
    if (what & BEV_EVENT_TIMEOUT)
        err_set(&conn->err, ERR_RETRY, "%s: it takes nothing of what waits for it", conn->peer);
    else if (what & BEV_EVENT_ERROR)
        err_set_errno(&conn->err, ERR_RETRY, "%s", conn->peer);
    else if (what & BEV_EVENT_WRITING)
        err_set(&conn->err, ERR_RETRY, "%s: the file that is sent ended early", conn->peer);
    else if (conn_is_inside_message(conn))
        err_set(&conn->err, ERR_RETRY, "%s: cut inside a message", conn->peer);
    else if (conn->state == CONN_TLS || conn->state == CONN_HANDSHAKE)
        err_set(&conn->err, ERR_RETRY, "%s: closed by the other end before it was open",
                conn->peer);
    else
        err_set(&conn->err, ERR_RETRY, "%s: closed by the other end", conn->peer);
}

static void on_stream_event(struct bufferevent *stream, short what, void *context)
{
    struct conn *conn = context;

    (void)stream;
    conn_enter(conn);
    if (conn->state == CONN_FINISHING) {
        release(conn);
    } else if (what & BEV_EVENT_CONNECTED) {
        if (conn->state == CONN_CONNECTING)
            begin_handshake(conn);
    } else if (conn->state == CONN_CONNECTING) {
        err_set_errno(&conn->err, ERR_RETRY, "connect to %s", conn->peer);
        connect_next(conn);
    } else if (conn->state < CONN_FAILING) {
        explain_end(conn, what);
        conn_fail(conn, NULL);
    }
    conn_leave(conn);
}

static void adopt(struct conn *conn, int fd)
{
    uint64_t stalled_ns = conn->options.stalled_ns_max;
    struct timeval stalled = {
        .tv_sec = (time_t)(stalled_ns / NS_PER_S),
        .tv_usec = (suseconds_t)(stalled_ns % NS_PER_S / 1000),
    };

    conn->stream = bufferevent_socket_new(loop_base(conn->loop), fd,
                                          BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (!conn->stream)
        abort(); /* out of memory */
    evbuffer_set_flags(bufferevent_get_output(conn->stream), EVBUFFER_FLAG_DRAINS_TO_FD);
    bufferevent_set_max_single_write(conn->stream, WRITE_BYTES_MAX);
    bufferevent_set_timeouts(conn->stream, NULL, &stalled);
    bufferevent_setcb(conn->stream, conn_on_readable, on_writable, on_stream_event, conn);
    bufferevent_enable(conn->stream, EV_READ | EV_WRITE);
}

/* Tries the next address; when there is none, conn->err says why the last one did not do. */
static void connect_next(struct conn *conn)
{
    if (conn->stream)
        bufferevent_free(conn->stream);
    conn->stream = NULL;
    while (conn->address_next < conn->address_count) {
        const struct address *address = &conn->addresses[conn->address_next++];
        int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        address_print(address, conn->peer);
        address_print_host(address, conn->peer_host);
        conn->is_tls = tls_is_wanted(conn->options.tls, address);
        if (fd >= 0) {
            adopt(conn, fd);
            if (bufferevent_socket_connect(conn->stream, (const struct sockaddr *)&address->storage,
                                           (int)address->len) == 0)
                return;
        }
        err_set_errno(&conn->err, ERR_RETRY, "connect to %s", conn->peer);
        if (conn->stream)
            bufferevent_free(conn->stream);
        conn->stream = NULL;
    }
    conn_fail(conn, NULL);
}

static struct conn *open_conn(struct loop *loop, const struct conn_options *options,
                              const struct conn_ops *ops, void *context)
{
    struct conn *conn = mem_alloc(sizeof *conn);

    signal(SIGPIPE, SIG_IGN); /* writev() on a socket knows no MSG_NOSIGNAL */
    *conn = (struct conn){.loop = loop, .options = *options, .ops = ops, .context = context};
    if (!conn->options.open_ns_max)
        conn->options.open_ns_max = CONN_OPEN_MS_MAX * NS_PER_MS;
    if (!conn->options.message_ns_max)
        conn->options.message_ns_max = CONN_MESSAGE_MS_MAX * NS_PER_MS;
    if (!conn->options.stalled_ns_max)
        conn->options.stalled_ns_max = CONN_STALLED_MS_MAX * NS_PER_MS;
    if (!conn->options.output_bytes_max)
        conn->options.output_bytes_max = CONN_OUTPUT_BYTES_MAX;
    conn->timer = loop_timer_open(loop, on_timer, conn);
    loop_timer_start(conn->timer, conn->options.open_ns_max);
    return conn;
}

struct conn *conn_connect(struct loop *loop, const char *host_port,
                          const struct conn_options *options, const struct conn_ops *ops,
                          void *context, struct err *err)
{
    struct address addresses[ADDRESS_COUNT_MAX];
    struct conn *conn;
    int count;

    if (!keys_of_role(options->keys, options->role)) {
        err_set(err, ERR_SETUP, "connect to %s: the key file holds no key of role %s", host_port,
                access_role_name(options->role));
        return NULL;
    }
    count = address_resolve(addresses, ADDRESS_COUNT_MAX, host_port, err);
    if (count < 0)
        return NULL;
    conn = open_conn(loop, options, ops, context);
    memcpy(conn->addresses, addresses, sizeof addresses[0] * (size_t)count);
    conn->address_count = count;
    connect_next(conn);
    return conn;
}

/* The address that the client connected to. One that cannot be told is not taken for loopback. */
static bool is_tls_accepted(const struct conn *conn, int fd)
{
    struct address server = {.len = sizeof server.storage};

    if (getsockname(fd, (struct sockaddr *)&server.storage, &server.len) != 0)
        server = (struct address){0};
    return tls_is_wanted(conn->options.tls, &server);
}

struct conn *conn_accept_take(struct loop *loop, int fd, const struct address *peer,
                              const struct conn_options *options, const struct conn_ops *ops,
                              void *ops_context, const struct conn_owner *owner)
{
    struct conn *conn = open_conn(loop, options, ops, ops_context);

    conn->is_server = true;
    conn->owner = *owner;
    conn->is_tls = is_tls_accepted(conn, fd);
    address_print(peer, conn->peer);
    address_print_host(peer, conn->peer_host);
    adopt(conn, fd);
    begin_handshake(conn);
    return conn;
}

/* The caller has let go of it: no callback any more. */
void conn_close(struct conn *conn)
{
    if (conn)
        release(conn);
}

void conn_finish(struct conn *conn)
{
    if (conn->state == CONN_OPEN)
        begin_to_finish(conn);
    else
        release(conn);
}

void conn_set_context(struct conn *conn, void *context)
{
    conn->context = context;
}

enum access_role conn_role(const struct conn *conn)
{
    return conn->auth.role;
}

uint64_t conn_epoch(const struct conn *conn)
{
    return conn->auth.epoch;
}

const uint8_t *conn_binding(const struct conn *conn)
{
    return conn->auth.binding;
}

const char *conn_peer(const struct conn *conn)
{
    return conn->peer;
}

const char *conn_peer_host(const struct conn *conn)
{
    return conn->peer_host;
}
