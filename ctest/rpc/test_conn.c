#include "conn_kit.h"

#include <sys/resource.h>

/* Both ends are open, know each other, and nothing is left when they are closed. */
static void test_open(void **state)
{
    struct kit kit;
    int before = open_fd_count();

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    assert_int_equal(conn_role(kit.server.conn), ROLE_WORKER);
    assert_int_equal(conn_role(kit.client.conn), ROLE_WORKER);
    assert_true(conn_epoch(kit.client.conn) == 7);
    assert_memory_equal(conn_binding(kit.client.conn), conn_binding(kit.server.conn), PROOF_BYTES);
    assert_string_equal(conn_peer(kit.client.conn), listener_address(kit.listener));
    assert_string_equal(conn_peer_host(kit.server.conn), "127.0.0.1");
    kit_close(&kit);
    assert_int_equal(open_fd_count(), before);
}

/* Many at once, in both directions: they come in order, each once, with their ids. */
static void count_up(struct heard *heard, const struct frame *frame)
{
    assert_true(frame->request_id == (uint64_t)heard->messages);
}

static bool all_came(struct kit *kit)
{
    return kit->server.messages == kit->number && kit->client.messages == kit->number;
}

static void test_messages(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    kit.server.on_message = count_up;
    kit.client.on_message = count_up;
    kit.number = 2000;
    for (int i = 1; i <= kit.number; i++) {
        say(kit.client.conn, (uint64_t)i, "a line");
        conn_send(kit.server.conn, MESSAGE_ANSWER, (uint64_t)i, NULL);
    }
    assert_int_equal(kit.server.messages, 0); /* never from inside a call */
    kit_await(&kit, all_came);
    assert_string_equal(kit.server.last_text, "a line");
    kit_close(&kit);
}

static void connect_with(struct kit *kit, const struct keys *keys, enum access_role role)
{
    struct conn_options options = {.role = role, .keys = keys};

    kit_connect_with(kit, &options);
}

/* Told at both ends, and for good: ERR_SETUP. */
static void test_wrong_key(void **state)
{
    static const uint8_t secret[KEY_BYTES] = "another";
    struct keys keys;
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    keys_of_secret(&keys, secret);
    connect_with(&kit, &keys, ROLE_SUBMIT);
    kit_await(&kit, client_is_closed);
    assert_int_equal(kit.client.opened, 0);
    assert_int_equal(kit.client.err.kind, ERR_SETUP);
    assert_non_null(strstr(kit.client.err.message, "does not hold the same key"));
    kit_await(&kit, one_was_refused);
    assert_int_equal(kit.server.opened + kit.server.closed, 0); /* it hears nothing of it */
    kit_close(&kit);
}

/* A segment server, say, takes workers only. */
static void test_role_not_accepted(void **state)
{
    struct listener_options options = {.conn.roles_accepted = ROLE_BIT(ROLE_WORKER)};
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    kit_connect(&kit, ROLE_SUBMIT);
    kit_await(&kit, client_is_closed);
    assert_int_equal(kit.client.opened + kit.server.opened, 0);
    kit_close(&kit);
}

/* A key file that has no such key: it does not even begin. */
static void test_key_not_held(void **state)
{
    struct kit kit;
    struct conn_options options = {.role = ROLE_WORKER};
    struct keys keys;
    struct err err;

    (void)state;
    kit_open(&kit, NULL);
    keys = kit.keys;
    keys.roles = ROLE_BIT(ROLE_READ);
    options.keys = &keys;
    assert_null(conn_connect(kit.loop, "127.0.0.1:1", &options, &KIT_OPS, NULL, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    options.keys = &kit.keys;
    assert_null(conn_connect(kit.loop, "nonsense", &options, &KIT_OPS, NULL, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    kit_close(&kit);
}

/* The listener goes while it waits to be let in. */
static void test_refused(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_connect(&kit, ROLE_READ); /* it is in the backlog, and then reset */
    listener_close(kit.listener);
    kit.listener = NULL;
    kit_await(&kit, client_is_closed);
    assert_int_equal(kit.client.err.kind, ERR_RETRY);
    kit_close(&kit);
}

static void test_nobody_listens(void **state)
{
    struct kit kit;
    char address[ADDRESS_TEXT_BYTES];
    struct conn_options options;
    struct err err;

    (void)state;
    kit_open(&kit, NULL);
    strcpy(address, listener_address(kit.listener));
    listener_close(kit.listener);
    kit.listener = NULL;
    options = (struct conn_options){.role = ROLE_READ, .keys = &kit.keys};
    kit.client.conn = conn_connect(kit.loop, address, &options, &KIT_OPS, &kit.client, &err);
    assert_non_null(kit.client.conn);
    assert_int_equal(kit.client.closed, 0);
    kit_await(&kit, client_is_closed);
    assert_int_equal(kit.client.err.kind, ERR_RETRY);
    assert_non_null(strstr(kit.client.err.message, "Connection refused"));
    assert_non_null(strstr(kit.client.err.message, address));
    kit_close(&kit);
}

/* localhost may be ::1 first; the listener is at 127.0.0.1 only. */
static void test_second_address(void **state)
{
    struct kit kit;
    char address[ADDRESS_HOST_BYTES + 8];
    struct conn_options options;
    struct err err;

    (void)state;
    kit_open(&kit, NULL);
    address_join("localhost", listener_port(kit.listener), address);
    options = (struct conn_options){.role = ROLE_READ, .keys = &kit.keys, .tls = kit_tls()};
    kit.client.conn = conn_connect(kit.loop, address, &options, &KIT_OPS, &kit.client, &err);
    assert_non_null(kit.client.conn);
    kit_await(&kit, both_are_open);
    kit_close(&kit);
}

/* A server that accepts and says nothing. */
static void test_silent_server(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct conn_options options = {.role = ROLE_READ, .open_ns_max = 30 * NS_PER_MS};
    char text[ADDRESS_HOST_BYTES + 8];
    struct kit kit;
    struct err err;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    kit_open(&kit, NULL);
    options.keys = &kit.keys;
    options.tls = kit_tls();
    address_join("127.0.0.1", ntohs(address.sin_port), text);
    kit.client.conn = conn_connect(kit.loop, text, &options, &KIT_OPS, &kit.client, &err);
    kit_await(&kit, client_is_closed);
    assert_non_null(strstr(kit.client.err.message, "no handshake in time"));
    kit_close(&kit);
    close(fd);
}

/* The other end closes: the last word comes once, and tells. */
static void test_closed_by_peer(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    conn_close(kit.client.conn);
    kit.client.conn = NULL;
    kit_await(&kit, server_is_closed);
    assert_int_equal(kit.server.err.kind, ERR_RETRY);
    assert_non_null(strstr(kit.server.err.message, "closed by the other end"));
    assert_int_equal(kit.client.closed, 0); /* it closed itself */
    assert_true(nobody_is_there(&kit));
    kit_close(&kit);
}

static void close_now(struct heard *heard)
{
    struct conn *conn = heard->conn;

    heard->conn = NULL;
    conn_close(conn);
}

static void close_at_message(struct heard *heard, const struct frame *frame)
{
    close_now(heard);
    if (frame->payload.len > 0) /* it is still good */
        assert_int_equal(frame->payload.ptr[frame->payload.len - 1], 't');
}

/* In any callback, at either end, with more messages waiting. */
static void test_close_in_callbacks(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct kit kit;

        kit_open(&kit, NULL);
        if (which == 0)
            kit.server.on_opened = close_now;
        if (which == 1)
            kit.client.on_opened = close_now;
        if (which < 2) {
            kit_connect(&kit, ROLE_WORKER);
            kit_await(&kit, which == 0 ? client_is_closed : server_is_closed);
        } else {
            kit_open_both(&kit, ROLE_WORKER);
            (which == 2 ? &kit.server : &kit.client)->on_message = close_at_message;
            for (int i = 0; i < 10; i++) {
                say(kit.client.conn, 1, "text");
                conn_send(kit.server.conn, MESSAGE_ANSWER, 1, NULL);
            }
            kit_await(&kit, which == 2 ? client_is_closed : server_is_closed);
            assert_int_equal((which == 2 ? kit.server : kit.client).messages, 1);
        }
        kit_await(&kit, nobody_is_there);
        kit_close(&kit);
    }
}

static void on_closed_close(void *context, struct conn *conn, const struct err *err)
{
    heard_closed(context, conn, err);
    conn_send(conn, MESSAGE_HEARTBEAT, 0, NULL); /* does nothing */
    conn_close(conn);
}

static void test_close_in_closed(void **state)
{
    struct conn_ops ops = KIT_OPS;
    struct conn_options options = {.role = ROLE_WORKER};
    struct kit kit;
    struct err err;

    (void)state;
    ops.closed = on_closed_close;
    kit_open(&kit, NULL);
    options.keys = &kit.keys;
    options.tls = kit_tls();
    kit.server.on_opened = close_now;
    kit.client.conn =
        conn_connect(kit.loop, listener_address(kit.listener), &options, &ops, &kit.client, &err);
    kit_await(&kit, client_is_closed);
    kit_close(&kit);
}

/* Before anything has happened. */
static void test_close_at_once(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    conn_close(kit_connect(&kit, ROLE_WORKER));
    conn_finish(kit_connect(&kit, ROLE_WORKER));
    conn_close(NULL);
    kit.client.conn = NULL;
    kit_await(&kit, nobody_is_there);
    kit_close(&kit);
}

static bool client_heard_all(struct kit *kit)
{
    return kit->client.closed > 0 && kit->client.messages == kit->number;
}

/* All that was queued arrives, then the end; also when the other end is still talking. */
static void test_finish(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    kit.number = 50000;
    for (int i = 0; i < kit.number; i++)
        conn_send(kit.server.conn, MESSAGE_ANSWER, (uint64_t)i, NULL);
    for (int i = 0; i < 1000; i++)
        say(kit.client.conn, 1, "still talking");
    conn_finish(kit.server.conn);
    kit.server.conn = NULL;
    kit_await(&kit, client_heard_all);
    assert_int_equal(kit.server.messages + kit.server.closed, 0);
    assert_non_null(strstr(kit.client.err.message, "closed by the other end"));
    kit_await(&kit, nobody_is_there);
    kit_close(&kit);
}

static struct heard *other_context;

static void take_context(struct heard *heard)
{
    static struct heard other; /* zeroed: this is called once */

    other.conn = heard->conn;
    conn_set_context(heard->conn, &other);
    other_context = &other;
}

static bool other_heard(struct kit *kit)
{
    (void)kit;
    return other_context->messages > 0;
}

/* From `opened` on the server's callbacks have a context for each connection. */
static void test_context(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit.server.on_opened = take_context;
    kit_open_both(&kit, ROLE_WORKER);
    say(kit.client.conn, 3, "hello");
    kit_await(&kit, other_heard);
    assert_string_equal(other_context->last_text, "hello");
    assert_int_equal(kit.server.messages, 0);
    kit_close(&kit);
}

/* No descriptor for a socket: told, not crashed. */
static void test_no_descriptor(void **state)
{
    struct rlimit limit, low;
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    kit_connect(&kit, ROLE_WORKER);
    kit_await(&kit, client_is_closed);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_non_null(strstr(kit.client.err.message, "Too many open files"));
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_role_not_accepted),
        cmocka_unit_test(test_key_not_held),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_second_address),
        cmocka_unit_test(test_silent_server),
        cmocka_unit_test(test_closed_by_peer),
        cmocka_unit_test(test_close_in_callbacks),
        cmocka_unit_test(test_close_in_closed),
        cmocka_unit_test(test_close_at_once),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_no_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
