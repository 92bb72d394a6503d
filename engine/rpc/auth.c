#include "rpc/auth.h"

#include "base/bytes.h"
#include "rpc/message.h"

#include <assert.h>
#include <string.h>

enum {
    LABEL_BYTES = 16,
    PROVED_BYTES = LABEL_BYTES + 2 * AUTH_NONCE_BYTES + 4 + 8,
};

/* Who proves: of one length, so no text of one is a text of another. */
static const char SERVER_LABEL[LABEL_BYTES] = "mrlua 1 server";
static const char CLIENT_LABEL[LABEL_BYTES] = "mrlua 1 client";
static const char BINDING_LABEL[LABEL_BYTES] = "mrlua 1 binding";

static void prove(const struct auth *auth, const char label[LABEL_BYTES],
                  uint8_t proof[PROOF_BYTES])
{
    char text[PROVED_BYTES + AUTH_CHANNEL_BYTES];
    char *at = text;

    memcpy(at, label, LABEL_BYTES);
    at += LABEL_BYTES;
    memcpy(at, auth->client_nonce, AUTH_NONCE_BYTES);
    at += AUTH_NONCE_BYTES;
    memcpy(at, auth->server_nonce, AUTH_NONCE_BYTES);
    at += AUTH_NONCE_BYTES;
    put_u32le(at, (uint32_t)auth->role);
    put_u64le(at + 4, auth->epoch);
    memcpy(text + PROVED_BYTES, auth->channel, AUTH_CHANNEL_BYTES);
    keys_hmac(auth->key, text, auth->has_channel ? sizeof text : PROVED_BYTES, proof);
}

static void append(struct buf *out, enum message_type type, const ProtobufCMessage *body)
{
    struct buf payload = {0};

    message_pack(&payload, body);
    frame_encode(out, &(struct frame){.type = (uint8_t)type, .payload = buf_slice(&payload)});
    buf_deinit(&payload);
}

static ProtobufCBinaryData binary(uint8_t *bytes, size_t len)
{
    return (ProtobufCBinaryData){.data = bytes, .len = len};
}

/* Nothing of the key is needed once both have proved it. */
static int opened(struct auth *auth)
{
    prove(auth, BINDING_LABEL, auth->binding);
    explicit_bzero(auth->key, sizeof auth->key);
    auth->state = AUTH_OPEN;
    return 1;
}

void auth_init_client(struct auth *auth, enum access_role role, const uint8_t key[KEY_BYTES],
                      const uint8_t nonce[AUTH_NONCE_BYTES], struct buf *out)
{
    Mrlua__Hello hello = MRLUA__HELLO__INIT;

    assert(access_role_has_key(role));
    *auth = (struct auth){.state = AUTH_WAITS_FOR_ANSWER, .role = role};
    memcpy(auth->key, key, KEY_BYTES);
    memcpy(auth->client_nonce, nonce, AUTH_NONCE_BYTES);
    hello.version = AUTH_PROTOCOL_VERSION;
    hello.role = role;
    hello.nonce = binary(auth->client_nonce, AUTH_NONCE_BYTES);
    append(out, MESSAGE_HELLO, &hello.base);
}

void auth_init_server(struct auth *auth, const struct keys *keys, uint32_t roles_accepted,
                      uint64_t epoch, const uint8_t nonce[AUTH_NONCE_BYTES])
{
    *auth = (struct auth){.state = AUTH_WAITS_FOR_HELLO,
                          .keys = keys,
                          .roles_accepted = roles_accepted,
                          .epoch = epoch};
    memcpy(auth->server_nonce, nonce, AUTH_NONCE_BYTES);
}

void auth_set_channel(struct auth *auth, const uint8_t channel[AUTH_CHANNEL_BYTES])
{
    auth->has_channel = true;
    memcpy(auth->channel, channel, AUTH_CHANNEL_BYTES);
}

void auth_deinit(struct auth *auth)
{
    explicit_bzero(auth, sizeof *auth);
}

static int answer_hello(struct auth *auth, const Mrlua__Hello *hello, struct buf *out,
                        struct err *err)
{
    Mrlua__HelloAnswer answer = MRLUA__HELLO_ANSWER__INIT;
    uint8_t proof[PROOF_BYTES];
    const uint8_t *key = NULL;

    answer.version = AUTH_PROTOCOL_VERSION;
    if (hello->version != AUTH_PROTOCOL_VERSION) {
        append(out, MESSAGE_HELLO_ANSWER, &answer.base);
        return err_set(err, ERR_SETUP, "the client speaks protocol version %u, this is version %d",
                       hello->version, AUTH_PROTOCOL_VERSION);
    }
    if (hello->nonce.len != AUTH_NONCE_BYTES)
        return err_set(err, ERR_RETRY, "Hello: a nonce of %zu bytes", hello->nonce.len);
    if (access_role_has_key(hello->role) && (auth->roles_accepted & ROLE_BIT(hello->role)))
        key = keys_of_role(auth->keys, (enum access_role)hello->role);
    if (!key)
        return err_set(err, ERR_SETUP, "Hello: role %u is not accepted here", hello->role);
    auth->role = (enum access_role)hello->role;
    memcpy(auth->key, key, KEY_BYTES);
    memcpy(auth->client_nonce, hello->nonce.data, AUTH_NONCE_BYTES);
    prove(auth, SERVER_LABEL, proof);
    answer.nonce = binary(auth->server_nonce, AUTH_NONCE_BYTES);
    answer.epoch = auth->epoch;
    answer.proof = binary(proof, PROOF_BYTES);
    append(out, MESSAGE_HELLO_ANSWER, &answer.base);
    auth->state = AUTH_WAITS_FOR_PROOF;
    return 0;
}

static int on_hello(struct auth *auth, struct slice payload, struct buf *out, struct err *err)
{
    Mrlua__Hello *hello = message_unpack(&mrlua__hello__descriptor, payload, err);
    int rc;

    if (!hello)
        return -1;
    rc = answer_hello(auth, hello, out, err);
    message_free(hello);
    return rc;
}

static int check_answer(struct auth *auth, const Mrlua__HelloAnswer *answer, struct buf *out,
                        struct err *err)
{
    Mrlua__Auth message = MRLUA__AUTH__INIT;
    uint8_t proof[PROOF_BYTES];

    if (answer->version != AUTH_PROTOCOL_VERSION)
        return err_set(err, ERR_SETUP, "the server speaks protocol version %u, this is version %d",
                       answer->version, AUTH_PROTOCOL_VERSION);
    if (answer->nonce.len != AUTH_NONCE_BYTES)
        return err_set(err, ERR_RETRY, "HelloAnswer: a nonce of %zu bytes", answer->nonce.len);
    memcpy(auth->server_nonce, answer->nonce.data, AUTH_NONCE_BYTES);
    auth->epoch = answer->epoch;
    prove(auth, SERVER_LABEL, proof);
    if (!keys_equal(proof, answer->proof.data, answer->proof.len))
        return err_set(err, ERR_SETUP,
                       "the server does not hold the same key for role %s: name the file of its "
                       "own with --key-file",
                       access_role_name(auth->role));
    prove(auth, CLIENT_LABEL, proof);
    message.proof = binary(proof, PROOF_BYTES);
    append(out, MESSAGE_AUTH, &message.base);
    auth->state = AUTH_WAITS_FOR_WELCOME;
    return 0;
}

static int on_answer(struct auth *auth, struct slice payload, struct buf *out, struct err *err)
{
    Mrlua__HelloAnswer *answer = message_unpack(&mrlua__hello_answer__descriptor, payload, err);
    int rc;

    if (!answer)
        return -1;
    rc = check_answer(auth, answer, out, err);
    message_free(answer);
    return rc;
}

static int on_auth(struct auth *auth, struct slice payload, struct buf *out, struct err *err)
{
    Mrlua__Auth *message = message_unpack(&mrlua__auth__descriptor, payload, err);
    Mrlua__Welcome welcome = MRLUA__WELCOME__INIT;
    uint8_t proof[PROOF_BYTES];
    bool is_right;

    if (!message)
        return -1;
    prove(auth, CLIENT_LABEL, proof);
    is_right = keys_equal(proof, message->proof.data, message->proof.len);
    message_free(message);
    if (!is_right)
        return err_set(err, ERR_SETUP, "Auth: the client does not hold the key of role %s",
                       access_role_name(auth->role));
    append(out, MESSAGE_WELCOME, &welcome.base);
    return opened(auth);
}

static int take_message(struct auth *auth, const struct frame *frame, struct buf *out,
                        struct err *err)
{
    switch (auth->state) {
    case AUTH_WAITS_FOR_HELLO:
        if (frame->type == MESSAGE_HELLO)
            return on_hello(auth, frame->payload, out, err);
        break;
    case AUTH_WAITS_FOR_ANSWER:
        if (frame->type == MESSAGE_HELLO_ANSWER)
            return on_answer(auth, frame->payload, out, err);
        break;
    case AUTH_WAITS_FOR_PROOF:
        if (frame->type == MESSAGE_AUTH)
            return on_auth(auth, frame->payload, out, err);
        break;
    case AUTH_WAITS_FOR_WELCOME:
        if (frame->type == MESSAGE_WELCOME)
            return opened(auth);
        break;
    case AUTH_OPEN:
    case AUTH_FAILED:
        break;
    }
    return err_set(err, ERR_RETRY, "a message of type %u does not belong to a handshake",
                   frame->type);
}

int auth_step(struct auth *auth, const struct frame *frame, struct buf *out, struct err *err)
{
    int rc = take_message(auth, frame, out, err);

    if (rc < 0) {
        auth->state = AUTH_FAILED;
        explicit_bzero(auth->key, sizeof auth->key);
    }
    return rc;
}
