/*
 * http_request: may this request be answered at all? Pure.
 *
 *     struct http_request request = {.path = "/x", .host_count = 1, .host = "localhost:7080"};
 *     status = http_request_check(&request);             200, or what to refuse it with
 *
 * What reaches a server on loopback comes from this user, from other users of the machine, and from
 * any web page that this user looks at: a page may send its browser here, under a name of its own
 * that it resolves to 127.0.0.1. So Host must be a name of loopback (with any port: an ssh tunnel
 * has its own), and what a browser says of where a request comes from must be here. libevent lets
 * through what other servers refuse (no Host, two of them, lengths that differ, escaped zero bytes,
 * whole URLs): that is refused here. Nothing that we serve has an escape or a query in its path.
 */
#ifndef MASTER_HTTP_REQUEST_H
#define MASTER_HTTP_REQUEST_H

#include <stdbool.h>

enum { HTTP_OK = 200, HTTP_BAD = 400, HTTP_FORBIDDEN = 403, HTTP_NOT_FOUND = 404, HTTP_BUSY = 503 };

/* As it came; a header that is not there is NULL. */
struct http_request {
    const char *path; /* the whole target */
    int host_count;   /* Host headers */
    const char *host;
    const char *origin;
    const char *fetch_site; /* Sec-Fetch-Site */
    bool has_body;          /* it names a length, or an encoding */
};

int http_request_check(const struct http_request *request);

#endif
