/*
 * The watcher with a metadata server that is a socket here: each test says what it answers.
 */
#include "worker/notice.h"

#include "base/buf.h"
#include "base/clock.h"
#include "rpc/loop.h"
#include "test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\n"

enum { RETRY_MS = 5, AWAIT_MS = 20 * 1000, ASKED_MAX = 64 };

static struct server {
    int fd;
    uint16_t port;
    struct loop *loop;
    struct loop_event *readable, *deadline;
    const char *const
        *answers; /* the last one is given for ever; "hang": none, and it stays open */
    size_t answer_count, asked_count;
    int hanging;
    char asked[ASKED_MAX][512];
} server;

static struct notice *notice;
static bool has_heard;
static int secret;
static size_t wanted_count;

static void on_asked(void *context)
{
    size_t i = server.asked_count < ASKED_MAX ? server.asked_count : ASKED_MAX - 1;
    const char *answer = server.answers[i < server.answer_count ? i : server.answer_count - 1];
    int fd = accept4(server.fd, NULL, NULL, SOCK_CLOEXEC);
    ssize_t len;

    (void)context;
    assert_true(fd >= 0);
    len = recv(fd, server.asked[i], sizeof server.asked[i] - 1, 0);
    server.asked[i][len > 0 ? len : 0] = '\0';
    server.asked_count++;
    if (strcmp(answer, "hang") == 0) {
        server.hanging = fd;
    } else {
        assert_int_equal(send(fd, answer, strlen(answer), MSG_NOSIGNAL), strlen(answer));
        close(fd);
    }
    if (server.asked_count >= wanted_count)
        loop_break(server.loop);
}

static void on_heard(void *context)
{
    assert_ptr_equal(context, &server);
    has_heard = true;
    loop_break(server.loop);
}

static void on_deadline(void *context)
{
    (void)context;
    fail_msg("nothing came in time");
}

static void forget(void *what)
{
    *(int *)what = 0;
}

static void open_notice(const char *const *answers, size_t count)
{
    struct notice_options options = {.heard = on_heard,
                                     .context = &server,
                                     .retry_ms = RETRY_MS,
                                     .forget = forget,
                                     .secrets = &secret};
    char host[32];

    server.answers = answers;
    server.answer_count = count;
    snprintf(host, sizeof host, "127.0.0.1:%u", server.port);
    options.host = host;
    notice = notice_open(server.loop, &options);
}

/* Until it has asked so often, or has heard. */
static void await(size_t count)
{
    struct err err;

    wanted_count = count;
    loop_timer_start(server.deadline, AWAIT_MS * NS_PER_MS);
    while (server.asked_count < count && !has_heard)
        assert_int_equal(loop_run(server.loop, &err), 0);
    loop_timer_stop(server.deadline);
}

static void await_heard(void)
{
    await(SIZE_MAX);
    assert_true(has_heard);
}

static int set_up(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    struct err err;

    (void)state;
    server = (struct server){.hanging = -1, .loop = loop_open(&err)};
    has_heard = false;
    secret = 42;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server.fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server.fd, 8), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&address, &len), 0);
    server.port = ntohs(address.sin_port);
    server.readable = loop_fd_open(server.loop, server.fd, on_asked, NULL, &err);
    server.deadline = loop_timer_open(server.loop, on_deadline, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    notice_close(notice);
    loop_event_close(server.readable);
    loop_event_close(server.deadline);
    loop_close(server.loop);
    close(server.fd);
    if (server.hanging >= 0)
        close(server.hanging);
    assert_int_equal(secret, 42); /* only the process forgets */
    return 0;
}

static void a_machine_that_goes_is_heard_of(void **state)
{
    static const char *const answers[] = {HEAD "ETag: a1\r\n\r\nFALSE",
                                          HEAD "ETag: b2\r\n\r\nTRUE"};

    (void)state;
    open_notice(answers, 2);
    await_heard();
    assert_int_equal(server.asked_count, 2);
    assert_null(strstr(server.asked[0], "wait_for_change"));
    assert_non_null(strstr(server.asked[1], "last_etag=a1"));
}

static void one_that_has_been_told_before_the_worker_came_is_heard_of_too(void **state)
{
    static const char *const answers[] = {HEAD "ETag: b2\r\n\r\nTRUE"};

    (void)state;
    open_notice(answers, 1);
    await_heard();
}

/* A server that is broken, slow to come up, or no metadata server at all. */
static void who_is_not_answered_asks_again_from_the_start(void **state)
{
    static const char *const answers[] = {
        HEAD "ETag: a1\r\n\r\nFALSE",
        "HTTP/1.1 503 Service Unavailable\r\n\r\n",
        "",
        "HTTP/1.1 200 OK\r\n\r\nTRUE",
        HEAD "ETag: a1\r\n\r\nFALSE",
        HEAD "ETag: b2\r\n\r\nTRUE",
    };

    (void)state;
    open_notice(answers, 6);
    await_heard();
    assert_int_equal(server.asked_count, 6);
    for (int i = 2; i <= 4; i++)
        assert_null(strstr(server.asked[i], "last_etag"));
    assert_non_null(strstr(server.asked[5], "last_etag=a1"));
}

static void an_endless_answer_is_given_up(void **state)
{
    static char endless[64 * 1024];
    static const char *const answers[] = {endless, HEAD "ETag: b2\r\n\r\nTRUE"};

    (void)state;
    memset(endless, 'x', sizeof endless - 1);
    open_notice(answers, 2);
    await_heard();
}

/* The loop of the worker goes on, and its end does not wait for the server. */
static void a_question_that_hangs_holds_up_nobody(void **state)
{
    static const char *const answers[] = {HEAD "ETag: a1\r\n\r\nFALSE", "hang"};
    uint64_t begun_ns;

    (void)state;
    open_notice(answers, 2);
    await(2);
    assert_false(has_heard);
    begun_ns = clock_monotonic_ns();
    notice_close(notice);
    notice = NULL;
    assert_true(clock_monotonic_ns() - begun_ns < 5 * NS_PER_S);
}

/* Its only child here is the process. */
static void a_process_that_is_killed_is_started_again(void **state)
{
    static const char *const answers[] = {"hang", HEAD "ETag: b2\r\n\r\nTRUE"};
    char path[64], text[32] = "";
    FILE *file;

    (void)state;
    open_notice(answers, 2);
    await(1);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_int_equal(kill(atoi(text), SIGKILL), 0);
    await_heard();
}

#define NOTICE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTICE_TEST(a_machine_that_goes_is_heard_of),
        NOTICE_TEST(one_that_has_been_told_before_the_worker_came_is_heard_of_too),
        NOTICE_TEST(who_is_not_answered_asks_again_from_the_start),
        NOTICE_TEST(an_endless_answer_is_given_up),
        NOTICE_TEST(a_question_that_hangs_holds_up_nobody),
        NOTICE_TEST(a_process_that_is_killed_is_started_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
