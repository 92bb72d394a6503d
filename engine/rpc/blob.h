/*
 * blob: bytes that travel by the name of their contents: bundles, job tables, parameters, side
 * files.
 *
 *     blob_hash(bytes, hash);             their name, in BlobPut, JobSubmit, AttemptStart
 *     blob_hash_print(hash, text);        as the name of a file
 *
 *     hasher = blob_hasher_open();        the same of bytes that come in pieces
 *     blob_hasher_add(hasher, piece);
 *     blob_hasher_close(hasher, hash);    NULL: nobody wants to know any more
 *
 * The name is SHA-256: whoever may put a blob must not be able to put two under one name.
 */
#ifndef RPC_BLOB_H
#define RPC_BLOB_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BLOB_HASH_BYTES = 32,
    BLOB_HASH_TEXT_BYTES = 2 * BLOB_HASH_BYTES + 1, /* hexadecimal, and a NUL */
    BLOB_PIECE_BYTES = 512 * 1024,                  /* of one BlobPut or BlobData; fits a frame */
    /* What a master sends to each of its workers, and reads once, between two heartbeats, for its
     * hash (50 ms). What is larger is data, and data has a store. */
    BLOB_BYTES_MAX = 64 * 1024 * 1024,
};

struct blob_hasher;

void blob_hash(struct slice bytes, uint8_t out[BLOB_HASH_BYTES]);
struct blob_hasher *blob_hasher_open(void);
void blob_hasher_add(struct blob_hasher *hasher, struct slice bytes);
void blob_hasher_close(struct blob_hasher *hasher, uint8_t *out); /* NULL hasher is fine */

/* Of the file behind `fd`, from its start: hash, and CRC32C unless `crc` is NULL. *bytes: how many
 * there are; more than BLOB_BYTES_MAX are not read, and -1 (ERR_SETUP). A failing read has `kind`
 * and names `what`. */
int blob_hash_file(int fd, const char *what, enum err_kind kind, uint8_t out[BLOB_HASH_BYTES],
                   uint32_t *crc, uint64_t *bytes, struct err *err);

/* The inverse of blob_hash_print(). False: it is no such text. */
bool blob_hash_parse(const char *text, uint8_t out[BLOB_HASH_BYTES]);
void blob_hash_print(const uint8_t hash[BLOB_HASH_BYTES], char out[BLOB_HASH_TEXT_BYTES]);

#endif
