#include "master/master_kit.h"

static void a_folder_has_one_master(void **state)
{
    struct master_options options = {.listen = "127.0.0.1:0",
                                     .state_folder = folder_path(&kit.folder, "state"),
                                     .keys = &kit.keys};
    char pid[32];
    struct err err;

    (void)state;
    snprintf(pid, sizeof pid, "process %d", (int)kit.pid);
    assert_null(master_open(&options, kit.nursery, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, pid));
}

static void an_address_that_is_taken_is_an_error(void **state)
{
    struct master_options options = {.state_folder = folder_path(&kit.folder, "other"),
                                     .keys = &kit.keys};
    char address[32];
    struct err err;

    (void)state;
    snprintf(address, sizeof address, "127.0.0.1:%u", kit.port);
    options.listen = address;
    assert_null(master_open(&options, kit.nursery, &err));
    assert_int_equal(err.kind, ERR_SETUP);
}

static void it_ends_when_it_is_asked_to(void **state)
{
    (void)state;
    master_kit_connect(&kit, ROLE_SUBMIT);
    kill(kit.pid, SIGTERM);
    assert_int_equal(master_kit_wait(&kit), 0);
}

static void with_once_it_ends_with_its_job(void **state)
{
    struct kit_peer *user, *worker;
    Mrlua__JobEvent *end;

    (void)state;
    master_kit_kill(&kit);
    kit.once = true;
    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    peer_watch(user, peer_submit_well(user, "key", "out"));
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    peer_do_map(worker);
    peer_do_reduce(worker);
    end = peer_await_end(user); /* who watches is told before */
    assert_int_equal(end->info->status, JOB_SUCCEEDED);
    message_free(end);
    conn_close(user->conn);
    user->is_closed = true;
    assert_int_equal(master_kit_wait(&kit), 0);
}

static void with_once_a_failed_job_is_a_failure(void **state)
{
    struct kit_peer *user;

    (void)state;
    master_kit_kill(&kit);
    kit.once = true;
    master_kit_start(&kit);
    unlink(folder_path(&kit.folder, "in"));
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    peer_watch(user, peer_submit_well(user, "key", "out"));
    message_free(peer_await_end(user));
    conn_close(user->conn);
    user->is_closed = true;
    assert_int_equal(master_kit_wait(&kit), 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(a_folder_has_one_master),
        MASTER_TEST(an_address_that_is_taken_is_an_error),
        MASTER_TEST(it_ends_when_it_is_asked_to),
        MASTER_TEST(with_once_it_ends_with_its_job),
        MASTER_TEST(with_once_a_failed_job_is_a_failure),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
