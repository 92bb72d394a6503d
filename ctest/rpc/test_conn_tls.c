#include "conn_kit.h"

#include <sys/stat.h>

enum { DEADLINE_MS = 40, FILE_BYTES = 4 * 1024 * 1024 };

static const struct listener_options OVER_TLS = {.conn.tls = TLS_ALWAYS};

static void connect_with(struct kit *kit, enum access_role role, enum tls_use tls)
{
    struct conn_options options = {.role = role, .keys = &kit->keys, .tls = tls};

    kit_connect_with(kit, &options);
}

static void expect_text(const struct err *err, const char *text)
{
    if (!strstr(err->message, text))
        fail_msg("\"%s\" is not in: %s", text, err->message);
}

/* ---- what both ends speak ---- */

static void test_open(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, &OVER_TLS);
    connect_with(&kit, ROLE_WORKER, TLS_ALWAYS);
    kit_await(&kit, both_are_open);
    assert_memory_equal(conn_binding(kit.client.conn), conn_binding(kit.server.conn), PROOF_BYTES);
    kit_close(&kit);
}

/* The same keys and nonces prove something else over another channel, so that nobody can be in the
 * middle. (rpc.auth has what follows from it.) */
static bool raw_is_let_in(struct kit *kit)
{
    return kit->server.opened > 0 || raw_is_closed(kit);
}

static void test_proof_of_another_channel(void **state)
{
    const uint8_t nonce[AUTH_NONCE_BYTES] = "nonce", channel[AUTH_CHANNEL_BYTES] = "another";
    struct frame_decoder decoder;
    struct buf out = {0};
    struct frame frame;
    struct auth auth;
    struct kit kit;
    struct err err;
    char bytes[4096];

    (void)state;
    kit_open(&kit, &OVER_TLS);
    raw_connect(&kit);
    raw_begin_tls(&kit, ROLE_WORKER);
    auth_init_client(&auth, ROLE_WORKER, keys_of_role(&kit.keys, ROLE_WORKER), nonce, &out);
    auth_set_channel(&auth, channel);
    raw_send(&kit, out.ptr, out.len);
    kit_await(&kit, raw_has_bytes);
    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    frame_decoder_feed(&decoder, slice_of(bytes, raw_receive(&kit, bytes, sizeof bytes)));
    assert_int_equal(frame_decoder_next(&decoder, &frame, &err), 1);
    assert_int_equal(auth_step(&auth, &frame, &out, &err), -1); /* so the client finds it out */
    raw_send_frame(&kit, MESSAGE_AUTH, slice_of("\x0a\x01x", 3));
    kit_await(&kit, raw_is_let_in);
    assert_int_equal(kit.server.opened, 0);
    frame_decoder_deinit(&decoder);
    auth_deinit(&auth);
    buf_deinit(&out);
    kit_close(&kit);
}

static bool client_and_one_are_refused(struct kit *kit)
{
    return client_is_closed(kit) && one_was_refused(kit);
}

static void expect_disagreement(enum tls_use server, enum tls_use client, const char *text)
{
    struct listener_options options = {.conn.tls = server};
    struct kit kit;

    kit_open(&kit, &options);
    connect_with(&kit, ROLE_SUBMIT, client);
    kit_await(&kit, client_and_one_are_refused);
    assert_true(clock_monotonic_ns() - kit.begin_ns < CONN_OPEN_MS_MAX * NS_PER_MS / 2);
    assert_int_equal(kit.client.err.kind, ERR_SETUP); /* trying again is of no use */
    expect_text(&kit.client.err, text);
    expect_text(&kit.client.err, listener_address(kit.listener));
    kit_close(&kit);
}

/* Told in a line, at once, with the way out. */
static void test_plain_client(void **state)
{
    (void)state;
    expect_disagreement(TLS_ALWAYS, TLS_NEVER, "speaks TLS, and this end plain text");
    expect_disagreement(TLS_ALWAYS, TLS_NEVER, "add --tls");
}

static void test_plain_server(void **state)
{
    (void)state;
    expect_disagreement(TLS_NEVER, TLS_ALWAYS, "speaks plain text, and this end TLS");
}

/* ---- who does not get in ---- */

static void test_wrong_key(void **state)
{
    static const uint8_t secret[KEY_BYTES] = "another";
    struct conn_options options = {.role = ROLE_WORKER, .tls = TLS_ALWAYS};
    struct keys keys;
    struct kit kit;

    (void)state;
    keys_of_secret(&keys, secret);
    options.keys = &keys;
    kit_open(&kit, &OVER_TLS);
    kit_connect_with(&kit, &options);
    kit_await(&kit, client_and_one_are_refused);
    assert_int_equal(kit.client.err.kind, ERR_SETUP);
    expect_text(&kit.client.err, "the server does not hold the same key for role worker");
    kit_close(&kit);
}

static void test_role_not_accepted(void **state)
{
    struct listener_options options = {
        .conn = {.tls = TLS_ALWAYS, .roles_accepted = ROLE_BIT(ROLE_WORKER)}};
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    connect_with(&kit, ROLE_SUBMIT, TLS_ALWAYS);
    kit_await(&kit, client_and_one_are_refused);
    expect_text(&kit.client.err, "role submit is not accepted");
    kit_close(&kit);
}

/* The first record cut after any byte, and then nothing: gone at the deadline. */
static void test_half_handshake(void **state)
{
    static const char record[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct listener_options options = {
        .conn = {.tls = TLS_ALWAYS, .open_ns_max = DEADLINE_MS * NS_PER_MS}};

    (void)state;
    for (size_t cut = 0; cut < sizeof record; cut++) {
        struct kit kit;

        kit_open(&kit, &options);
        raw_connect(&kit);
        raw_send(&kit, record, cut);
        kit_await(&kit, one_was_refused);
        assert_true(clock_monotonic_ns() - kit.begin_ns >= (DEADLINE_MS - 5) * NS_PER_MS);
        assert_int_equal(kit.server.opened, 0);
        kit_close(&kit);
    }
}

/* More than 4 KiB of a handshake. */
static void test_oversize_handshake(void **state)
{
    static char bytes[2 * CONN_HANDSHAKE_BYTES_MAX] = "\x16\x03\x01\x3f\x00\x01\x00\x3e\xfc";
    struct kit kit;

    (void)state;
    kit_open(&kit, &OVER_TLS);
    raw_connect(&kit);
    raw_send(&kit, bytes, sizeof bytes);
    kit_await(&kit, raw_is_closed);
    shutdown(kit.raw, SHUT_WR);
    kit_await(&kit, one_was_refused);
    kit_close(&kit);
}

/* ---- what is done to bytes on the way ---- */

/* A record that is cut: as any message that is. */
static void test_cut_record(void **state)
{
    static const char half[] = "\x17\x03\x03\x00\x40half of it";
    struct kit kit;

    (void)state;
    kit_open(&kit, &OVER_TLS);
    raw_authenticate(&kit, ROLE_WORKER);
    raw_put(&kit, half, sizeof half);
    assert_int_equal(shutdown(kit.raw, SHUT_WR), 0);
    kit_await(&kit, server_is_closed);
    expect_text(&kit.server.err, "cut inside a message");
    kit_close(&kit);
}

/* What nobody with the keys has sent. */
static void test_forged_record(void **state)
{
    static const char forged[] = "\x17\x03\x03\x00\x14"
                                 "twenty bytes of this";
    struct kit kit;

    (void)state;
    kit_open(&kit, &OVER_TLS);
    raw_authenticate(&kit, ROLE_WORKER);
    raw_put(&kit, forged, sizeof forged - 1);
    kit_await(&kit, server_is_closed);
    assert_int_equal(kit.server.messages, 0);
    expect_text(&kit.server.err, "damaged on the way");
    kit_close(&kit);
}

/* ---- files ---- */

static int make_file(size_t bytes)
{
    char path[] = "/tmp/mrlua-test-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    return fd;
}

static void expect_raw(struct heard *heard, const struct frame *frame)
{
    conn_expect_raw(heard->conn, frame->request_id);
}

static bool some_came(struct kit *kit)
{
    return kit->client.raw_bytes > 0;
}

/* A file that gets shorter while it is sent ends the connection, not the process. */
static void test_file_gets_shorter(void **state)
{
    int fd = make_file(FILE_BYTES);
    struct kit kit;

    (void)state;
    kit_open(&kit, &OVER_TLS);
    connect_with(&kit, ROLE_WORKER, TLS_ALWAYS);
    kit_await(&kit, both_are_open);
    kit.client.on_message = expect_raw;
    conn_send(kit.server.conn, MESSAGE_ANSWER, FILE_BYTES, NULL);
    conn_send_file_take(kit.server.conn, dup(fd), 0, FILE_BYTES);
    assert_true(conn_output_bytes(kit.server.conn) > FILE_BYTES);
    assert_int_equal(ftruncate(fd, FILE_BYTES / 2), 0);
    kit_await(&kit, some_came);
    kit_await(&kit, both_are_closed);
    expect_text(&kit.server.err, "ended early");
    expect_text(&kit.client.err, "cut inside a message");
    assert_true(kit.client.raw_bytes <= FILE_BYTES / 2);
    kit_close(&kit);
    close(fd);
}

/* The same after conn_finish(): nobody is told, and nothing stays. */
static void test_finish_with_short_file(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, &OVER_TLS);
    connect_with(&kit, ROLE_WORKER, TLS_ALWAYS);
    kit_await(&kit, both_are_open);
    kit.client.on_message = expect_raw;
    conn_send(kit.server.conn, MESSAGE_ANSWER, 2 * FILE_BYTES, NULL);
    conn_send_file_take(kit.server.conn, make_file(FILE_BYTES), 0, 2 * FILE_BYTES);
    conn_finish(kit.server.conn);
    kit.server.conn = NULL;
    kit_await(&kit, client_is_closed);
    assert_true(kit.client.raw_bytes <= FILE_BYTES);
    assert_int_equal(kit.server.closed, 0);
    kit_await(&kit, nobody_is_there);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_proof_of_another_channel),
        cmocka_unit_test(test_plain_client),
        cmocka_unit_test(test_plain_server),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_role_not_accepted),
        cmocka_unit_test(test_half_handshake),
        cmocka_unit_test(test_oversize_handshake),
        cmocka_unit_test(test_cut_record),
        cmocka_unit_test(test_forged_record),
        cmocka_unit_test(test_file_gets_shorter),
        cmocka_unit_test(test_finish_with_short_file),
    };

    setenv("TEST_TLS", "1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
