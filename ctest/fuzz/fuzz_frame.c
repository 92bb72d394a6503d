/*
 * Any bytes: the frame decoder accepts or refuses them without crashing, and alike however they are
 * cut; what it accepts can be sent on; every message is unpacked or refused; no handshake opens.
 */
#include "fuzz.h"

#include "base/hash.h"
#include "rpc/auth.h"
#include "rpc/message.h"

#include <stdlib.h>

static void must(bool condition)
{
    if (!condition)
        abort();
}

static const ProtobufCMessageDescriptor *const DESCRIPTORS[] = {
    &mrlua__hello__descriptor,
    &mrlua__hello_answer__descriptor,
    &mrlua__auth__descriptor,
    &mrlua__answer__descriptor,
    &mrlua__worker_join__descriptor,
    &mrlua__heartbeat__descriptor,
    &mrlua__attempt_fetched__descriptor,
    &mrlua__attempt_done__descriptor,
    &mrlua__attempt_failed__descriptor,
    &mrlua__output_lost__descriptor,
    &mrlua__attempt_start__descriptor,
    &mrlua__worker_welcome__descriptor,
    &mrlua__sources__descriptor,
    &mrlua__blob_put__descriptor,
    &mrlua__blob_data__descriptor,
    &mrlua__job_submit__descriptor,
    &mrlua__job_event__descriptor,
    &mrlua__worker_list_answer__descriptor,
    &mrlua__segment_fetch__descriptor,
    &mrlua__segment_head__descriptor,
};

static void unpack_as_all(struct slice payload)
{
    struct err err;

    for (size_t i = 0; i < sizeof DESCRIPTORS / sizeof DESCRIPTORS[0]; i++)
        message_free(message_unpack(DESCRIPTORS[i], payload, &err));
}

static void send_on(const struct frame *frame)
{
    struct frame_decoder decoder;
    struct buf out = {0};
    struct frame again;
    struct err err;

    frame_encode(&out, frame);
    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    frame_decoder_feed(&decoder, buf_slice(&out));
    must(frame_decoder_next(&decoder, &again, &err) == 1);
    must(again.type == frame->type && again.request_id == frame->request_id);
    must(slice_equal(again.payload, frame->payload));
    must(frame_decoder_is_empty(&decoder));
    frame_decoder_deinit(&decoder);
    buf_deinit(&out);
}

static uint64_t add(uint64_t hash, const struct frame *frame)
{
    hash = hash64_seeded(slice_of(&frame->type, sizeof frame->type), hash);
    hash = hash64_seeded(slice_of(&frame->request_id, sizeof frame->request_id), hash);
    return hash64_seeded(frame->payload, hash);
}

/* Decodes `bytes`, fed `step` at a time. Says what came out, and how it ended. */
static uint64_t decode(struct slice bytes, size_t step, bool looks_closely)
{
    struct frame_decoder decoder;
    struct frame frame;
    struct err err;
    uint64_t hash = 1;
    int rc = 0;

    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    while (rc == 0 && bytes.len > 0) {
        size_t len = bytes.len < step ? bytes.len : step;

        frame_decoder_feed(&decoder, slice_of(bytes.ptr, len));
        bytes = slice_of(bytes.ptr + len, bytes.len - len);
        while ((rc = frame_decoder_next(&decoder, &frame, &err)) == 1) {
            hash = add(hash, &frame);
            if (looks_closely) {
                send_on(&frame);
                unpack_as_all(frame.payload);
            }
        }
    }
    hash += rc < 0 ? 1 : frame_decoder_is_empty(&decoder) ? 2 : 3;
    frame_decoder_deinit(&decoder);
    return hash;
}

/* The bytes as what a client says to a server, and the other way round. */
static void shake_hands(struct slice bytes, bool is_server)
{
    static const uint8_t secret[KEY_BYTES] = "secret", nonce[AUTH_NONCE_BYTES] = "nonce";
    struct frame_decoder decoder;
    struct frame frame;
    struct buf out = {0};
    struct keys keys;
    struct auth auth;
    struct err err;
    int rc = 0;

    keys_of_secret(&keys, secret);
    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    frame_decoder_feed(&decoder, bytes);
    if (is_server)
        auth_init_server(&auth, &keys, UINT32_MAX, 7, nonce);
    else
        auth_init_client(&auth, ROLE_READ, keys_of_role(&keys, ROLE_READ), nonce, &out);
    while (rc == 0 && frame_decoder_next(&decoder, &frame, &err) == 1)
        rc = auth_step(&auth, &frame, &out, &err);
    must(rc != 1); /* nobody guesses a proof */
    auth_deinit(&auth);
    keys_forget(&keys);
    frame_decoder_deinit(&decoder);
    buf_deinit(&out);
}

/* The first byte is the type of a message, the others its payload: with a checksum that is right,
 * or little would come so far. */
static void shake_with(const uint8_t *data, size_t len)
{
    struct buf out = {0};

    frame_encode(&out, &(struct frame){.type = data[0], .payload = slice_of(data + 1, len - 1)});
    shake_hands(buf_slice(&out), true);
    shake_hands(buf_slice(&out), false);
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice bytes = slice_of(data, len);
    uint64_t whole = decode(bytes, len ? len : 1, true);

    must(decode(bytes, 1, false) == whole);
    must(decode(bytes, 7, false) == whole);
    shake_hands(bytes, true);
    shake_hands(bytes, false);
    unpack_as_all(bytes);
    if (len > 0)
        shake_with(data, len);
    return 0;
}
