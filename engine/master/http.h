/*
 * http: answers GET and HEAD on loopback.
 *
 *     struct http_options options = {.answer = answer, .context = context};
 *
 *     http = http_open(loop, "127.0.0.1:7080", &options, &err);
 *     ... answer(context, path, &out):    a request that may be answered (http_request.h)
 *     http_close(http);
 *
 * Made of libevent's evhttp, with what it does not have: at most HTTP_PEER_COUNT_MAX connections
 * (one more closes the oldest), an end of each after HTTP_PEER_MS whatever it does, and a rest when
 * descriptors run out. A connection is for one request: the answer says so. Headers have at most
 * HTTP_HEADERS_BYTES_MAX, requests have no body. Every answer forbids to be cached, framed, guessed
 * at, and to load anything from elsewhere.
 *
 * Beyond loopback it does not open: nothing here is encrypted, and the way in is an ssh tunnel.
 */
#ifndef MASTER_HTTP_H
#define MASTER_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

enum {
    HTTP_PEER_COUNT_MAX = 64, /* 20 browsers, each with a poll and two files */
    HTTP_PEER_MS = 30 * 1000, /* the largest answer through a slow tunnel */
    HTTP_IDLE_S = 5,          /* without a byte either way */
    HTTP_HEADERS_BYTES_MAX = 16 * 1024,
};

struct http_answer {
    int status;       /* enum of http_request.h */
    const char *type; /* "application/json"; ignored unless the status is HTTP_OK */
    struct slice body;
};

struct http_options {
    /* Fills `out`; its body is copied when it returns. */
    void (*answer)(void *context, struct slice path, struct http_answer *out);
    void *context;
    uint32_t peer_ms; /* 0: HTTP_PEER_MS */
};

struct loop;
struct http;

/* NULL with ERR_SETUP. Port 0 takes any. */
struct http *http_open(struct loop *loop, const char *host_port, const struct http_options *options,
                       struct err *err);
void http_close(struct http *http); /* NULL is fine */

/* "127.0.0.1:7080", with the port that it has. */
const char *http_address(const struct http *http);

#endif
