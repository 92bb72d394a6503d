/*
 * conn_state: what a connection is, for the three files that it is made of: conn.c (its life),
 * conn_read.c and conn_send.c. Everybody else sees rpc/conn.h.
 */
#ifndef RPC_CONN_STATE_H
#define RPC_CONN_STATE_H

#include "base/buf.h"
#include "rpc/auth.h"
#include "rpc/backlog.h"
#include "rpc/conn.h"
#include "rpc/loop_base.h"

struct bufferevent;

enum conn_state {
    CONN_CONNECTING,
    CONN_HANDSHAKE,
    CONN_OPEN,
    CONN_FAILING,   /* the timer will call `closed` */
    CONN_FINISHING, /* the caller has let go of it; the rest is sent */
    CONN_GONE,      /* the socket is closed; a callback further up still looks at it */
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

    struct auth auth;
    struct frame_decoder decoder;
    size_t frame_left; /* bytes of the frame that has begun; 0: its length is not known yet */
    uint64_t raw_left;
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

/* Bytes behind those that wait. */
void conn_queue(struct conn *conn, const struct buf *bytes);

/* A callback of libevent: there are bytes to read. */
void conn_on_readable(struct bufferevent *stream, void *context);

/* To end here would be to end in the middle. */
bool conn_is_inside_message(const struct conn *conn);

#endif
