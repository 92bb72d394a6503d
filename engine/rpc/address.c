#include "rpc/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Cuts "host:port" into its parts; the brackets of [::1] go. False: it is not that. */
static bool split(const char *text, char host[ADDRESS_HOST_BYTES], const char **port)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    bool has_brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';

    if (has_brackets) {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= ADDRESS_HOST_BYTES || (!has_brackets && memchr(text, ':', len)))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    *port = colon + 1;
    return true;
}

/* Digits only: getaddrinfo() would take "", "+7" and " 7" too. */
static bool is_port(const char *text)
{
    size_t len = strspn(text, "0123456789");
    unsigned long value = 0;

    if (len == 0 || len > 5 || text[len] != '\0')
        return false;
    for (size_t i = 0; i < len; i++)
        value = 10 * value + (unsigned long)(text[i] - '0');
    return value <= UINT16_MAX;
}

int address_resolve(struct address *out, int count_max, const char *text, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[ADDRESS_HOST_BYTES];
    const char *port;
    int count = 0, rc;

    assert(count_max > 0);
    if (!split(text, host, &port) || !is_port(port))
        return err_set(err, ERR_SETUP, "\"%.100s\" is not HOST:PORT (10.0.0.1:7070, [::1]:7070)",
                       text);
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0)
        return err_set(err, ERR_RETRY, "look up %s: %s", host, gai_strerror(rc));
    for (const struct addrinfo *at = found; at && count < count_max; at = at->ai_next) {
        if (at->ai_addrlen > sizeof out->storage)
            continue;
        out[count] = (struct address){.len = at->ai_addrlen};
        memcpy(&out[count++].storage, at->ai_addr, at->ai_addrlen);
    }
    freeaddrinfo(found);
    if (count == 0)
        return err_set(err, ERR_RETRY, "look up %s: it has no address", host);
    return count;
}

void address_print_host(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
    if (getnameinfo((const struct sockaddr *)&address->storage, address->len, out,
                    ADDRESS_TEXT_BYTES, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(out, ADDRESS_TEXT_BYTES, "?");
}

void address_print(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
    char host[ADDRESS_TEXT_BYTES], joined[ADDRESS_HOST_BYTES + 8];

    address_print_host(address, host);
    address_join(host, address_port(address), joined);
    snprintf(out, ADDRESS_TEXT_BYTES, "%.*s", ADDRESS_TEXT_BYTES - 1, joined);
}

/* A copy, because the storage has no type of its own. */
static struct sockaddr_in6 as_ipv6(const struct address *address)
{
    struct sockaddr_in6 copy;

    memcpy(&copy, &address->storage, sizeof copy);
    return copy;
}

static struct sockaddr_in as_ipv4(const struct address *address)
{
    struct sockaddr_in copy;

    memcpy(&copy, &address->storage, sizeof copy);
    return copy;
}

uint16_t address_port(const struct address *address)
{
    if (address->storage.ss_family == AF_INET6)
        return ntohs(as_ipv6(address).sin6_port);
    return ntohs(as_ipv4(address).sin_port);
}

void address_set_port(struct address *address, uint16_t port)
{
    struct sockaddr_in6 ipv6 = as_ipv6(address);
    struct sockaddr_in ipv4 = as_ipv4(address);

    ipv6.sin6_port = htons(port);
    ipv4.sin_port = htons(port);
    if (address->storage.ss_family == AF_INET6)
        memcpy(&address->storage, &ipv6, sizeof ipv6);
    else
        memcpy(&address->storage, &ipv4, sizeof ipv4);
}

void address_join(const char *host, uint16_t port, char out[ADDRESS_HOST_BYTES + 8])
{
    const char *format = strchr(host, ':') ? "[%.255s]:%u" : "%.255s:%u";

    snprintf(out, ADDRESS_HOST_BYTES + 8, format, host, (unsigned)port);
}

bool address_is_loopback(const struct address *address)
{
    struct sockaddr_in6 ipv6 = as_ipv6(address);
    struct sockaddr_in ipv4 = as_ipv4(address);

    if (address->storage.ss_family == AF_INET)
        return ntohl(ipv4.sin_addr.s_addr) >> 24 == 127;
    if (address->storage.ss_family != AF_INET6)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr))
        return ipv6.sin6_addr.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr);
}
