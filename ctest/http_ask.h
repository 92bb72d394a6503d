/*
 * http_ask: a request to a server on 127.0.0.1, byte for byte, and all that it answers.
 *
 *     http_ask(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer);
 *     assert_int_equal(http_status(&answer), 200);
 *     body = http_body(&answer);
 */
#ifndef CTEST_HTTP_ASK_H
#define CTEST_HTTP_ASK_H

#include "base/buf.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HTTP_ASK_S = 20 };

/* A connected socket that gives up after a while. */
static inline int http_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct timeval patience = {.tv_sec = HTTP_ASK_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void http_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t count = send(fd, bytes, len, MSG_NOSIGNAL);

        if (count < 0)
            return; /* it has heard enough */
        bytes += count;
        len -= (size_t)count;
    }
}

/* To the end of the connection, which must come; a reset is one. */
static inline void http_read(int fd, struct buf *answer)
{
    char piece[4096];
    ssize_t count;

    buf_clear(answer);
    while ((count = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_append(answer, piece, (size_t)count);
    assert_false(count < 0 && errno == EAGAIN);
    close(fd);
}

static inline void http_ask(uint16_t port, const char *request, struct buf *answer)
{
    int fd = http_connect(port);

    http_send(fd, request, strlen(request));
    http_read(fd, answer);
}

/* GET with what a browser of this machine says. */
static inline void http_get(uint16_t port, const char *path, struct buf *answer)
{
    char request[512];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", path, port);
    http_ask(port, request, answer);
}

/* 0: it answered nothing. */
static inline int http_status(struct buf *answer)
{
    int status = 0;

    (void)(sscanf(buf_string(answer), "HTTP/1.%*d %d", &status) == 1);
    return status;
}

static inline const char *http_body(struct buf *answer)
{
    const char *end = strstr(buf_string(answer), "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

static inline bool http_has(struct buf *answer, const char *text)
{
    return strstr(buf_string(answer), text) != NULL;
}

#endif
