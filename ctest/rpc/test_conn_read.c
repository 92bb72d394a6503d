#include "conn_kit.h"

enum { DEADLINE_MS = 40 };

/* The raw client was closed, and the server heard nothing of it. */
static void expect_dropped(struct kit *kit)
{
    kit_await(kit, raw_is_closed);
    shutdown(kit->raw, SHUT_WR); /* a server that has said why waits for that */
    kit_await(kit, nobody_is_there);
    assert_int_equal(kit->server.opened + kit->server.messages + kit->server.closed, 0);
    assert_true(listener_counts(kit->listener).refused == 1);
}

/* Before the handshake: a length over 4 KiB is enough, nothing is kept of what follows. */
static void test_oversize_before_auth(void **state)
{
    static const uint32_t lengths[] = {CONN_HANDSHAKE_BYTES_MAX - 3, CONN_HANDSHAKE_BYTES_MAX,
                                       1 << 20, 0x7fffffff, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char bytes[4];
        struct kit kit;

        kit_open(&kit, NULL);
        raw_connect(&kit);
        for (int j = 0; j < 4; j++)
            bytes[j] = (char)(lengths[i] >> 8 * j);
        raw_send(&kit, bytes, sizeof bytes);
        expect_dropped(&kit);
        kit_close(&kit);
    }
}

/* Small frames that are one large message do not get around it. */
static void test_oversize_message_before_auth(void **state)
{
    char payload[128 - FRAME_HEADER_BYTES - FRAME_CRC_BYTES] = {0};
    struct buf out = {0};
    struct kit kit;

    (void)state;
    frame_encode(
        &out, &(struct frame){.type = MESSAGE_HELLO, .payload = slice_of(payload, sizeof payload)});
    out.ptr[6] = FRAME_FLAG_MORE;
    out.len -= FRAME_CRC_BYTES;
    {
        uint32_t crc = crc32c(0, out.ptr, out.len);

        for (int j = 0; j < 4; j++)
            buf_append_byte(&out, (unsigned char)(crc >> 8 * j));
    }
    kit_open(&kit, NULL);
    raw_connect(&kit);
    for (int i = 0; i < 4096 / (int)sizeof payload + 1; i++)
        raw_send(&kit, out.ptr, out.len);
    expect_dropped(&kit);
    kit_close(&kit);
    buf_deinit(&out);
}

/* Every type, as the first message: none but a good Hello is answered. */
static void test_every_message_before_auth(void **state)
{
    (void)state;
    for (int type = 0; type < 256; type++) {
        struct kit kit;

        kit_open(&kit, NULL);
        raw_connect(&kit);
        raw_send_frame(&kit, (uint8_t)type, (struct slice){0});
        expect_dropped(&kit);
        kit_close(&kit);
    }
}

static void add_frame(struct buf *out, uint8_t type, struct slice payload)
{
    frame_encode(out, &(struct frame){.type = type, .request_id = 9, .payload = payload});
}

/* Every type, sent right behind the proof of one who does not hold the key. */
static void test_every_message_with_a_wrong_key(void **state)
{
    (void)state;
    for (int type = 0; type < 256; type++) {
        const uint8_t nonce[AUTH_NONCE_BYTES] = "raw", key[KEY_BYTES] = "no key of theirs";
        uint8_t proof[PROOF_BYTES] = "a guess";
        Mrlua__Auth message = MRLUA__AUTH__INIT;
        struct buf out = {0}, payload = {0};
        struct auth auth;
        struct kit kit;

        kit_open(&kit, NULL);
        raw_dial(&kit, ROLE_WORKER);
        auth_init_client(&auth, ROLE_WORKER, key, nonce, &out);
        raw_send(&kit, out.ptr, out.len);
        kit_await(&kit, raw_has_bytes);
        message.proof = (ProtobufCBinaryData){.len = sizeof proof, .data = proof};
        message_pack(&payload, &message.base);
        buf_clear(&out);
        add_frame(&out, MESSAGE_AUTH, buf_slice(&payload));
        add_frame(&out, (uint8_t)type, (struct slice){0});
        raw_send(&kit, out.ptr, out.len);
        expect_dropped(&kit);
        auth_deinit(&auth);
        buf_deinit(&out);
        buf_deinit(&payload);
        kit_close(&kit);
    }
}

/* Goal: who has listened to a connection cannot have it again. Method: all that a client with the
 * right key has sent, and whatever its role may say, is sent once more. */
static void test_every_message_replayed(void **state)
{
    static const enum access_role roles[] = {ROLE_SUBMIT, ROLE_WORKER, ROLE_READ};

    (void)state;
    for (int i = 0; i < 3; i++)
        for (int type = 0; type < 256; type++) {
            struct buf said = {0};
            struct kit kit;

            if (!access_allows(roles[i], (uint8_t)type))
                continue;
            kit_open(&kit, NULL);
            raw_handshake(&kit, roles[i], &said);
            add_frame(&said, (uint8_t)type, (struct slice){0});
            kit_close(&kit);
            kit_open(&kit, NULL);
            raw_dial(&kit, roles[i]);
            raw_send(&kit, said.ptr, said.len);
            expect_dropped(&kit);
            kit_close(&kit);
            buf_deinit(&said);
        }
}

/* Text of another protocol. */
static void test_not_frames(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    raw_connect(&kit);
    raw_send(&kit, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    expect_dropped(&kit);
    kit_close(&kit);
}

static bool raw_role_is_refused(struct kit *kit)
{
    return kit->server.closed > 0 && raw_is_closed(kit);
}

/* Every type of every role, when it is open: what it may not say ends it, and reaches nobody. */
static void test_every_message_of_every_role(void **state)
{
    static const enum access_role roles[] = {ROLE_SUBMIT, ROLE_WORKER, ROLE_READ};

    (void)state;
    for (int i = 0; i < 3; i++)
        for (int type = 0; type < 256; type++) {
            struct kit kit;

            if (access_allows(roles[i], (uint8_t)type))
                continue;
            kit_open(&kit, NULL);
            raw_authenticate(&kit, roles[i]);
            raw_send_frame(&kit, (uint8_t)type, (struct slice){0});
            kit_await(&kit, raw_role_is_refused);
            assert_int_equal(kit.server.messages, 0);
            assert_int_equal(kit.server.err.kind, ERR_SETUP);
            kit_close(&kit);
        }
}

/* The one who asked is told, in words, under the id of the request. */
static void test_refusal_is_told(void **state)
{
    struct frame_decoder decoder;
    struct frame frame;
    Mrlua__Answer *answer;
    char bytes[4096];
    struct kit kit;
    struct err err;

    (void)state;
    kit_open(&kit, NULL);
    raw_authenticate(&kit, ROLE_READ);
    raw_send_frame(&kit, MESSAGE_JOB_CANCEL, (struct slice){0});
    kit_await(&kit, raw_has_bytes);
    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    frame_decoder_feed(&decoder, slice_of(bytes, raw_receive(&kit, bytes, sizeof bytes)));
    assert_int_equal(frame_decoder_next(&decoder, &frame, &err), 1);
    assert_int_equal(frame.type, MESSAGE_ANSWER);
    assert_true(frame.request_id == 9);
    answer = message_unpack(&mrlua__answer__descriptor, frame.payload, &err);
    assert_non_null(strstr(answer->error->message, "a key of role read may not do this"));
    message_free(answer);
    frame_decoder_deinit(&decoder);
    kit_await(&kit, raw_role_is_refused);
    kit_close(&kit);
}

/* The client's first message, cut after every byte. */
static void test_hello_cut(void **state)
{
    size_t len = 1;

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        const uint8_t nonce[AUTH_NONCE_BYTES] = "nonce";
        struct buf hello = {0};
        struct auth auth;
        struct kit kit;

        kit_open(&kit, NULL);
        auth_init_client(&auth, ROLE_READ, keys_of_role(&kit.keys, ROLE_READ), nonce, &hello);
        len = hello.len;
        raw_connect(&kit);
        raw_send(&kit, hello.ptr, cut);
        assert_int_equal(shutdown(kit.raw, SHUT_WR), 0);
        expect_dropped(&kit);
        auth_deinit(&auth);
        buf_deinit(&hello);
        kit_close(&kit);
    }
    assert_true(len > AUTH_NONCE_BYTES);
}

static void encode_log(struct buf *out, const char *text)
{
    Mrlua__AttemptLog log = MRLUA__ATTEMPT_LOG__INIT;
    struct buf payload = {0};

    log.text = (char *)text;
    message_pack(&payload, &log.base);
    frame_encode(out, &(struct frame){.type = MESSAGE_ATTEMPT_LOG, .payload = buf_slice(&payload)});
    buf_deinit(&payload);
}

/* Two messages, cut after every byte: those that are whole arrive, and the end is told as what it
 * is. */
static void test_messages_cut(void **state)
{
    struct buf out = {0};
    size_t first;

    (void)state;
    encode_log(&out, "one");
    first = out.len;
    encode_log(&out, "two");
    for (size_t cut = 0; cut <= out.len; cut++) {
        bool is_between = cut == 0 || cut == first || cut == out.len;
        struct kit kit;

        kit_open(&kit, NULL);
        raw_authenticate(&kit, ROLE_WORKER);
        raw_send(&kit, out.ptr, cut);
        assert_int_equal(shutdown(kit.raw, SHUT_WR), 0);
        kit_await(&kit, server_is_closed);
        assert_int_equal(kit.server.messages, (cut >= first) + (cut == out.len));
        assert_non_null(strstr(kit.server.err.message,
                               is_between ? "closed by the other end" : "cut inside a message"));
        kit_close(&kit);
    }
    buf_deinit(&out);
}

static bool server_heard_two(struct kit *kit)
{
    return kit->server.messages == 2;
}

/* The loop has had a look at what was sent. */
static bool a_turn_has_passed(struct kit *kit)
{
    return clock_monotonic_ns() - kit->begin_ns > NS_PER_MS / 2;
}

/* The same two, in two pieces cut anywhere: they arrive. */
static void test_messages_in_pieces(void **state)
{
    struct buf out = {0};
    struct kit kit;

    (void)state;
    encode_log(&out, "one");
    encode_log(&out, "two");
    kit_open(&kit, NULL);
    raw_authenticate(&kit, ROLE_WORKER);
    for (size_t cut = 1; cut < out.len; cut++) {
        kit.server.messages = 0;
        raw_send(&kit, out.ptr, cut);
        kit_await(&kit, a_turn_has_passed);
        raw_send(&kit, out.ptr + cut, out.len - cut);
        kit_await(&kit, server_heard_two);
    }
    assert_string_equal(kit.server.last_text, "two");
    kit_close(&kit);
    buf_deinit(&out);
}

/* A flipped byte anywhere in a message. */
static void test_flipped(void **state)
{
    struct buf out = {0};

    (void)state;
    encode_log(&out, "one");
    for (size_t i = 0; i < out.len; i++) {
        struct kit kit;

        kit_open(&kit, NULL);
        raw_authenticate(&kit, ROLE_WORKER);
        out.ptr[i] ^= 0x40;
        raw_send(&kit, out.ptr, out.len);
        out.ptr[i] ^= 0x40;
        assert_int_equal(shutdown(kit.raw, SHUT_WR), 0); /* it may wait for a long frame */
        kit_await(&kit, server_is_closed);
        assert_int_equal(kit.server.messages, 0);
        kit_close(&kit);
    }
    buf_deinit(&out);
}

/* One byte at a time, every other millisecond, and never all of them. */
static void drip(struct kit *kit)
{
    if (clock_monotonic_ns() - kit->begin_ns < (uint64_t)kit->number * 2 * NS_PER_MS)
        return;
    kit->number++;
    if (kit->raw_tls)
        raw_send(kit, "x", 1);
    else
        raw_put(kit, "x", 1);
}

static bool drips_until_refused(struct kit *kit)
{
    drip(kit);
    return one_was_refused(kit);
}

static void test_slow_loris_before_auth(void **state)
{
    struct listener_options options = {.conn.open_ns_max = DEADLINE_MS * NS_PER_MS};
    uint64_t begin_ns;
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    raw_connect(&kit);
    begin_ns = clock_monotonic_ns();
    if (kit_tls() == TLS_ALWAYS)
        raw_send(&kit, "\x16\x03\x01\x02\0", 5); /* a record of 512 bytes: more than ... */
    else
        raw_send(&kit, "\x60\0\0\0", 4); /* a frame of 96 bytes: more than there are drops */
    kit_await(&kit, drips_until_refused);
    assert_true(clock_monotonic_ns() - begin_ns >= (DEADLINE_MS - 5) * NS_PER_MS);
    assert_int_equal(kit.server.opened, 0);
    kit_close(&kit);
}

/* Says nothing at all. */
static void test_silent_before_auth(void **state)
{
    struct listener_options options = {.conn.open_ns_max = DEADLINE_MS * NS_PER_MS};
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    raw_connect(&kit);
    kit_await(&kit, one_was_refused);
    kit_close(&kit);
}

static bool drips_until_closed(struct kit *kit)
{
    drip(kit);
    return kit->server.closed > 0;
}

/* The same in an open connection: a message that has begun, its drops do not move the deadline. */
static void test_slow_loris(void **state)
{
    struct listener_options options = {.conn.message_ns_max = DEADLINE_MS * NS_PER_MS};
    uint64_t begin_ns;
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    raw_authenticate(&kit, ROLE_WORKER);
    begin_ns = clock_monotonic_ns();
    raw_send(&kit, "\0\0\x0f\0", FRAME_BYTES_MAX > 4096 ? 4 : 3); /* a frame of nearly 1 MB */
    kit_await(&kit, drips_until_closed);
    assert_true(clock_monotonic_ns() - begin_ns < KIT_AWAIT_MS_MAX * NS_PER_MS / 2);
    assert_int_equal(kit.server.messages, 0);
    kit_close(&kit);
}

/* This process stands still past the deadline, and the rest has come meanwhile: that is no sin of
 * the other end. */
static void test_own_sleep(void **state)
{
    struct listener_options options = {.conn.message_ns_max = 4 * DEADLINE_MS * NS_PER_MS};
    struct buf out = {0};
    struct kit kit;

    (void)state;
    encode_log(&out, "one");
    kit_open(&kit, &options);
    raw_authenticate(&kit, ROLE_WORKER);
    raw_send(&kit, out.ptr, out.len - 1);
    kit_await(&kit, a_turn_has_passed);
    raw_send(&kit, out.ptr + out.len - 1, 1);
    while (clock_monotonic_ns() - kit.begin_ns < 6 * DEADLINE_MS * NS_PER_MS)
        ; /* as if it were stopped */
    encode_log(&out, "two");
    raw_send(&kit, out.ptr + out.len / 2, out.len / 2);
    kit_await(&kit, server_heard_two);
    assert_int_equal(kit.server.closed, 0);
    kit_close(&kit);
    buf_deinit(&out);
}

static bool deadline_has_passed(struct kit *kit)
{
    return clock_monotonic_ns() - kit->begin_ns > 2 * DEADLINE_MS * NS_PER_MS;
}

/* Idle is no sin: the deadline is for messages that have begun. */
static void test_idle(void **state)
{
    struct listener_options options = {.conn.message_ns_max = DEADLINE_MS * NS_PER_MS,
                                       .conn.open_ns_max = 20 * DEADLINE_MS * NS_PER_MS};
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    kit_open_both(&kit, ROLE_WORKER);
    say(kit.client.conn, 1, "one");
    kit_await(&kit, deadline_has_passed);
    assert_int_equal(kit.server.messages, 1);
    say(kit.client.conn, 1, "two");
    kit_await(&kit, server_heard_two);
    assert_int_equal(kit.server.closed, 0);
    kit_close(&kit);
}

/* A reader's questions are short. */
static void test_large_question(void **state)
{
    static char payload[100 * 1024];
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    raw_authenticate(&kit, ROLE_READ);
    raw_send_frame(&kit, MESSAGE_JOB_LIST, slice_of(payload, sizeof payload));
    kit_await(&kit, server_is_closed);
    assert_int_equal(kit.server.messages, 0);
    assert_non_null(strstr(kit.server.err.message, "more than"));
    kit_close(&kit);
}

static void expect_three(struct heard *heard, const struct frame *frame)
{
    if (frame->type == MESSAGE_HEARTBEAT)
        conn_expect_raw(heard->conn, frame->request_id);
}

static bool raw_and_two_came(struct kit *kit)
{
    return kit->server.messages == 2 && kit->server.raw_bytes == (uint64_t)kit->number;
}

/* Raw bytes between two frames, in one piece with them or cut anywhere; what looks like a frame
 * in them is none. */
static void test_raw(void **state)
{
    struct buf raw = {0}, out = {0};
    uint32_t crc;

    (void)state;
    encode_log(&raw, "not a message");
    crc = crc32c(0, raw.ptr, raw.len);
    frame_encode(&out, &(struct frame){.type = MESSAGE_HEARTBEAT, .request_id = raw.len});
    buf_append(&out, raw.ptr, raw.len);
    encode_log(&out, "after it");
    for (size_t cut = 0; cut < out.len; cut += 3) {
        struct kit kit;

        kit_open(&kit, NULL);
        raw_authenticate(&kit, ROLE_WORKER);
        kit.server.on_message = expect_three;
        kit.number = (int)raw.len;
        raw_send(&kit, out.ptr, cut);
        kit_await(&kit, a_turn_has_passed);
        raw_send(&kit, out.ptr + cut, out.len - cut);
        kit_await(&kit, raw_and_two_came);
        assert_int_equal(kit.server.raw_crc, crc);
        assert_string_equal(kit.server.last_text, "after it");
        kit_close(&kit);
    }
    buf_deinit(&raw);
    buf_deinit(&out);
}

/* Cut inside of them. */
static void test_raw_cut(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    raw_authenticate(&kit, ROLE_WORKER);
    kit.server.on_message = expect_three;
    {
        struct buf out = {0};

        frame_encode(&out, &(struct frame){.type = MESSAGE_HEARTBEAT, .request_id = 100});
        buf_append(&out, "only this", 9);
        raw_send(&kit, out.ptr, out.len);
        buf_deinit(&out);
    }
    assert_int_equal(shutdown(kit.raw, SHUT_WR), 0);
    kit_await(&kit, server_is_closed);
    assert_true(kit.server.raw_bytes == 9);
    assert_non_null(strstr(kit.server.err.message, "cut inside a message"));
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oversize_before_auth),
        cmocka_unit_test(test_oversize_message_before_auth),
        cmocka_unit_test(test_every_message_before_auth),
        cmocka_unit_test(test_every_message_with_a_wrong_key),
        cmocka_unit_test(test_every_message_replayed),
        cmocka_unit_test(test_not_frames),
        cmocka_unit_test(test_every_message_of_every_role),
        cmocka_unit_test(test_refusal_is_told),
        cmocka_unit_test(test_hello_cut),
        cmocka_unit_test(test_messages_cut),
        cmocka_unit_test(test_messages_in_pieces),
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_slow_loris_before_auth),
        cmocka_unit_test(test_silent_before_auth),
        cmocka_unit_test(test_slow_loris),
        cmocka_unit_test(test_own_sleep),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_large_question),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_raw_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
