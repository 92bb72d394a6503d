#include "master/master_kit.h"

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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(an_end_is_told_when_the_output_is_gone),
        MASTER_TEST(who_comes_late_is_not_told_before),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
