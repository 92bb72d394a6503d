/*
 * gcs_kit: a server that answers what a test tells it to, and remembers what it was asked.
 *
 *     static const struct gcs_answer script[] = {
 *         {"GET /storage/v1/b/bkt/o/a", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
 *         {"GET /storage/v1/b/bkt/o/a", GCS_BODY("200 OK", "{...}")},
 *     };
 *     gcs_kit_start(&kit, script, 2);             its own process, on a port of 127.0.0.1
 *     gcs = gcs_kit_open(&kit);                   STORAGE_EMULATOR_HOST is it
 *     ...
 *     assert_kit_done(&kit, 2);                   so many requests came, each wanted
 *     gcs_kit_stop(&kit);
 *
 * A request gets the first answer not given yet whose `wants` stands in it; one that has none gets
 * 499, and its text is kept. Connections are kept, and served one request at a time.
 */
#ifndef CTEST_STORE_GCS_KIT_H
#define CTEST_STORE_GCS_KIT_H

#include "test.h"

#include "store/gcs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GCS_KIT_LOG_BYTES = 1 << 20,
    GCS_KIT_REQUEST_BYTES = 1 << 20,
    GCS_KIT_LOGGED_BYTES = 4096,
    GCS_KIT_CONNECTIONS_MAX = 64,
    GCS_KIT_ANSWERS_MAX = 64,
};

struct gcs_answer {
    const char *wants; /* in the request's first line or headers */
    const char *answer;
    size_t answer_bytes;               /* 0: strlen(answer) */
    enum { GCS_KEEP, GCS_CLOSE } then; /* of the connection, behind the answer */
};

/* In memory that both processes see. */
struct gcs_kit_shared {
    volatile uint32_t request_count, unwanted_count, connection_count;
    volatile size_t log_len;
    char log[GCS_KIT_LOG_BYTES]; /* requests as they came, each with a NUL */
};

struct gcs_kit {
    pid_t pid;
    int port;
    struct gcs_kit_shared *shared;
};

/* An answer with a body; the kit puts its length where the @ is. */
#define GCS_BODY(status, body) "HTTP/1.1 " status "\r\nContent-Length: @\r\n\r\n" body
#define GCS_EMPTY(status)      "HTTP/1.1 " status "\r\nContent-Length: 0\r\n\r\n"

struct gcs_kit_connection {
    int fd;
    size_t len;
    char *text;
};

/* The length of the request that begins a connection's text, or 0: more is to come. */
static inline size_t gcs_kit_request_bytes(const struct gcs_kit_connection *connection)
{
    const char *end = memmem(connection->text, connection->len, "\r\n\r\n", 4);
    const char *length;
    size_t head;

    if (!end)
        return 0;
    head = (size_t)(end - connection->text) + 4;
    length = memmem(connection->text, head, "\r\nContent-Length: ", 18);
    head += length ? strtoul(length + 18, NULL, 10) : 0;
    return head <= connection->len ? head : 0;
}

/* Of a body the first bytes, up to a NUL. */
static inline void gcs_kit_log(struct gcs_kit_shared *shared, const char *text, size_t len)
{
    len = strnlen(text, len < GCS_KIT_LOGGED_BYTES ? len : GCS_KIT_LOGGED_BYTES);
    if (shared->log_len + len + 1 > GCS_KIT_LOG_BYTES)
        abort();
    memcpy(shared->log + shared->log_len, text, len);
    shared->log[shared->log_len + len] = '\0';
    shared->log_len += len + 1;
    shared->request_count++;
}

static inline void gcs_kit_send(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t count = send(fd, text, len, MSG_NOSIGNAL);

        if (count <= 0)
            return;
        text += count;
        len -= (size_t)count;
    }
}

/* "Content-Length: @" becomes that of what stands behind the headers. */
static inline void gcs_kit_send_answer(int fd, const struct gcs_answer *answer)
{
    size_t len = answer->answer_bytes ? answer->answer_bytes : strlen(answer->answer);
    const char *mark = memmem(answer->answer, len, "Content-Length: @", 17);
    const char *body = memmem(answer->answer, len, "\r\n\r\n", 4);
    char number[24];

    if (!mark || !body) {
        gcs_kit_send(fd, answer->answer, len);
        return;
    }
    snprintf(number, sizeof number, "%zu", len - (size_t)(body + 4 - answer->answer));
    gcs_kit_send(fd, answer->answer, (size_t)(mark + 16 - answer->answer));
    gcs_kit_send(fd, number, strlen(number));
    gcs_kit_send(fd, mark + 17, len - (size_t)(mark + 17 - answer->answer));
}

static inline void gcs_kit_answer(struct gcs_kit_connection *connection, size_t len,
                                  const struct gcs_answer *script, size_t count, bool *is_given,
                                  struct gcs_kit_shared *shared)
{
    const struct gcs_answer *found = NULL;
    const char *end = memmem(connection->text, len, "\r\n\r\n", 4);
    size_t head = (size_t)(end - connection->text);

    for (size_t i = 0; i < count && !found; i++) {
        if (is_given[i] ||
            !memmem(connection->text, head, script[i].wants, strlen(script[i].wants)))
            continue;
        found = &script[i];
        is_given[i] = true;
    }
    gcs_kit_log(shared, connection->text, len);
    memmove(connection->text, connection->text + len, connection->len - len);
    connection->len -= len;
    if (!found) {
        shared->unwanted_count++;
        gcs_kit_send(connection->fd, GCS_EMPTY("499 Unwanted"), strlen(GCS_EMPTY("499 Unwanted")));
        return;
    }
    gcs_kit_send_answer(connection->fd, found);
    if (found->then == GCS_CLOSE) {
        close(connection->fd);
        connection->fd = -1;
    }
}

static inline void gcs_kit_accept(int listener, struct gcs_kit_connection *connections,
                                  struct gcs_kit_shared *shared)
{
    int fd = accept(listener, NULL, NULL);

    shared->connection_count++;
    for (int i = 0; i < GCS_KIT_CONNECTIONS_MAX && fd >= 0; i++) {
        if (connections[i].fd >= 0)
            continue;
        connections[i].fd = fd;
        connections[i].len = 0;
        if (!connections[i].text)
            connections[i].text = malloc(GCS_KIT_REQUEST_BYTES);
        return;
    }
    abort();
}

static inline _Noreturn void gcs_kit_serve(int listener, const struct gcs_answer *script,
                                           size_t count, struct gcs_kit_shared *shared)
{
    static struct gcs_kit_connection connections[GCS_KIT_CONNECTIONS_MAX];
    static bool is_given[GCS_KIT_ANSWERS_MAX];

    for (int i = 0; i < GCS_KIT_CONNECTIONS_MAX; i++)
        connections[i].fd = -1;
    for (;;) {
        struct pollfd polls[GCS_KIT_CONNECTIONS_MAX + 1];

        for (int i = 0; i < GCS_KIT_CONNECTIONS_MAX; i++)
            polls[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
        polls[GCS_KIT_CONNECTIONS_MAX] = (struct pollfd){.fd = listener, .events = POLLIN};
        poll(polls, GCS_KIT_CONNECTIONS_MAX + 1, -1);
        for (int i = 0; i < GCS_KIT_CONNECTIONS_MAX; i++) {
            struct gcs_kit_connection *connection = &connections[i];
            ssize_t got;
            size_t len;

            if (!polls[i].revents)
                continue;
            got = recv(connection->fd, connection->text + connection->len,
                       GCS_KIT_REQUEST_BYTES - connection->len, 0);
            if (got <= 0) {
                close(connection->fd);
                connection->fd = -1;
                continue;
            }
            connection->len += (size_t)got;
            while (connection->fd >= 0 && (len = gcs_kit_request_bytes(connection)) > 0)
                gcs_kit_answer(connection, len, script, count, is_given, shared);
        }
        if (polls[GCS_KIT_CONNECTIONS_MAX].revents)
            gcs_kit_accept(listener, connections, shared);
    }
}

static inline int gcs_kit_listen(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, GCS_KIT_CONNECTIONS_MAX), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static inline void gcs_kit_start(struct gcs_kit *kit, const struct gcs_answer *script, size_t count)
{
    pid_t parent = getpid();
    int listener = gcs_kit_listen(&kit->port);

    assert_true(count <= GCS_KIT_ANSWERS_MAX);
    kit->shared =
        mmap(NULL, sizeof *kit->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(kit->shared != MAP_FAILED);
    kit->pid = fork();
    assert_true(kit->pid >= 0);
    if (kit->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        gcs_kit_serve(listener, script, count, kit->shared);
    }
    close(listener);
}

/* A client of it, without credentials. */
static inline struct gcs *gcs_kit_open(const struct gcs_kit *kit)
{
    char host[32];

    snprintf(host, sizeof host, "127.0.0.1:%d", kit->port);
    setenv("STORAGE_EMULATOR_HOST", host, 1);
    return gcs_open();
}

static inline void gcs_kit_stop(struct gcs_kit *kit)
{
    kill(kit->pid, SIGKILL);
    waitpid(kit->pid, NULL, 0);
    munmap(kit->shared, sizeof *kit->shared);
}

/* The text of request `index`, from 0. */
static inline const char *gcs_kit_request(const struct gcs_kit *kit, uint32_t index)
{
    const char *text = kit->shared->log;

    assert_true(index < kit->shared->request_count);
    while (index-- > 0)
        text += strlen(text) + 1;
    return text;
}

static inline void assert_asked(const struct gcs_kit *kit, uint32_t index, const char *what)
{
    if (!strstr(gcs_kit_request(kit, index), what))
        print_error("request %u has no \"%s\":\n%s\n", index, what, gcs_kit_request(kit, index));
    assert_non_null(strstr(gcs_kit_request(kit, index), what));
}

static inline void assert_kit_done(const struct gcs_kit *kit, uint32_t request_count)
{
    if (kit->shared->unwanted_count > 0)
        for (uint32_t i = 0; i < kit->shared->request_count; i++)
            print_error("request %u: %.400s\n", i, gcs_kit_request(kit, i));
    assert_int_equal(kit->shared->unwanted_count, 0);
    assert_int_equal(kit->shared->request_count, request_count);
}

#endif
