/*
 * message: the frame types, and protobuf messages in and out of payloads, with limits.
 *
 *     message_pack(&buf, &done.base);
 *     Mrlua__Done *done = message_unpack(&mrlua__done__descriptor, frame.payload, &err);
 *     ...
 *     message_free(done);
 */
#ifndef RPC_MESSAGE_H
#define RPC_MESSAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "rpc/messages.pb-c.h"

enum message_type {
    MESSAGE_TASK_START = 1, /* TaskStart: trusted -> child */
    MESSAGE_STARTED,        /* Started: trusted -> shell */
    MESSAGE_PROGRESS,       /* Progress: trusted -> shell */
    MESSAGE_DONE,           /* Done: child -> trusted -> shell; the last one */
    MESSAGE_FAILED,         /* Failed: the same */
    MESSAGE_LOG,            /* Log: child -> trusted -> shell */
    MESSAGE_NEXT_INPUT,     /* no payload: child -> trusted */
    MESSAGE_INPUT,          /* Input and a descriptor: trusted -> child */
    MESSAGE_SEGMENT_TABLE,  /* SegmentTable: trusted -> child, after the TaskStart of a reduce */
    MESSAGE_FETCHED,        /* Fetched: trusted -> shell, by a reduce */
    MESSAGE_RUN,            /* no payload: shell -> trusted, the answer to it */
};

/* Appends the packed message. */
void message_pack(struct buf *out, const ProtobufCMessage *message);

/* NULL: the bytes are not such a message, or would take more than 32 times their size (ERR_RETRY,
 * as in frame.h). Release it with message_free(). */
void *message_unpack(const ProtobufCMessageDescriptor *type, struct slice payload, struct err *err);
void message_free(void *message); /* NULL is fine */

/* An error as a message and back. `out` borrows from `err` and `detail`, which may be NULL. */
void message_of_err(Mrlua__Error *out, const struct err *err, const char *detail);
void message_to_err(const Mrlua__Error *message, struct err *err);

#endif
