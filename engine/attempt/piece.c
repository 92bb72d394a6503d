#include "attempt/piece.h"

#include "base/io.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

void piece_begin(struct piece *piece, uint64_t offset)
{
    assert(piece->len == 0);
    piece->offset = offset;
}

static size_t room_bytes_of(const struct piece *piece)
{
    return PIECE_BYTES - (size_t)(piece->offset % PIECE_BYTES) - piece->len;
}

void *piece_room(struct piece *piece, size_t *room_bytes)
{
    if (!piece->bytes)
        piece->bytes = mem_alloc(PIECE_BYTES);
    *room_bytes = room_bytes_of(piece);
    assert(*room_bytes > 0);
    return piece->bytes + piece->len;
}

int piece_add(struct piece *piece, size_t count, struct err *err)
{
    assert(count <= room_bytes_of(piece));
    piece->len += count;
    return room_bytes_of(piece) > 0 ? 0 : piece_flush(piece, err);
}

int piece_flush(struct piece *piece, struct err *err)
{
    size_t len = piece->len;

    if (len == 0)
        return 0;
    piece->len = 0;
    if (io_pwrite(piece->fd, piece->bytes, len, piece->offset, "a scratch file", err) != 0)
        return -1;
    piece->offset += len;
    return 0;
}

void piece_deinit(struct piece *piece)
{
    free(piece->bytes);
    piece->bytes = NULL;
    piece->len = 0;
}
