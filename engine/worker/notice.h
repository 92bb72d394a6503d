/*
 * notice: hears that the machine is about to be taken away (preemption.h).
 *
 *     struct notice_options options = {.host = "metadata.google.internal:80",
 *                                      .heard = heard, .context = worker};
 *     notice = notice_open(loop, &options);
 *     ... heard(context), once ...
 *     notice_close(notice);
 *
 * A process of its own asks, with plain blocking calls: a request hangs for a minute, a name is
 * looked up by a resolver that blocks, and the worker's loop must do neither. (Rejected: evhttp's
 * client, which resolves on the loop or with evdns and has no absolute deadline; libcurl, which
 * takes 9 ms and 10 MB to load for one GET without TLS.) It holds no key, opens nothing but that
 * connection, and dies with the worker. What it hears it says in one byte. When it ends without a
 * word it is started again; when nobody answers it asks again, for as long as it lives.
 */
#ifndef WORKER_NOTICE_H
#define WORKER_NOTICE_H

#include <stdint.h>

enum {
    NOTICE_RETRY_MS = 1000,    /* after a failure, and between two answers that came at once */
    NOTICE_ANSWER_S = 60 + 15, /* PREEMPTION_WAIT_S and a little: then the connection is dead */
    NOTICE_CONNECT_S = 5,
};

struct notice_options {
    const char *host; /* "HOST:PORT"; copied */
    void (*heard)(void *context);
    void *context;
    uint32_t retry_ms;             /* 0: NOTICE_RETRY_MS */
    void (*forget)(void *secrets); /* called in the process, before it does anything; may be NULL */
    void *secrets;
};

struct loop;
struct notice;

/* Never NULL: what cannot be started now is started later. */
struct notice *notice_open(struct loop *loop, const struct notice_options *options);
void notice_close(struct notice *notice); /* NULL is fine */

#endif
