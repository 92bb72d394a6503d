#include "store/jwt.h"

#include "base/mem.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

/* base64url without padding. */
static void put_base64(struct buf *out, struct slice bytes)
{
    char *to = buf_reserve(out, (bytes.len + 2) / 3 * 4 + 1);
    int len =
        EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)bytes.ptr, (int)bytes.len);

    while (len > 0 && to[len - 1] == '=')
        len--;
    for (int i = 0; i < len; i++)
        to[i] = to[i] == '+' ? '-' : to[i] == '/' ? '_' : to[i];
    out->len += (size_t)len;
}

/* Takes `json`. */
static void put_json_take(struct buf *out, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    if (!text) /* an address that is not UTF-8: the server will say no to it */
        text = mem_strdup("{}");
    put_base64(out, slice_of_string(text));
    free(text);
    json_decref(json);
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, "") : NULL;

    BIO_free(bio);
    return key;
}

static bool sign(EVP_PKEY *key, struct slice text, struct buf *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = 0;
    bool is_signed = false;

    if (context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, NULL, &len, (const unsigned char *)text.ptr, text.len) == 1) {
        unsigned char *to = (unsigned char *)buf_reserve(out, len);

        is_signed =
            EVP_DigestSign(context, to, &len, (const unsigned char *)text.ptr, text.len) == 1;
        out->len += len;
    }
    EVP_MD_CTX_free(context);
    return is_signed;
}

int jwt_sign(const struct jwt *jwt, struct buf *out, struct err *err)
{
    EVP_PKEY *key = read_key(jwt->key);
    struct buf text = {0}, signature = {0};
    int rc = -1;

    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
        err_set(err, ERR_SETUP, "its private_key is no RSA key in PEM form");
        goto out;
    }
    put_json_take(&text,
                  json_pack("{s:s, s:s, s:s}", "typ", "JWT", "alg", "RS256", "kid", jwt->key_id));
    buf_append_byte(&text, '.');
    put_json_take(&text, json_pack("{s:I, s:I, s:s, s:s, s:s}", "iat", (json_int_t)jwt->now_s,
                                   "exp", (json_int_t)(jwt->now_s + JWT_LIFETIME_S), "iss",
                                   jwt->email, "aud", JWT_AUDIENCE, "scope", JWT_SCOPE));
    if (!sign(key, buf_slice(&text), &signature)) {
        err_set(err, ERR_SETUP, "its private_key cannot sign");
        goto out;
    }
    buf_append(out, text.ptr, text.len);
    buf_append_byte(out, '.');
    put_base64(out, buf_slice(&signature));
    rc = 0;
out:
    EVP_PKEY_free(key);
    buf_deinit(&text);
    buf_deinit(&signature);
    return rc;
}
