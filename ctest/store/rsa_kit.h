/*
 * rsa_kit: an RSA key that is made for the test; none is ever committed.
 */
#ifndef CTEST_STORE_RSA_KIT_H
#define CTEST_STORE_RSA_KIT_H

#include "test.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* The private key in PEM form, to be released; *key to verify with. */
static inline char *rsa_kit_make(EVP_PKEY **key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes, *pem;
    long len;

    *key = EVP_RSA_gen(2048);
    assert_non_null(*key);
    assert_int_equal(PEM_write_bio_PrivateKey(bio, *key, NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &bytes);
    pem = strndup(bytes, (size_t)len);
    BIO_free(bio);
    return pem;
}

/* base64url without padding, decoded into `out`; its length. */
static inline size_t rsa_kit_decode(const char *text, size_t len, unsigned char *out)
{
    char padded[4096];
    size_t padded_len = (len + 3) / 4 * 4;

    assert_true(padded_len < sizeof padded);
    for (size_t i = 0; i < padded_len; i++) {
        char byte = i < len ? text[i] : '=';

        assert_true(i >= len || byte != '=');
        assert_true(byte != '+' && byte != '/');
        padded[i] = byte == '-' ? '+' : byte == '_' ? '/' : byte;
    }
    assert_true(EVP_DecodeBlock(out, (unsigned char *)padded, (int)padded_len) >= 0);
    return len * 3 / 4;
}

#endif
