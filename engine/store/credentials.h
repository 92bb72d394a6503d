/*
 * credentials: who we are to Google, and the request that gets a token for it.
 *
 *     credentials_find(&credentials, &err);            environment and files, in Google's order
 *     credentials_ask(&credentials, now_s, &ask, &err);     what to send, to whom
 *     ... the request ...
 *     credentials_token(&credentials, reply, &token, &err);
 *     credentials_ask_deinit(&ask), token_deinit(&token), credentials_deinit(&credentials);
 *
 * The order: STORAGE_EMULATOR_HOST is set: none are needed. The file that
 * GOOGLE_APPLICATION_CREDENTIALS names; application_default_credentials.json in $CLOUDSDK_CONFIG or
 * ~/.config/gcloud; the metadata server (GCE_METADATA_HOST, GCE_METADATA_ROOT or GCE_METADATA_IP,
 * else metadata.google.internal), which answers on Google's machines.
 *
 * Files of type service_account (a signed assertion, RS256, is sent to the file's token_uri) and
 * authorized_user (its refresh token is). Other types are an error that names them.
 *
 * Secrets are wiped when they are released, and stand in no message.
 */
#ifndef STORE_CREDENTIALS_H
#define STORE_CREDENTIALS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CREDENTIALS_FILE_BYTES_MAX = 64 * 1024,
    CREDENTIALS_TOKEN_BYTES_MAX = 16 * 1024,
    /* Google's metadata server hands out the token it has until 5 minutes before its end, so
     * earlier than this a new one is the old one (google-auth: 3 min 45 s). */
    CREDENTIALS_EARLY_S = 225,
};

enum credentials_kind {
    CREDENTIALS_NONE, /* nothing is to be sent */
    CREDENTIALS_METADATA,
    CREDENTIALS_SERVICE_ACCOUNT,
    CREDENTIALS_USER,
};

struct credentials {
    enum credentials_kind kind;
    char *origin;               /* for messages: the file's path, or the metadata server's host */
    char *token_uri;            /* who gives tokens */
    char *email, *key, *key_id; /* service account */
    char *client_id, *client_secret, *refresh_token; /* user */
};

/* A request for a token. */
struct credentials_ask {
    const char *method;
    struct buf url;
    struct buf headers; /* "name: value\n" lines */
    struct buf body;    /* holds secrets; empty: none */
};

struct token {
    struct buf text;
    uint64_t lifetime_s; /* from when it was given */
};

/* ERR_SETUP: a file that is named but cannot be read, is none of ours, or of another type. */
int credentials_find(struct credentials *out, struct err *err);

/* `now_s`: seconds since 1970. ERR_SETUP: the key cannot sign. Not for CREDENTIALS_NONE. */
int credentials_ask(const struct credentials *credentials, uint64_t now_s,
                    struct credentials_ask *out, struct err *err);

/* Reads the answer (of status 200). ERR_RETRY: it is no token. */
int credentials_token(const struct credentials *credentials, struct slice reply, struct token *out,
                      struct err *err);

/* All are safe on zeroed structs and wipe what they release. */
void credentials_ask_deinit(struct credentials_ask *ask);
void token_deinit(struct token *token);
void credentials_deinit(struct credentials *credentials);

/* Overwrites and releases: for buffers that hold a secret. */
void credentials_wipe(struct buf *buf);

#endif
