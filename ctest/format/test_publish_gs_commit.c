#include "format/publish_kit.h"

#include "base/clock.h"

#define WHOLE "out/_SUCCESS out/_bad.jsonl out/part-00000 out/part-00001 "

static struct publish_kit kit;

static int start(void **state)
{
    (void)state;
    gcs_server_start(&kit.server);
    publish_kit_open(&kit, "job-1", false);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    publish_gs_deinit(&kit.out);
    gcs_server_stop(&kit.server);
    return 0;
}

static void drop_faults(void)
{
    char answer[4096];

    gcs_server_control(&kit.server, "DELETE", "faults", "", answer, sizeof answer);
}

static int empty(void **state)
{
    (void)state;
    drop_faults();
    publish_kit_empty(&kit);
    return 0;
}

/* A small part and a large one, and an attempt at each that lost. Records were set aside. */
static void begin(bool overwrite)
{
    publish_kit_open(&kit, "job-1", overwrite);
    kit.out.bad = slice_of_string("{}\n");
    publish_kit_claim(&kit);
    publish_kit_keep(&kit, 0, 3, PUBLISH_KIT_SMALL);
    publish_kit_keep(&kit, 1, 4, PUBLISH_KIT_LARGE);
    publish_kit_keep(&kit, 0, 7, PUBLISH_KIT_SMALL);
    publish_kit_keep(&kit, 1, 8, PUBLISH_KIT_LARGE);
}

static void parts_get_their_names_and_nothing_else_is_left(void **state)
{
    (void)state;
    begin(false);
    publish_kit_must_commit(&kit);
    assert_names(kit.out.gcs, WHOLE);
    publish_kit_check(&kit);
}

static void parts_have_the_suffix_that_readers_know_them_by(void **state)
{
    (void)state;
    publish_kit_open(&kit, "job-1", false);
    kit.suffix = ".gz";
    publish_kit_claim(&kit);
    publish_kit_keep(&kit, 0, 3, PUBLISH_KIT_SMALL);
    publish_kit_keep(&kit, 1, 4, PUBLISH_KIT_LARGE);
    publish_kit_must_commit(&kit);
    assert_names(kit.out.gcs, "out/_SUCCESS out/part-00000.gz out/part-00001.gz ");
    publish_kit_check(&kit);
}

static void a_part_of_a_further_output_is_kept_lost_and_made_again_like_any_other(void **state)
{
    uint32_t lost = 99;
    struct err err;

    (void)state;
    publish_kit_open(&kit, "job-1", false);
    publish_kit_claim(&kit);
    publish_kit_keep(&kit, 0, 7, PUBLISH_KIT_SMALL);
    kit.output = "errors";
    publish_kit_keep(&kit, 1, 8, PUBLISH_KIT_LARGE);
    assert_int_equal(gcs_delete(kit.out.gcs, "bkt", "out/.mrlua-job-1/errors-00001.8", 0, &err), 1);
    assert_int_equal(publish_kit_commit(&kit, &lost, &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    assert_int_equal(lost, 1);
    assert_non_null(strstr(err.message, "out/errors-00001, attempt 8"));
    publish_kit_keep(&kit, 1, 12, PUBLISH_KIT_LARGE);
    publish_kit_must_commit(&kit);
    assert_names(kit.out.gcs, "out/_SUCCESS out/errors-00001 out/part-00000 ");
    publish_kit_check(&kit);
}

static void a_commit_that_is_done_is_done_again_without_a_change(void **state)
{
    struct gcs_object before, after;
    struct err err;

    (void)state;
    begin(false);
    publish_kit_must_commit(&kit);
    assert_int_equal(gcs_stat(kit.out.gcs, "bkt", "out/part-00001", 0, &before, &err), 1);
    publish_kit_must_commit(&kit);
    assert_int_equal(gcs_stat(kit.out.gcs, "bkt", "out/part-00001", 0, &after, &err), 1);
    assert_int_equal(before.generation, after.generation);
    assert_names(kit.out.gcs, WHOLE);
    gcs_object_deinit(&before);
    gcs_object_deinit(&after);
}

/* In a process of its own, so that it can be killed. */
static pid_t start_commit(void)
{
    pid_t helper = fork();

    assert_true(helper >= 0);
    if (helper == 0) {
        uint32_t lost;
        struct err err;

        kit.out.gcs = gcs_open(); /* a client is of one process */
        _exit(publish_kit_commit(&kit, &lost, &err) == 0 ? 0 : 1);
    }
    return helper;
}

/* True: it waits for the answer of a request that the server has done. False: it has ended well. */
static bool is_held(pid_t helper)
{
    uint64_t until_ns = clock_monotonic_ns() + GCS_SERVER_START_MS * NS_PER_MS;
    char answer[4096];
    int status;

    while (clock_monotonic_ns() < until_ns) {
        gcs_server_control(&kit.server, "GET", "faults", "", answer, sizeof answer);
        if (strstr(answer, "\"taken\": 1"))
            return true;
        if (waitpid(helper, &status, WNOHANG) == helper) {
            assert_int_equal(status, 0);
            return false;
        }
    }
    fail_msg("the commit neither ends nor is held");
    return false;
}

/* Killed while it waits for the answer of its n-th request, whatever that is: the deed is done. */
static void a_commit_that_is_killed_anywhere_is_finished_by_another(void **state)
{
    bool was_held = true;
    int nth;

    (void)state;
    for (nth = 1; was_held; nth++) {
        char rule[256];
        pid_t helper;

        empty(NULL);
        publish_kit_put(&kit, "out/_SUCCESS");
        publish_kit_put(&kit, "out/part-00001");
        publish_kit_put(&kit, "out/part-00002");
        begin(true);
        snprintf(rule, sizeof rule,
                 "{\"match\":{\"nth\":%d},\"action\":{\"stall_after\":0,\"stall_seconds\":60}}",
                 nth);
        gcs_server_fault(&kit.server, rule);
        helper = start_commit();
        was_held = is_held(helper);
        if (was_held) {
            kill(helper, SIGKILL);
            waitpid(helper, NULL, 0);
        }
        drop_faults();
        publish_kit_must_commit(&kit);
        assert_names(kit.out.gcs, WHOLE);
        publish_kit_check(&kit);
    }
    assert_true(nth > 20); /* or it was not asked often enough to be believed */
}

static void what_was_there_goes_and_what_came_since_stays(void **state)
{
    (void)state;
    publish_kit_put(&kit, "out/_SUCCESS");
    publish_kit_put(&kit, "out/part-00000");
    publish_kit_put(&kit, "out/part-00001");
    publish_kit_put(&kit, "out/part-00002");
    publish_kit_put(&kit, "out/.mrlua-job-0/old");
    begin(true);
    publish_kit_put(&kit, "out/since");
    publish_kit_must_commit(&kit);
    assert_names(kit.out.gcs, WHOLE "out/since ");
    publish_kit_check(&kit);
}

/* --overwrite is for what was listed, not for what somebody writes meanwhile. */
static void a_part_that_somebody_else_has_written_is_not_replaced(void **state)
{
    uint32_t lost;
    struct err err;

    (void)state;
    publish_kit_put(&kit, "out/part-00000");
    begin(true);
    publish_kit_put(&kit, "out/part-00000");
    assert_int_equal(publish_kit_commit(&kit, &lost, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "somebody else"));
}

static void a_ticket_that_is_gone_is_that_part_lost(void **state)
{
    uint32_t lost = 99;
    struct err err;

    (void)state;
    begin(false);
    assert_int_equal(gcs_delete(kit.out.gcs, "bkt", "out/.mrlua-job-1/part-00000.7", 0, &err), 1);
    assert_int_equal(publish_kit_commit(&kit, &lost, &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    assert_int_equal(lost, 0);
    publish_kit_keep(&kit, 0, 11, PUBLISH_KIT_SMALL); /* the reduce, again */
    publish_kit_must_commit(&kit);
    assert_names(kit.out.gcs, WHOLE);
    publish_kit_check(&kit);
}

static void a_session_that_is_gone_is_that_part_lost(void **state)
{
    uint32_t lost = 99;
    struct err err;

    (void)state;
    begin(false);
    gcs_server_fault(&kit.server,
                     "{\"match\":{\"operation\":\"objects.insert.resumable\",\"method\":"
                     "\"PUT\"},\"actions\":[{\"status\":503},{\"gone\":410}]}");
    assert_int_equal(publish_kit_commit(&kit, &lost, &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    assert_int_equal(lost, 1);
    publish_kit_keep(&kit, 1, 12, PUBLISH_KIT_LARGE);
    publish_kit_must_commit(&kit);
    assert_names(kit.out.gcs, WHOLE);
    publish_kit_check(&kit);
}

/* The bytes were finished, and the answer was lost: the object itself says whose it is. */
static void a_lost_answer_of_the_last_bytes_is_no_loss(void **state)
{
    char answer[4096];

    (void)state;
    begin(false);
    gcs_server_fault(&kit.server, "{\"match\":{\"operation\":\"objects.insert\",\"object\":"
                                  "\"^out/part-\"},\"actions\":[{\"reset\":\"after\"},{\"reset\":"
                                  "\"after\"}]}");
    publish_kit_must_commit(&kit);
    gcs_server_control(&kit.server, "GET", "faults", "", answer, sizeof answer);
    assert_non_null(strstr(answer, "\"taken\": 2"));
    assert_names(kit.out.gcs, WHOLE);
    publish_kit_check(&kit);
}

static void giving_up_leaves_nothing_and_no_open_session(void **state)
{
    struct err err;

    (void)state;
    begin(false);
    publish_kit_put(&kit, "out/not ours");
    assert_int_equal(publish_gs_abort(&kit.out, &err), 0);
    assert_names(kit.out.gcs, "out/not ours ");
    assert_false(gcs_server_has_open_session(&kit.server));
    assert_int_equal(publish_gs_abort(&kit.out, &err), 0);
}

/* A job that never had the output: what another has there is not its own. */
static void giving_up_takes_nothing_of_another_job(void **state)
{
    struct err err;

    (void)state;
    begin(false);
    publish_kit_open(&kit, "job-2", false);
    assert_int_equal(publish_gs_abort(&kit.out, &err), 0);
    publish_kit_open(&kit, "job-1", false);
    publish_kit_must_commit(&kit);
    publish_kit_check(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(parts_get_their_names_and_nothing_else_is_left, empty),
        cmocka_unit_test_setup(parts_have_the_suffix_that_readers_know_them_by, empty),
        cmocka_unit_test_setup(
            a_part_of_a_further_output_is_kept_lost_and_made_again_like_any_other, empty),
        cmocka_unit_test_setup(a_commit_that_is_done_is_done_again_without_a_change, empty),
        cmocka_unit_test_setup(a_commit_that_is_killed_anywhere_is_finished_by_another, empty),
        cmocka_unit_test_setup(what_was_there_goes_and_what_came_since_stays, empty),
        cmocka_unit_test_setup(a_part_that_somebody_else_has_written_is_not_replaced, empty),
        cmocka_unit_test_setup(a_ticket_that_is_gone_is_that_part_lost, empty),
        cmocka_unit_test_setup(a_session_that_is_gone_is_that_part_lost, empty),
        cmocka_unit_test_setup(a_lost_answer_of_the_last_bytes_is_no_loss, empty),
        cmocka_unit_test_setup(giving_up_leaves_nothing_and_no_open_session, empty),
        cmocka_unit_test_setup(giving_up_takes_nothing_of_another_job, empty),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
