#include "rpc/blob.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct blob_hasher {
    EVP_MD_CTX *context;
};

void blob_hash(struct slice bytes, uint8_t out[BLOB_HASH_BYTES])
{
    struct blob_hasher *hasher = blob_hasher_open();

    blob_hasher_add(hasher, bytes);
    blob_hasher_close(hasher, out);
}

/* SHA-256 is always there; it fails only without memory. */
struct blob_hasher *blob_hasher_open(void)
{
    struct blob_hasher *hasher = mem_alloc(sizeof *hasher);

    hasher->context = EVP_MD_CTX_new();
    if (!hasher->context || EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL) != 1)
        abort();
    return hasher;
}

void blob_hasher_add(struct blob_hasher *hasher, struct slice bytes)
{
    if (EVP_DigestUpdate(hasher->context, bytes.ptr, bytes.len) != 1)
        abort();
}

void blob_hasher_close(struct blob_hasher *hasher, uint8_t *out)
{
    unsigned int len = BLOB_HASH_BYTES;

    if (!hasher)
        return;
    if (out && EVP_DigestFinal_ex(hasher->context, out, &len) != 1)
        abort();
    assert(len == BLOB_HASH_BYTES);
    EVP_MD_CTX_free(hasher->context);
    free(hasher);
}

int blob_hash_file(int fd, const char *what, enum err_kind kind, uint8_t out[BLOB_HASH_BYTES],
                   uint32_t *crc, uint64_t *bytes, struct err *err)
{
    struct blob_hasher *hasher = blob_hasher_open();
    char *piece = mem_alloc(BLOB_PIECE_BYTES);
    ssize_t len = 0;

    if (crc)
        *crc = 0;
    *bytes = 0;
    while (*bytes <= BLOB_BYTES_MAX &&
           (len = io_pread(fd, piece, BLOB_PIECE_BYTES, *bytes, what, kind, err)) > 0) {
        blob_hasher_add(hasher, slice_of(piece, (size_t)len));
        if (crc)
            *crc = crc32c(*crc, piece, (size_t)len);
        *bytes += (uint64_t)len;
    }
    free(piece);
    blob_hasher_close(hasher, out);
    if (len < 0)
        return -1;
    if (*bytes > BLOB_BYTES_MAX)
        return err_set(err, ERR_SETUP, "%s has more than %d MB", what, BLOB_BYTES_MAX >> 20);
    return 0;
}

void blob_hash_print(const uint8_t hash[BLOB_HASH_BYTES], char out[BLOB_HASH_TEXT_BYTES])
{
    for (size_t i = 0; i < BLOB_HASH_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

bool blob_hash_parse(const char *text, uint8_t out[BLOB_HASH_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    if (strlen(text) != 2 * BLOB_HASH_BYTES || strspn(text, digits) != 2 * BLOB_HASH_BYTES)
        return false;
    for (size_t i = 0; i < BLOB_HASH_BYTES; i++)
        out[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) * 16 +
                           (strchr(digits, text[2 * i + 1]) - digits));
    return true;
}
