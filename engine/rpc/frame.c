#include "rpc/frame.h"

#include "base/bytes.h"
#include "base/hash.h"

#include <assert.h>

enum {
    LENGTH_BYTES = 4,
    LENGTH_MIN = FRAME_HEADER_BYTES - LENGTH_BYTES + FRAME_CRC_BYTES, /* no payload */
};
static_assert(FRAME_PAYLOAD_BYTES_MAX > 0, "a frame has room for a payload");

const struct frame_limits FRAME_LIMITS_LOCAL = {
    .frame_bytes_max = FRAME_BYTES_MAX,
    .message_bytes_max = MESSAGE_BYTES_MAX,
};

static void encode_one(struct buf *out, const struct frame *message, uint16_t flags)
{
    size_t len = message->payload.len;
    char *to = buf_reserve(out, FRAME_HEADER_BYTES + len + FRAME_CRC_BYTES);

    put_u32le(to, (uint32_t)(LENGTH_MIN + len));
    to[4] = FRAME_VERSION;
    to[5] = (char)message->type;
    put_u16le(to + 6, flags);
    put_u64le(to + 8, message->request_id);
    if (len)
        memcpy(to + FRAME_HEADER_BYTES, message->payload.ptr, len);
    put_u32le(to + FRAME_HEADER_BYTES + len, crc32c(0, to, FRAME_HEADER_BYTES + len));
    out->len += FRAME_HEADER_BYTES + len + FRAME_CRC_BYTES;
}

void frame_encode(struct buf *out, const struct frame *message)
{
    struct frame part = *message;
    struct slice left = message->payload;

    assert(left.len <= MESSAGE_BYTES_MAX);
    while (left.len > FRAME_PAYLOAD_BYTES_MAX) {
        part.payload = slice_of(left.ptr, FRAME_PAYLOAD_BYTES_MAX);
        encode_one(out, &part, FRAME_FLAG_MORE);
        left = slice_of(left.ptr + FRAME_PAYLOAD_BYTES_MAX, left.len - FRAME_PAYLOAD_BYTES_MAX);
    }
    part.payload = left;
    encode_one(out, &part, 0);
}

void frame_decoder_init(struct frame_decoder *decoder, const struct frame_limits *limits)
{
    assert(limits->frame_bytes_max >= FRAME_HEADER_BYTES + FRAME_CRC_BYTES);
    assert(limits->frame_bytes_max <= FRAME_BYTES_MAX);
    *decoder = (struct frame_decoder){.limits = *limits};
}

void frame_decoder_deinit(struct frame_decoder *decoder)
{
    buf_deinit(&decoder->in);
    buf_deinit(&decoder->joined);
    *decoder = (struct frame_decoder){0};
}

void frame_decoder_feed(struct frame_decoder *decoder, struct slice bytes)
{
    if (decoder->taken > 0) {
        decoder->in.len -= decoder->taken;
        memmove(decoder->in.ptr, decoder->in.ptr + decoder->taken, decoder->in.len);
        decoder->taken = 0;
    }
    buf_append(&decoder->in, bytes.ptr, bytes.len);
}

/* The whole frame at the head of what was fed. 1, 0 (more bytes are needed) or -1. */
static int take_frame(struct frame_decoder *decoder, struct slice *frame, struct err *err)
{
    size_t have = decoder->in.len - decoder->taken;
    const char *at;
    uint32_t length;

    if (have < LENGTH_BYTES)
        return 0; /* perhaps nothing was fed: there is no pointer to add to */
    at = decoder->in.ptr + decoder->taken;
    length = get_u32le(at);
    if (length < LENGTH_MIN || length > decoder->limits.frame_bytes_max - LENGTH_BYTES)
        return err_set(err, ERR_RETRY, "frame: a length of %u bytes, not %d to %zu", length,
                       LENGTH_MIN, decoder->limits.frame_bytes_max - LENGTH_BYTES);
    if (have - LENGTH_BYTES < length)
        return 0;
    *frame = slice_of(at, LENGTH_BYTES + length);
    decoder->taken += frame->len;
    return 1;
}

static int check_frame(const struct frame_decoder *decoder, struct slice frame, struct err *err)
{
    size_t crc_at = frame.len - FRAME_CRC_BYTES;
    unsigned version = (unsigned char)frame.ptr[4];
    uint8_t type = (uint8_t)frame.ptr[5];

    if (get_u32le(frame.ptr + crc_at) != crc32c(0, frame.ptr, crc_at))
        return err_set(err, ERR_RETRY, "frame: wrong checksum");
    if (version != FRAME_VERSION)
        return err_set(err, ERR_RETRY, "frame: version %u, this is version %d", version,
                       FRAME_VERSION);
    if (get_u16le(frame.ptr + 6) & ~FRAME_FLAG_MORE)
        return err_set(err, ERR_RETRY, "frame: unknown flags %u", get_u16le(frame.ptr + 6));
    if (decoder->is_joining &&
        (type != decoder->type || get_u64le(frame.ptr + 8) != decoder->request_id))
        return err_set(err, ERR_RETRY, "frame: type %u inside a message of type %u", type,
                       decoder->type);
    if (decoder->joined.len + (crc_at - FRAME_HEADER_BYTES) > decoder->limits.message_bytes_max)
        return err_set(err, ERR_RETRY, "frame: a message of more than %zu bytes",
                       decoder->limits.message_bytes_max);
    return 0;
}

/* A checked frame: true if *message is complete with it. */
static bool join_frame(struct frame_decoder *decoder, struct slice frame, struct frame *message)
{
    struct slice payload =
        slice_of(frame.ptr + FRAME_HEADER_BYTES, frame.len - FRAME_HEADER_BYTES - FRAME_CRC_BYTES);
    bool more = get_u16le(frame.ptr + 6) & FRAME_FLAG_MORE;
    bool was_joining = decoder->is_joining;

    decoder->is_joining = more;
    decoder->type = (uint8_t)frame.ptr[5];
    decoder->request_id = get_u64le(frame.ptr + 8);
    if (more || was_joining)
        buf_append(&decoder->joined, payload.ptr, payload.len);
    if (more)
        return false;
    *message = (struct frame){
        .type = decoder->type,
        .request_id = decoder->request_id,
        .payload = was_joining ? buf_slice(&decoder->joined) : payload,
    };
    return true;
}

int frame_decoder_next(struct frame_decoder *decoder, struct frame *message, struct err *err)
{
    struct slice frame = {0};
    int rc;

    if (!decoder->is_joining)
        buf_clear(&decoder->joined);
    while ((rc = take_frame(decoder, &frame, err)) == 1) {
        if (check_frame(decoder, frame, err) != 0)
            return -1;
        if (join_frame(decoder, frame, message))
            return 1;
    }
    return rc;
}

bool frame_decoder_is_empty(const struct frame_decoder *decoder)
{
    return decoder->in.len == decoder->taken && !decoder->is_joining;
}
