#include "test.h"

#include "hex.h"
#include "rpc/auth.h"
#include "rpc/message.h"

#include <string.h>

enum { EPOCH = 7 };

/* Both ends, and what each has said and not been read. */
struct pair {
    struct keys server_keys, client_keys;
    struct auth server, client;
    struct buf to_server, to_client;
    struct err err; /* of who failed */
};

static void open_pair(struct pair *pair, enum access_role role, uint8_t server_chance)
{
    uint8_t secret[KEY_BYTES], nonce[AUTH_NONCE_BYTES];

    *pair = (struct pair){0};
    for (uint8_t i = 0; i < KEY_BYTES; i++)
        secret[i] = i;
    keys_of_secret(&pair->server_keys, secret);
    keys_of_secret(&pair->client_keys, secret);
    memset(nonce, server_chance, sizeof nonce);
    auth_init_server(&pair->server, &pair->server_keys, UINT32_MAX, EPOCH, nonce);
    memset(nonce, 0x11, sizeof nonce);
    auth_init_client(&pair->client, role, keys_of_role(&pair->client_keys, role), nonce,
                     &pair->to_server);
}

static void close_pair(struct pair *pair)
{
    auth_deinit(&pair->server);
    auth_deinit(&pair->client);
    buf_deinit(&pair->to_server);
    buf_deinit(&pair->to_client);
}

/* The one frame in `bytes`. The decoder must outlive it. */
static struct frame only_frame(struct frame_decoder *decoder, const struct buf *bytes)
{
    struct frame frame;
    struct err err;

    frame_decoder_init(decoder, &FRAME_LIMITS_LOCAL);
    frame_decoder_feed(decoder, buf_slice(bytes));
    assert_int_equal(frame_decoder_next(decoder, &frame, &err), 1);
    assert_true(frame_decoder_is_empty(decoder));
    return frame;
}

/* Gives `auth` what waits for it. */
static int step(struct auth *auth, struct buf *in, struct buf *out, struct err *err)
{
    struct frame_decoder decoder;
    struct frame frame = only_frame(&decoder, in);
    int rc = auth_step(auth, &frame, out, err);

    buf_clear(in);
    frame_decoder_deinit(&decoder);
    return rc;
}

static int step_server(struct pair *pair)
{
    return step(&pair->server, &pair->to_server, &pair->to_client, &pair->err);
}

static int step_client(struct pair *pair)
{
    return step(&pair->client, &pair->to_client, &pair->to_server, &pair->err);
}

/* All four messages; every role. */
static void test_open(void **state)
{
    static const enum access_role roles[] = {ROLE_SUBMIT, ROLE_WORKER, ROLE_READ};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct pair pair;

        open_pair(&pair, roles[i], 0x22);
        assert_int_equal(step_server(&pair), 0);
        assert_int_equal(step_client(&pair), 0);
        assert_int_equal(step_server(&pair), 1);
        assert_int_equal(pair.server.state, AUTH_OPEN);
        assert_int_equal(pair.client.state, AUTH_WAITS_FOR_WELCOME);
        assert_int_equal(step_client(&pair), 1);
        assert_int_equal(pair.to_server.len, 0);
        assert_int_equal(pair.server.role, roles[i]);
        assert_true(pair.client.epoch == EPOCH);
        assert_memory_equal(pair.client.binding, pair.server.binding, PROOF_BYTES);
        assert_int_equal(pair.client.key[0] | pair.server.key[0], 0); /* not needed any more */
        close_pair(&pair);
        assert_int_equal(pair.client.binding[0] | pair.server.binding[0], 0);
    }
}

/* Computed by another program: what is proved must never change within a version. */
static void test_golden(void **state)
{
    struct frame_decoder decoder;
    struct pair pair;
    struct frame frame;
    struct err err;
    Mrlua__HelloAnswer *answer;
    Mrlua__Auth *auth;

    (void)state;
    open_pair(&pair, ROLE_WORKER, 0x22);
    assert_int_equal(step_server(&pair), 0);
    frame = only_frame(&decoder, &pair.to_client);
    answer = message_unpack(&mrlua__hello_answer__descriptor, frame.payload, &err);
    assert_string_equal(hex(answer->proof.data, answer->proof.len),
                        "3a0c265d604a04a17d24bade0d56a9a51da6a8c117e9dfd43312986e06bb7644");
    message_free(answer);
    frame_decoder_deinit(&decoder);
    assert_int_equal(step_client(&pair), 0);
    frame = only_frame(&decoder, &pair.to_server);
    auth = message_unpack(&mrlua__auth__descriptor, frame.payload, &err);
    assert_string_equal(hex(auth->proof.data, auth->proof.len),
                        "bb0f75dc29081a242ca63cfa73f6a904dc0a3bceae09ef2ff57fa7df375d837e");
    message_free(auth);
    frame_decoder_deinit(&decoder);
    assert_int_equal(step_server(&pair), 1);
    assert_string_equal(hex(pair.server.binding, PROOF_BYTES),
                        "4b47e1827c7fdd798ccb2a14a3d56d8f98e9b0fa2ad09df3a5ca83c482535839");
    close_pair(&pair);
}

static void set_channels(struct pair *pair, uint8_t server, uint8_t client)
{
    uint8_t channel[AUTH_CHANNEL_BYTES];

    memset(channel, server, sizeof channel);
    auth_set_channel(&pair->server, channel);
    memset(channel, client, sizeof channel);
    auth_set_channel(&pair->client, channel);
}

/* Computed by another program, as above. */
static void test_golden_channel(void **state)
{
    struct frame_decoder decoder;
    struct pair pair;
    struct frame frame;
    struct err err;
    Mrlua__HelloAnswer *answer;

    (void)state;
    open_pair(&pair, ROLE_WORKER, 0x22);
    set_channels(&pair, 0x33, 0x33);
    assert_int_equal(step_server(&pair), 0);
    frame = only_frame(&decoder, &pair.to_client);
    answer = message_unpack(&mrlua__hello_answer__descriptor, frame.payload, &err);
    assert_string_equal(hex(answer->proof.data, answer->proof.len),
                        "c3d6bee7c43bfe4cbdd9c534750c88aa8683ac11e302def0bf525100fd1add28");
    message_free(answer);
    frame_decoder_deinit(&decoder);
    assert_int_equal(step_client(&pair), 0);
    assert_int_equal(step_server(&pair), 1);
    assert_int_equal(step_client(&pair), 1);
    assert_memory_equal(pair.client.binding, pair.server.binding, PROOF_BYTES);
    close_pair(&pair);
}

/* Somebody in the middle has a channel to each end, and passes on what they say. */
static void test_other_channel(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair, ROLE_WORKER, 0x22);
    set_channels(&pair, 0x33, 0x34);
    assert_int_equal(step_server(&pair), 0);
    assert_int_equal(step_client(&pair), -1);
    assert_int_equal(pair.err.kind, ERR_SETUP);
    close_pair(&pair);
}

/* The server proves first: a client with another key says so, and gives nothing away. */
static void test_wrong_key(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair, ROLE_SUBMIT, 0x22);
    pair.client.key[5] ^= 1;
    assert_int_equal(step_server(&pair), 0);
    assert_int_equal(step_client(&pair), -1);
    assert_int_equal(pair.err.kind, ERR_SETUP);
    assert_non_null(strstr(pair.err.message, "does not hold the same key for role submit: name"));
    assert_int_equal(pair.to_server.len, 0);
    assert_int_equal(pair.client.state, AUTH_FAILED);
    close_pair(&pair);
}

/* One that does not care, and answers all the same. */
static void test_forged_proof(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair, ROLE_SUBMIT, 0x22);
    assert_int_equal(step_server(&pair), 0);
    pair.server.key[5] ^= 1; /* what the client will prove is then of another key */
    assert_int_equal(step_client(&pair), 0);
    assert_int_equal(step_server(&pair), -1);
    assert_int_equal(pair.err.kind, ERR_SETUP);
    assert_int_equal(pair.to_client.len, 0);
    assert_int_equal(pair.server.state, AUTH_FAILED);
    close_pair(&pair);
}

/* The key of one role does not open another, whatever Hello says. */
static void test_key_of_another_role(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair, ROLE_SUBMIT, 0x22);
    memcpy(pair.client.key, keys_of_role(&pair.client_keys, ROLE_READ), KEY_BYTES);
    assert_int_equal(step_server(&pair), 0);
    assert_int_equal(step_client(&pair), -1);
    assert_int_equal(pair.err.kind, ERR_SETUP);
    close_pair(&pair);
}

static int hello(struct pair *pair, uint32_t version, uint32_t role, size_t nonce_len)
{
    Mrlua__Hello message = MRLUA__HELLO__INIT;
    uint8_t nonce[64] = {0};
    struct buf payload = {0};
    struct frame frame = {.type = MESSAGE_HELLO};
    int rc;

    message.version = version;
    message.role = role;
    message.nonce.data = nonce;
    message.nonce.len = nonce_len;
    message_pack(&payload, &message.base);
    frame.payload = buf_slice(&payload);
    rc = auth_step(&pair->server, &frame, &pair->to_client, &pair->err);
    buf_deinit(&payload);
    return rc;
}

static void test_bad_hello(void **state)
{
    static const uint32_t roles[] = {0, ROLE_SERVER, ROLE_COUNT, 31, 32, 33, UINT32_MAX};
    struct pair pair;

    (void)state;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        open_pair(&pair, ROLE_READ, 0x22);
        assert_int_equal(hello(&pair, AUTH_PROTOCOL_VERSION, roles[i], AUTH_NONCE_BYTES), -1);
        assert_int_equal(pair.to_client.len, 0);
        close_pair(&pair);
    }
    for (size_t len = 0; len <= 64; len++) {
        open_pair(&pair, ROLE_READ, 0x22);
        assert_int_equal(hello(&pair, AUTH_PROTOCOL_VERSION, ROLE_READ, len),
                         len == AUTH_NONCE_BYTES ? 0 : -1);
        close_pair(&pair);
    }
}

/* A role that is not accepted here, and one whose key is not held. */
static void test_role_not_accepted(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair, ROLE_SUBMIT, 0x22);
    pair.server.roles_accepted = ROLE_BIT(ROLE_WORKER);
    assert_int_equal(step_server(&pair), -1);
    assert_int_equal(pair.to_client.len, 0);
    close_pair(&pair);
    open_pair(&pair, ROLE_SUBMIT, 0x22);
    pair.server_keys.roles = ROLE_BIT(ROLE_WORKER);
    assert_int_equal(step_server(&pair), -1);
    close_pair(&pair);
}

/* Both sides say what the other one speaks. */
static void test_other_version(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair, ROLE_SUBMIT, 0x22);
    assert_int_equal(hello(&pair, 99, ROLE_SUBMIT, AUTH_NONCE_BYTES), -1);
    assert_int_equal(pair.err.kind, ERR_SETUP);
    assert_non_null(strstr(pair.err.message, "protocol version 99"));
    assert_true(pair.to_client.len > 0); /* the answer names ours, and nothing else */
    close_pair(&pair);
}

/* What a client has said once does not open the next connection: the server's nonce is new. */
static void test_replay(void **state)
{
    struct pair recorded, replayed;
    struct buf said_hello = {0}, said_auth = {0};

    (void)state;
    open_pair(&recorded, ROLE_WORKER, 0x22);
    buf_append(&said_hello, recorded.to_server.ptr, recorded.to_server.len);
    assert_int_equal(step_server(&recorded), 0);
    assert_int_equal(step_client(&recorded), 0);
    buf_append(&said_auth, recorded.to_server.ptr, recorded.to_server.len);
    assert_int_equal(step_server(&recorded), 1);

    open_pair(&replayed, ROLE_WORKER, 0x23);
    assert_int_equal(step(&replayed.server, &said_hello, &replayed.to_client, &replayed.err), 0);
    assert_int_equal(step(&replayed.server, &said_auth, &replayed.to_client, &replayed.err), -1);
    assert_int_equal(replayed.err.kind, ERR_SETUP);
    close_pair(&recorded);
    close_pair(&replayed);
    buf_deinit(&said_hello);
    buf_deinit(&said_auth);
}

/* The server's own proof, sent back to it, is not the client's. */
static void test_reflection(void **state)
{
    Mrlua__Auth message = MRLUA__AUTH__INIT;
    struct frame_decoder decoder;
    struct frame frame;
    struct buf payload = {0};
    struct pair pair;
    struct err err;
    Mrlua__HelloAnswer *answer;

    (void)state;
    open_pair(&pair, ROLE_WORKER, 0x22);
    assert_int_equal(step_server(&pair), 0);
    frame = only_frame(&decoder, &pair.to_client);
    answer = message_unpack(&mrlua__hello_answer__descriptor, frame.payload, &err);
    message.proof = answer->proof;
    message_pack(&payload, &message.base);
    frame = (struct frame){.type = MESSAGE_AUTH, .payload = buf_slice(&payload)};
    assert_int_equal(auth_step(&pair.server, &frame, &pair.to_client, &pair.err), -1);
    message_free(answer);
    frame_decoder_deinit(&decoder);
    buf_deinit(&payload);
    close_pair(&pair);
}

/* Any changed byte of the server's answer: epoch, nonce, proof, all are under the proof. */
static void test_changed_answer(void **state)
{
    size_t len = 1;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        struct frame_decoder decoder;
        struct pair pair;
        struct frame frame;
        struct buf payload = {0};

        open_pair(&pair, ROLE_WORKER, 0x22);
        assert_int_equal(step_server(&pair), 0);
        frame = only_frame(&decoder, &pair.to_client);
        len = frame.payload.len;
        buf_append(&payload, frame.payload.ptr, len);
        payload.ptr[i] ^= 1;
        frame.payload = buf_slice(&payload);
        assert_int_equal(auth_step(&pair.client, &frame, &pair.to_server, &pair.err), -1);
        assert_int_equal(pair.to_server.len, 0);
        buf_deinit(&payload);
        frame_decoder_deinit(&decoder);
        close_pair(&pair);
    }
}

/* A fresh end that has come to `state`. */
static void bring_to(struct pair *pair, enum auth_state state)
{
    open_pair(pair, ROLE_WORKER, 0x22);
    if (state == AUTH_WAITS_FOR_PROOF || state == AUTH_WAITS_FOR_WELCOME)
        assert_int_equal(step_server(pair), 0);
    if (state == AUTH_WAITS_FOR_WELCOME)
        assert_int_equal(step_client(pair), 0);
}

/* Every type, in every state, with an empty payload: nothing opens but the Welcome that is due. */
static void test_every_message(void **state)
{
    static const enum auth_state states[] = {AUTH_WAITS_FOR_HELLO, AUTH_WAITS_FOR_ANSWER,
                                             AUTH_WAITS_FOR_PROOF, AUTH_WAITS_FOR_WELCOME};

    (void)state;
    for (int i = 0; i < 4; i++)
        for (int type = 0; type < 256; type++) {
            bool is_client =
                states[i] == AUTH_WAITS_FOR_ANSWER || states[i] == AUTH_WAITS_FOR_WELCOME;
            bool is_due = states[i] == AUTH_WAITS_FOR_WELCOME && type == MESSAGE_WELCOME;
            struct frame frame = {.type = (uint8_t)type};
            struct buf out = {0};
            struct pair pair;
            struct auth *auth;

            bring_to(&pair, states[i]);
            auth = is_client ? &pair.client : &pair.server;
            assert_int_equal(auth->state, states[i]);
            assert_int_equal(auth_step(auth, &frame, &out, &pair.err), is_due ? 1 : -1);
            if (!is_due) { /* and it stays so */
                frame.type = MESSAGE_WELCOME;
                assert_int_equal(auth_step(auth, &frame, &out, &pair.err), -1);
            }
            buf_deinit(&out);
            close_pair(&pair);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_golden_channel),
        cmocka_unit_test(test_other_channel),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_forged_proof),
        cmocka_unit_test(test_key_of_another_role),
        cmocka_unit_test(test_bad_hello),
        cmocka_unit_test(test_role_not_accepted),
        cmocka_unit_test(test_other_version),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_reflection),
        cmocka_unit_test(test_changed_answer),
        cmocka_unit_test(test_every_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
