#include "store/credentials.h"

#include "base/io.h"
#include "base/mem.h"
#include "store/jwt.h"
#include "store/uri.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

static const char file_name[] = "application_default_credentials.json";

void credentials_wipe(struct buf *buf)
{
    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->capacity);
    buf_deinit(buf);
}

static void wipe_string(char *string)
{
    if (string)
        explicit_bzero(string, strlen(string));
    free(string);
}

void credentials_deinit(struct credentials *credentials)
{
    free(credentials->origin);
    free(credentials->token_uri);
    free(credentials->email);
    free(credentials->key_id);
    free(credentials->client_id);
    wipe_string(credentials->key);
    wipe_string(credentials->client_secret);
    wipe_string(credentials->refresh_token);
    *credentials = (struct credentials){0};
}

void credentials_ask_deinit(struct credentials_ask *ask)
{
    buf_deinit(&ask->url);
    buf_deinit(&ask->headers);
    credentials_wipe(&ask->body);
}

void token_deinit(struct token *token)
{
    credentials_wipe(&token->text);
    token->lifetime_s = 0;
}

/* ---- files ---- */

/* What jansson holds of a secret is overwritten where it lies: it frees without that. */
static void wipe_field(const json_t *json, const char *name)
{
    const json_t *field = json_object_get(json, name);
    const char *text = json_string_value(field);

    if (text)
        explicit_bzero((char *)(uintptr_t)text, json_string_length(field));
}

static void release_json(json_t *json)
{
    static const char *const secrets[] = {"private_key", "client_secret", "refresh_token",
                                          "access_token"};

    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        wipe_field(json, secrets[i]);
    json_decref(json);
}

/* The string field `name`, or an error that names it. */
static char *take_field(const json_t *json, const char *name, const char *path, struct err *err)
{
    const char *text = json_string_value(json_object_get(json, name));

    if (text && *text)
        return mem_strdup(text);
    err_set(err, ERR_SETUP, "credentials %s: the field \"%s\" is missing", path, name);
    return NULL;
}

static int read_service_account(const json_t *json, struct credentials *out, struct err *err)
{
    const char *path = out->origin;

    out->kind = CREDENTIALS_SERVICE_ACCOUNT;
    if (!(out->email = take_field(json, "client_email", path, err)) ||
        !(out->key = take_field(json, "private_key", path, err)) ||
        !(out->key_id = take_field(json, "private_key_id", path, err)) ||
        !(out->token_uri = take_field(json, "token_uri", path, err)))
        return -1;
    return 0;
}

static int read_user(const json_t *json, struct credentials *out, struct err *err)
{
    const char *uri = json_string_value(json_object_get(json, "token_uri"));
    const char *path = out->origin;

    out->kind = CREDENTIALS_USER;
    out->token_uri = mem_strdup(uri && *uri ? uri : JWT_AUDIENCE);
    if (!(out->client_id = take_field(json, "client_id", path, err)) ||
        !(out->client_secret = take_field(json, "client_secret", path, err)) ||
        !(out->refresh_token = take_field(json, "refresh_token", path, err)))
        return -1;
    return 0;
}

static int read_json(const json_t *json, struct credentials *out, struct err *err)
{
    const char *type = json_string_value(json_object_get(json, "type"));

    if (!type)
        return err_set(err, ERR_SETUP, "credentials %s: not a file of Google credentials",
                       out->origin);
    if (strcmp(type, "service_account") == 0)
        return read_service_account(json, out, err);
    if (strcmp(type, "authorized_user") == 0)
        return read_user(json, out, err);
    return err_set(err, ERR_SETUP,
                   "credentials %s: type \"%.64s\" is not supported: use a service account's key, "
                   "`gcloud auth application-default login`, or a machine's own account",
                   out->origin, type);
}

static int read_file(const char *path, struct credentials *out, struct err *err)
{
    struct buf text = {0};
    json_t *json = NULL;
    int rc = -1;

    out->origin = mem_strdup(path);
    if (io_read_file(path, CREDENTIALS_FILE_BYTES_MAX, &text, ERR_SETUP, err) != 0) {
        err_prefix(err, "credentials");
        goto out;
    }
    json = json_loadb(text.ptr, text.len, 0, NULL);
    if (json)
        rc = read_json(json, out, err);
    else
        err_set(err, ERR_SETUP, "credentials %s: not JSON", path);
out:
    release_json(json);
    credentials_wipe(&text);
    return rc;
}

/* ---- the order ---- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* Where gcloud keeps the file; false: nowhere. */
static bool default_path(struct buf *out)
{
    const char *folder = environment("CLOUDSDK_CONFIG"), *home = environment("HOME");

    if (folder)
        buf_printf(out, "%s/%s", folder, file_name);
    else if (home)
        buf_printf(out, "%s/.config/gcloud/%s", home, file_name);
    return out->len > 0;
}

static void use_metadata(struct credentials *out)
{
    const char *host = environment("GCE_METADATA_HOST");
    struct buf uri = {0};

    if (!host)
        host = environment("GCE_METADATA_ROOT");
    if (!host)
        host = environment("GCE_METADATA_IP");
    if (!host)
        host = "metadata.google.internal";
    buf_printf(&uri, "http://%s/computeMetadata/v1/instance/service-accounts/default/token", host);
    out->kind = CREDENTIALS_METADATA;
    out->origin = mem_strdup(host);
    out->token_uri = mem_strdup(buf_string(&uri));
    buf_deinit(&uri);
}

int credentials_find(struct credentials *out, struct err *err)
{
    const char *named = environment("GOOGLE_APPLICATION_CREDENTIALS");
    struct buf path = {0};
    int rc = 0;

    *out = (struct credentials){0};
    if (environment("STORAGE_EMULATOR_HOST"))
        return 0;
    if (named)
        rc = read_file(named, out, err);
    else if (default_path(&path) && access(buf_string(&path), F_OK) == 0)
        rc = read_file(buf_string(&path), out, err);
    else
        use_metadata(out);
    buf_deinit(&path);
    if (rc != 0)
        credentials_deinit(out);
    return rc;
}

/* ---- tokens ---- */

static void put_form(struct buf *body, const char *name, const char *value)
{
    if (body->len > 0)
        buf_append_byte(body, '&');
    buf_printf(body, "%s=", name);
    uri_encode(body, value);
}

static int ask_with_assertion(const struct credentials *credentials, uint64_t now_s,
                              struct credentials_ask *out, struct err *err)
{
    struct buf assertion = {0};
    struct jwt jwt = {.email = credentials->email,
                      .key = credentials->key,
                      .key_id = credentials->key_id,
                      .now_s = now_s};
    int rc = jwt_sign(&jwt, &assertion, err);

    if (rc == 0) {
        put_form(&out->body, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        put_form(&out->body, "assertion", buf_string(&assertion));
    } else {
        err_prefix(err, "credentials %s", credentials->origin);
    }
    credentials_wipe(&assertion);
    return rc;
}

int credentials_ask(const struct credentials *credentials, uint64_t now_s,
                    struct credentials_ask *out, struct err *err)
{
    *out = (struct credentials_ask){.method = "POST"};
    /* So large that it never moves: what a growing buffer leaves behind cannot be wiped. */
    buf_reserve(&out->body, CREDENTIALS_TOKEN_BYTES_MAX);
    buf_append_string(&out->url, credentials->token_uri);
    switch (credentials->kind) {
    case CREDENTIALS_METADATA:
        out->method = "GET";
        buf_append_string(&out->headers, "Metadata-Flavor: Google\n");
        return 0;
    case CREDENTIALS_USER:
        put_form(&out->body, "grant_type", "refresh_token");
        put_form(&out->body, "client_id", credentials->client_id);
        put_form(&out->body, "client_secret", credentials->client_secret);
        put_form(&out->body, "refresh_token", credentials->refresh_token);
        break;
    case CREDENTIALS_SERVICE_ACCOUNT:
        if (ask_with_assertion(credentials, now_s, out, err) != 0)
            return -1;
        break;
    case CREDENTIALS_NONE:
        abort();
    }
    buf_append_string(&out->headers, "Content-Type: application/x-www-form-urlencoded\n");
    return 0;
}

int credentials_token(const struct credentials *credentials, struct slice reply, struct token *out,
                      struct err *err)
{
    json_t *json = json_loadb(reply.ptr, reply.len, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "access_token"));
    json_int_t lifetime = json_integer_value(json_object_get(json, "expires_in"));
    int rc = 0;

    *out = (struct token){0};
    if (!text || !*text || strlen(text) > CREDENTIALS_TOKEN_BYTES_MAX || strpbrk(text, "\r\n") ||
        lifetime <= 0) {
        rc = err_set(err, ERR_RETRY, "credentials %s: the answer of %s is no token",
                     credentials->origin, credentials->token_uri);
    } else {
        buf_append_string(&out->text, text);
        out->lifetime_s = (uint64_t)lifetime;
    }
    release_json(json);
    return rc;
}
