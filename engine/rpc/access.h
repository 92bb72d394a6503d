/*
 * access: who may send what over a connection. One table, deny by default.
 *
 *     if (!access_allows(conn_role(conn), frame->type)) ...
 *
 * rpc/conn.h asks it for every message in both directions, so a handler is never called with a
 * message that its sender may not send.
 */
#ifndef RPC_ACCESS_H
#define RPC_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

/* Who speaks. The three in the middle have a key each (rpc/keys.h), and are what a connection is
 * opened with; their numbers travel in Hello. */
enum access_role {
    ROLE_NONE,   /* not proved yet */
    ROLE_SUBMIT, /* a user: everything about jobs */
    ROLE_WORKER, /* joins, runs attempts; fetches from other workers */
    ROLE_READ,   /* a user who may only look */
    ROLE_SERVER, /* who accepted the connection: a master, or a segment server */
};

enum { ROLE_COUNT = ROLE_SERVER + 1 };

/* A set of roles: ROLE_BIT(ROLE_SUBMIT) | ROLE_BIT(ROLE_READ). */
#define ROLE_BIT(role) (1U << (role))

bool access_allows(enum access_role sender, uint8_t type);

/* Roles that have a key: submit, worker, read. */
bool access_role_has_key(uint32_t role);

/* "submit"; ROLE_NONE for a name that is none of those with a key. */
const char *access_role_name(enum access_role role);
enum access_role access_role_parse(const char *name);

#endif
