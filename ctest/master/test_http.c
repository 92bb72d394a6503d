/*
 * The HTTP server in a process of its own, and what it does with clients of every kind.
 */
#include "master/http.h"

#include "base/clock.h"
#include "http_ask.h"
#include "master/http_request.h"
#include "rpc/loop.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { LARGE_BYTES = 3 * 1000 * 1000, PEER_MS = 300 };

static struct server {
    pid_t pid;
    uint16_t port;
} server;

static struct buf answer;

static void answer_path(void *context, struct slice path, struct http_answer *out)
{
    static char large[LARGE_BYTES];

    (void)context;
    out->type = "text/plain";
    if (slice_equal(path, slice_of_string("/none"))) {
        out->status = HTTP_NOT_FOUND;
    } else if (slice_equal(path, slice_of_string("/busy"))) {
        out->status = HTTP_BUSY;
    } else if (slice_equal(path, slice_of_string("/large"))) {
        memset(large, 'x', sizeof large);
        out->body = slice_of(large, sizeof large);
    } else {
        out->body = path;
    }
}

static _Noreturn void serve(int said, uint32_t peer_ms, rlim_t descriptors)
{
    const struct http_options options = {.answer = answer_path, .peer_ms = peer_ms};
    struct rlimit limit = {.rlim_cur = descriptors, .rlim_max = descriptors};
    struct err err;
    struct loop *loop = loop_open(&err);
    struct http *http = http_open(loop, "127.0.0.1:0", &options, &err);
    uint16_t port = http ? (uint16_t)atoi(strrchr(http_address(http), ':') + 1) : 0;

    if (descriptors && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        port = 0;
    if (write(said, &port, sizeof port) != sizeof port || port == 0)
        _exit(1);
    _exit(loop_run(loop, &err) == 0 ? 0 : 1);
}

static void start(uint32_t peer_ms, rlim_t descriptors)
{
    int said[2];

    assert_int_equal(pipe(said), 0);
    server.pid = fork();
    if (server.pid == 0)
        serve(said[1], peer_ms, descriptors);
    close(said[1]);
    assert_int_equal(read(said[0], &server.port, sizeof server.port), sizeof server.port);
    close(said[0]);
    assert_int_not_equal(server.port, 0);
}

static int set_up(void **state)
{
    (void)state;
    start(0, 0);
    return 0;
}

static int set_up_hasty(void **state)
{
    (void)state;
    start(PEER_MS, 0);
    return 0;
}

static int set_up_poor(void **state)
{
    (void)state;
    start(PEER_MS, 20);
    return 0;
}

static int tear_down(void **state)
{
    int status;

    (void)state;
    kill(server.pid, SIGKILL);
    assert_int_equal(waitpid(server.pid, &status, 0), server.pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* it had not died before */
    buf_deinit(&answer);
    return 0;
}

static void get_answers_with_headers_that_forbid_the_rest(void **state)
{
    (void)state;
    http_get(server.port, "/hello", &answer);
    assert_int_equal(http_status(&answer), 200);
    assert_string_equal(http_body(&answer), "/hello");
    assert_true(http_has(&answer, "\r\nContent-Type: text/plain\r\n"));
    assert_true(http_has(&answer, "\r\nContent-Security-Policy: default-src 'none'; "));
    assert_true(http_has(&answer, "; frame-ancestors 'none'\r\n"));
    assert_true(http_has(&answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(http_has(&answer, "\r\nCache-Control: no-store\r\n"));
    assert_true(http_has(&answer, "\r\nConnection: close\r\n"));
    assert_false(http_has(&answer, "Access-Control"));
}

static void head_has_the_length_and_no_body(void **state)
{
    (void)state;
    http_ask(server.port, "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer);
    assert_int_equal(http_status(&answer), 200);
    assert_true(http_has(&answer, "\r\nContent-Length: 6\r\n"));
    assert_string_equal(http_body(&answer), "");
}

static void a_large_answer_comes_whole(void **state)
{
    (void)state;
    http_get(server.port, "/large", &answer);
    assert_int_equal(answer.len - (size_t)(http_body(&answer) - answer.ptr), LARGE_BYTES);
}

static void who_leaves_in_the_middle_of_an_answer_takes_nobody_with_it(void **state)
{
    static const char request[] = "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char first;

    (void)state;
    for (int i = 0; i < 20; i++) {
        int fd = http_connect(server.port);

        http_send(fd, request, sizeof request - 1);
        assert_int_equal(recv(fd, &first, 1, 0), 1);
        close(fd); /* with much unread: a reset */
    }
    http_get(server.port, "/hello", &answer);
    assert_string_equal(http_body(&answer), "/hello");
}

static void what_is_not_there_or_takes_too_long_now_has_its_status(void **state)
{
    (void)state;
    http_get(server.port, "/none", &answer);
    assert_int_equal(http_status(&answer), 404);
    http_get(server.port, "/busy", &answer);
    assert_int_equal(http_status(&answer), 503);
    assert_true(http_has(&answer, "\r\nRetry-After: 1\r\n"));
}

static void other_methods_bodies_and_hosts_are_refused(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", 413},
        {"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nabcd", 413},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n", 400},
        {"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://example.org\r\n\r\n", 403},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_ask(server.port, cases[i].request, &answer);
        if (http_status(&answer) != cases[i].status)
            fail_msg("%s: %d", cases[i].request, http_status(&answer));
    }
}

/* One header of 15 KB is read, more than the limit is not, and the server lives. */
static void headers_have_a_limit(void **state)
{
    struct buf request = {0};

    (void)state;
    for (size_t bytes = HTTP_HEADERS_BYTES_MAX - 1024; bytes < 8 * HTTP_HEADERS_BYTES_MAX;
         bytes *= 7) {
        buf_clear(&request);
        buf_append_string(&request, "GET /x HTTP/1.1\r\nHost: localhost\r\nX: ");
        memset(buf_reserve(&request, bytes), 'y', bytes);
        request.len += bytes;
        buf_append_string(&request, "\r\n\r\n");
        http_ask(server.port, buf_string(&request), &answer);
        assert_int_equal(http_status(&answer) == 200, bytes < HTTP_HEADERS_BYTES_MAX);
    }
    buf_deinit(&request);
    http_get(server.port, "/x", &answer);
    assert_int_equal(http_status(&answer), 200);
}

static void one_connection_too_many_closes_the_oldest(void **state)
{
    int fds[HTTP_PEER_COUNT_MAX];

    (void)state;
    for (int i = 0; i < HTTP_PEER_COUNT_MAX; i++) {
        fds[i] = http_connect(server.port);
        http_send(fds[i], "G", 1);
    }
    http_get(server.port, "/one", &answer); /* takes the place of the first */
    assert_int_equal(http_status(&answer), 200);
    http_read(fds[0], &answer);
    assert_int_equal(answer.len, 0);
    http_send(fds[1], "ET /two HTTP/1.1\r\nHost: localhost\r\n\r\n", 38);
    http_read(fds[1], &answer);
    assert_string_equal(http_body(&answer), "/two");
    for (int i = 2; i < HTTP_PEER_COUNT_MAX; i++)
        close(fds[i]);
}

/* A byte now and then keeps every timeout of single reads from coming. */
static void a_connection_ends_after_its_time_whatever_it_sends(void **state)
{
    uint64_t begun_ns = clock_monotonic_ns();
    int fd = http_connect(server.port);
    struct timeval short_time = {.tv_usec = 20 * 1000};
    ssize_t count;
    char byte;

    (void)state;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time), 0);
    do {
        http_send(fd, "G", 1);
        count = recv(fd, &byte, 1, 0);
        assert_true(clock_monotonic_ns() - begun_ns < 20 * NS_PER_S);
    } while (count < 0 && errno == EAGAIN);
    assert_true(clock_monotonic_ns() - begun_ns >= (PEER_MS - 1) * NS_PER_MS);
    close(fd);
    http_get(server.port, "/x", &answer);
    assert_int_equal(http_status(&answer), 200);
}

/* Goal: without descriptors the server neither spins nor dies, and goes on when there are some.
 * Method: more connections than it has descriptors; what they take their time gives back. */
static void it_lives_through_a_lack_of_descriptors(void **state)
{
    int fds[30];

    (void)state;
    for (int i = 0; i < 30; i++)
        fds[i] = http_connect(server.port);
    for (int i = 0; i < 30; i++)
        close(fds[i]);
    http_get(server.port, "/x", &answer);
    assert_int_equal(http_status(&answer), 200);
}

static void it_opens_on_loopback_only(void **state)
{
    const struct http_options options = {.answer = answer_path};
    struct err err;
    struct loop *loop = loop_open(&err);
    struct http *http = http_open(loop, "[::1]:0", &options, &err);

    (void)state;
    if (http) /* there are machines without IPv6 */
        assert_memory_equal(http_address(http), "[::1]:", 6);
    http_close(http);
    assert_null(http_open(loop, "0.0.0.0:0", &options, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "--http 0.0.0.0:0: the page is for this machine only"));
    assert_null(http_open(loop, "nonsense", &options, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    loop_close(loop);
}

static void an_address_that_is_taken_is_named(void **state)
{
    const struct http_options options = {.answer = answer_path};
    struct err err;
    struct loop *loop = loop_open(&err);
    struct http *first = http_open(loop, "127.0.0.1:0", &options, &err);

    (void)state;
    assert_non_null(first);
    assert_null(http_open(loop, http_address(first), &options, &err));
    assert_non_null(strstr(err.message, http_address(first)));
    assert_int_equal(err.kind, ERR_SETUP);
    http_close(first);
    http_close(NULL);
    loop_close(loop);
}

#define SERVED(name)       cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SERVED_HASTY(name) cmocka_unit_test_setup_teardown(name, set_up_hasty, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(get_answers_with_headers_that_forbid_the_rest),
        SERVED(head_has_the_length_and_no_body),
        SERVED(a_large_answer_comes_whole),
        SERVED(who_leaves_in_the_middle_of_an_answer_takes_nobody_with_it),
        SERVED(what_is_not_there_or_takes_too_long_now_has_its_status),
        SERVED(other_methods_bodies_and_hosts_are_refused),
        SERVED(headers_have_a_limit),
        SERVED(one_connection_too_many_closes_the_oldest),
        SERVED_HASTY(a_connection_ends_after_its_time_whatever_it_sends),
        cmocka_unit_test_setup_teardown(it_lives_through_a_lack_of_descriptors, set_up_poor,
                                        tear_down),
        cmocka_unit_test(it_opens_on_loopback_only),
        cmocka_unit_test(an_address_that_is_taken_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
