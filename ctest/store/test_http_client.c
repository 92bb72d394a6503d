#include "store/http_client.h"

#include "folder.h"
#include "store/gcs_kit.h"

static void run(struct http_client *http, struct http_exchange *request)
{
    struct err err;

    http_client_start(http, request);
    while (!request->is_done)
        assert_int_equal(http_client_poll(http, NULL, 0, -1, &err), 0);
}

/* A request to the kit's server. */
static void aim(struct http_exchange *request, const struct gcs_kit *kit, const char *method)
{
    static char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%d/a", kit->port);
    *request = HTTP_EXCHANGE_INIT;
    request->method = method;
    request->url = url;
}

static void a_body_is_sent_of_its_beginning_its_file_and_its_end(void **state)
{
    static const struct gcs_answer script[] = {{"POST /a", GCS_BODY("200 OK", "yes"), 0, 0}};
    struct http_exchange request;
    struct folder folder;
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;

    (void)state;
    folder_make(&folder);
    folder_write(&folder, "f", "0123456789", 10);
    gcs_kit_start(&kit, script, 1);
    http = http_client_open(&err);
    aim(&request, &kit, "POST");
    request.has_body = true;
    request.body = slice_of_string("<");
    request.body_fd = open(folder_path(&folder, "f"), O_RDONLY);
    request.body_fd_offset = 2;
    request.body_fd_bytes = 5;
    request.body_end = slice_of_string(">");
    request.headers = slice_of_string("X-One: 1\nX-Two: 2\n");
    run(http, &request);
    assert_int_equal(request.failure, RETRY_ANSWERED);
    assert_int_equal(request.status, 200);
    assert_string_equal(buf_string(&request.reply), "yes");
    assert_asked(&kit, 0, "\r\n\r\n<23456>");
    assert_asked(&kit, 0, "X-One: 1\r\nX-Two: 2\r\n");
    close(request.body_fd);
    http_exchange_deinit(&request);
    http_client_close(http);
    gcs_kit_stop(&kit);
    folder_remove(&folder);
}

static void a_file_that_ends_before_its_length_fails_the_request(void **state)
{
    static const struct gcs_answer script[] = {{"POST /a", GCS_EMPTY("200 OK"), 0, 0}};
    struct http_exchange request;
    struct folder folder;
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;

    (void)state;
    folder_make(&folder);
    folder_write(&folder, "f", "0123", 4);
    gcs_kit_start(&kit, script, 1);
    http = http_client_open(&err);
    aim(&request, &kit, "POST");
    request.has_body = true;
    request.body_fd = open(folder_path(&folder, "f"), O_RDONLY);
    request.body_fd_bytes = 5;
    run(http, &request);
    assert_int_equal(request.failure, RETRY_IMPOSSIBLE);
    close(request.body_fd);
    http_exchange_deinit(&request);
    http_client_close(http);
    gcs_kit_stop(&kit);
    folder_remove(&folder);
}

static void an_error_is_cut_at_its_limit_and_a_long_answer_is_refused(void **state)
{
    static char error[3 * HTTP_ERROR_BYTES_MAX], answer[1000];
    struct gcs_answer script[] = {{"GET /a", error, sizeof error, 0},
                                  {"GET /a", answer, sizeof answer, 0}};
    struct http_exchange request;
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;

    (void)state;
    memset(error, 'x', sizeof error);
    memset(answer, 'x', sizeof answer);
    memcpy(error, GCS_BODY("500 No", ""), strlen(GCS_BODY("500 No", "")));
    memcpy(answer, GCS_BODY("200 OK", ""), strlen(GCS_BODY("200 OK", "")));
    gcs_kit_start(&kit, script, 2);
    http = http_client_open(&err);
    aim(&request, &kit, "GET");
    run(http, &request);
    assert_int_equal(request.failure, RETRY_ANSWERED);
    assert_int_equal(request.status, 500);
    assert_int_equal(request.reply.len, HTTP_ERROR_BYTES_MAX);
    http_exchange_deinit(&request);
    aim(&request, &kit, "GET");
    request.reply_bytes_max = 100;
    run(http, &request);
    assert_int_equal(request.failure, RETRY_IMPOSSIBLE);
    assert_string_equal(request.failure_text, "the answer is too long");
    http_exchange_deinit(&request);
    http_client_close(http);
    gcs_kit_stop(&kit);
}

static void a_connection_that_says_nothing_is_given_up(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /a", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 0, GCS_KEEP}};
    struct http_exchange request;
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 1);
    http = http_client_open(&err);
    aim(&request, &kit, "GET");
    request.stall_ns = 100 * NS_PER_MS;
    run(http, &request);
    assert_int_equal(request.failure, RETRY_BROKEN);
    assert_string_equal(request.failure_text, "nothing came for 0.1 s");
    http_exchange_deinit(&request);
    http_client_close(http);
    gcs_kit_stop(&kit);
}

static void a_cut_answer_is_broken_and_no_server_is_unreached(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /a", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 0, GCS_CLOSE},
        {"GET /a", "", 0, GCS_CLOSE},
    };
    struct http_exchange request;
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 2);
    http = http_client_open(&err);
    for (int i = 0; i < 2; i++) {
        aim(&request, &kit, "GET");
        run(http, &request);
        assert_int_equal(request.failure, RETRY_BROKEN);
        assert_true(request.failure_text[0] != '\0');
        http_exchange_deinit(&request);
    }
    gcs_kit_stop(&kit);
    aim(&request, &kit, "GET");
    run(http, &request);
    assert_int_equal(request.failure, RETRY_UNREACHED);
    http_exchange_deinit(&request);
    http_client_close(http);
}

/* Or a lost success would look like somebody else's. */
static void what_breaks_on_a_kept_connection_is_not_sent_again_unseen(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /a", GCS_EMPTY("200 OK"), 0, 0},
        {"POST /a", "", 0, GCS_CLOSE},
        {"GET /a", GCS_EMPTY("200 OK"), 0, 0},
        {"DELETE /a", "", 0, GCS_CLOSE},
    };
    static const char *const methods[] = {"GET", "POST", "GET", "DELETE"};
    struct http_exchange request;
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 4);
    http = http_client_open(&err);
    for (int i = 0; i < 4; i++) {
        aim(&request, &kit, methods[i]);
        request.has_body = i == 1;
        request.body = slice_of_string(i == 1 ? "text" : "");
        request.wants_own_connection = i == 3;
        run(http, &request);
        assert_int_equal(request.failure, i % 2 ? RETRY_BROKEN : RETRY_ANSWERED);
        http_exchange_deinit(&request);
    }
    assert_kit_done(&kit, 4);
    http_client_close(http);
    gcs_kit_stop(&kit);
}

static int refuse(void *context, const struct http_exchange *request, const char *bytes, size_t len)
{
    (void)context, (void)request, (void)bytes, (void)len;
    return -1;
}

static void bytes_that_the_sink_does_not_want_end_the_request(void **state)
{
    static const struct gcs_answer script[] = {{"GET /a", GCS_BODY("200 OK", "x"), 0, 0}};
    struct http_exchange request;
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 1);
    http = http_client_open(&err);
    aim(&request, &kit, "GET");
    request.sink = refuse;
    run(http, &request);
    assert_true(request.is_refused);
    assert_int_equal(request.failure, RETRY_ANSWERED);
    http_exchange_deinit(&request);
    http_client_close(http);
    gcs_kit_stop(&kit);
}

static void a_308_is_an_answer_and_not_followed(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /a",
         "HTTP/1.1 308 Resume\r\nLocation: /b\r\nRange: bytes=0-9\r\nContent-Length: 0\r\n\r\n", 0,
         0}};
    struct http_exchange request;
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 1);
    http = http_client_open(&err);
    aim(&request, &kit, "GET");
    run(http, &request);
    assert_int_equal(request.status, 308);
    assert_int_equal(request.reply_headers.stored_last, 9);
    assert_kit_done(&kit, 1);
    http_exchange_deinit(&request);
    http_client_close(http);
    gcs_kit_stop(&kit);
}

static void
a_descriptor_of_the_caller_ends_the_wait_and_a_stopped_request_leaves_nothing(void **state)
{
    static const struct gcs_answer script[] = {{"GET /a", "HTTP/1.1 200", 0, GCS_KEEP}};
    struct http_exchange request;
    struct pollfd poll_pipe = {.events = POLLIN};
    struct gcs_kit kit;
    struct http_client *http;
    struct err err;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    poll_pipe.fd = ends[0];
    gcs_kit_start(&kit, script, 1);
    http = http_client_open(&err);
    aim(&request, &kit, "GET");
    http_client_start(http, &request);
    while (kit.shared->request_count == 0)
        assert_int_equal(http_client_poll(http, NULL, 0, 10, &err), 0);
    assert_int_equal(http_client_poll(http, &poll_pipe, 1, -1, &err), 0);
    assert_true(poll_pipe.revents & POLLIN);
    assert_false(request.is_done);
    http_exchange_deinit(&request);
    http_client_close(http);
    gcs_kit_stop(&kit);
    close(ends[0]);
    close(ends[1]);
}

/* What a process of its own sees: it is for the whole process, and for good. */
static int see_wind_down(const struct gcs_kit *kit)
{
    struct http_exchange first, second;
    struct err err;
    struct http_client *http = http_client_open(&err);

    aim(&first, kit, "GET");
    aim(&second, kit, "GET");
    http_client_start(http, &first);
    http_client_wind_down();
    while (!first.is_done)
        if (http_client_poll(http, NULL, 0, -1, &err) != 0)
            return 1;
    http_client_start(http, &second);
    if (first.status != 200 || !second.is_done || second.failure != RETRY_IMPOSSIBLE)
        return 2;
    return http_client_poll(http, NULL, 0, -1, &err) == -1 ? 0 : 3;
}

static void a_process_that_winds_down_ends_what_runs_and_starts_nothing(void **state)
{
    static const struct gcs_answer script[] = {{"GET /a", GCS_BODY("200 OK", "yes"), 0, 0}};
    struct gcs_kit kit;
    int status;
    pid_t pid;

    (void)state;
    gcs_kit_start(&kit, script, 1);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(see_wind_down(&kit));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    gcs_kit_stop(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_sent_of_its_beginning_its_file_and_its_end),
        cmocka_unit_test(a_file_that_ends_before_its_length_fails_the_request),
        cmocka_unit_test(an_error_is_cut_at_its_limit_and_a_long_answer_is_refused),
        cmocka_unit_test(a_connection_that_says_nothing_is_given_up),
        cmocka_unit_test(a_cut_answer_is_broken_and_no_server_is_unreached),
        cmocka_unit_test(what_breaks_on_a_kept_connection_is_not_sent_again_unseen),
        cmocka_unit_test(bytes_that_the_sink_does_not_want_end_the_request),
        cmocka_unit_test(a_308_is_an_answer_and_not_followed),
        cmocka_unit_test(a_process_that_winds_down_ends_what_runs_and_starts_nothing),
        cmocka_unit_test(
            a_descriptor_of_the_caller_ends_the_wait_and_a_stopped_request_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
