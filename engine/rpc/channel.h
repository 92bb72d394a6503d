/*
 * channel: whole messages over a socketpair between two processes of one machine, with
 * descriptors. Blocking; the shells, which may not block, use channel_feed() and a decoder.
 *
 *     channel_init_take(&channel, fd);
 *     rc = channel_send(&channel, MESSAGE_DONE, &done.base, &err);
 *     rc = channel_receive(&channel, &frame, &err);     1 message, 0 the peer hung up, -1
 *     fd = channel_take_fd(&channel);                   the one that came with it, or -1
 *     channel_deinit(&channel);
 *
 * A descriptor travels with the first byte of its message, so it is here when the message is. One
 * message carries at most one, and it is to be taken before the next one that carries one: a
 * second is an error (the peer is broken), never a leak.
 */
#ifndef RPC_CHANNEL_H
#define RPC_CHANNEL_H

#include "rpc/frame.h"
#include "rpc/message.h"

#include <stdbool.h>

enum { CHANNEL_READ_BYTES = 64 * 1024 };

struct channel {
    int fd;
    int received_fd; /* -1: none waits to be taken */
    struct frame_decoder decoder;
};

/* Two ends that are closed on exec. 0, or -1 with *err (ERR_RETRY). */
int channel_pair(int fds[2], struct err *err);

void channel_init_take(struct channel *channel, int fd);
void channel_deinit(struct channel *channel);

/* Sends a message; `body` NULL means an empty payload. 0, or -1 (ERR_RETRY: the peer is gone). */
int channel_send(struct channel *channel, enum message_type type, const ProtobufCMessage *body,
                 struct err *err);

/* The same with descriptor `fd`, which stays the caller's; -1: none. */
int channel_send_fd(struct channel *channel, enum message_type type, const ProtobufCMessage *body,
                    int fd, struct err *err);

/* The same message as it came: the payload is passed on, not looked into. */
int channel_forward(struct channel *channel, const struct frame *frame, struct err *err);

/* 1: *frame is the next message, good until the next call. 0: the peer hung up between two
 * messages. -1: *err (cut inside a message, or no frames). */
int channel_receive(struct channel *channel, struct frame *frame, struct err *err);

/* A message that is already here: 1, 0 or -1 as above, but 0 means: none, for now. Reads nothing.
 * For callers that poll: after one channel_fill(), take all of these. */
int channel_buffered(struct channel *channel, struct frame *frame, struct err *err);

/* Reads once what is there (blocking if nothing is). 1, 0: the peer hung up, -1. */
int channel_fill(struct channel *channel, struct err *err);

int channel_take_fd(struct channel *channel);

/* For a non-blocking socket: reads once into `decoder`. 1: something was read; 0: nothing there
 * for now; -1: the peer hung up (err->kind is ERR_NONE) or reading failed. */
int channel_feed(int fd, struct frame_decoder *decoder, struct err *err);

#endif
