#include "master/master_kit.h"

static void a_worker_that_comes_back_is_the_same(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    struct kit_join join = {.incarnation = 3};
    Mrlua__AttemptStart *start, *again;

    (void)state;
    join.job = peer_submit_well(user, "key", "out");
    assert_int_equal(peer_join(worker, &join, NULL), 1);
    start = peer_await_start(worker);
    join.run_attempt = start->start->attempt;
    worker = master_kit_connect(&kit, ROLE_WORKER); /* the older connection is still open */
    assert_int_equal(peer_join(worker, &join, NULL), 1);
    again =
        peer_await_start(worker); /* a worker starts an attempt once, however often it is told */
    assert_int_equal(again->start->attempt, start->start->attempt);
    message_free(start);
    message_free(again);
}

static void another_worker_has_another_number(void **state)
{
    struct kit_peer *one = master_kit_connect(&kit, ROLE_WORKER);
    struct kit_peer *two = master_kit_connect(&kit, ROLE_WORKER);

    (void)state;
    assert_int_equal(peer_join(one, &(struct kit_join){.incarnation = 3}, NULL), 1);
    assert_int_equal(peer_join(two, &(struct kit_join){.incarnation = 4}, NULL), 2);
}

static void a_worker_that_dies_loses_what_it_held(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *one = master_kit_connect(&kit, ROLE_WORKER);
    struct kit_peer *two = master_kit_connect(&kit, ROLE_WORKER);

    (void)state;
    peer_submit_well(user, "key", "out");
    peer_join(one, &(struct kit_join){.incarnation = 3}, NULL);
    peer_do_map(one);
    conn_close(one->conn);
    one->is_closed = true;
    peer_join(two, &(struct kit_join){.incarnation = 4}, NULL);
    for (;;) { /* its reduce may have been given to two before; it goes on when the map is back */
        Mrlua__AttemptStart *start = peer_await_start(two);
        bool is_map = start->start->kind == MRLUA__TASK_KIND__MAP;

        if (is_map) {
            peer_done(two, start->start->attempt, "");
            peer_await_heard(two, start->start->attempt);
        }
        message_free(start);
        if (is_map)
            break;
    }
}

/* Goal: a reduce is told who holds maps, once they do. */
static void sources_name_the_holder(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__Sources *sources;

    (void)state;
    peer_submit_well(user, "key", "out");
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    peer_do_map(worker);
    message_free(peer_await_start(worker));
    sources = peer_await(worker, MESSAGE_SOURCES, &mrlua__sources__descriptor);
    assert_int_equal(sources->map_count, 1);
    assert_int_equal(sources->n_sources, 1);
    assert_int_equal(sources->sources[0]->worker_id, 1);
    assert_int_equal(sources->sources[0]->incarnation, 3);
    assert_int_equal(sources->sources[0]->port, 9);
    assert_int_equal(sources->sources[0]->tls, TLS_NEVER); /* as the worker has said */
    assert_int_equal(sources->sources[0]->count, 1);
    assert_string_equal(sources->sources[0]->host, "127.0.0.1");
    message_free(sources);
}

static void jobs_that_are_over_are_told_to_who_joins(void **state)
{
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__WorkerJoin join = MRLUA__WORKER_JOIN__INIT;
    Mrlua__HeldOutput held = MRLUA__HELD_OUTPUT__INIT, *list = &held;
    Mrlua__WorkerWelcome *welcome;

    (void)state;
    held.job = 77;
    held.attempt = 5;
    join.incarnation = 3;
    join.slots = 1;
    join.n_held = 1;
    join.held = &list;
    peer_send(worker, MESSAGE_WORKER_JOIN, 0, &join.base);
    welcome = peer_await(worker, MESSAGE_WORKER_WELCOME, &mrlua__worker_welcome__descriptor);
    assert_int_equal(welcome->n_over_jobs, 1);
    assert_int_equal(welcome->over_jobs[0], 77);
    message_free(welcome);
}

static void a_join_without_slots_is_hung_up_on(void **state)
{
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__WorkerJoin join = MRLUA__WORKER_JOIN__INIT;

    (void)state;
    join.incarnation = 3;
    peer_send(worker, MESSAGE_WORKER_JOIN, 0, &join.base);
    while (!worker->is_closed)
        kit_turn(&kit);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(a_worker_that_comes_back_is_the_same),
        MASTER_TEST(another_worker_has_another_number),
        MASTER_TEST(a_worker_that_dies_loses_what_it_held),
        MASTER_TEST(sources_name_the_holder),
        MASTER_TEST(jobs_that_are_over_are_told_to_who_joins),
        MASTER_TEST(a_join_without_slots_is_hung_up_on),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
