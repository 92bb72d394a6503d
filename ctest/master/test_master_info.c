#include "master/master_kit.h"

static void a_running_job_tells_how_far_it_is(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__Heartbeat heartbeat = MRLUA__HEARTBEAT__INIT;
    Mrlua__AttemptProgress progress = MRLUA__ATTEMPT_PROGRESS__INIT, *list = &progress;
    Mrlua__Progress inner = MRLUA__PROGRESS__INIT;
    Mrlua__AttemptStart *start;
    uint64_t job;
    bool is_half = false;

    (void)state;
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    job = peer_submit_well(user, "key", "out");
    start = peer_await_start(worker);
    inner.fraction = 0.5;
    inner.records_in = 1;
    progress.attempt = start->start->attempt;
    progress.progress = &inner;
    heartbeat.n_attempts = 1;
    heartbeat.attempts = &list;
    peer_send(worker, MESSAGE_HEARTBEAT, 0, &heartbeat.base);
    peer_watch(user, job);
    while (!is_half) {
        Mrlua__JobEvent *event = peer_await(user, MESSAGE_JOB_EVENT, &mrlua__job_event__descriptor);
        const Mrlua__StageProgress *maps = event->info->stages[STAGE_MAP];

        assert_int_equal(event->info->status, JOB_RUNNING);
        assert_int_equal(maps->tasks, 1);
        assert_int_equal(maps->in_progress, 1);
        is_half = maps->bytes_done == 2 && maps->bytes == 4 && maps->records == 1;
        message_free(event);
    }
    message_free(start);
}

static void a_job_that_succeeded_tells_what_it_made(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__JobEvent *end;

    (void)state;
    peer_watch(user, peer_submit_well(user, "key", "out"));
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    peer_do_map(worker);
    peer_do_reduce(worker);
    end = peer_await_end(user);
    assert_string_equal(end->info->part_list[0]->name, "part-00000");
    assert_int_equal(end->info->part_list[0]->records, 2);
    assert_int_equal(end->info->bytes, 4);
    assert_int_equal(end->info->bytes_in, 4);
    assert_int_equal(end->info->reducer_count, 1);
    assert_string_equal(end->info->skew->keys[0]->text, "\"a\"");
    assert_int_equal(end->info->effort->n_slowest, 2);
    assert_string_equal(end->info->effort->slowest[0]->worker, "127.0.0.1");
    assert_true(end->info->effort->seconds[STAGE_PLAN] > 0);
    assert_true(end->info->effort->seconds[STAGE_COMMIT] > 0);
    assert_int_equal(end->info->effort->bytes_read, 4);
    assert_string_equal(end->info->output_folder, folder_path(&kit.folder, "out"));
    assert_true(end->info->ended_ns > end->info->submitted_ns);
    message_free(end);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(a_running_job_tells_how_far_it_is),
        MASTER_TEST(a_job_that_succeeded_tells_what_it_made),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
