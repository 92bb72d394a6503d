/*
 * blob: bytes that travel by the name of their contents: bundles, job tables, parameters. Pure.
 *
 *     blob_hash(bytes, hash);             their name, in BlobPut, JobSubmit, AttemptStart
 *     blob_hash_print(hash, text);        as the name of a file
 *
 * The name is SHA-256: whoever may put a blob must not be able to put two under one name.
 */
#ifndef RPC_BLOB_H
#define RPC_BLOB_H

#include "base/slice.h"

#include <stdint.h>

enum {
    BLOB_HASH_BYTES = 32,
    BLOB_HASH_TEXT_BYTES = 2 * BLOB_HASH_BYTES + 1, /* hexadecimal, and a NUL */
    BLOB_PIECE_BYTES = 512 * 1024,                  /* of one BlobPut or BlobData; fits a frame */
    BLOB_BYTES_MAX = 64 * 1024 * 1024,              /* source code and parameters, not data */
};

void blob_hash(struct slice bytes, uint8_t out[BLOB_HASH_BYTES]);
void blob_hash_print(const uint8_t hash[BLOB_HASH_BYTES], char out[BLOB_HASH_TEXT_BYTES]);

#endif
