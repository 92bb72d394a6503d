#include "master/master_kit.h"

#include "store/gcs_server.h"

static void cancel(struct kit_peer *user, uint64_t job)
{
    Mrlua__JobCancel message = MRLUA__JOB_CANCEL__INIT;

    message.job = job;
    peer_send(user, MESSAGE_JOB_CANCEL, 77, &message.base);
}

/* Who watches hears of the end when the output is gone, not before: from before the job ended on,
 * or since. */
static void expect_end_behind_output(bool watches_before)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    uint64_t job = peer_submit_well(user, "key", "out");
    Mrlua__JobEvent *end;

    assert_true(folder_has(&kit.folder, "out/.mrlua-claim"));
    folder_write(&kit.folder, "out/part-00000", "part", 4);
    if (watches_before)
        peer_watch(user, job);
    cancel(user, job);
    if (!watches_before)
        peer_watch(user, job);
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_CANCELLED);
    message_free(end);
    assert_false(folder_has(&kit.folder, "out"));
}

static void an_end_is_told_when_the_output_is_gone(void **state)
{
    (void)state;
    expect_end_behind_output(true);
}

static void who_comes_late_is_not_told_before(void **state)
{
    (void)state;
    expect_end_behind_output(false);
}

/* Has the store made the claim, whatever became of it? */
static bool was_claimed(void)
{
    static char answer[1 << 20];

    gcs_server_control(&group_server, "GET", "requests?operation=objects.insert&status=200", "",
                       answer, sizeof answer);
    return strstr(answer, ".mrlua-claim");
}

/* Claimed by a helper; what the job had made in the store goes before its end is told, even what
 * was under way when the job was cancelled: here the claim, for which the store takes its time. */
static void an_output_in_the_store_is_gone_before_the_end_is_told(void **state)
{
    static const struct gcs_metadata ANOTHERS = {"mrlua-job", "another"};
    struct gcs_put put = {.metadata = &ANOTHERS, .metadata_count = 1};
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct gcs *gcs = gcs_open();
    Mrlua__JobEvent *end;
    uint64_t job;
    struct err err;

    (void)state;
    gcs_server_fault(&group_server,
                     "{\"match\":{\"operation\":\"objects.insert\",\"object\":\"claim\"},"
                     "\"actions\":[{\"delay\":1}]}");
    assert_int_equal(gcs_put_text(gcs, "bkt", "outside", slice_of_string("x"), &put, NULL, &err),
                     1);
    job = peer_submit_well(user, "key", "gs://bkt/out");
    gcs_server_await_taken(&group_server);
    cancel(user, job);
    peer_watch(user, job);
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_CANCELLED);
    message_free(end);
    assert_true(was_claimed()); /* nothing is on its way any more */
    assert_names(gcs, "outside ");
    assert_false(gcs_server_has_open_session(&group_server));
    gcs_close(gcs);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(an_end_is_told_when_the_output_is_gone),
        MASTER_TEST(who_comes_late_is_not_told_before),
        MASTER_TEST(an_output_in_the_store_is_gone_before_the_end_is_told),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, gcs_server_begin, gcs_server_end);
}
