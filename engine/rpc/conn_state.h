/*
 * conn_state: what a connection is, for the four files that it is made of: conn.c (its life),
 * conn_read.c, conn_send.c, and conn_tls.c (what is between them and the wire). Everybody else sees
 * rpc/conn.h.
 */
#ifndef RPC_CONN_STATE_H
#define RPC_CONN_STATE_H

#include "base/buf.h"
#include "rpc/auth.h"
#include "rpc/backlog.h"
#include "rpc/conn.h"
#include "rpc/loop_base.h"
#include "rpc/tls.h"

struct bufferevent;

enum conn_state {
    CONN_CONNECTING,
    CONN_TLS,       /* both ends agree on keys; skipped without TLS */
    CONN_HANDSHAKE, /* rpc/auth.h */
    CONN_OPEN,
    CONN_FAILING,   /* the timer will call `closed` */
    CONN_FINISHING, /* the caller has let go of it; the rest is sent */
    CONN_GONE,      /* the socket is closed; a callback further up still looks at it */
};

/* Over TLS: a range of a file that is not encrypted yet, and what was queued behind it. */
struct conn_file {
    struct conn_file *next;
    int fd;
    uint64_t offset, left;
    struct buf after;
};

struct conn {
    enum conn_state state;
    bool is_server;
    bool finishes;  /* FAILING: what is queued is sent after `closed` */
    unsigned depth; /* callbacks that are running */
    struct loop *loop;
    struct loop_guest guest;    /* FINISHING: nobody else knows of it */
    struct bufferevent *stream; /* NULL: no socket */
    struct loop_event *timer;   /* of the deadline that goes with the state */
    bool is_last_chance;        /* the deadline has passed; the sockets are read once more */
    bool timer_runs;            /* OPEN: for a message that has begun */
    bool output_waits;          /* `drained` is owed */
    struct conn_options options;
    const struct conn_ops *ops;
    void *context;
    struct conn_owner owner;

    bool is_tls;
    bool is_known;   /* what the other end speaks is what we speak */
    struct tls *tls; /* NULL: not begun; a server's: until there are bytes */
    struct conn_file *files, *last_file;
    uint64_t files_bytes; /* of the ranges, and ... */
    uint64_t after_bytes; /* ... behind them */
    bool is_file_put;     /* what is encrypted right now is a file's */

    struct auth auth;
    struct frame_decoder decoder;
    char length[4]; /* of a frame, so far as it is here ... */
    size_t length_len;
    size_t frame_left; /* ... and when it is: bytes to come of it */
    uint64_t raw_left;
    size_t turn_left; /* bytes that may be read from the socket directly in this turn */
    uint64_t message_count, timed_message; /* the timer runs for that one */
    struct backlog backlog;

    struct address addresses[ADDRESS_COUNT_MAX]; /* client: to be tried from `address_next` on */
    int address_count, address_next;
    char peer[ADDRESS_TEXT_BYTES], peer_host[ADDRESS_TEXT_BYTES];
    struct err err; /* why it fails */
};

/* Around every callback of libevent and of the loop: inside, `conn` may close but does not go. */
void conn_enter(struct conn *conn);
void conn_leave(struct conn *conn);

/* From now on nothing is sent or received; `closed` is called from the loop. The first reason
 * counts. Takes conn->err as it is when `err` is NULL. */
void conn_fail(struct conn *conn, const struct err *err);

/* Begins the handshake of rpc/auth.h. `channel`: of TLS, or NULL. */
void conn_begin_auth(struct conn *conn, const uint8_t *channel);

/* Bytes behind those that wait. */
void conn_queue(struct conn *conn, const struct buf *bytes);

/* Bytes as they came over the wire, up to `max`; 0: none for now. */
size_t conn_take(struct conn *conn, void *out, size_t max);

/* ---- conn_tls.c ---- */

/* Does the other end speak what we speak? False: not enough bytes to say, or it does not, and the
 * connection is failing. */
bool conn_tls_probe(struct conn *conn);

/* Goes on with the handshake of TLS; begins that of rpc/auth.h when it is done. */
void conn_tls_step(struct conn *conn);

/* Bytes that were encrypted; 0: none for now, or the connection is failing. */
size_t conn_tls_read(struct conn *conn, void *out, size_t max);

void conn_tls_queue(struct conn *conn, struct slice bytes);
void conn_tls_queue_file_take(struct conn *conn, int fd, uint64_t offset, uint64_t bytes);

/* Encrypts of files as much as may lie in memory. */
void conn_tls_fill(struct conn *conn);

void conn_tls_deinit(struct conn *conn);

/* A callback of libevent: there are bytes to read. */
void conn_on_readable(struct bufferevent *stream, void *context);

/* To end here would be to end in the middle. */
bool conn_is_inside_message(const struct conn *conn);

#endif
