#include "master/http_request.h"

#include "test.h"

static struct http_request good(void)
{
    return (struct http_request){.path = "/a/b-c_1.css", .host_count = 1, .host = "127.0.0.1:7080"};
}

static void assert_host(const char *host, int status)
{
    struct http_request request = good();

    request.host = host;
    assert_int_equal(http_request_check(&request), status);
}

static void names_of_loopback_are_hosts_with_any_port(void **state)
{
    static const char *const hosts[] = {"localhost", "localhost:1",    "127.0.0.1",
                                        "[::1]",     "127.0.0.1:8080", "[::1]:7080"};

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_host(hosts[i], HTTP_OK);
}

/* A page of another host that has its name resolved to 127.0.0.1 sends that name. */
static void other_hosts_are_refused(void **state)
{
    static const char *const hosts[] = {"example.org",
                                        "localhost.example.org",
                                        "localhost:",
                                        "localhost:80x",
                                        "127.0.0.1.example.org",
                                        "127.0.0.11",
                                        "127.0.0.1:1:1",
                                        "xlocalhost",
                                        "",
                                        "[::1].example",
                                        "user@localhost",
                                        "10.0.0.1:7080"};

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_host(hosts[i], HTTP_FORBIDDEN);
}

static void a_request_names_its_host_once(void **state)
{
    struct http_request request = good();

    (void)state;
    request.host_count = 2;
    assert_int_equal(http_request_check(&request), HTTP_BAD);
    request.host_count = 0;
    request.host = NULL;
    assert_int_equal(http_request_check(&request), HTTP_BAD);
}

static void a_browser_asks_for_a_page_of_ours_only(void **state)
{
    static const struct {
        const char *site, *origin;
        int status;
    } cases[] = {
        {"none", NULL, HTTP_OK},
        {"same-origin", NULL, HTTP_OK},
        {"same-origin", "http://127.0.0.1:7080", HTTP_OK},
        {NULL, "http://127.0.0.1:7080", HTTP_OK},
        {"cross-site", NULL, HTTP_FORBIDDEN},
        {"same-site", NULL, HTTP_FORBIDDEN}, /* another port of this machine */
        {NULL, "null", HTTP_FORBIDDEN},
        {NULL, "http://127.0.0.1:7081", HTTP_FORBIDDEN},
        {NULL, "https://127.0.0.1:7080", HTTP_FORBIDDEN},
        {"none", "http://example.org", HTTP_FORBIDDEN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request request = good();

        request.fetch_site = cases[i].site;
        request.origin = cases[i].origin;
        assert_int_equal(http_request_check(&request), cases[i].status);
    }
}

static void what_libevent_lets_through_is_refused(void **state)
{
    static const char *const paths[] = {
        "http://example.org/",
        "",
        "*",
        "/%00",
        "/a%2fb",
        "/a?b",
        "/a#b",
        "/a b",
        "/a\\b",
        "/\xff",
        "//\x01",
        "a",
        NULL,
    };
    struct http_request request = good();

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        request.path = paths[i];
        assert_int_equal(http_request_check(&request), HTTP_BAD);
    }
    request = good();
    request.has_body = true;
    assert_int_equal(http_request_check(&request), HTTP_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_loopback_are_hosts_with_any_port),
        cmocka_unit_test(other_hosts_are_refused),
        cmocka_unit_test(a_request_names_its_host_once),
        cmocka_unit_test(a_browser_asks_for_a_page_of_ours_only),
        cmocka_unit_test(what_libevent_lets_through_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
