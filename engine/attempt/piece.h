/*
 * piece: bytes of a file that come in small portions, gathered until they are worth a write.
 *
 *     struct piece piece = {.fd = scratch};
 *     piece_begin(&piece, offset);
 *     room = piece_room(&piece, &room_bytes);          never empty
 *     count = recv(socket, room, room_bytes, 0);
 *     rc = piece_add(&piece, count, &err);             writes what is full
 *     rc = piece_flush(&piece, &err);                  the rest; the bytes are in the file
 *     piece_deinit(&piece);                            what was not flushed is lost
 *
 * Writes end at multiples of PIECE_BYTES in the file, wherever it begins, so the page cache takes
 * them in large folios. Why so large: received and written in portions of 64 KiB a gigabyte costs
 * 0.89 s of CPU, of 256 KiB 0.61 s, of 1 MiB 0.43 s (kernel 6.18, ext4); 0.2 s of each is recv().
 *
 * Memory: PIECE_BYTES, from the first piece_room() to piece_deinit().
 */
#ifndef ATTEMPT_PIECE_H
#define ATTEMPT_PIECE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
#ifdef MRLUA_TINY
    PIECE_BYTES = 64,
#else
    PIECE_BYTES = 1024 * 1024,
#endif
};

struct piece {
    int fd;          /* borrowed */
    char *bytes;     /* NULL: not needed yet */
    uint64_t offset; /* in the file, of bytes[0] */
    size_t len;
};

/* The next bytes are those at `offset`. Nothing is waiting to be flushed. */
void piece_begin(struct piece *piece, uint64_t offset);

/* Where the next bytes go, and how many may. */
void *piece_room(struct piece *piece, size_t *room_bytes);

/* So many bytes are in that room. 0, or -1 with ERR_DISK: what is here is in an unknown state. */
int piece_add(struct piece *piece, size_t count, struct err *err);
int piece_flush(struct piece *piece, struct err *err);

/* It may begin again. */
void piece_deinit(struct piece *piece);

#endif
