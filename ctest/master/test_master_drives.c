#include "master/drive_kit.h"

#include "store/gcs_server.h"

static void a_driver_needs_no_slot(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t first, second;

    (void)state;
    drive_submit(user, "one");
    drive_submit(user, "two");
    first = drive_await(worker);
    second = drive_await(worker);
    assert_int_not_equal(first, second);
}

static void a_driver_waits_for_a_worker(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);

    (void)state;
    drive_submit(user, "one");
    drive_await(drive_worker(&kit, 1));
}

/* Goal: 32 on one worker and no more. Method: one job more than that; the next worker gets it. */
static void drivers_beyond_the_limit_go_to_another_worker(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = drive_worker(&kit, 1);
    char output[32];

    (void)state;
    for (int i = 0; i < 33; i++) {
        snprintf(output, sizeof output, "out-%d", i);
        drive_submit(user, output);
    }
    for (int i = 0; i < 32; i++)
        drive_await(worker);
    drive_await(drive_worker(&kit, 2));
}

static void a_driver_whose_connection_is_lost_starts_again(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t first, second;

    (void)state;
    drive_submit(user, "one");
    first = drive_await(worker);
    conn_close(worker->conn);
    worker->conn = NULL;
    second = drive_await(drive_worker(&kit, 2));
    assert_int_not_equal(first, second);
}

static void a_driver_of_an_earlier_master_is_killed_and_starts_again(void **state)
{
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t job = drive_submit(master_kit_connect(&kit, ROLE_SUBMIT), "one");
    uint64_t first = drive_await(worker);
    struct kit_join join = {.incarnation = 1, .epoch_seen = 1, .worker_id_seen = 1};
    Mrlua__AttemptKill *killed;

    (void)state;
    master_kit_kill(&kit);
    master_kit_start(&kit);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    join.job = job;
    join.run_attempt = first;
    peer_join(worker, &join, NULL);
    killed = peer_await(worker, MESSAGE_ATTEMPT_KILL, &mrlua__attempt_kill__descriptor);
    assert_int_equal(killed->attempt, first);
    message_free(killed);
    assert_int_not_equal(drive_await(worker), first);
}

static void a_cancelled_job_ends_its_driver(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = drive_worker(&kit, 1);
    Mrlua__JobCancel cancel = MRLUA__JOB_CANCEL__INIT;
    Mrlua__AttemptKill *killed;
    uint64_t attempt;

    (void)state;
    cancel.job = drive_submit(user, "one");
    attempt = drive_await(worker);
    peer_send(user, MESSAGE_JOB_CANCEL, 9, &cancel.base);
    killed = peer_await(worker, MESSAGE_ATTEMPT_KILL, &mrlua__attempt_kill__descriptor);
    assert_int_equal(killed->attempt, attempt);
    message_free(killed);
    message_free(peer_await_answer(user));
    drive_expect_end(user, cancel.job, JOB_CANCELLED);
}

static void what_a_driver_fails_with_ends_its_job(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t job = drive_submit(user, "one");
    Mrlua__JobEvent *event;

    (void)state;
    peer_failed(worker, drive_await(worker), ERR_JOB, "x.lua:3: boo");
    peer_watch(user, job);
    event = peer_await_end(user);
    assert_int_equal(event->info->status, JOB_FAILED);
    assert_non_null(strstr(event->info->error->message, "x.lua:3: boo"));
    message_free(event);
}

static uint64_t submit_with_object(void)
{
    Mrlua__SideFile file = MRLUA__SIDE_FILE__INIT;

    file.name = (char *)(uintptr_t) "stop";
    file.path = (char *)(uintptr_t) "gs://bkt/stop.txt";
    return drive_submit_with(master_kit_connect(&kit, ROLE_SUBMIT), "one", &file);
}

static void put_object(const char *text)
{
    struct gcs *gcs = gcs_open();
    struct err err;

    assert_int_equal(gcs_put_text(gcs, "bkt", "stop.txt", slice_of_string(text),
                                  &(struct gcs_put){0}, NULL, &err),
                     1);
    gcs_close(gcs);
}

/* The generation of the object that the driver is told of. */
static uint64_t await_generation(struct kit_peer *worker)
{
    Mrlua__AttemptStart *start = peer_await_start(worker);
    uint64_t generation;

    assert_int_equal(start->start->kind, MRLUA__TASK_KIND__DRIVE);
    assert_int_equal(start->start->n_files, 1);
    assert_int_equal(start->start->files[0]->size, 4);
    generation = start->start->files[0]->generation;
    message_free(start);
    return generation;
}

static void the_side_files_of_a_driver_are_looked_up_once(void **state)
{
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t generation;

    (void)state;
    put_object("this");
    submit_with_object();
    generation = await_generation(worker);
    assert_int_not_equal(generation, 0);
    put_object("that");
    master_kit_kill(&kit);
    master_kit_start(&kit);
    assert_int_equal(await_generation(drive_worker(&kit, 2)), generation);
}

static void a_driver_without_its_side_file_ends_its_job(void **state)
{
    uint64_t job;
    Mrlua__JobEvent *event;
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct gcs *gcs = gcs_open();
    struct err err;

    (void)state;
    gcs_delete(gcs, "bkt", "stop.txt", 0, &err); /* of another test */
    gcs_close(gcs);
    job = submit_with_object();
    peer_watch(user, job);
    event = peer_await_end(user);
    assert_int_equal(event->info->status, JOB_FAILED);
    assert_string_equal(event->info->error->message,
                        "side file stop: gs://bkt/stop.txt: no such object");
    message_free(event);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(a_driver_needs_no_slot),
        MASTER_TEST(a_driver_waits_for_a_worker),
        MASTER_TEST(drivers_beyond_the_limit_go_to_another_worker),
        MASTER_TEST(a_driver_whose_connection_is_lost_starts_again),
        MASTER_TEST(a_driver_of_an_earlier_master_is_killed_and_starts_again),
        MASTER_TEST(a_cancelled_job_ends_its_driver),
        MASTER_TEST(what_a_driver_fails_with_ends_its_job),
        MASTER_TEST(the_side_files_of_a_driver_are_looked_up_once),
        MASTER_TEST(a_driver_without_its_side_file_ends_its_job),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, gcs_server_begin, gcs_server_end);
}
