/*
 * conn: a connection that speaks frames, on a loop. It never blocks and never calls back from
 * inside a call: only from the loop.
 *
 *     options = (struct conn_options){.role = ROLE_WORKER, .keys = &keys};
 *     conn = conn_connect(loop, "10.0.0.1:7070", &options, &ops, context, &err);
 *     ... ops.opened(context, conn):            both ends have proved their key (rpc/auth.h)
 *         conn_send(conn, MESSAGE_WORKER_JOIN, 0, &join.base);
 *     ... ops.message(context, conn, frame):    one that the peer may send (rpc/access.h)
 *     ... ops.closed(context, conn, err):       the last callback; conn is gone after it
 *     conn_close(conn);                         or: gone now, and no callback follows
 *
 * A server gets its connections from rpc/listener.h, at `opened`; of one that was not opened it
 * hears nothing.
 *
 * A connection that leaves the host speaks TLS (rpc/tls.h; options.tls says otherwise), and inside
 * of it the same as without. Who finds something else at the other end is told so, and how to
 * agree.
 *
 * Limits. Until it is open: messages of 4 KiB, those of the handshake only, and 5 s from connect
 * to open. Then: frames of 1 MiB, messages of CONN_MESSAGE_BYTES_MAX; a message that has begun
 * must be complete within 30 s. A peer that lets 8 MiB (files apart) wait for it, or takes nothing
 * of what waits for 20 s, is dropped. Whether a peer that says nothing is alive is the caller's to
 * judge. A handshake of TLS is within the same 5 s, and 4 KiB in all.
 *
 * conn_close(), conn_finish() and conn_send() may be called at any time between conn_connect() (or
 * `opened`) and `closed`, in any callback. SIGPIPE is ignored in a process that has connections.
 */
#ifndef RPC_CONN_H
#define RPC_CONN_H

#include "base/err.h"
#include "base/slice.h"
#include "rpc/access.h"
#include "rpc/address.h"
#include "rpc/frame.h"
#include "rpc/keys.h"
#include "rpc/loop.h"
#include "rpc/message.h"
#include "rpc/tls.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CONN_HANDSHAKE_BYTES_MAX = 4 * 1024,
    CONN_MESSAGE_BYTES_MAX = 16 * 1024 * 1024, /* inputs of a submit; what a worker holds */
    CONN_OUTPUT_BYTES_MAX = 8 * 1024 * 1024,   /* a peer that takes nothing is dropped here */
    CONN_OPEN_MS_MAX = 5 * 1000,               /* from connect or accept to open */
    CONN_MESSAGE_MS_MAX = 30 * 1000,           /* from a message's first byte to its last */
    CONN_STALLED_MS_MAX = 20 * 1000,           /* output waits, and not a byte of it is taken */
};

struct conn;

struct conn_ops {
    /* May be NULL. */
    void (*opened)(void *context, struct conn *conn);

    /* The frame is good until the callback returns. */
    void (*message)(void *context, struct conn *conn, const struct frame *frame);

    /* What conn_expect_raw() asked for, in pieces as they come; NULL if it never asks. */
    void (*raw)(void *context, struct conn *conn, struct slice bytes);

    /* Where the next of them may be put, so that `raw` finds them there: at most *bytes_max. NULL,
     * or the answer NULL: in the connection's own buffer, 64 KiB at a time. */
    void *(*raw_room)(void *context, struct conn *conn, size_t *bytes_max);

    /* All output has been given to the kernel; comes once after the last conn_send() or
     * conn_send_file_take(), and may come between. May be NULL. */
    void (*drained)(void *context, struct conn *conn);

    /* *err says why: ERR_SETUP when to try again cannot help (wrong key, version), else
     * ERR_RETRY. Not called after conn_close() and conn_finish(). */
    void (*closed)(void *context, struct conn *conn, const struct err *err);
};

/* Zero means: as above. */
struct conn_options {
    enum access_role role;   /* client: who it is */
    const struct keys *keys; /* borrowed, outlives the connection */
    enum tls_use tls;
    uint32_t roles_accepted; /* server: ROLE_BIT()s of who may come in */
    uint64_t epoch;          /* server: told to clients, and part of the proofs */
    uint64_t open_ns_max;
    uint64_t message_ns_max;
    uint64_t stalled_ns_max;
    size_t output_bytes_max;
};

/* Begins to connect; all addresses of a name are tried. NULL with *err: it cannot even begin (the
 * address is none, the role's key is not held). `ops` is borrowed and outlives it. */
struct conn *conn_connect(struct loop *loop, const char *host_port,
                          const struct conn_options *options, const struct conn_ops *ops,
                          void *context, struct err *err);

/* Closes it at once; what was not sent yet is lost. NULL is fine. */
void conn_close(struct conn *conn);

/* Closes it when all output is sent, or after 5 s. It is gone for the caller, as after
 * conn_close(). */
void conn_finish(struct conn *conn);

/* Queues a message; `body` NULL means an empty payload. On a connection that is failing it does
 * nothing: `closed` is on its way. Before `opened` it is a wrong call, and so is a type that this
 * end may not send. */
void conn_send(struct conn *conn, enum message_type type, uint64_t request_id,
               const ProtobufCMessage *body);

/* The same with a payload that is packed already. */
void conn_send_frame(struct conn *conn, const struct frame *frame);

/* Queues `bytes` bytes of a file from `offset`, raw, behind what is queued; no copy is made (over
 * TLS one of 256 KiB at a time, by pread(): a file that gets shorter is a failure, not a signal).
 * Takes the descriptor. If the file is shorter the connection is closed: a peer never sees other
 * bytes in their place. The file must not change meanwhile. */
void conn_send_file_take(struct conn *conn, int fd, uint64_t offset, uint64_t bytes);

/* In `message`: the next `bytes` bytes are not frames, they go to ops->raw. Then frames again. */
void conn_expect_raw(struct conn *conn, uint64_t bytes);

/* Later callbacks get this context. A server calls it in `opened`. */
void conn_set_context(struct conn *conn, void *context);

/* From `opened` on: the client's role, at both ends; the server's epoch; PROOF_BYTES bytes that
 * both ends know and no other connection has. */
enum access_role conn_role(const struct conn *conn);
uint64_t conn_epoch(const struct conn *conn);
const uint8_t *conn_binding(const struct conn *conn);

/* "10.0.0.1:4242": the other end, for logs; and its host alone, to reach it on another port. */
const char *conn_peer(const struct conn *conn);
const char *conn_peer_host(const struct conn *conn);

/* Bytes queued and not yet given to the kernel, files too. */
uint64_t conn_output_bytes(const struct conn *conn);

/* For rpc/listener.h. `released` is called once, when the connection's socket is closed. */
struct conn_owner {
    void (*opened)(void *context, struct conn *conn);
    void (*released)(void *context, struct conn *conn, const struct err *err);
    void *context;
};
struct conn *conn_accept_take(struct loop *loop, int fd, const struct address *peer,
                              const struct conn_options *options, const struct conn_ops *ops,
                              void *ops_context, const struct conn_owner *owner);

#endif
