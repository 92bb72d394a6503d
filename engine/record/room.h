/*
 * room: memory that grows and fails with an error, for keys and values that lie across blocks.
 *
 * base/buf.h ends the process when memory runs out; what is bounded by a budget says so instead.
 */
#ifndef RECORD_ROOM_H
#define RECORD_ROOM_H

#include "base/err.h"

#include <stddef.h>
#include <stdlib.h>

struct room {
    char *ptr;
    size_t capacity;
};

/* Makes room for `bytes`; what was there is lost when it has to grow. 0 or -1. */
static inline int room_reserve(struct room *room, size_t bytes, struct err *err)
{
    if (bytes <= room->capacity)
        return 0;
    free(room->ptr);
    room->capacity = 0;
    room->ptr = malloc(bytes);
    if (!room->ptr)
        return err_set(err, ERR_LIMIT, "no memory for a record of %zu bytes", bytes);
    room->capacity = bytes;
    return 0;
}

static inline void room_deinit(struct room *room)
{
    free(room->ptr);
    *room = (struct room){0};
}

#endif
