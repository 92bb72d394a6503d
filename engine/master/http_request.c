#include "master/http_request.h"

#include <stddef.h>
#include <string.h>

/* "localhost", "localhost:7080": the name itself, and then a port or nothing. */
static bool is_host(const char *text, const char *name)
{
    size_t len = strlen(name);
    const char *port = text + len + 1;

    if (strncmp(text, name, len) != 0)
        return false;
    if (text[len] == '\0')
        return true;
    return text[len] == ':' && *port && strspn(port, "0123456789") == strlen(port);
}

static bool is_loopback_host(const char *host)
{
    return is_host(host, "localhost") || is_host(host, "127.0.0.1") || is_host(host, "[::1]");
}

/* A browser says so with a request that a page of ours makes. */
static bool is_from_here(const struct http_request *request)
{
    static const char scheme[] = "http://";
    const char *origin = request->origin, *site = request->fetch_site;

    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    return !origin || (strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
                       strcmp(origin + sizeof scheme - 1, request->host) == 0);
}

static bool is_plain_path(const char *path)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

    return path && path[0] == '/' && path[strspn(path, allowed)] == '\0';
}

int http_request_check(const struct http_request *request)
{
    if (!is_plain_path(request->path) || request->has_body || request->host_count != 1)
        return HTTP_BAD;
    if (!is_loopback_host(request->host) || !is_from_here(request))
        return HTTP_FORBIDDEN;
    return HTTP_OK;
}
