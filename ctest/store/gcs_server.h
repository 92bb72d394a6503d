/*
 * gcs_server: the storage server of spec/gcs, for tests of what needs a store that remembers.
 *
 *     gcs_server_start(&server);                  STORAGE_EMULATOR_HOST is it; bucket "bkt"
 *     gcs_server_fault(&server, "{\"match\":...}");   the language of spec/gcs/faults.py
 *     gcs_server_await_taken(&server);              until it has met a request
 *     gcs_server_stop(&server);
 *
 * One for all tests of a group: cmocka_run_group_tests(tests, gcs_server_begin, gcs_server_end).
 *
 * What a test wants to know of it, it asks as a client. It is strict where Google is, so a test
 * that passes says more than one against a script of answers (gcs_kit.h).
 */
#ifndef CTEST_STORE_GCS_SERVER_H
#define CTEST_STORE_GCS_SERVER_H

#include "folder.h"
#include "test.h"

#include "base/clock.h"
#include "store/gcs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GCS_SERVER_START_MS = 30 * 1000 };

struct gcs_server {
    struct folder folder;
    pid_t pid;
    int port;
};

/* Its port, a line that it prints when it listens. Python may write that in two pieces, and what it
 * cannot write ends it: so the line is read to its end. */
static inline int gcs_server_port(int printed)
{
    struct pollfd poll_printed = {.fd = printed, .events = POLLIN};
    char text[16] = "";
    size_t len = 0;
    ssize_t count;
    int rc;

    while (!strchr(text, '\n')) {
        while ((rc = poll(&poll_printed, 1, GCS_SERVER_START_MS)) < 0 && errno == EINTR)
            ;
        if (rc != 1)
            fail_msg("the server does not start: %s", rc < 0 ? strerror(errno) : "it says nothing");
        count = read(printed, text + len, sizeof text - 1 - len);
        assert_true(count > 0);
        len += (size_t)count;
    }
    close(printed);
    return atoi(text);
}

static inline void gcs_server_start(struct gcs_server *server)
{
    char dir[FOLDER_PATH_BYTES], host[32];
    int ends[2];

    folder_make(&server->folder);
    snprintf(dir, sizeof dir, "%s", folder_path(&server->folder, "objects"));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp("python3", "python3", SOURCE_DIR "/spec/gcs/server.py", "--dir", dir, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    server->port = gcs_server_port(ends[0]);
    snprintf(host, sizeof host, "127.0.0.1:%d", server->port);
    setenv("STORAGE_EMULATOR_HOST", host, 1);
}

static inline void gcs_server_stop(struct gcs_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    folder_remove(&server->folder);
}

/* The server of a group, and its fixtures. */
static struct gcs_server group_server __attribute__((unused));

static inline int gcs_server_begin(void **state)
{
    (void)state;
    gcs_server_start(&group_server);
    return 0;
}

static inline int gcs_server_end(void **state)
{
    (void)state;
    gcs_server_stop(&group_server);
    return 0;
}

/* Has all of the answer come that its head announces? */
static inline bool gcs_server_is_whole(const char *text, size_t len)
{
    const char *end = len ? strstr(text, "\r\n\r\n") : NULL;
    const char *length = end ? strcasestr(text, "\r\nContent-Length: ") : NULL;

    return length && (size_t)(end + 4 - text) + strtoul(length + 18, NULL, 10) <= len;
}

/* One request to what specs ask of the server; the answer's text, cut to `bytes`. */
static inline void gcs_server_control(const struct gcs_server *server, const char *method,
                                      const char *what, const char *body, char *out, size_t bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char request[2048];
    size_t len = 0;
    ssize_t count;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    snprintf(request, sizeof request,
             "%s /_control/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n"
             "\r\n%s",
             method, what, strlen(body), body);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    while (!gcs_server_is_whole(out, len) && len + 1 < bytes &&
           (count = recv(fd, out + len, bytes - len - 1, 0)) > 0) {
        len += (size_t)count;
        out[len] = '\0';
    }
    out[len] = '\0';
    close(fd);
}

static inline void gcs_server_fault(const struct gcs_server *server, const char *rule)
{
    char answer[4096];

    gcs_server_control(server, "POST", "faults", rule, answer, sizeof answer);
    assert_non_null(strstr(answer, " 200 "));
}

/* Waits until a request is in the hands of the only rule, which takes one. */
static inline void gcs_server_await_taken(const struct gcs_server *server)
{
    char answer[4096];

    for (uint64_t due_ns = clock_monotonic_ns() + GCS_SERVER_START_MS * NS_PER_MS;;) {
        gcs_server_control(server, "GET", "faults", "", answer, sizeof answer);
        if (strstr(answer, "\"taken\": 1"))
            return;
        if (clock_monotonic_ns() > due_ns)
            fail_msg("no request was taken by a rule: %s", answer);
        poll(NULL, 0, 1);
    }
}

/* Does any upload session take more? */
static inline bool gcs_server_has_open_session(const struct gcs_server *server)
{
    static char answer[1 << 20];

    gcs_server_control(server, "GET", "state", "", answer, sizeof answer);
    assert_non_null(strstr(answer, "\"sessions\""));
    return strstr(answer, "\"state\": \"open\"") || strstr(answer, "\"state\":\"open\"");
}

/* Requests for bytes of objects since the last look. */
static inline uint32_t gcs_server_reads(const struct gcs_server *server)
{
    static char answer[1 << 20];
    uint32_t count = 0;

    gcs_server_control(server, "GET", "requests?operation=objects.get.media", "", answer,
                       sizeof answer);
    for (const char *at = answer; (at = strstr(at, "\"operation\"")); at++)
        count++;
    gcs_server_control(server, "DELETE", "requests", "", answer, sizeof answer);
    return count;
}

struct gcs_server_names {
    char text[8192]; /* each followed by a space */
    size_t count;
};

static inline int gcs_server_note(void *context, const struct gcs_object *object,
                                  const char *prefix, struct err *err)
{
    struct gcs_server_names *names = context;
    size_t len = strlen(names->text);

    (void)prefix, (void)err;
    snprintf(names->text + len, sizeof names->text - len, "%s ", object->name);
    names->count++;
    return 0;
}

/* All names in the bucket, in order. */
static inline void assert_names(struct gcs *gcs, const char *expected)
{
    struct gcs_server_names names = {.text = ""};
    struct err err;

    assert_int_equal(
        gcs_list(gcs, &(struct gcs_listing){.bucket = "bkt"}, gcs_server_note, &names, &err), 0);
    assert_string_equal(names.text, expected);
}

#endif
