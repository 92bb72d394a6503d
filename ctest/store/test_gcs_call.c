#include "store/gcs_call.h"

#include "folder.h"
#include "store/gcs_kit.h"

#define TOKEN(text, lifetime)                                                                      \
    "HTTP/1.1 200 OK\r\nContent-Length: @\r\nMetadata-Flavor: Google\r\n\r\n"                      \
    "{\"access_token\":\"" text "\",\"expires_in\":" lifetime ",\"token_type\":\"Bearer\"}"

/* A client with the credentials of a machine: the kit is its metadata server and the service. */
static struct gcs *open_with_token(const struct gcs_kit *kit)
{
    char host[64];

    unsetenv("STORAGE_EMULATOR_HOST");
    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    setenv("CLOUDSDK_CONFIG", "/nonexistent", 1);
    snprintf(host, sizeof host, "127.0.0.1:%d", kit->port);
    setenv("GCE_METADATA_HOST", host, 1);
    snprintf(host, sizeof host, "http://127.0.0.1:%d/storage/v1/", kit->port);
    setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", host, 1);
    return gcs_open();
}

static int ask(struct gcs *gcs, const char *object, int *status, struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    int rc;

    call.http.method = "GET";
    gcs_url_object(gcs, &call.url, "bkt", object);
    rc = gcs_call_run(gcs, &call, err);
    *status = call.http.status;
    gcs_call_deinit(gcs, &call);
    return rc;
}

static void a_token_is_asked_for_once_and_sent_with_every_request(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /computeMetadata/v1/instance/service-accounts/default/token", TOKEN("t1", "3600"), 0,
         0},
        {"GET /storage/v1/b/bkt/o/a", GCS_EMPTY("200 OK"), 0, 0},
        {"GET /storage/v1/b/bkt/o/b", GCS_EMPTY("200 OK"), 0, 0},
    };
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;
    int status;

    (void)state;
    gcs_kit_start(&kit, script, 3);
    gcs = open_with_token(&kit);
    assert_int_equal(ask(gcs, "a", &status, &err), 0);
    assert_int_equal(ask(gcs, "b", &status, &err), 0);
    assert_int_equal(status, 200);
    assert_kit_done(&kit, 3);
    assert_asked(&kit, 0, "Metadata-Flavor: Google\r\n");
    assert_null(strstr(gcs_kit_request(&kit, 0), "Authorization"));
    assert_asked(&kit, 1, "Authorization: Bearer t1\r\n");
    assert_asked(&kit, 2, "Authorization: Bearer t1\r\n");
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void a_401_gets_one_new_token_and_a_second_one_is_the_answer(void **state)
{
    static const struct gcs_answer script[] = {
        {"/token", TOKEN("t1", "3600"), 0, 0},    {"Bearer t1", GCS_EMPTY("401 No"), 0, 0},
        {"/token", TOKEN("t2", "3600"), 0, 0},    {"Bearer t2", GCS_EMPTY("200 OK"), 0, 0},
        {"Bearer t2", GCS_EMPTY("401 No"), 0, 0}, {"/token", TOKEN("t3", "3600"), 0, 0},
        {"Bearer t3", GCS_EMPTY("401 No"), 0, 0},
    };
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;
    int status;

    (void)state;
    gcs_kit_start(&kit, script, 7);
    gcs = open_with_token(&kit);
    assert_int_equal(ask(gcs, "a", &status, &err), 0);
    assert_int_equal(status, 200);
    assert_int_equal(ask(gcs, "a", &status, &err), 0);
    assert_int_equal(status, 401);
    assert_kit_done(&kit, 7);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

/* 3 min 45 s before its end, and not before half its life is over. */
static void a_token_near_its_end_is_replaced_before_it_is_used(void **state)
{
    static const struct gcs_answer script[] = {
        {"/token", TOKEN("t1", "1"), 0, 0},
        {"Bearer t1", GCS_EMPTY("200 OK"), 0, 0},
        {"/token", TOKEN("t2", "3600"), 0, 0},
        {"Bearer t2", GCS_EMPTY("200 OK"), 0, 0},
    };
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;
    uint64_t start_ns;
    int status;

    (void)state;
    gcs_kit_start(&kit, script, 4);
    gcs = open_with_token(&kit);
    assert_int_equal(ask(gcs, "a", &status, &err), 0);
    start_ns = clock_monotonic_ns();
    while (clock_monotonic_ns() - start_ns < NS_PER_S)
        assert_int_equal(gcs_poll(gcs, NULL, 0, 100, &err), 0);
    assert_int_equal(ask(gcs, "a", &status, &err), 0);
    assert_int_equal(status, 200);
    assert_kit_done(&kit, 4);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void check_no_token(const char *answer, const char *said)
{
    const struct gcs_answer script[] = {{"/token", answer, 0, 0}};
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;
    int status;

    gcs_kit_start(&kit, script, 1);
    gcs = open_with_token(&kit);
    assert_int_equal(ask(gcs, "a", &status, &err), -1);
    if (!strstr(err.message, said))
        print_error("%s\n", err.message);
    assert_non_null(strstr(err.message, said));
    assert_kit_done(&kit, 1);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void without_a_token_requests_fail_and_say_why(void **state)
{
    (void)state;
    check_no_token(GCS_EMPTY("404 None"), "answers HTTP 404 instead of a token");
    check_no_token(GCS_BODY("200 OK", "{\"access_token\":\"a\",\"expires_in\":9}"),
                   "is no metadata server");
    check_no_token("HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nContent-Length: 2\r\n\r\n{}",
                   "is no token");
}

static void without_any_credentials_the_three_ways_are_named(void **state)
{
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;
    int status;

    (void)state;
    gcs_kit_start(&kit, NULL, 0);
    gcs_kit_stop(&kit);
    gcs = open_with_token(&kit); /* nobody listens there any more */
    assert_int_equal(ask(gcs, "a", &status, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "no Google credentials: GOOGLE_APPLICATION_CREDENTIALS"));
    gcs_close(gcs);
}

static void extra_headers_go_to_the_service_and_nobody_else(void **state)
{
    static const struct gcs_answer script[] = {
        {"/token", TOKEN("t1", "3600"), 0, 0},
        {"/o/a", GCS_EMPTY("200 OK"), 0, 0},
    };
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;
    int status;

    (void)state;
    setenv("MRLUA_GCS_EXTRA_HEADERS", "x-retry-test-id: 5\nx-two: 2", 1);
    gcs_kit_start(&kit, script, 2);
    gcs = open_with_token(&kit);
    unsetenv("MRLUA_GCS_EXTRA_HEADERS");
    assert_int_equal(ask(gcs, "a", &status, &err), 0);
    assert_kit_done(&kit, 2);
    assert_null(strstr(gcs_kit_request(&kit, 0), "x-retry-test-id"));
    assert_asked(&kit, 1, "x-retry-test-id: 5\r\nx-two: 2\r\nAuthorization: Bearer t1\r\n");
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void an_emulator_is_named_with_and_without_a_scheme_and_gets_no_token(void **state)
{
    static const struct gcs_answer script[] = {
        {"/storage/v1/b/bkt/o/a", GCS_EMPTY("200 OK"), 0, 0},
        {"/storage/v1/b/bkt/o/a", GCS_EMPTY("200 OK"), 0, 0},
        {"/storage/v1/b/bkt/o/a", GCS_EMPTY("401 No"), 0, 0},
    };
    struct gcs_kit kit;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 3);
    for (int i = 0; i < 3; i++) {
        static const char *const forms[] = {"127.0.0.1:%d", "http://127.0.0.1:%d/",
                                            "http://127.0.0.1:%d"};
        char host[64];
        struct gcs *gcs;
        int status;

        snprintf(host, sizeof host, forms[i], kit.port);
        setenv("STORAGE_EMULATOR_HOST", host, 1);
        gcs = gcs_open();
        assert_int_equal(ask(gcs, "a", &status, &err), 0);
        assert_int_equal(status, i == 2 ? 401 : 200); /* there is no token to get anew */
        assert_null(strstr(gcs_kit_request(&kit, (uint32_t)i), "Authorization"));
        gcs_close(gcs);
    }
    assert_kit_done(&kit, 3);
    gcs_kit_stop(&kit);
}

/* The last test: from here on this process has a page. */
static void a_token_is_shared_by_clients_but_one_that_is_refused_is_not(void **state)
{
    static const struct gcs_answer script[] = {
        {"/token", TOKEN("t1", "3600"), 0, 0},    {"Bearer t1", GCS_EMPTY("200 OK"), 0, 0},
        {"Bearer t1", GCS_EMPTY("200 OK"), 0, 0}, {"Bearer t1", GCS_EMPTY("401 No"), 0, 0},
        {"/token", TOKEN("t2", "3600"), 0, 0},    {"Bearer t2", GCS_EMPTY("200 OK"), 0, 0},
        {"Bearer t1", GCS_EMPTY("401 No"), 0, 0}, {"Bearer t2", GCS_EMPTY("200 OK"), 0, 0},
    };
    struct gcs_kit kit;
    struct gcs *first, *second;
    struct err err;
    int status;

    (void)state;
    gcs_prepare();
    gcs_kit_start(&kit, script, 8);
    first = open_with_token(&kit);
    second = open_with_token(&kit);
    assert_int_equal(ask(first, "a", &status, &err), 0);
    assert_int_equal(ask(second, "a", &status, &err), 0);
    assert_int_equal(ask(second, "a", &status, &err), 0); /* refused: it gets another */
    assert_int_equal(ask(first, "a", &status, &err), 0);  /* refused: it takes that one */
    assert_int_equal(status, 200);
    assert_kit_done(&kit, 8);
    gcs_close(first);
    gcs_close(second);
    gcs_kit_stop(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_asked_for_once_and_sent_with_every_request),
        cmocka_unit_test(a_401_gets_one_new_token_and_a_second_one_is_the_answer),
        cmocka_unit_test(a_token_near_its_end_is_replaced_before_it_is_used),
        cmocka_unit_test(without_a_token_requests_fail_and_say_why),
        cmocka_unit_test(without_any_credentials_the_three_ways_are_named),
        cmocka_unit_test(extra_headers_go_to_the_service_and_nobody_else),
        cmocka_unit_test(an_emulator_is_named_with_and_without_a_scheme_and_gets_no_token),
        cmocka_unit_test(a_token_is_shared_by_clients_but_one_that_is_refused_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
