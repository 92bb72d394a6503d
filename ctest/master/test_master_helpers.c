#include "master/master_kit.h"

static void a_plan_cuts_the_input(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__AttemptStart *start;

    (void)state;
    peer_submit_well(user, "key", "out");
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    start = peer_await_start(worker);
    assert_int_equal(start->start->n_pieces, 1);
    assert_int_equal(start->start->pieces[0]->length, 4);
    assert_string_equal(start->start->pieces[0]->path, folder_path(&kit.folder, "in"));
    assert_int_equal(start->start->partition_count, 1);
    assert_int_equal(start->map_count, 1);
    assert_string_equal(start->start->result_path, "");
    message_free(start);
}

static void an_input_that_is_not_there_ends_the_job(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobEvent *end;

    (void)state;
    assert_int_equal(unlink(folder_path(&kit.folder, "in")), 0);
    peer_watch(user, peer_submit_well(user, "key", "out"));
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_FAILED);
    assert_non_null(strstr(end->info->error->message, "No such file"));
    assert_true(end->info->error_is_setup);
    message_free(end);
    assert_false(folder_has(&kit.folder, "out"));
}

/* Goal: a commit that cannot be made is told. Method: the part is gone before it. */
static void a_commit_without_its_part_fails(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__AttemptStart *start;
    Mrlua__JobStatusAnswer *answer;
    uint64_t job;

    (void)state;
    job = peer_submit_well(user, "key", "out");
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    peer_do_map(worker);
    start = peer_await_start(worker);
    peer_fetched(worker, start->start->attempt);
    peer_await_heard(worker, start->start->attempt);
    peer_done(worker, start->start->attempt, start->start->result_path); /* wrote nothing */
    message_free(start);
    for (bool has_failed = false; !has_failed;) {
        has_failed = peer_status(user, job, &answer)->stages[STAGE_COMMIT]->failures > 0;
        message_free(answer);
    }
    assert_false(folder_has(&kit.folder, "out/_SUCCESS"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(a_plan_cuts_the_input),
        MASTER_TEST(an_input_that_is_not_there_ends_the_job),
        MASTER_TEST(a_commit_without_its_part_fails),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
