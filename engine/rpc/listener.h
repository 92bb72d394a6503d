/*
 * listener: accepts connections, and stays alive whatever comes.
 *
 *     listener = listener_open(loop, "127.0.0.1:7070", &options, &ops, context, &err);
 *     ... ops.opened(context, conn):     a client has proved its role; conn_set_context()
 *     listener_close(listener);
 *
 * Beyond loopback it opens only with a key that was given on purpose. Whether TLS is spoken is
 * decided for each connection by the address at which it came in (tls_is_wanted()).
 *
 * Connections are capped. Of those that are not open yet there are at most `unopened_count_max`:
 * the oldest makes room for a new one, so who says nothing cannot keep others out. When
 * descriptors run out, the one that waits is let in and dropped (a spare descriptor is kept for
 * that), accepting rests for 100 ms, and the log gets one line a second at most.
 */
#ifndef RPC_LISTENER_H
#define RPC_LISTENER_H

#include "rpc/conn.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LISTENER_CONN_COUNT_MAX = 16 * 1024, /* and never more than half of RLIMIT_NOFILE */
    LISTENER_UNOPENED_COUNT_MAX = 128,   /* a handshake takes milliseconds */
    LISTENER_PAUSE_MS = 100,
};

/* Zero means: the default. */
struct listener_options {
    struct conn_options conn;
    bool key_is_given; /* --key-file: not a secret that this user happens to have */
    uint32_t conn_count_max;
    uint32_t unopened_count_max;
};

/* Port 0 takes a free one. `ops` and options.conn.keys are borrowed. NULL with *err (ERR_SETUP,
 * with the way out when it is refused). */
struct listener *listener_open(struct loop *loop, const char *host_port,
                               const struct listener_options *options, const struct conn_ops *ops,
                               void *context, struct err *err);

/* Connections that are not open are closed; those that are stay, and must not outlive the loop. */
void listener_close(struct listener *listener); /* NULL is fine */

/* "127.0.0.1:7070", with the port that it has. */
const char *listener_address(const struct listener *listener);
uint16_t listener_port(const struct listener *listener);

struct listener_counts {
    uint32_t connected; /* now, and how many of them ... */
    uint32_t unopened;  /* ... have not proved anything */
    uint64_t accepted;
    uint64_t refused; /* wrong key, no handshake, too slow, evicted */
    uint64_t shed;    /* closed at once: too many, or no descriptor for it */
    uint64_t pauses;  /* times that descriptors ran out */
};
struct listener_counts listener_counts(const struct listener *listener);

#endif
