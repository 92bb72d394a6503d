/*
 * tls: TLS 1.3 with a pre-shared key, and when it is spoken. Pure: bytes in, bytes out, through
 * the caller's callbacks; no socket, no clock. The only unit that knows OpenSSL's TLS.
 *
 *     if (tls_is_wanted(options->tls, &server_address))
 *         tls = tls_open_client(ROLE_WORKER, role_key, &io);   or tls_open_server(keys, roles, &io)
 *     while ((rc = tls_handshake(tls, &err)) == 0)
 *         ... bytes have come ...
 *     rc = tls_read(tls, out, max, &len, &err);
 *     rc = tls_write(tls, bytes, len, &err);
 *     tls_close(tls);
 *
 * What is spoken: TLS 1.3 only, TLS_AES_128_GCM_SHA256 only, keys from the pre-shared key and an
 * X25519 exchange (psk_dhe_ke), so what was recorded stays secret when the key gets out. No
 * certificates: a server that has one and not the key is refused. No tickets, no resumption, no
 * early data. The pre-shared key is that of the client's role (keys_of_tls()), its identity names
 * the role: "mrlua-1 worker". So a user with the key of `submit` gets in, and only as that.
 *
 * Why 128 bits: nobody breaks them, and they are faster (AES-GCM alone, 16 KiB at a time, 2026-11:
 * 4.5 GB/s, with 256 bits 4.2, ChaCha20 3.7; `openssl speed -evp aes-128-gcm`).
 *
 * Why an own pump and not libevent's bufferevent_openssl: that one, in 2.1, has open faults in
 * partial writes and ends (fixed in 2.2 only), sends files through mmap(), so that a truncated one
 * kills the process, and hides the socket's deadlines and marks below its own. With callbacks
 * rpc/conn.c keeps the one bufferevent it has, with all its promises, and only what lies in it is
 * encrypted.
 *
 * Costs. An end keeps 14 KB while it is idle; buffers of 16 KiB come and go with bytes on their
 * way. Nothing is made before the first connection over TLS is: 1.6 ms, then 0.2 ms for a
 * handshake, at each end. ctest/bench/shuffle.c has the price of a byte.
 */
#ifndef RPC_TLS_H
#define RPC_TLS_H

#include "base/err.h"
#include "rpc/address.h"
#include "rpc/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TLS_HANDSHAKE_BYTES_MAX = 4 * 1024, /* from the other end until it is done; ours has 400 */
    TLS_CHANNEL_BYTES = 32,
    TLS_PROBE_BYTES = 3, /* so many bytes tell TLS from frames */
};

/* The numbers travel in WorkerJoin and Source. */
enum tls_use {
    TLS_BEYOND_LOOPBACK, /* unless the server is reached at an address of loopback */
    TLS_ALWAYS,          /* --tls */
    TLS_NEVER,           /* --insecure-plain */
};

/* The one rule. `server` is the address that the client connects to: both ends know it. A number
 * that is no tls_use means TLS. */
bool tls_is_wanted(uint32_t use, const struct address *server);

/* Are these the first TLS_PROBE_BYTES bytes of somebody who speaks TLS? As the length of a frame
 * (rpc/frame.h) they are more than a handshake may have. */
bool tls_is_record(const uint8_t bytes[TLS_PROBE_BYTES]);

/* What a TLS server says to who does not speak TLS: a whole record, an alert. */
extern const uint8_t TLS_REFUSAL[7];

struct tls_io {
    /* Bytes from the other end: how many, up to `max`; 0: none for now. */
    size_t (*take)(void *context, void *out, size_t max);
    /* Bytes for the other end. All are taken. */
    void (*put)(void *context, const void *bytes, size_t len);
    void *context;
};

struct tls;

/* `key` is that of the role (keys_of_role()); copied. */
struct tls *tls_open_client(enum access_role role, const uint8_t key[KEY_BYTES],
                            const struct tls_io *io);

/* `keys` is borrowed until the handshake is done. Roles that are not in `roles_accepted`
 * (ROLE_BIT()s), or whose key is not held, are refused. */
struct tls *tls_open_server(const struct keys *keys, uint32_t roles_accepted,
                            const struct tls_io *io);
void tls_close(struct tls *tls); /* NULL is fine */

/* 1: done. 0: more bytes are needed. -1: *err (ERR_SETUP: another key, a role that is not
 * accepted; ERR_RETRY: that was no handshake); the last word to the other end has been put. */
int tls_handshake(struct tls *tls, struct err *err);

/* After the handshake. 1: *len bytes. 0: none for now; all that there was has been taken. -1: they
 * are not what was sent, or the other end has said that nothing follows (ERR_RETRY). */
int tls_read(struct tls *tls, void *out, size_t max, size_t *len, struct err *err);

/* After the handshake. 0: all of them are encrypted and put; -1 after a failure. */
int tls_write(struct tls *tls, const void *bytes, size_t len, struct err *err);

/* To end here would be to end inside a record. */
bool tls_is_inside_record(const struct tls *tls);

/* After the handshake: bytes that both ends know and no other connection has (RFC 5705). */
void tls_channel(const struct tls *tls, uint8_t out[TLS_CHANNEL_BYTES]);

#endif
