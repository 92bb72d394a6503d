#include "master/master_kit.h"

static void a_job_goes_from_submit_to_success(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__JobEvent *end;
    Mrlua__JobOver *over;
    uint64_t job;
    char *text;

    (void)state;
    job = peer_submit_well(user, "key", "out");
    assert_int_equal(job, 1);
    peer_watch(user, job);
    assert_int_equal(peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL), 1);
    peer_do_map(worker);
    peer_do_reduce(worker);
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_SUCCEEDED);
    assert_int_equal(end->info->parts, 1);
    assert_int_equal(end->info->part_list[0]->bytes, 4);
    assert_int_equal(end->info->split_count, 1);
    message_free(end);
    text = folder_read(&kit.folder, "out/part-00000");
    assert_string_equal(text, "a\t1\n");
    free(text);
    assert_true(folder_has(&kit.folder, "out/_SUCCESS"));
    assert_false(folder_has(&kit.folder, "out/.mrlua-claim"));
    over = peer_await(worker, MESSAGE_JOB_OVER, &mrlua__job_over__descriptor);
    assert_int_equal(over->job, job);
    message_free(over);
}

/* Reports are repeated until they are heard, and may come for attempts that nobody knows. */
static void a_report_that_comes_again_changes_nothing(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__JobEvent *end;
    uint64_t job, map;

    (void)state;
    job = peer_submit_well(user, "key", "out");
    peer_watch(user, job);
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    map = peer_do_map(worker);
    peer_done(worker, map, "");
    peer_await_heard(worker, map);
    peer_failed(worker, 12345, ERR_JOB, "who is this");
    peer_await_heard(worker, 12345);
    peer_do_reduce(worker);
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_SUCCEEDED);
    assert_int_equal(end->info->stages[STAGE_MAP]->failures, 0);
    message_free(end);
}

static void a_job_that_raises_fails_with_its_words(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__AttemptStart *start;
    Mrlua__JobEvent *end;

    (void)state;
    peer_watch(user, peer_submit_well(user, "key", "out"));
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    start = peer_await_start(worker);
    peer_failed(worker, start->start->attempt, ERR_JOB, "job.lua:3: it raised");
    peer_await_heard(worker, start->start->attempt);
    message_free(start);
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_FAILED);
    assert_string_equal(end->info->error->message, "job.lua:3: it raised");
    assert_int_equal(end->info->error->kind, ERR_JOB);
    message_free(end);
    assert_false(folder_has(&kit.folder, "out")); /* its claim is gone, and what it made */
}

static void a_line_that_a_job_prints_reaches_who_watches(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__AttemptLog log = MRLUA__ATTEMPT_LOG__INIT;
    Mrlua__AttemptStart *start;
    Mrlua__JobEvent *event;

    (void)state;
    peer_watch(user, peer_submit_well(user, "key", "out"));
    message_free(peer_await(user, MESSAGE_JOB_EVENT, &mrlua__job_event__descriptor));
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    start = peer_await_start(worker);
    log.attempt = start->start->attempt;
    log.text = (char *)(uintptr_t) "hello";
    peer_send(worker, MESSAGE_ATTEMPT_LOG, 0, &log.base);
    do {
        event = peer_await(user, MESSAGE_JOB_EVENT, &mrlua__job_event__descriptor);
        if (event->log[0])
            break;
        message_free(event);
    } while (true);
    assert_string_equal(event->log, "hello");
    message_free(event);
    message_free(start);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(a_job_goes_from_submit_to_success),
        MASTER_TEST(a_report_that_comes_again_changes_nothing),
        MASTER_TEST(a_job_that_raises_fails_with_its_words),
        MASTER_TEST(a_line_that_a_job_prints_reaches_who_watches),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
