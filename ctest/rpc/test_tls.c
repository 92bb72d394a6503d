#include "test.h"

#include "base/buf.h"
#include "base/mem.h"
#include "rpc/frame.h"
#include "rpc/message.h"
#include "rpc/tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t SECRET[KEY_BYTES] = "a secret of thirty-two bytes....";
static const uint8_t OTHER_SECRET[KEY_BYTES] = "another one";

/* ---- two ends, and the bytes between them ---- */

struct end {
    struct tls *tls;
    struct buf in; /* what the other end has put ... */
    size_t taken;  /* ... and this one has taken of it */
    struct end *other;
    int done; /* what tls_handshake() said last */
    struct err err;
};

struct pair {
    struct keys server_keys, client_keys;
    struct end server, client;
};

static size_t take(void *context, void *out, size_t max)
{
    struct end *end = context;
    size_t len = end->in.len - end->taken;

    len = len < max ? len : max;
    if (len > 0)
        memcpy(out, end->in.ptr + end->taken, len);
    end->taken += len;
    return len;
}

static void put(void *context, const void *bytes, size_t len)
{
    buf_append(&((struct end *)context)->other->in, bytes, len);
}

/* The client has the key of `role` of `secret`. */
static void pair_open(struct pair *pair, const uint8_t secret[KEY_BYTES], enum access_role role,
                      uint32_t roles_accepted)
{
    struct tls_io io = {.take = take, .put = put};

    *pair = (struct pair){0};
    keys_of_secret(&pair->server_keys, SECRET);
    keys_of_secret(&pair->client_keys, secret);
    pair->server.other = &pair->client;
    pair->client.other = &pair->server;
    io.context = &pair->server;
    pair->server.tls = tls_open_server(&pair->server_keys, roles_accepted, &io);
    io.context = &pair->client;
    pair->client.tls = tls_open_client(role, keys_of_role(&pair->client_keys, role), &io);
}

static void pair_close(struct pair *pair)
{
    tls_close(pair->server.tls);
    tls_close(pair->client.tls);
    buf_deinit(&pair->server.in);
    buf_deinit(&pair->client.in);
}

static void step(struct end *end)
{
    if (end->done >= 0)
        end->done = tls_handshake(end->tls, &end->err);
}

/* Three flights, and an alert. */
static void pair_handshake(struct pair *pair)
{
    for (int i = 0; i < 3; i++) {
        step(&pair->client);
        step(&pair->server);
    }
}

static void pair_open_both(struct pair *pair)
{
    pair_open(pair, SECRET, ROLE_WORKER, UINT32_MAX);
    pair_handshake(pair);
    if (pair->client.done != 1 || pair->server.done != 1)
        fail_msg("%s; %s", pair->client.err.message, pair->server.err.message);
}

/* All that waits at `end` arrives as `bytes`. */
static void expect_read(struct end *end, const char *bytes, size_t len)
{
    char *out = mem_alloc(len + 1);
    size_t here = 0, count;

    while (tls_read(end->tls, out + here, len + 1 - here, &count, &end->err) == 1)
        here += count;
    assert_int_equal(here, len);
    assert_memory_equal(out, bytes, len);
    assert_false(tls_is_inside_record(end->tls));
    free(out);
}

static void expect_refused(const struct end *end, enum err_kind kind, const char *text)
{
    assert_int_equal(end->done, -1);
    assert_int_equal(end->err.kind, kind);
    if (!strstr(end->err.message, text))
        fail_msg("\"%s\" is not in: %s", text, end->err.message);
}

/* ---- with the right key ---- */

/* Every role that has a key; both ends know the same of the channel, and no other one does. */
static void test_open(void **state)
{
    uint8_t channels[ROLE_COUNT][TLS_CHANNEL_BYTES] = {0};

    (void)state;
    for (int role = 0; role < ROLE_COUNT; role++) {
        uint8_t channel[TLS_CHANNEL_BYTES];
        struct pair pair;

        if (!access_role_has_key((uint32_t)role))
            continue;
        pair_open(&pair, SECRET, (enum access_role)role, ROLE_BIT((uint32_t)role));
        pair_handshake(&pair);
        assert_int_equal(pair.client.done, 1);
        assert_int_equal(pair.server.done, 1);
        tls_channel(pair.client.tls, channels[role]);
        tls_channel(pair.server.tls, channel);
        assert_memory_equal(channel, channels[role], TLS_CHANNEL_BYTES);
        for (int other = 0; other < role; other++)
            assert_memory_not_equal(channel, channels[other], TLS_CHANNEL_BYTES);
        assert_true(pair.server.in.len < TLS_HANDSHAKE_BYTES_MAX / 8); /* what the limit says */
        assert_true(pair.client.in.len < TLS_HANDSHAKE_BYTES_MAX / 8);
        pair_close(&pair);
    }
}

/* 1 MiB each way at once, and nothing; none of it is to be seen between them. */
static void test_bytes(void **state)
{
    enum { LEN = 1 << 20 };
    static char bytes[LEN];
    struct pair pair;
    char byte;
    size_t len;

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    pair_open_both(&pair);
    assert_int_equal(tls_write(pair.client.tls, bytes, LEN, &pair.client.err), 0);
    assert_int_equal(tls_write(pair.server.tls, bytes, LEN, &pair.server.err), 0);
    assert_int_equal(tls_write(pair.server.tls, "", 0, &pair.server.err), 0);
    assert_null(memmem(pair.server.in.ptr, pair.server.in.len, "xxxxxxxx", 8));
    expect_read(&pair.server, bytes, LEN);
    expect_read(&pair.client, bytes, LEN);
    assert_int_equal(tls_read(pair.client.tls, &byte, 1, &len, &pair.client.err), 0);
    pair_close(&pair);
}

/* Byte by byte. */
static void test_in_drops(void **state)
{
    struct pair pair;
    struct buf late = {0};

    (void)state;
    pair_open(&pair, SECRET, ROLE_WORKER, UINT32_MAX);
    step(&pair.client);
    late = pair.server.in;
    pair.server.in = (struct buf){0};
    for (size_t i = 0; i < late.len; i++) {
        step(&pair.server);
        assert_int_equal(pair.server.done, 0);
        buf_append(&pair.server.in, late.ptr + i, 1);
    }
    pair_handshake(&pair);
    assert_int_equal(pair.server.done, 1);
    buf_deinit(&late);
    pair_close(&pair);
}

/* ---- without ---- */

static void test_wrong_key(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair, OTHER_SECRET, ROLE_WORKER, UINT32_MAX);
    pair_handshake(&pair);
    expect_refused(&pair.server, ERR_SETUP,
                   "the client does not hold the same key for role worker");
    expect_refused(&pair.client, ERR_SETUP,
                   "the server does not hold the same key for role worker: name");
    pair_close(&pair);
}

/* It has a good key, of a role that is not wanted, or that this server does not hold. */
static void test_role_not_accepted(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pair pair;

        pair_open(&pair, SECRET, ROLE_SUBMIT, i == 0 ? ROLE_BIT(ROLE_WORKER) : UINT32_MAX);
        if (i == 1)
            pair.server_keys.roles = ROLE_BIT(ROLE_WORKER);
        pair_handshake(&pair);
        expect_refused(&pair.server, ERR_RETRY, "TLS handshake: ");
        expect_refused(&pair.client, ERR_SETUP, "role submit is not accepted");
        pair_close(&pair);
    }
}

/* An end without mrlua: OpenSSL alone. */
static SSL *open_stranger(SSL_CTX *context, bool is_server)
{
    SSL *ssl = SSL_new(context);

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (is_server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

/* The stranger takes its turn: all it has gets there, and what it says comes back. */
static void let_stranger(SSL *ssl, struct end *end, struct buf *to_stranger)
{
    char bytes[8192];
    int len;

    BIO_write(SSL_get_rbio(ssl), to_stranger->ptr, (int)to_stranger->len);
    buf_clear(to_stranger);
    SSL_do_handshake(ssl);
    while ((len = BIO_read(SSL_get_wbio(ssl), bytes, sizeof bytes)) > 0)
        buf_append(&end->in, bytes, (size_t)len);
}

static void meet_stranger(struct pair *pair, SSL_CTX *context, bool is_server)
{
    struct end *end = is_server ? &pair->client : &pair->server;
    SSL *ssl = open_stranger(context, is_server);

    for (int i = 0; i < 3; i++) {
        if (is_server)
            step(end);
        let_stranger(ssl, end, &end->other->in);
        step(end);
    }
    SSL_free(ssl);
}

static void show_certificate(SSL_CTX *context)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* A server that has a certificate instead is not taken for one that has the key. */
static void test_server_with_certificate(void **state)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    struct pair pair;

    (void)state;
    show_certificate(context);
    pair_open(&pair, SECRET, ROLE_WORKER, UINT32_MAX);
    meet_stranger(&pair, context, true);
    expect_refused(&pair.client, ERR_SETUP, "shows a certificate");
    pair_close(&pair);
    SSL_CTX_free(context);
}

/* A browser, say; of any version. */
static void test_client_without_key(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        struct pair pair;

        SSL_CTX_set_max_proto_version(context, versions[i]);
        pair_open(&pair, SECRET, ROLE_WORKER, UINT32_MAX);
        meet_stranger(&pair, context, false);
        expect_refused(&pair.server, ERR_RETRY, "TLS handshake: ");
        pair_close(&pair);
        SSL_CTX_free(context);
    }
}

static int stranger_key(SSL *ssl, const EVP_MD *digest, const unsigned char **id, size_t *id_len,
                        SSL_SESSION **session)
{
    static const unsigned char identity[] = "mrlua-1 worker", cipher[] = {0x13, 0x01};
    struct keys keys;
    uint8_t key[KEY_BYTES];

    (void)digest;
    keys_of_secret(&keys, SECRET);
    keys_of_tls(keys_of_role(&keys, ROLE_WORKER), key);
    *session = SSL_SESSION_new();
    SSL_SESSION_set1_master_key(*session, key, sizeof key);
    SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, cipher));
    SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
    *id = identity;
    *id_len = sizeof identity - 1;
    return 1;
}

/* With the key, another program gets in: what is spoken is TLS. It says that nothing follows. */
static void test_stranger_with_key(void **state)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct pair pair;
    SSL *ssl;
    char bytes[64];
    size_t len;

    (void)state;
    SSL_CTX_set_psk_use_session_callback(context, stranger_key);
    ssl = open_stranger(context, false);
    pair_open(&pair, SECRET, ROLE_WORKER, UINT32_MAX);
    for (int i = 0; i < 2; i++) {
        let_stranger(ssl, &pair.server, &pair.client.in);
        step(&pair.server);
    }
    assert_int_equal(pair.server.done, 1);
    assert_int_equal(SSL_write(ssl, "hello", 5), 5);
    SSL_shutdown(ssl);
    let_stranger(ssl, &pair.server, &pair.client.in);
    assert_int_equal(tls_read(pair.server.tls, bytes, sizeof bytes, &len, &pair.server.err), 1);
    assert_int_equal(len, 5);
    assert_int_equal(tls_read(pair.server.tls, bytes, sizeof bytes, &len, &pair.server.err), -1);
    assert_non_null(strstr(pair.server.err.message, "closed by the other end"));
    SSL_free(ssl);
    pair_close(&pair);
    SSL_CTX_free(context);
}

/* ---- with somebody between them ---- */

/* A bit of any byte of the handshake: it ends, or waits for more, or the byte meant nothing and
 * both have the same channel. */
static void test_flipped_handshake(void **state)
{
    size_t at = 0, len = 1;

    (void)state;
    for (; at < len; at++) {
        struct pair pair;
        bool is_flipped = false;

        pair_open(&pair, SECRET, ROLE_WORKER, UINT32_MAX);
        for (int i = 0; i < 3; i++) {
            step(&pair.client);
            if (!is_flipped && pair.server.in.len > at) {
                pair.server.in.ptr[at] ^= 0x10;
                is_flipped = true;
            }
            step(&pair.server);
        }
        len = pair.server.in.len;
        if (pair.client.done == 1 && pair.server.done == 1) {
            uint8_t channel[TLS_CHANNEL_BYTES], other[TLS_CHANNEL_BYTES];

            tls_channel(pair.client.tls, channel);
            tls_channel(pair.server.tls, other);
            assert_memory_equal(channel, other, TLS_CHANNEL_BYTES);
            assert_true(at < 5); /* the version of the first record: "must be ignored" */
        }
        pair_close(&pair);
    }
    assert_true(at > 250);
}

/* A bit of any byte of a record: its text does not arrive, nor another one. */
static void test_flipped_record(void **state)
{
    size_t len = 1;

    (void)state;
    for (size_t at = 0; at < len; at++) {
        struct pair pair;
        char bytes[64];
        size_t count, begin;

        pair_open_both(&pair);
        begin = pair.server.in.len;
        assert_int_equal(tls_write(pair.client.tls, "the text", 8, &pair.client.err), 0);
        len = pair.server.in.len - begin;
        pair.server.in.ptr[begin + at] ^= 0x10;
        assert_int_not_equal(
            tls_read(pair.server.tls, bytes, sizeof bytes, &count, &pair.server.err), 1);
        assert_int_equal(count, 0);
        pair_close(&pair);
    }
    assert_true(len > 8);
}

/* A record that comes in two parts, cut anywhere: nothing, and then all of it. */
static void test_cut_record(void **state)
{
    size_t len = 1;

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        struct pair pair;
        char bytes[64];
        size_t count, begin;

        pair_open_both(&pair);
        begin = pair.server.in.len;
        assert_int_equal(tls_write(pair.client.tls, "the text", 8, &pair.client.err), 0);
        len = pair.server.in.len - begin;
        pair.server.in.len = begin + cut;
        assert_int_equal(tls_read(pair.server.tls, bytes, sizeof bytes, &count, &pair.server.err),
                         0);
        assert_int_equal(tls_is_inside_record(pair.server.tls), cut > 0);
        pair.server.in.len = begin + len;
        expect_read(&pair.server, "the text", 8);
        pair_close(&pair);
    }
}

/* What was recorded is sent again, into the same connection and into another one. */
static void test_replay(void **state)
{
    struct pair pair, other;
    char bytes[64];
    size_t count, begin, end;

    (void)state;
    pair_open_both(&pair);
    pair_open_both(&other);
    begin = pair.server.in.len;
    assert_int_equal(tls_write(pair.client.tls, "the text", 8, &pair.client.err), 0);
    end = pair.server.in.len;
    expect_read(&pair.server, "the text", 8);
    buf_append(&other.server.in, pair.server.in.ptr + begin, end - begin);
    buf_reserve(&pair.server.in, end - begin);
    buf_append(&pair.server.in, pair.server.in.ptr + begin, end - begin);
    assert_int_equal(tls_read(pair.server.tls, bytes, sizeof bytes, &count, &pair.server.err), -1);
    assert_int_equal(tls_read(other.server.tls, bytes, sizeof bytes, &count, &other.server.err),
                     -1);
    assert_non_null(strstr(other.server.err.message, "damaged on the way"));
    /* After that nothing is said any more. */
    assert_int_equal(tls_write(other.server.tls, "x", 1, &other.server.err), -1);
    pair_close(&pair);
    pair_close(&other);
}

/* A handshake without an end is given up at the limit, whatever its records say. */
static void test_limit(void **state)
{
    static const uint8_t record[] = {0x16, 0x03, 0x01, 0x20, 0x00, 0x01, 0x00, 0x1f, 0xfc};
    struct pair pair;

    (void)state;
    pair_open(&pair, SECRET, ROLE_WORKER, UINT32_MAX);
    buf_append(&pair.server.in, record, sizeof record);
    while (pair.server.in.len < TLS_HANDSHAKE_BYTES_MAX - 1)
        buf_append_byte(&pair.server.in, 1);
    step(&pair.server);
    assert_int_equal(pair.server.done, 0);
    for (int i = 0; i < 1000; i++)
        buf_append_byte(&pair.server.in, 1);
    step(&pair.server);
    expect_refused(&pair.server, ERR_RETRY, "more than 4096 bytes");
    assert_int_equal(pair.server.taken, TLS_HANDSHAKE_BYTES_MAX);
    pair_close(&pair);
}

/* ---- when ---- */

static struct address address_of(const char *text)
{
    struct address address;
    struct err err;

    assert_true(address_resolve(&address, 1, text, &err) == 1);
    return address;
}

static void test_is_wanted(void **state)
{
    struct address near = address_of("127.0.0.1:1"), near6 = address_of("[::1]:1"),
                   far = address_of("10.0.0.1:1"), any = address_of("0.0.0.0:1"), none = {0};

    (void)state;
    assert_false(tls_is_wanted(TLS_BEYOND_LOOPBACK, &near));
    assert_false(tls_is_wanted(TLS_BEYOND_LOOPBACK, &near6));
    assert_true(tls_is_wanted(TLS_BEYOND_LOOPBACK, &far));
    assert_true(tls_is_wanted(TLS_BEYOND_LOOPBACK, &any));
    assert_true(tls_is_wanted(TLS_BEYOND_LOOPBACK, &none));
    assert_true(tls_is_wanted(TLS_ALWAYS, &near));
    assert_false(tls_is_wanted(TLS_NEVER, &far));
    assert_true(tls_is_wanted(99, &near)); /* of a newer version */
}

/* No frame of a handshake begins like TLS; what TLS says first does, and so does a refusal. */
static void test_is_record(void **state)
{
    struct pair pair;

    (void)state;
    for (uint32_t length = 0; length <= TLS_HANDSHAKE_BYTES_MAX; length++) {
        const uint8_t bytes[] = {(uint8_t)length, (uint8_t)(length >> 8), 0};

        assert_false(tls_is_record(bytes));
    }
    assert_false(tls_is_record((const uint8_t *)"GET"));
    assert_true(tls_is_record(TLS_REFUSAL));
    pair_open(&pair, OTHER_SECRET, ROLE_WORKER, UINT32_MAX);
    pair_handshake(&pair);
    assert_true(tls_is_record((const uint8_t *)pair.server.in.ptr));
    assert_true(tls_is_record((const uint8_t *)pair.client.in.ptr)); /* an alert */
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_in_drops),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_role_not_accepted),
        cmocka_unit_test(test_server_with_certificate),
        cmocka_unit_test(test_client_without_key),
        cmocka_unit_test(test_stranger_with_key),
        cmocka_unit_test(test_flipped_handshake),
        cmocka_unit_test(test_flipped_record),
        cmocka_unit_test(test_cut_record),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_is_wanted),
        cmocka_unit_test(test_is_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
