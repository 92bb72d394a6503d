/*
 * What /metrics says of a master that does a job.
 */
#include "master/page_kit.h"

static void a_job_is_seen_from_its_submit_to_its_end(void **state)
{
    struct kit_peer *client = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker;
    uint64_t job = peer_submit_well(client, "k", "out");

    (void)state;
    metrics_await("\nmrlua_pending_tasks 1\n");
    assert_true(http_has(&answer, "\nmrlua_pending_tasks_per_slot 1\n")); /* there is no slot */
    assert_true(http_has(&answer, "\nmrlua_jobs{status=\"running\"} 1\n"));
    assert_true(http_has(&answer, "\nmrlua_tasks{stage=\"map\",state=\"idle\"} 1\n"));
    assert_true(http_has(&answer, "\nmrlua_clients 1\n"));

    worker = master_kit_connect(&kit, ROLE_WORKER);
    peer_join(worker, &(struct kit_join){.incarnation = 1}, NULL);
    metrics_await("\nmrlua_slots_used 1\n");
    assert_true(http_has(&answer, "\nmrlua_workers{state=\"ready\"} 1\n"));
    assert_true(http_has(&answer, "\nmrlua_pending_tasks 0\n"));

    peer_watch(client, job);
    peer_do_map(worker);
    peer_do_reduce(worker);
    message_free(peer_await_end(client));
    metrics_await("\nmrlua_jobs_ended_total{status=\"succeeded\"} 1\n");
    assert_true(http_has(&answer, "\nmrlua_attempt_duration_seconds_count{stage=\"map\"} 1\n"));
    assert_true(http_has(&answer, "\nmrlua_attempt_duration_seconds_count{stage=\"plan\"} 1\n"));
    assert_true(http_has(&answer, "\nmrlua_attempt_duration_seconds_count{stage=\"commit\"} 1\n"));
    assert_true(http_has(&answer, "\nmrlua_fetch_duration_seconds_count{} 1\n"));
    assert_true(http_has(&answer, "\nmrlua_output_bytes_total 4\n"));
    assert_false(http_has(&answer, "\nmrlua_journal_bytes 0\n"));
    assert_false(http_has(&answer, "\nprocess_resident_memory_bytes 0\n"));
    assert_false(http_has(&answer, "\nprocess_open_fds 0\n"));
}

/* It is read without a token, so it says nothing that a user has named. */
static void no_word_of_a_user_is_in_it(void **state)
{
    struct kit_peer *client = master_kit_connect(&kit, ROLE_SUBMIT);

    (void)state;
    peer_submit_well(client, "secretkey", "secretoutput");
    metrics_await("\nmrlua_pending_tasks 1\n");
    assert_false(http_has(&answer, "secret"));
    assert_false(http_has(&answer, kit.folder.path));
    assert_false(http_has(&answer, page.token));
}

static void end_turn(void *context)
{
    loop_break(context);
}

/* Connections that are closed go when the loop turns. */
static void let_them_go(void)
{
    struct loop_event *soon = loop_timer_open(kit.loop, end_turn, kit.loop);
    struct err err;

    loop_timer_start(soon, 0);
    assert_int_equal(loop_run(kit.loop, &err), 0);
    loop_event_close(soon);
}

static void a_lost_worker_and_what_it_ran_are_counted(void **state)
{
    struct kit_peer *client = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);

    (void)state;
    peer_join(worker, &(struct kit_join){.incarnation = 1}, NULL);
    peer_submit_well(client, "k", "out");
    message_free(peer_await_start(worker));
    metrics_await("\nmrlua_workers{state=\"ready\"} 1\n");
    kit_drop_peers(&kit);
    let_them_go();
    metrics_await("\nmrlua_workers_lost_total 1\n"); /* after its grace */
    assert_true(http_has(&answer, "\nmrlua_workers{state=\"ready\"} 0\n"));
    assert_true(http_has(&answer, "\nmrlua_slots 0\n"));
    assert_true(
        http_has(&answer, "\nmrlua_attempts_failed_total{stage=\"map\",kind=\"worker_lost\"} 1\n"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(a_job_is_seen_from_its_submit_to_its_end),
        PAGE_TEST(no_word_of_a_user_is_in_it),
        PAGE_TEST(a_lost_worker_and_what_it_ran_are_counted),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
