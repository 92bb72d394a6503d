#include "format/publish_kit.h"

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

static int empty(void **state)
{
    (void)state;
    publish_kit_empty(&kit);
    return 0;
}

static void a_name_that_is_no_folder_is_refused(void **state)
{
    static const char *const names[] = {"gs://bkt", "gs://bkt//", "gs://b", "out"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct publish_gs out;
        struct err err;

        assert_int_equal(publish_gs_init(&out, names[i], "job-1", false, &err), -1);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_non_null(strstr(err.message, names[i]));
        publish_gs_deinit(&out);
    }
}

static void an_empty_place_is_claimed_again_and_again_by_its_job(void **state)
{
    (void)state;
    publish_kit_open(&kit, "job-1", false);
    publish_kit_claim(&kit);
    publish_kit_claim(&kit);
    assert_names(kit.out.gcs, "out/.mrlua-claim ");
}

static void the_second_job_is_refused_with_the_name_of_the_first(void **state)
{
    struct err err;

    (void)state;
    publish_kit_open(&kit, "job-1", false);
    publish_kit_claim(&kit);
    publish_kit_open(&kit, "job-2", true);
    assert_int_equal(publish_gs_claim(&kit.out, 0, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "job-1"));
    assert_non_null(strstr(err.message, "mrlua fs rm gs://bkt/out/.mrlua-claim"));
    assert_names(kit.out.gcs, "out/.mrlua-claim ");
}

/* A claim whose process is no more; only --overwrite takes it. */
static void a_stale_claim_is_taken_to_overwrite(void **state)
{
    pid_t child = fork();
    struct err err;

    (void)state;
    if (child == 0)
        _exit(0);
    publish_kit_open(&kit, "job-1", false);
    assert_int_equal(publish_gs_claim(&kit.out, (long)child, &err), 0);
    waitpid(child, NULL, 0);
    publish_kit_open(&kit, "job-2", false);
    assert_int_equal(publish_gs_claim(&kit.out, 0, &err), -1);
    assert_non_null(strstr(err.message, "--overwrite"));
    publish_kit_open(&kit, "job-2", true);
    publish_kit_claim(&kit);
    publish_kit_open(&kit, "job-3", true);
    assert_int_equal(publish_gs_claim(&kit.out, 0, &err), -1);
    assert_non_null(strstr(err.message, "job-2"));
}

/* Of a master there is no process to look at: its job goes on when it is back. */
static void a_claim_of_a_master_is_never_stale(void **state)
{
    struct err err;

    (void)state;
    publish_kit_open(&kit, "job-1", false);
    assert_int_equal(publish_gs_claim(&kit.out, 0, &err), 0);
    publish_kit_open(&kit, "job-2", true);
    assert_int_equal(publish_gs_claim(&kit.out, 0, &err), -1);
    assert_non_null(strstr(err.message, "job-1"));
}

static void what_is_not_empty_is_refused_and_left_as_it_is(void **state)
{
    struct err err;

    (void)state;
    publish_kit_open(&kit, "job-1", false);
    publish_kit_put(&kit, "out/part-00007");
    publish_kit_put(&kit, "outside");
    assert_int_equal(publish_gs_claim(&kit.out, 0, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "not empty"));
    assert_names(kit.out.gcs, "out/part-00007 outside ");
}

static void what_no_job_wrote_is_not_overwritten(void **state)
{
    struct err err;

    (void)state;
    publish_kit_open(&kit, "job-1", true);
    publish_kit_put(&kit, "out/deep/thesis");
    publish_kit_put(&kit, "out/part-00007");
    assert_int_equal(publish_gs_claim(&kit.out, 0, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "deep/thesis"));
    assert_names(kit.out.gcs, "out/deep/thesis out/part-00007 ");
}

static void a_small_part_is_a_ticket_and_a_large_one_has_a_session(void **state)
{
    (void)state;
    publish_kit_open(&kit, "job-1", false);
    publish_kit_claim(&kit);
    publish_kit_keep(&kit, 0, 7, 0);
    publish_kit_keep(&kit, 1, 8, 256 * 1024);
    assert_false(gcs_server_has_open_session(&kit.server));
    publish_kit_keep(&kit, 2, 9, 256 * 1024 + 1);
    assert_true(gcs_server_has_open_session(&kit.server));
    assert_names(kit.out.gcs, "out/.mrlua-claim out/.mrlua-job-1/part-00000.7 "
                              "out/.mrlua-job-1/part-00001.8 out/.mrlua-job-1/part-00002.9 "
                              "out/.mrlua-job-1/part-00002.9.open1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_name_that_is_no_folder_is_refused, empty),
        cmocka_unit_test_setup(an_empty_place_is_claimed_again_and_again_by_its_job, empty),
        cmocka_unit_test_setup(the_second_job_is_refused_with_the_name_of_the_first, empty),
        cmocka_unit_test_setup(a_stale_claim_is_taken_to_overwrite, empty),
        cmocka_unit_test_setup(a_claim_of_a_master_is_never_stale, empty),
        cmocka_unit_test_setup(what_is_not_empty_is_refused_and_left_as_it_is, empty),
        cmocka_unit_test_setup(what_no_job_wrote_is_not_overwritten, empty),
        cmocka_unit_test_setup(a_small_part_is_a_ticket_and_a_large_one_has_a_session, empty),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
