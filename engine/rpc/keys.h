/*
 * keys: the cluster's secret, and what is derived from it.
 *
 *     struct keys keys;
 *     rc = keys_load(&keys, path, &err);            --key-file
 *     rc = keys_load_own(&keys, &err);              the user's own secret, made at first use
 *     key = keys_of_role(&keys, ROLE_WORKER);       NULL: this file holds no such key
 *     keys_forget(&keys);
 *
 * A key file is one line of text, readable by its owner only:
 *
 *     mrlua-secret 1 <64 hex digits>                daemons: every role's key follows from it
 *     mrlua-key 1 submit <64 hex digits>            users: the key of one role, `mrlua key`
 *
 * A role's key is HKDF-SHA256(secret, "mrlua role submit"), a job's segment key
 * HKDF-SHA256(secret, "mrlua segments" and the job's number), the pre-shared key of TLS
 * HKDF-SHA256(role key, "mrlua tls"). Nothing here is ever logged, and what was on the way is
 * overwritten.
 */
#ifndef RPC_KEYS_H
#define RPC_KEYS_H

#include "base/buf.h"
#include "base/err.h"
#include "rpc/access.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEY_BYTES = 32,
    PROOF_BYTES = 32, /* HMAC-SHA256 */
};

struct keys {
    bool has_secret; /* then it has all role keys too */
    uint8_t secret[KEY_BYTES];
    uint32_t roles; /* ROLE_BIT() of those it has */
    uint8_t role_keys[ROLE_COUNT][KEY_BYTES];
};

/* From a file that only its owner can read. 0, or -1 (ERR_SETUP: the message names the file and
 * the way out). */
int keys_load(struct keys *keys, const char *path, struct err *err);

/* The secret at `path`; a new random one if there is no such file. Of several processes that do it
 * at once all get the same. Folders are made as needed. */
int keys_load_or_create(struct keys *keys, const char *path, struct err *err);

/* The same with $XDG_STATE_HOME/mrlua/secret (~/.local/state when that is not set). */
int keys_load_own(struct keys *keys, struct err *err);

/* Overwrites them. Safe on a zeroed struct. */
void keys_forget(struct keys *keys);

/* From KEY_BYTES bytes; for tests, and for who has it from elsewhere. */
void keys_of_secret(struct keys *keys, const uint8_t secret[KEY_BYTES]);

const uint8_t *keys_of_role(const struct keys *keys, enum access_role role);

/* Appends the text of a key file for one role. 0, or -1 (ERR_SETUP): the role is not held. */
int keys_print_role(const struct keys *keys, enum access_role role, struct buf *out,
                    struct err *err);

/* The key of one job's segments. Only with the secret: has_secret. */
void keys_of_job(const struct keys *keys, uint64_t job, uint8_t out[KEY_BYTES]);

/* The pre-shared key of TLS for those who hold this role's key (rpc/tls.h). */
void keys_of_tls(const uint8_t role_key[KEY_BYTES], uint8_t out[KEY_BYTES]);

/* What a SegmentFetch is about. */
struct segment_claim {
    uint64_t job;
    uint32_t partition;
    uint64_t incarnation;
    uint64_t from_sequence;
    uint64_t offset;
};

/* The proof in a SegmentFetch: that its sender holds the job's key, on this connection
 * (conn_binding()), so it is of no use on another one. */
void keys_prove_segment(const uint8_t job_key[KEY_BYTES], const uint8_t binding[PROOF_BYTES],
                        const struct segment_claim *claim, uint8_t proof[PROOF_BYTES]);
bool keys_check_segment(const uint8_t job_key[KEY_BYTES], const uint8_t binding[PROOF_BYTES],
                        const struct segment_claim *claim, const void *proof, size_t proof_len);

/* HMAC-SHA256. */
void keys_hmac(const uint8_t key[KEY_BYTES], const void *bytes, size_t len,
               uint8_t out[PROOF_BYTES]);

/* Equal, in a time that does not depend on where they differ. */
bool keys_equal(const uint8_t a[PROOF_BYTES], const void *b, size_t b_len);

/* From the kernel; never fails. */
void keys_random(void *out, size_t len);

#endif
