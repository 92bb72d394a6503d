/*
 * The page of a master: who may ask, and what it says of jobs and workers.
 */
#include "master/page_kit.h"

static void the_token_opens_the_page_and_nothing_else_does(void **state)
{
    static const char *const closed[] = {
        "/",
        "/page.js",
        "/api/overview",
        "//api/overview",
        "/00000000000000000000000000000000/",
        "/0000000000000000000000000000000/",
    };
    char shorter[128];

    (void)state;
    assert_int_equal(page_get(""), 200);
    assert_memory_equal(http_body(&answer), "<!doctype html>", 15);
    assert_int_equal(page_get("page.css"), 200);
    assert_int_equal(page_get("page.txt"), 404);
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        http_get(page.port, closed[i], &answer);
        assert_int_equal(http_status(&answer), 404);
    }
    for (size_t len = 0; len <= strlen(page.token); len++) { /* without the slash behind it */
        snprintf(shorter, sizeof shorter, "/%.*s", (int)len, page.token);
        http_get(page.port, shorter, &answer);
        assert_int_equal(http_status(&answer), 404);
    }
}

static void the_address_is_the_same_after_a_restart(void **state)
{
    char token[sizeof page.token];

    (void)state;
    memcpy(token, page.token, sizeof token);
    master_kit_kill(&kit);
    master_kit_start(&kit);
    page_kit_read();
    assert_string_equal(page.token, token);
    assert_int_equal(page_get("api/overview"), 200);
}

static void an_overview_has_jobs_and_workers(void **state)
{
    struct kit_peer *client = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);

    (void)state;
    assert_int_equal(page_get("api/overview"), 200);
    assert_true(http_has(&answer, "\"jobs\":[]"));
    assert_true(http_has(&answer, "\r\nContent-Type: application/json\r\n"));
    peer_join(worker, &(struct kit_join){.incarnation = 1}, NULL);
    peer_submit_well(client, "k", "out");
    page_await("api/overview", "\"status\":\"running\"");
    assert_true(http_has(&answer, "\"jobs\":[{\"id\":1,\"name\":\"job\","));
    page_await("api/overview", "\"state\":\"ready\",\"slots\":1,\"running\":1");
}

static void a_job_has_its_tasks_and_attempts_while_it_runs_and_after(void **state)
{
    struct kit_peer *client = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    uint64_t job = peer_submit_well(client, "k", "out");

    (void)state;
    page_await("api/job/1", "\"states\":{\"map\":\".\",\"reduce\":\".\"}");
    peer_join(worker, &(struct kit_join){.incarnation = 1}, NULL);
    page_await("api/job/1", "\"map\":\">\"");
    assert_true(http_has(&answer, "\"running\":[[1,0,1,")); /* map 0 on worker 1 */
    peer_watch(client, job);
    peer_do_map(worker);
    page_await("api/job/1", "\"map\":\"#\"");
    peer_do_reduce(worker);
    message_free(peer_await_end(client));
    page_await("api/job/1", "\"status\":\"succeeded\"");
    assert_false(http_has(&answer, "\"running\":"));
    page_await("api/attempts/1/0", "\"first\":0,\"from\":0,\"count\":4,\"items\":[[0,0,-1,");
    page_await("api/attempts/1/3", "\"from\":3,\"count\":4,\"items\":[[3,0,-1,"); /* the commit */
    page_await("api/attempts/1/9", "\"count\":4,\"items\":[]}");
}

static void an_error_comes_with_its_context(void **state)
{
    struct kit_peer *client = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__AttemptStart *start;

    (void)state;
    peer_submit_well(client, "k", "out");
    peer_join(worker, &(struct kit_join){.incarnation = 1}, NULL);
    start = peer_await_start(worker);
    peer_failed(worker, start->start->attempt, ERR_JOB, "<script>alert(1)</script>\n\"\xff");
    peer_await_heard(worker, start->start->attempt);
    message_free(start);
    page_await("api/job/1", "\"status\":\"failed\"");
    assert_true(http_has(&answer, "\"error\":{\"kind\":\"job\",\"message\":\"<script>alert(1)"
                                  "</script> \\\"\xef\xbf\xbd\"}"));
}

static void what_is_not_there_is_said_to_be_not_there(void **state)
{
    static const char *const nothing[] = {
        "api/job/1",
        "api/job/",
        "api/job/x",
        "api/job/1x",
        "api/job/-1",
        "api/attempts/1/0",
        "api/attempts/1",
        "api/attempts/1/0/",
        "api/",
        "api/other",
        "api/job/99999999999999999999999999",
        "api/job/1000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        assert_int_equal(page_get(nothing[i]), 404);
}

static void a_master_without_the_port_goes_on_only_if_nobody_asked_for_it(void **state)
{
    struct buf address = {0};
    char http[32];
    struct master_options options = {.listen = "127.0.0.1:0",
                                     .state_folder = folder_path(&kit.folder, "other"),
                                     .http = http,
                                     .keys = &kit.keys};
    struct master *master;
    struct err err;

    (void)state;
    snprintf(http, sizeof http, "127.0.0.1:%u", page.port);
    assert_null(master_open(&options, kit.nursery, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, http));
    options.http_may_fail = true;
    options.state_folder = folder_path(&kit.folder, "other");
    master = master_open(&options, kit.nursery, &err);
    assert_non_null(master);
    assert_false(master_page_address(master, &address));
    master_close(master);
    buf_deinit(&address);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(the_token_opens_the_page_and_nothing_else_does),
        PAGE_TEST(the_address_is_the_same_after_a_restart),
        PAGE_TEST(an_overview_has_jobs_and_workers),
        PAGE_TEST(a_job_has_its_tasks_and_attempts_while_it_runs_and_after),
        PAGE_TEST(an_error_comes_with_its_context),
        PAGE_TEST(what_is_not_there_is_said_to_be_not_there),
        PAGE_TEST(a_master_without_the_port_goes_on_only_if_nobody_asked_for_it),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
