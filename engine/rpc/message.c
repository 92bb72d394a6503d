#include "rpc/message.h"

#include <assert.h>
#include <stdlib.h>

enum {
    UNPACK_FACTOR = 32,           /* bytes of structs per byte of payload: pointers, empty fields */
    UNPACK_BYTES_MIN = 16 * 1024, /* so that a message of a few bytes has room */
};

void message_pack(struct buf *out, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);

    protobuf_c_message_pack(message, (uint8_t *)buf_reserve(out, len));
    out->len += len;
}

/* malloc() with a budget: what a small hostile payload may make us allocate. */
static void *budget_alloc(void *budget, size_t bytes)
{
    size_t *left = budget;

    if (bytes > *left)
        return NULL;
    *left -= bytes;
    return malloc(bytes);
}

static void budget_free(void *budget, void *ptr)
{
    (void)budget;
    free(ptr);
}

void *message_unpack(const ProtobufCMessageDescriptor *type, struct slice payload, struct err *err)
{
    size_t budget = UNPACK_BYTES_MIN + UNPACK_FACTOR * payload.len;
    ProtobufCAllocator allocator = {
        .alloc = budget_alloc, .free = budget_free, .allocator_data = &budget};
    /* An empty payload is a message too, and its pointer may be NULL. */
    const uint8_t *bytes = payload.len ? (const uint8_t *)payload.ptr : (const uint8_t *)"";
    void *message = protobuf_c_message_unpack(type, &allocator, payload.len, bytes);

    if (!message)
        err_set(err, ERR_RETRY, "message: %zu bytes are no %s", payload.len, type->short_name);
    return message;
}

void message_free(void *message)
{
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
}

void message_of_err(Mrlua__Error *out, const struct err *err, const char *detail)
{
    mrlua__error__init(out);
    out->kind = err->kind;
    out->message = (char *)err->message;
    out->detail = (char *)(detail ? detail : "");
}

void message_to_err(const Mrlua__Error *message, struct err *err)
{
    enum err_kind kind = ERR_RETRY; /* no error, or one of a newer version */

    if (message->kind > ERR_NONE && message->kind < ERR_KIND_COUNT)
        kind = (enum err_kind)message->kind;
    err_set(err, kind, "%s", message->message);
}
