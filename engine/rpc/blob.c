#include "rpc/blob.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

void blob_hash(struct slice bytes, uint8_t out[BLOB_HASH_BYTES])
{
    unsigned int len = 0;

    if (EVP_Digest(bytes.ptr, bytes.len, out, &len, EVP_sha256(), NULL) != 1)
        abort(); /* SHA-256 is always there; it fails only without memory */
    assert(len == BLOB_HASH_BYTES);
}

void blob_hash_print(const uint8_t hash[BLOB_HASH_BYTES], char out[BLOB_HASH_TEXT_BYTES])
{
    for (size_t i = 0; i < BLOB_HASH_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}
