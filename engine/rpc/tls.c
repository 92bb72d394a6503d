#include "rpc/tls.h"

#include "base/mem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IDENTITY_BYTES_MAX = 32,
    READ_AHEAD_BYTES = 64 * 1024, /* of several records, in one call of io->take */
    RECORD_HEADER_BYTES = 5,      /* type, version, u16 length */
};

static const char IDENTITY_PREFIX[] = "mrlua-1 "; /* and the name of the role */
static const char CHANNEL_LABEL[] = "EXPORTER-mrlua-channel";
static const unsigned char CIPHER_ID[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */

/* A record of 2 bytes: fatal, unexpected_message. */
const uint8_t TLS_REFUSAL[7] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a};

struct tls {
    SSL *ssl;
    struct tls_io io;
    bool is_server, is_done;
    enum access_role role; /* client: its own; server: whose key was asked for */
    uint8_t key[KEY_BYTES];
    const struct keys *keys; /* server */
    uint32_t roles_accepted;
    size_t bytes_taken; /* until it is done */
    uint8_t header[RECORD_HEADER_BYTES];
    size_t header_len, record_left; /* of the record that has begun */
};

bool tls_is_wanted(uint32_t use, const struct address *server)
{
    if (use == TLS_BEYOND_LOOPBACK)
        return !address_is_loopback(server);
    return use != TLS_NEVER;
}

bool tls_is_record(const uint8_t bytes[TLS_PROBE_BYTES])
{
    const uint8_t alert = 0x15, handshake = 0x16;

    return (bytes[0] == alert || bytes[0] == handshake) && bytes[1] == 3 && bytes[2] >= 1 &&
           bytes[2] <= 4;
}

static void die(const char *what)
{
    fprintf(stderr, "mrlua: %s failed\n", what);
    abort(); /* out of memory, or a broken library */
}

/* ---- bytes: OpenSSL's view of struct tls_io ---- */

/* OpenSSL does not tell whether all that came were whole records. */
static void follow_records(struct tls *tls, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t step = 1;

        if (tls->record_left > 0) {
            step = len < tls->record_left ? len : tls->record_left;
            tls->record_left -= step;
        } else {
            tls->header[tls->header_len++] = *bytes;
        }
        if (tls->header_len == RECORD_HEADER_BYTES) {
            tls->record_left = (size_t)tls->header[3] << 8 | tls->header[4];
            tls->header_len = 0;
        }
        bytes += step;
        len -= step;
    }
}

static int bio_read(BIO *bio, char *out, size_t max, size_t *count)
{
    struct tls *tls = BIO_get_data(bio);
    size_t room = max;

    BIO_clear_retry_flags(bio);
    if (!tls->is_done && TLS_HANDSHAKE_BYTES_MAX - tls->bytes_taken < room)
        room = TLS_HANDSHAKE_BYTES_MAX - tls->bytes_taken;
    *count = room > 0 ? tls->io.take(tls->io.context, out, room) : 0;
    if (!tls->is_done)
        tls->bytes_taken += *count;
    follow_records(tls, (const uint8_t *)out, *count);
    if (*count > 0)
        return 1;
    BIO_set_retry_read(bio);
    return 0;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *count)
{
    struct tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    tls->io.put(tls->io.context, bytes, len);
    *count = len;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method; /* of the process, as are the contexts */

    if (method)
        return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mrlua");
    if (!method || !BIO_meth_set_read_ex(method, bio_read) ||
        !BIO_meth_set_write_ex(method, bio_write) || !BIO_meth_set_ctrl(method, bio_control) ||
        !BIO_meth_set_create(method, bio_create))
        die("BIO_meth_new");
    return method;
}

/* ---- the pre-shared key ---- */

static void identity_of(enum access_role role, char out[IDENTITY_BYTES_MAX])
{
    snprintf(out, IDENTITY_BYTES_MAX, "%s%s", IDENTITY_PREFIX, access_role_name(role));
}

/* The key as OpenSSL wants it: as if it were left of a session before. */
static SSL_SESSION *session_of(SSL *ssl, const uint8_t role_key[KEY_BYTES])
{
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, CIPHER_ID);
    uint8_t key[KEY_BYTES];

    keys_of_tls(role_key, key);
    if (!session || !cipher || !SSL_SESSION_set1_master_key(session, key, sizeof key) ||
        !SSL_SESSION_set_cipher(session, cipher) ||
        !SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
        die("SSL_SESSION_new");
    explicit_bzero(key, sizeof key);
    return session;
}

static int use_session(SSL *ssl, const EVP_MD *digest, const unsigned char **id, size_t *id_len,
                       SSL_SESSION **session)
{
    static char identity[IDENTITY_BYTES_MAX]; /* OpenSSL copies it */
    struct tls *tls = SSL_get_app_data(ssl);

    (void)digest; /* there is one cipher, so one digest */
    identity_of(tls->role, identity);
    *id = (const unsigned char *)identity;
    *id_len = strlen(identity);
    *session = session_of(ssl, tls->key);
    return 1;
}

/* Without a session the handshake goes on without the key, and ends because there is no
 * certificate: the client is told handshake_failure. */
static int find_session(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session)
{
    struct tls *tls = SSL_get_app_data(ssl);

    *session = NULL;
    for (int i = 0; i < ROLE_COUNT; i++) {
        enum access_role role = (enum access_role)i;
        char identity[IDENTITY_BYTES_MAX];

        if (!access_role_has_key(role) || !(tls->roles_accepted & ROLE_BIT(role)) ||
            !keys_of_role(tls->keys, role))
            continue;
        identity_of(role, identity);
        if (id_len != strlen(identity) || memcmp(id, identity, id_len) != 0)
            continue;
        tls->role = role;
        *session = session_of(ssl, keys_of_role(tls->keys, role));
    }
    return 1;
}

/* ---- opening ---- */

static SSL_CTX *make_context(bool is_server)
{
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") ||
        !SSL_CTX_set1_groups_list(context, "X25519") || !SSL_CTX_set_num_tickets(context, 0))
        die("SSL_CTX_new");
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD_BYTES);
    if (is_server)
        SSL_CTX_set_psk_find_session_callback(context, find_session);
    else
        SSL_CTX_set_psk_use_session_callback(context, use_session);
    if (!is_server) /* no certificate is good: there is none that we trust */
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

/* Made at first use, and kept: a process that speaks no TLS does not pay for it. */
static SSL_CTX *context_of(bool is_server)
{
    static SSL_CTX *contexts[2];

    if (!contexts[is_server])
        contexts[is_server] = make_context(is_server);
    return contexts[is_server];
}

static struct tls *open_tls(bool is_server, const struct tls_io *io)
{
    struct tls *tls = mem_alloc(sizeof *tls);
    BIO *bio = BIO_new(bio_method());

    *tls = (struct tls){.is_server = is_server, .io = *io};
    tls->ssl = SSL_new(context_of(is_server));
    if (!tls->ssl || !bio)
        die("SSL_new");
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio); /* takes it */
    SSL_set_app_data(tls->ssl, tls);
    if (is_server)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    return tls;
}

struct tls *tls_open_client(enum access_role role, const uint8_t key[KEY_BYTES],
                            const struct tls_io *io)
{
    struct tls *tls = open_tls(false, io);

    tls->role = role;
    memcpy(tls->key, key, KEY_BYTES);
    return tls;
}

struct tls *tls_open_server(const struct keys *keys, uint32_t roles_accepted,
                            const struct tls_io *io)
{
    struct tls *tls = open_tls(true, io);

    tls->keys = keys;
    tls->roles_accepted = roles_accepted;
    return tls;
}

void tls_close(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    explicit_bzero(tls->key, sizeof tls->key);
    free(tls);
}

/* ---- what goes wrong ---- */

static int fail(const char *what, struct err *err)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    return err_set(err, ERR_RETRY, "%s: %s", what, reason ? reason : "unknown");
}

/* What is known of keys and roles, at either end; else what OpenSSL says. */
static int explain(const struct tls *tls, struct err *err)
{
    if (tls->bytes_taken == TLS_HANDSHAKE_BYTES_MAX)
        return err_set(err, ERR_RETRY, "TLS handshake: more than %d bytes of it",
                       TLS_HANDSHAKE_BYTES_MAX);
    switch (ERR_GET_REASON(ERR_peek_error())) {
    case SSL_R_BINDER_DOES_NOT_VERIFY:
        return err_set(err, ERR_SETUP,
                       "TLS handshake: the client does not hold the same key for role %s",
                       access_role_name(tls->role));
    case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER: /* a server says it of a binder */
        return err_set(err, ERR_SETUP,
                       "TLS handshake: the server does not hold the same key for role %s: name the "
                       "file of its own with --key-file",
                       access_role_name(tls->role));
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return err_set(err, ERR_SETUP, "TLS handshake: role %s is not accepted there",
                       access_role_name(tls->role));
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return err_set(err, ERR_SETUP,
                       "TLS handshake: the server shows a certificate and does not hold the key: "
                       "it is no mrlua");
    default:
        return fail("TLS handshake", err);
    }
}

/* ---- from here on bytes pass ---- */

int tls_handshake(struct tls *tls, struct err *err)
{
    int rc;

    if (tls->is_done)
        return 1;
    ERR_clear_error();
    rc = SSL_do_handshake(tls->ssl);
    if (rc != 1) {
        if (SSL_get_error(tls->ssl, rc) == SSL_ERROR_WANT_READ &&
            tls->bytes_taken < TLS_HANDSHAKE_BYTES_MAX)
            return 0;
        return explain(tls, err);
    }
    /* True of a key that was used as it is of a session: the other end holds it. */
    if (!SSL_session_reused(tls->ssl))
        return err_set(err, ERR_SETUP, "TLS handshake: the other end did without the key");
    tls->is_done = true;
    explicit_bzero(tls->key, sizeof tls->key);
    SSL_set_read_ahead(tls->ssl, 1); /* not before: those bytes are counted */
    return 1;
}

int tls_read(struct tls *tls, void *out, size_t max, size_t *len, struct err *err)
{
    int rc;

    *len = 0;
    ERR_clear_error();
    rc = SSL_read_ex(tls->ssl, out, max, len);
    if (rc == 1)
        return 1;
    switch (SSL_get_error(tls->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return err_set(err, ERR_RETRY, "TLS: closed by the other end");
    default:
        return fail("TLS: damaged on the way", err);
    }
}

int tls_write(struct tls *tls, const void *bytes, size_t len, struct err *err)
{
    size_t count;

    if (len == 0)
        return 0;
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, bytes, len, &count) == 1) /* all of it: io->put takes all */
        return 0;
    return fail("TLS: cannot encrypt", err);
}

bool tls_is_inside_record(const struct tls *tls)
{
    return tls->header_len > 0 || tls->record_left > 0;
}

void tls_channel(const struct tls *tls, uint8_t out[TLS_CHANNEL_BYTES])
{
    if (SSL_export_keying_material(tls->ssl, out, TLS_CHANNEL_BYTES, CHANNEL_LABEL,
                                   strlen(CHANNEL_LABEL), NULL, 0, 0) != 1)
        die("SSL_export_keying_material");
}
