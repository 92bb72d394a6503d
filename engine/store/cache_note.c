#include "store/cache_note.h"

#include "base/bytes.h"
#include "base/hash.h"

#include <string.h>

static const char NOTE_MAGIC[4] = "MRN1";

void cache_note_encode(struct buf *out, struct slice text)
{
    char head[CACHE_NOTE_HEAD_BYTES];

    memcpy(head, NOTE_MAGIC, sizeof NOTE_MAGIC);
    put_u32le(head + 4, (uint32_t)text.len);
    put_u32le(head + 8, crc32c(0, text.ptr, text.len));
    buf_append(out, head, sizeof head);
    buf_append(out, text.ptr, text.len);
}

bool cache_note_decode(struct slice bytes, struct buf *out)
{
    const char *text = bytes.ptr + CACHE_NOTE_HEAD_BYTES;
    size_t len;

    if (bytes.len < CACHE_NOTE_HEAD_BYTES || memcmp(bytes.ptr, NOTE_MAGIC, sizeof NOTE_MAGIC) != 0)
        return false;
    len = get_u32le(bytes.ptr + 4);
    if (len != bytes.len - CACHE_NOTE_HEAD_BYTES ||
        get_u32le(bytes.ptr + 8) != crc32c(0, text, len))
        return false;
    buf_append(out, text, len);
    return true;
}
