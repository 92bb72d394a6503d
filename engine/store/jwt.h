/*
 * jwt: the signed assertion with which a service account asks for a token (RFC 7523, RS256).
 *
 *     jwt_sign(&(struct jwt){.email = ..., .key = pem, .key_id = ..., .now_s = now}, &out, &err);
 *
 * Good for an hour from now_s, for reading and writing objects, and only at Google: its audience
 * is the constant below, whatever token_uri it is sent to.
 */
#ifndef STORE_JWT_H
#define STORE_JWT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define JWT_AUDIENCE "https://oauth2.googleapis.com/token"
#define JWT_SCOPE    "https://www.googleapis.com/auth/devstorage.read_write"

enum { JWT_LIFETIME_S = 3600 };

struct jwt {
    const char *email;
    const char *key; /* PEM */
    const char *key_id;
    uint64_t now_s;
};

/* Appends header.claims.signature. ERR_SETUP: the key is none. */
int jwt_sign(const struct jwt *jwt, struct buf *out, struct err *err);

#endif
