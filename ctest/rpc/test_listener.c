#include "conn_kit.h"

#include <sys/resource.h>

enum { RAW_COUNT_MAX = 64 };

/* Raw clients beside kit.raw. */
static int raws[RAW_COUNT_MAX];

static void connect_raws(struct kit *kit, int count)
{
    for (int i = 0; i < count; i++)
        raws[i] = raw_connect(kit);
    kit->raw = -1;
}

static void close_raws(int count)
{
    for (int i = 0; i < count; i++)
        close(raws[i]);
}

static int closed_raw_count(int count)
{
    int closed = 0;

    for (int i = 0; i < count; i++) {
        struct kit kit = {.raw = raws[i]};

        closed += raw_is_closed(&kit);
    }
    return closed;
}

static void test_address(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    assert_true(listener_port(kit.listener) > 0);
    assert_non_null(strstr(listener_address(kit.listener), "127.0.0.1:"));
    assert_int_equal(listener_counts(kit.listener).accepted, 0);
    kit_close(&kit);
}

/* Closes what it has opened. */
static int try_listen(const char *where, bool key_is_given, struct err *err)
{
    struct loop *loop = loop_open(err);
    struct keys keys = {0};
    struct listener_options options = {.conn.keys = &keys, .key_is_given = key_is_given};
    struct listener *listener = listener_open(loop, where, &options, &KIT_OPS, NULL, err);
    int rc = listener ? 0 : -1;

    listener_close(listener);
    loop_close(loop);
    return rc;
}

/* Beyond loopback only with a key that was given on purpose; the message says so. */
static void test_beyond_loopback(void **state)
{
    static const char *const places[] = {"0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"};
    struct err err;

    (void)state;
    assert_int_equal(try_listen("127.0.0.1:0", false, &err), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(try_listen(places[i], false, &err), -1);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_non_null(strstr(err.message, "--key-file"));
    }
    assert_int_equal(try_listen("0.0.0.0:0", true, &err), 0);
}

static void test_cannot_listen(void **state)
{
    struct kit kit;
    struct err err;

    (void)state;
    kit_open(&kit, NULL);
    assert_int_equal(try_listen(listener_address(kit.listener), false, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "Address already in use"));
    assert_non_null(strstr(err.message, listener_address(kit.listener)));
    assert_int_equal(try_listen("192.0.2.1:0", true, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(try_listen("nonsense", true, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    kit_close(&kit);
}

static bool client_is_open_again(struct kit *kit)
{
    return kit->client.opened == 2;
}

/* The next process gets the port at once, while connections of the one before still end. */
static void test_same_port_again(void **state)
{
    struct kit kit;
    char address[ADDRESS_TEXT_BYTES];
    struct listener_options options = {.conn.roles_accepted = UINT32_MAX};
    struct err err;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    snprintf(address, sizeof address, "%s", listener_address(kit.listener));
    conn_close(kit.server.conn);
    listener_close(kit.listener);
    kit_await(&kit, client_is_closed);
    options.conn.keys = &kit.keys;
    options.conn.tls = kit_tls();
    kit.server = (struct heard){0};
    kit.listener = listener_open(kit.loop, address, &options, &KIT_OPS, &kit.server, &err);
    if (!kit.listener)
        fail_msg("%s", err.message);
    kit_connect(&kit, ROLE_WORKER);
    kit_await(&kit, client_is_open_again);
    kit_close(&kit);
}

static bool number_is_accepted(struct kit *kit)
{
    return listener_counts(kit->listener).accepted == (uint64_t)kit->number;
}

/* Who says nothing makes room for who comes: the oldest first. */
static void test_unopened_make_room(void **state)
{
    struct listener_options options = {.unopened_count_max = 4};
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    connect_raws(&kit, 20);
    kit.number = 20;
    kit_await(&kit, number_is_accepted);
    assert_int_equal(listener_counts(kit.listener).unopened, 4);
    kit_open_both(&kit, ROLE_WORKER); /* in spite of them */
    assert_int_equal(listener_counts(kit.listener).connected, 1 + 3);
    assert_int_equal(listener_counts(kit.listener).unopened, 3);
    assert_true(listener_counts(kit.listener).refused == 17);
    assert_int_equal(closed_raw_count(17), 17);
    assert_int_equal(closed_raw_count(20), 17);
    close_raws(20);
    kit_close(&kit);
}

static bool number_is_shed(struct kit *kit)
{
    return listener_counts(kit->listener).shed == (uint64_t)kit->number;
}

/* Those that are open are never dropped for others. */
static void test_full(void **state)
{
    struct listener_options options = {.conn_count_max = 1};
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    kit_open_both(&kit, ROLE_WORKER);
    connect_raws(&kit, 5);
    kit.number = 5;
    kit_await(&kit, number_is_shed);
    assert_int_equal(closed_raw_count(5), 5);
    assert_int_equal(listener_counts(kit.listener).connected, 1);
    assert_int_equal(kit.server.closed + kit.client.closed, 0);
    conn_close(kit.client.conn);
    kit.client.conn = NULL;
    kit_await(&kit, nobody_is_there);
    kit.server = (struct heard){0};
    kit.client = (struct heard){0};
    kit_open_both(&kit, ROLE_WORKER); /* there is room again */
    close_raws(5);
    kit_close(&kit);
}

static bool it_has_rested_thrice(struct kit *kit)
{
    return listener_counts(kit->listener).pauses >= 3;
}

static bool both_said_and_heard(struct kit *kit)
{
    return kit->server.messages > 0 && kit->client.messages > 0;
}

/* No descriptor is left: the listener rests instead of spinning, those that are open go on, and
 * when there are some again so does it. */
static void test_out_of_descriptors(void **state)
{
    struct rlimit limit, low;
    uint64_t begin_ns;
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    connect_raws(&kit, 40); /* they are in the backlog */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)raws[39] + 2; /* one more: it is let in, then none */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    begin_ns = clock_monotonic_ns();
    kit_await(&kit, it_has_rested_thrice);
    assert_true(clock_monotonic_ns() - begin_ns >= 2 * LISTENER_PAUSE_MS * NS_PER_MS);
    assert_true(listener_counts(kit.listener).pauses < 10);
    assert_true(listener_counts(kit.listener).shed >= 3);
    assert_true(listener_counts(kit.listener).accepted < 5);

    say(kit.client.conn, 1, "still here");
    conn_send(kit.server.conn, MESSAGE_ANSWER, 1, NULL);
    kit_await(&kit, both_said_and_heard);

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    kit.number = 41 - (int)listener_counts(kit.listener).shed;
    kit_await(&kit, number_is_accepted);
    close_raws(40);
    kit_close(&kit);
}

/* More clients than half of what the process may open: it keeps the other half for its work. */
static void test_half_of_descriptors(void **state)
{
    struct rlimit limit, low;
    struct kit kit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    kit_open(&kit, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    connect_raws(&kit, 50);
    kit.number = 50;
    kit_await(&kit, number_is_accepted);
    assert_int_equal(listener_counts(kit.listener).connected, 32);
    close_raws(50);
    kit_close(&kit);
}

/* Connections that are not open go with it, those that are stay. */
static void test_close(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    connect_raws(&kit, 3);
    kit.number = 4;
    kit_await(&kit, number_is_accepted);
    listener_close(kit.listener);
    kit.listener = NULL;
    say(kit.client.conn, 1, "still here");
    conn_send(kit.server.conn, MESSAGE_ANSWER, 1, NULL);
    kit_await(&kit, both_said_and_heard);
    assert_int_equal(closed_raw_count(3), 3);
    close_raws(3);
    kit_close(&kit);
}

/* A client that is gone before it is let in. */
static void test_gone_before_accepted(void **state)
{
    struct kit kit;
    const struct linger reset = {.l_onoff = 1};

    (void)state;
    kit_open(&kit, NULL);
    connect_raws(&kit, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(setsockopt(raws[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close_raws(5);
    kit_open_both(&kit, ROLE_WORKER);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_beyond_loopback),
        cmocka_unit_test(test_cannot_listen),
        cmocka_unit_test(test_same_port_again),
        cmocka_unit_test(test_unopened_make_room),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_half_of_descriptors),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_gone_before_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
