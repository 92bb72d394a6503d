/*
 * frame: messages as bytes, for sockets. Pure: bytes in, bytes out.
 *
 *     frame_encode(&out, &message);            struct frame_decoder decoder;
 *     send(out)                                frame_decoder_init(&decoder, &limits);
 *                                              frame_decoder_feed(&decoder, bytes);
 *                                              while ((rc = frame_decoder_next(&decoder,
 *                                                                  &message, &err)) == 1)
 *                                                  use(&message);
 *                                              frame_decoder_deinit(&decoder);
 *
 * One frame, little-endian; `length` counts what follows it, the CRC covers all before it:
 *
 *     0        4         5      6       8            16            16+n     20+n
 *     +--------+---------+------+-------+------------+-------------+--------+
 *     | length | version | type | flags | request id |   payload   | crc32c |
 *     |  u32   | u8 (1)  |  u8  |  u16  |    u64     |   n bytes   |  u32   |
 *     +--------+---------+------+-------+------------+-------------+--------+
 *
 * Flag 1 (more): the message goes on in the next frame, which has the same type and request id.
 * So a frame has a limit that bounds what a peer makes us hold before its checksum is seen, and
 * a message another one. All other flags are zero; a decoder refuses what it does not know.
 *
 * After an error a decoder is of no use: the connection is to be closed.
 */
#ifndef RPC_FRAME_H
#define RPC_FRAME_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FRAME_VERSION = 1,
    FRAME_HEADER_BYTES = 16,
    FRAME_CRC_BYTES = 4,
    FRAME_FLAG_MORE = 1,
#ifdef MRLUA_TINY
    FRAME_BYTES_MAX = 128, /* nearly every message needs several */
#else
    FRAME_BYTES_MAX = 1024 * 1024, /* whole frame; what one peer may make another buffer */
#endif
    FRAME_PAYLOAD_BYTES_MAX = FRAME_BYTES_MAX - FRAME_HEADER_BYTES - FRAME_CRC_BYTES,
    MESSAGE_BYTES_MAX = 256 * 1024 * 1024, /* a plan of a million files */
};

struct frame {
    uint8_t type; /* enum message_type, rpc/message.h */
    uint64_t request_id;
    struct slice payload; /* decoded: good until the next call on the decoder */
};

struct frame_limits {
    size_t frame_bytes_max;   /* at most FRAME_BYTES_MAX */
    size_t message_bytes_max; /* payloads joined */
};

/* What processes of one attempt, which trust each other's code, use. */
extern const struct frame_limits FRAME_LIMITS_LOCAL;

/* Appends the frames of one message to `out`. payload.len <= MESSAGE_BYTES_MAX. */
void frame_encode(struct buf *out, const struct frame *message);

struct frame_decoder {
    struct frame_limits limits;
    struct buf in;     /* bytes not decoded yet, from `taken` on */
    size_t taken;      /* bytes of `in` that are done with */
    struct buf joined; /* a message whose frames are not all there */
    bool is_joining;   /* the last frame said more */
    uint8_t type;      /* of the message being joined */
    uint64_t request_id;
};

/* A zeroed decoder may be deinited. */
void frame_decoder_init(struct frame_decoder *decoder, const struct frame_limits *limits);
void frame_decoder_deinit(struct frame_decoder *decoder);

/* Adds bytes as they came, cut anywhere. */
void frame_decoder_feed(struct frame_decoder *decoder, struct slice bytes);

/* 1: *message is the next one. 0: more bytes are needed. -1: the bytes are no frames (ERR_RETRY:
 * a peer that speaks so is dropped, and what it was to do is done by another). */
int frame_decoder_next(struct frame_decoder *decoder, struct frame *message, struct err *err);

/* True: the stream may end here; false: it was cut inside a message. */
bool frame_decoder_is_empty(const struct frame_decoder *decoder);

#endif
