#include "rpc/listener.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    ACCEPT_TURN_COUNT_MAX = 64, /* then others have their turn */
    BACKLOG_COUNT = 1024,       /* that wait in the kernel while we rest */
};

struct listener {
    struct loop *loop;
    int fd;
    int spare_fd;                /* given up for a moment when there is no other */
    struct loop_event *readable; /* NULL: accepting rests */
    struct loop_event *timer;    /* ends the rest */
    struct listener_options options;
    const struct conn_ops *ops;
    void *context;
    struct listener_counts counts;
    struct conn **unopened; /* counts.unopened of them, oldest first */
    bool is_closed;         /* it stays until its last connection has gone */
    char address[ADDRESS_TEXT_BYTES];
    uint16_t port;
    uint64_t logged_ns; /* last time ... */
    uint64_t unlogged;  /* ... and what was left out since */
};

/* One line a second at most. */
static void complain(struct listener *listener, const char *peer, const char *reason)
{
    uint64_t now_ns = clock_monotonic_ns();

    if (listener->logged_ns && now_ns - listener->logged_ns < NS_PER_S) {
        listener->unlogged++;
        return;
    }
    log_event(SEVERITY_WARNING, "conn_refused", log_text("listener", listener->address),
              log_text("peer", peer), log_number("connected", listener->counts.connected),
              log_number("left_out", listener->unlogged), log_text("reason", reason));
    listener->logged_ns = now_ns;
    listener->unlogged = 0;
}

static void free_listener(struct listener *listener)
{
    free(listener->unopened);
    free(listener);
}

/* False: it was open. */
static bool take_from_unopened(struct listener *listener, const struct conn *conn)
{
    uint32_t count = listener->counts.unopened;

    for (uint32_t i = 0; i < count; i++) {
        if (listener->unopened[i] != conn)
            continue;
        memmove(listener->unopened + i, listener->unopened + i + 1,
                (count - i - 1) * sizeof(struct conn *));
        listener->counts.unopened--;
        return true;
    }
    return false;
}

static void on_opened(void *context, struct conn *conn)
{
    take_from_unopened(context, conn);
}

static void on_released(void *context, struct conn *conn, const struct err *err)
{
    struct listener *listener = context;

    listener->counts.connected--;
    if (take_from_unopened(listener, conn)) {
        listener->counts.refused++;
        complain(listener, conn_peer(conn), err->message);
    }
    if (listener->is_closed && listener->counts.connected == 0)
        free_listener(listener);
}

static void on_acceptable(void *context);

/* Not being able to wait is not having descriptors: it is tried again. */
static void go_on(void *context)
{
    struct listener *listener = context;
    struct err err;

    if (listener->spare_fd < 0)
        listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    listener->readable = loop_fd_open(listener->loop, listener->fd, on_acceptable, listener, &err);
    if (!listener->readable)
        loop_timer_start(listener->timer, LISTENER_PAUSE_MS * NS_PER_MS);
}

static void rest(struct listener *listener)
{
    listener->counts.pauses++;
    loop_event_close(listener->readable);
    listener->readable = NULL;
    loop_timer_start(listener->timer, LISTENER_PAUSE_MS * NS_PER_MS);
}

/* Nothing is free: who waits the longest is told so by being closed, with the spare descriptor. */
static void shed_one(struct listener *listener, int error)
{
    int fd;

    io_close(&listener->spare_fd);
    fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        listener->counts.shed++;
    io_close(&fd);
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    complain(listener, "-", strerror(error));
}

/* The oldest that has proved nothing. False: all have. */
static bool evict(struct listener *listener)
{
    if (listener->counts.unopened == 0)
        return false;
    conn_close(listener->unopened[0]); /* on_released() takes it from the table */
    return true;
}

static void take_in(struct listener *listener, int fd, const struct address *peer)
{
    const struct conn_owner owner = {
        .opened = on_opened, .released = on_released, .context = listener};
    const struct listener_options *options = &listener->options;
    char text[ADDRESS_TEXT_BYTES];

    if (listener->counts.connected >= options->conn_count_max && !evict(listener)) {
        listener->counts.shed++;
        address_print(peer, text);
        complain(listener, text, "too many connections");
        io_close(&fd);
        return;
    }
    if (listener->counts.unopened >= options->unopened_count_max)
        evict(listener);
    listener->counts.accepted++;
    listener->counts.connected++;
    listener->unopened[listener->counts.unopened++] = conn_accept_take(
        listener->loop, fd, peer, &options->conn, listener->ops, listener->context, &owner);
}

static bool is_out_of_something(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void on_acceptable(void *context)
{
    struct listener *listener = context;

    for (int i = 0; i < ACCEPT_TURN_COUNT_MAX; i++) {
        struct address peer = {.len = sizeof peer.storage};
        int fd = accept4(listener->fd, (struct sockaddr *)&peer.storage, &peer.len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            take_in(listener, fd, &peer);
        } else if (errno == EAGAIN) {
            return;
        } else if (is_out_of_something(errno)) {
            shed_one(listener, errno);
            rest(listener);
            return;
        } /* else that one is gone already */
    }
}

/* Beyond loopback only on purpose. */
static int check_place(const struct address *address, const struct listener_options *options,
                       struct err *err)
{
    char text[ADDRESS_TEXT_BYTES];

    if (address_is_loopback(address))
        return 0;
    address_print(address, text);
    if (options->key_is_given)
        return 0;
    return err_set(err, ERR_SETUP,
                   "listen on %s: other machines can reach it, so it needs --key-file FILE", text);
}

static int listen_at(const struct address *address, struct err *err)
{
    char text[ADDRESS_TEXT_BYTES];
    const int yes = 1;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    /* Without it a master that was killed could not listen again for a minute. */
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, (const struct sockaddr *)&address->storage, address->len) == 0 &&
        listen(fd, BACKLOG_COUNT) == 0)
        return fd;
    address_print(address, text);
    err_set_errno(err, ERR_SETUP, "listen on %s", text);
    io_close(&fd);
    return -1;
}

/* At the first of the addresses where it is possible. */
static int listen_anywhere(const char *host_port, const struct listener_options *options,
                           struct err *err)
{
    struct address addresses[ADDRESS_COUNT_MAX];
    int count = address_resolve(addresses, ADDRESS_COUNT_MAX, host_port, err);
    int fd = -1;

    for (int i = 0; i < count && fd < 0; i++)
        if (check_place(&addresses[i], options, err) == 0)
            fd = listen_at(&addresses[i], err);
    if (fd < 0)
        err->kind = ERR_SETUP;
    return fd;
}

static uint32_t half_of_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 2 > UINT32_MAX)
        return UINT32_MAX;
    return limit.rlim_cur < 2 ? 1 : (uint32_t)(limit.rlim_cur / 2);
}

static void set_caps(struct listener_options *options)
{
    uint32_t half = half_of_descriptors();

    if (!options->conn_count_max)
        options->conn_count_max = LISTENER_CONN_COUNT_MAX;
    if (options->conn_count_max > half)
        options->conn_count_max = half;
    if (!options->unopened_count_max)
        options->unopened_count_max = LISTENER_UNOPENED_COUNT_MAX;
    if (options->unopened_count_max > options->conn_count_max)
        options->unopened_count_max = options->conn_count_max;
}

struct listener *listener_open(struct loop *loop, const char *host_port,
                               const struct listener_options *options, const struct conn_ops *ops,
                               void *context, struct err *err)
{
    int fd = listen_anywhere(host_port, options, err);
    struct listener *listener;
    struct address bound = {.len = sizeof bound.storage};

    if (fd < 0)
        return NULL;
    listener = mem_alloc(sizeof *listener);
    *listener = (struct listener){.loop = loop,
                                  .fd = fd,
                                  .spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
                                  .options = *options,
                                  .ops = ops,
                                  .context = context};
    set_caps(&listener->options);
    listener->unopened =
        mem_alloc_array(listener->options.unopened_count_max, sizeof(struct conn *));
    listener->timer = loop_timer_open(loop, go_on, listener);
    listener->readable = loop_fd_open(loop, fd, on_acceptable, listener, err);
    if (!listener->readable ||
        getsockname(fd, (struct sockaddr *)&bound.storage, &bound.len) != 0) {
        err_set_errno(err, ERR_SETUP, "listen on %s", host_port);
        listener_close(listener);
        return NULL;
    }
    address_print(&bound, listener->address);
    listener->port = address_port(&bound);
    return listener;
}

void listener_close(struct listener *listener)
{
    if (!listener)
        return;
    while (evict(listener))
        ;
    loop_event_close(listener->readable);
    loop_event_close(listener->timer);
    io_close(&listener->fd);
    io_close(&listener->spare_fd);
    listener->is_closed = true;
    if (listener->counts.connected == 0)
        free_listener(listener);
}

const char *listener_address(const struct listener *listener)
{
    return listener->address;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

struct listener_counts listener_counts(const struct listener *listener)
{
    return listener->counts;
}
