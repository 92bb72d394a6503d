/*
 * address: "host:port" in and out. Hosts are names, 10.0.0.1, or [::1].
 *
 *     count = address_resolve(addresses, ADDRESS_COUNT_MAX, "master.local:7070", &err);
 *     address_print(&addresses[0], text);            "10.0.0.1:7070", "[::1]:7070"
 *
 * A name is looked up by the system's resolver, and that blocks; numbers do not. So daemons tell
 * each other numbers.
 */
#ifndef RPC_ADDRESS_H
#define RPC_ADDRESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    ADDRESS_COUNT_MAX = 8,   /* that one name is tried at */
    ADDRESS_TEXT_BYTES = 64, /* [IPv6%scope]:port and a NUL */
    ADDRESS_HOST_BYTES = 254 + 2,
};

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* How many were found, at least 1, at most `count_max`; or -1 (ERR_SETUP: it is no address;
 * ERR_RETRY: the name cannot be looked up). */
int address_resolve(struct address *out, int count_max, const char *text, struct err *err);

void address_print(const struct address *address, char out[ADDRESS_TEXT_BYTES]);

/* The same without the port: "10.0.0.1", "::1". */
void address_print_host(const struct address *address, char out[ADDRESS_TEXT_BYTES]);

uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/* "10.0.0.1" and 7070 as "10.0.0.1:7070", "::1" as "[::1]:7070". */
void address_join(const char *host, uint16_t port, char out[ADDRESS_HOST_BYTES + 8]);

/* Nobody but processes of this machine can reach it. */
bool address_is_loopback(const struct address *address);

#endif
