#include "master/master_kit.h"

/* Goal: whatever anybody was told survives. Method: the master is killed as soon as it has told. */
static void what_was_told_was_journaled(void **state)
{
    struct kit_peer *user, *worker;
    struct kit_join join = {.incarnation = 3};
    Mrlua__JobStatusAnswer *answer;

    (void)state;
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    join.job = peer_submit_well(user, "key", "out");
    master_kit_kill(&kit);

    master_kit_start(&kit);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    join.worker_id_seen = peer_join(worker, &join, &join.epoch_seen);
    join.held_attempt = peer_do_map(worker); /* ends when it is heard */
    master_kit_kill(&kit);

    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    assert_int_equal(peer_status(user, join.job, &answer)->stages[STAGE_MAP]->completed, 1);
    message_free(answer);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    peer_join(worker, &join, NULL);
    peer_do_reduce(worker);
    peer_watch(user, join.job);
    message_free(peer_await_end(user));
    master_kit_kill(&kit);

    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    assert_int_equal(peer_status(user, join.job, &answer)->status, JOB_SUCCEEDED);
    message_free(answer);
    assert_true(folder_has(&kit.folder, "out/_SUCCESS"));
}

/* Goal: an idle master's journal does not grow with restarts and workers. */
static void a_journal_of_nothing_stays_small(void **state)
{
    struct stat before, after;

    (void)state;
    for (int i = 0; i < 30; i++) {
        struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);

        peer_join(worker, &(struct kit_join){.incarnation = (uint64_t)i + 1}, NULL);
        kill(kit.pid, SIGTERM);
        assert_int_equal(master_kit_wait(&kit), 0);
        kit_drop_peers(&kit);
        if (i == 5)
            assert_int_equal(stat(folder_path(&kit.folder, "state/journal.db"), &before), 0);
        master_kit_start(&kit);
    }
    kill(kit.pid, SIGTERM);
    assert_int_equal(master_kit_wait(&kit), 0);
    assert_int_equal(stat(folder_path(&kit.folder, "state/journal.db"), &after), 0);
    assert_int_equal(after.st_size, before.st_size);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(what_was_told_was_journaled),
        MASTER_TEST(a_journal_of_nothing_stays_small),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
