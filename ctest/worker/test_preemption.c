#include "worker/preemption.h"

#include "test.h"

#include <string.h>

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/text\r\nMetadata-Flavor: Google\r\n"

static struct preemption_answer answer;

static bool reads(const char *text)
{
    answer = (struct preemption_answer){0};
    return preemption_read(slice_of_string(text), &answer);
}

static void the_first_request_does_not_wait_and_later_ones_do(void **state)
{
    struct buf out = {0};

    (void)state;
    preemption_request(&out, "metadata.google.internal:80", "");
    assert_string_equal(buf_string(&out),
                        "GET /computeMetadata/v1/instance/preempted HTTP/1.1\r\n"
                        "Host: metadata.google.internal:80\r\nMetadata-Flavor: Google\r\n"
                        "Connection: close\r\n\r\n");
    buf_clear(&out);
    preemption_request(&out, "h:1", "4f7a");
    assert_string_equal(buf_string(&out),
                        "GET /computeMetadata/v1/instance/preempted?wait_for_change=true&"
                        "timeout_sec=60&last_etag=4f7a HTTP/1.1\r\nHost: h:1\r\n"
                        "Metadata-Flavor: Google\r\nConnection: close\r\n\r\n");
    buf_deinit(&out);
}

static void an_answer_has_a_value_and_an_etag(void **state)
{
    (void)state;
    assert_true(reads(HEAD "ETag: 4f7a\r\n\r\nFALSE"));
    assert_false(answer.is_preempted);
    assert_string_equal(answer.etag, "4f7a");
    assert_true(reads(HEAD "etag:AB-c_9 \r\n\r\nTRUE\n"));
    assert_true(answer.is_preempted);
    assert_string_equal(answer.etag, "AB-c_9");
}

static void what_is_no_answer_of_a_metadata_server_is_none(void **state)
{
    static const char *const others[] = {
        "",
        "TRUE",
        "HTTP/1.1 404 Not Found\r\nMetadata-Flavor: Google\r\nETag: a\r\n\r\nTRUE",
        "HTTP/1.1 200 OK\r\nETag: a\r\n\r\nTRUE", /* somebody else's web server */
        "HTTP/1.1 200 OK\r\nMetadata-Flavor: Other\r\nETag: a\r\n\r\nTRUE",
        HEAD "\r\nTRUE",
        HEAD "ETag: a\r\n\r\n",
        HEAD "ETag: a\r\n\r\nTRU",
        HEAD "ETag: a\r\n\r\nTRUE FALSE",
        HEAD "ETag: a\r\n",
        HEAD "ETag: a b\r\n\r\nTRUE", /* it would end the next request's line */
        HEAD "ETag: a&x=1\r\n\r\nTRUE",
        HEAD "ETag: 0123456789012345678901234567890123456789012345678901234567890123\r\n\r\nTRUE",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(reads(others[i]));
}

/* Every beginning of an answer is none, until it is whole. */
static void a_cut_answer_is_none(void **state)
{
    static const char whole[] = HEAD "ETag: 4f7a\r\n\r\nFALSE";

    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++)
        assert_false(preemption_read(slice_of(whole, len), &answer));
    assert_true(preemption_read(slice_of(whole, sizeof whole - 1), &answer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_request_does_not_wait_and_later_ones_do),
        cmocka_unit_test(an_answer_has_a_value_and_an_etag),
        cmocka_unit_test(what_is_no_answer_of_a_metadata_server_is_none),
        cmocka_unit_test(a_cut_answer_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
