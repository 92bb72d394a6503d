/*
 * http_client: requests over HTTP/1.1, many at once, on connections that are kept. It tries each
 * once; what then: retry.h.
 *
 *     struct http_client *http = http_client_open(&err);                      loads libcurl
 *     struct http_exchange request = HTTP_EXCHANGE_INIT;
 *     request.method = "GET", request.url = url;
 *     http_client_start(http, &request);
 *     while (!request.is_done)
 *         if (http_client_poll(http, NULL, 0, -1, &err) != 0) ...
 *     look at request.failure, request.status, request.reply
 *     http_exchange_deinit(&request);                            also stops it, if it runs
 *     http_client_close(http);
 *
 * HTTP/1.1 by decision: one connection of HTTP/2 carried 294 MB/s where 100 of HTTP/1.1 carried
 * 1457 (gcsfuse, pull request 427). Redirects are not followed: 308 has a meaning of its own here.
 * Bodies come as they are sent, never inflated.
 *
 * A request that moves no byte for `stall_ns` is ended (RETRY_BROKEN): a connection that died
 * without a word looks like that. Bodies of errors, and of answers without a sink, are kept up to
 * `reply_bytes_max`; a longer error is cut, a longer answer is RETRY_IMPOSSIBLE.
 */
#ifndef STORE_HTTP_CLIENT_H
#define STORE_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/http_headers.h"
#include "store/retry.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    HTTP_ERROR_BYTES_MAX = 64 * 1024, /* a test server was seen to answer with 3.3 MB */
    HTTP_CONNECT_S = 5,
    HTTP_FAILURE_BYTES = 256,
};

struct http_exchange {
    /* ---- what is asked: borrowed until it is done ---- */
    const char *method;
    const char *url;
    struct slice headers;    /* "name: value\n" lines; may hold secrets: wiped after use */
    struct slice body;       /* what is sent; with a body_fd, before its bytes */
    int body_fd;             /* -1: none */
    uint64_t body_fd_offset; /* read with pread() */
    uint64_t body_fd_bytes;
    struct slice body_end; /* what is sent behind those */
    /* A new connection. On a kept one that breaks, libcurl sends a request without a body again,
     * and nobody hears of it. */
    bool wants_own_connection;
    bool has_body; /* also an empty one */
    /* Bytes of a 2xx, if not NULL; the headers are there before. -1: not wanted, end it. */
    int (*sink)(void *context, const struct http_exchange *request, const char *bytes, size_t len);
    void *context;
    size_t reply_bytes_max;
    uint64_t stall_ns;

    /* ---- how it went: good once it is done ---- */
    bool is_done;
    bool is_refused; /* by the sink */
    enum retry_failure failure;
    char failure_text[HTTP_FAILURE_BYTES]; /* "" if it was answered */
    int status;                            /* 0: none came */
    struct http_headers reply_headers;
    struct buf reply;

    /* ---- http_client.c's own ---- */
    struct http_client *http; /* running in it, or NULL */
    void *easy, *header_list;
    uint64_t body_sent, moved_ns;
    int body_error; /* errno of reading body_fd */
    bool is_too_long;
    struct http_exchange *next;
};

#define HTTP_EXCHANGE_INIT                                                                         \
    (struct http_exchange)                                                                         \
    {                                                                                              \
        .body_fd = -1, .reply_bytes_max = HTTP_ERROR_BYTES_MAX, .stall_ns = 10 * NS_PER_S          \
    }

struct http_client;

/* NULL: ERR_SETUP, libcurl is not there. */
struct http_client *http_client_open(struct err *err);

/* Requests that run are stopped. */
void http_client_close(struct http_client *http);

/* From now on this process starts no request, each fails with RETRY_IMPOSSIBLE; those that run go
 * on to their ends. A signal handler may call it. For who shall end, but not in the middle of what
 * the server may then do behind its back. */
void http_client_wind_down(void);

/* The request must not move until it is done or stopped. It may be done at once. */
void http_client_start(struct http_client *http, struct http_exchange *request);

/* Ends it without an answer; its connection is closed. A request that does not run is left alone.
 */
void http_client_stop(struct http_exchange *request);

/* Waits until a request may move, one of `polls` is ready (its revents are set; a hang-up is
 * readable) or `timeout_ms` is over, -1: as long as it takes; then moves all requests on. */
int http_client_poll(struct http_client *http, struct pollfd *polls, size_t count, int timeout_ms,
                     struct err *err);

/* Prepares it to be started again: what it asks stays, what it was told goes. */
void http_exchange_reset(struct http_exchange *request);
void http_exchange_deinit(struct http_exchange *request);

#endif
