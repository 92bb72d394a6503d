/*
 * auth: both ends prove that they hold the key of a role, without showing it. Pure: frames in,
 * frames out; chance comes from the caller.
 *
 *     client                                   server
 *     Hello{version, role, nonce}      ───►
 *                                      ◄───    HelloAnswer{version, nonce, epoch, proof}
 *     Auth{proof}                      ───►
 *                                      ◄───    Welcome{}
 *
 *     proof = HMAC-SHA256(role key, who proves | both nonces | role | epoch [| channel])
 *
 *     auth_init_client(&auth, ROLE_WORKER, key, nonce, &out);     send(out)
 *     auth_set_channel(&auth, bytes);                             over TLS, at both ends
 *     while ((rc = auth_step(&auth, &frame, &out, &err)) == 0)    send(out), next frame
 *         ;
 *     send(out); rc is now 1 (open) or -1 (close)
 *     auth_deinit(&auth);
 *
 * A recorded proof is worth nothing: the other end's nonce is new each time. One end's proof is
 * no proof of the other end, nor of another role, nor of a server of another epoch. Over TLS it is
 * one of this channel too: somebody in the middle, with a channel to each, cannot pass proofs on.
 */
#ifndef RPC_AUTH_H
#define RPC_AUTH_H

#include "base/buf.h"
#include "base/err.h"
#include "rpc/access.h"
#include "rpc/frame.h"
#include "rpc/keys.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    AUTH_PROTOCOL_VERSION = 3, /* of all messages of the cluster, not only of these */
    AUTH_NONCE_BYTES = 32,
    AUTH_CHANNEL_BYTES = 32,
};

enum auth_state {
    AUTH_WAITS_FOR_HELLO,   /* server */
    AUTH_WAITS_FOR_ANSWER,  /* client */
    AUTH_WAITS_FOR_PROOF,   /* server */
    AUTH_WAITS_FOR_WELCOME, /* client */
    AUTH_OPEN,
    AUTH_FAILED,
};

struct auth {
    enum auth_state state;
    enum access_role role;        /* of the client; of a server's: from Hello on */
    uint64_t epoch;               /* of the server */
    uint8_t binding[PROOF_BYTES]; /* when open: the same at both ends, new for each connection */

    const struct keys *keys; /* server: to choose from */
    uint32_t roles_accepted; /* server: ROLE_BIT()s */
    uint8_t key[KEY_BYTES];
    uint8_t client_nonce[AUTH_NONCE_BYTES], server_nonce[AUTH_NONCE_BYTES];
    bool has_channel;
    uint8_t channel[AUTH_CHANNEL_BYTES];
};

/* Appends the first frame to `out`. */
void auth_init_client(struct auth *auth, enum access_role role, const uint8_t key[KEY_BYTES],
                      const uint8_t nonce[AUTH_NONCE_BYTES], struct buf *out);

/* `keys` is borrowed until deinit. A role that is not in `roles_accepted`, or whose key is not
 * held, is refused. */
void auth_init_server(struct auth *auth, const struct keys *keys, uint32_t roles_accepted,
                      uint64_t epoch, const uint8_t nonce[AUTH_NONCE_BYTES]);

/* Before the first auth_step(): what both ends know of the channel that carries the messages, and
 * no other channel has (tls_channel()). Without it proofs are as they are over plain text. */
void auth_set_channel(struct auth *auth, const uint8_t channel[AUTH_CHANNEL_BYTES]);

/* Overwrites the keys. Safe on a zeroed struct. */
void auth_deinit(struct auth *auth);

/* Takes the peer's next message; appends what is to be sent, also when it fails (a server of
 * another version says so before it closes). 1: open. 0: wait for the next one. -1: *err
 * (ERR_SETUP: trying again cannot help; ERR_RETRY: that was no handshake). */
int auth_step(struct auth *auth, const struct frame *frame, struct buf *out, struct err *err);

#endif
