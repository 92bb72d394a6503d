#include "master/http.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/http_request.h"
#include "rpc/address.h"
#include "rpc/loop.h"
#include "rpc/loop_base.h"
#include "sched/list.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REST_MS = 1000, /* at most, when descriptors have run out */
    BACKLOG_COUNT = 64,
};

/* A connection. libevent does not tell of those that never make a request, so each is held by its
 * stream, and let go of when libevent says that it ends, or when its time is over. */
struct http_peer {
    struct list link; /* http->peers, oldest first */
    struct http *http;
    struct bufferevent *stream;
    uint64_t due_ns;
};

struct http {
    struct evhttp *server;
    struct evconnlistener *listener; /* the server's */
    struct loop_event *peer_timer, *rest_timer;
    struct list peers;
    uint32_t peer_count;
    struct http_options options;
    char address[ADDRESS_TEXT_BYTES];
};

/* ---- connections ---- */

static void let_go(struct http_peer *peer)
{
    list_remove(&peer->link);
    peer->http->peer_count--;
    bufferevent_decref(peer->stream);
    free(peer);
}

/* libevent finds its end and closes it. */
static void cut(struct http_peer *peer)
{
    int fd = bufferevent_getfd(peer->stream);

    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
    let_go(peer);
}

static void arm(struct http *http)
{
    const struct http_peer *oldest = LIST_FIRST(&http->peers, struct http_peer, link);
    uint64_t now_ns = clock_monotonic_ns();

    if (!oldest)
        loop_timer_stop(http->peer_timer);
    else
        loop_timer_start(http->peer_timer, oldest->due_ns > now_ns ? oldest->due_ns - now_ns : 0);
}

static void on_peer_due(void *context)
{
    struct http *http = context;
    uint64_t now_ns = clock_monotonic_ns();
    struct http_peer *oldest;

    while ((oldest = LIST_FIRST(&http->peers, struct http_peer, link)) && oldest->due_ns <= now_ns)
        cut(oldest);
    arm(http);
}

/* The stream of a connection that is about to be accepted. */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
    struct http *http = context;
    struct bufferevent *stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    struct http_peer *peer;

    if (!stream)
        return NULL;
    if (http->peer_count == HTTP_PEER_COUNT_MAX)
        cut(LIST_FIRST(&http->peers, struct http_peer, link));
    peer = mem_alloc(sizeof *peer);
    *peer = (struct http_peer){.http = http,
                               .stream = stream,
                               .due_ns = clock_monotonic_ns() + http->options.peer_ms * NS_PER_MS};
    bufferevent_incref(stream);
    list_init(&peer->link);
    list_append(&http->peers, &peer->link);
    http->peer_count++;
    if (http->peer_count == 1)
        arm(http);
    return stream;
}

static struct http_peer *find_peer(const struct http *http, const struct bufferevent *stream)
{
    for (struct list *at = http->peers.next; at != &http->peers; at = at->next) {
        struct http_peer *peer = CONTAINER_OF(at, struct http_peer, link);

        if (peer->stream == stream)
            return peer;
    }
    return NULL;
}

static void on_close(struct evhttp_connection *connection, void *context)
{
    struct http_peer *peer = find_peer(context, evhttp_connection_get_bufferevent(connection));

    if (peer)
        let_go(peer);
}

/* ---- no descriptors ---- */

/* All that libevent hands to us here is the listener: so it stops, and a clock starts it again. */
static void on_accept_failed(struct evconnlistener *listener, void *its_context)
{
    (void)its_context;
    evconnlistener_disable(listener);
}

static void on_rest(void *context)
{
    struct http *http = context;

    evconnlistener_enable(http->listener); /* does nothing when it has not stopped */
    loop_timer_start(http->rest_timer, REST_MS * NS_PER_MS);
}

/* ---- requests ---- */

static struct http_request read_request(struct evhttp_request *request)
{
    struct http_request out = {.path = evhttp_request_get_uri(request)};
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);

    for (const struct evkeyval *header = headers->tqh_first; header;
         header = header->next.tqe_next) {
        if (strcasecmp(header->key, "Host") == 0) {
            out.host = header->value;
            out.host_count++;
        } else if (strcasecmp(header->key, "Origin") == 0) {
            out.origin = header->value;
        } else if (strcasecmp(header->key, "Sec-Fetch-Site") == 0) {
            out.fetch_site = header->value;
        } else if (strcasecmp(header->key, "Content-Length") == 0 ||
                   strcasecmp(header->key, "Transfer-Encoding") == 0) {
            out.has_body = true;
        }
    }
    return out;
}

static const char *reason_of(int status)
{
    switch (status) {
    case HTTP_OK:
        return "OK";
    case HTTP_BAD:
        return "Bad Request";
    case HTTP_FORBIDDEN:
        return "Forbidden";
    case HTTP_BUSY:
        return "Service Unavailable";
    default:
        return "Not Found";
    }
}

static void add_headers(struct evhttp_request *request, const struct http_answer *answer)
{
    static const char *const fixed[][2] = {
        {"Connection", "close"},
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
    };
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    char length[24];

    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        evhttp_add_header(headers, fixed[i][0], fixed[i][1]);
    if (answer->status == HTTP_BUSY)
        evhttp_add_header(headers, "Retry-After", "1");
    snprintf(length, sizeof length, "%zu", answer->body.len);
    evhttp_add_header(headers, "Content-Length", length);
    evhttp_add_header(headers, "Content-Type", answer->type);
}

static void send_answer(struct evhttp_request *request, struct http_answer *answer)
{
    const char *reason = reason_of(answer->status);
    struct evbuffer *body = NULL;

    if (answer->status != HTTP_OK) {
        answer->type = "text/plain; charset=utf-8";
        answer->body = slice_of_string(reason);
    }
    add_headers(request, answer);
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
        body = evbuffer_new();
        if (!body || evbuffer_add(body, answer->body.ptr, answer->body.len) != 0) {
            fprintf(stderr, "mrlua: out of memory\n");
            abort();
        }
    }
    evhttp_send_reply(request, answer->status, reason, body);
    if (body)
        evbuffer_free(body);
}

static void on_request(struct evhttp_request *event_request, void *context)
{
    struct http *http = context;
    struct http_request request = read_request(event_request);
    struct http_answer answer = {.status = http_request_check(&request)};

    evhttp_connection_set_closecb(evhttp_request_get_connection(event_request), on_close, http);
    if (answer.status == HTTP_OK)
        http->options.answer(http->options.context, slice_of_string(request.path), &answer);
    send_answer(event_request, &answer);
}

/* ---- open, close ---- */

static int check_place(const struct address *address, struct err *err)
{
    char text[ADDRESS_TEXT_BYTES];

    if (address_is_loopback(address))
        return 0;
    address_print(address, text);
    return err_set(err, ERR_SETUP,
                   "--http %s: the page is for this machine only, as nothing of it is encrypted; "
                   "from elsewhere it is reached through `ssh -L`",
                   text);
}

/* A listening socket at the first of the addresses where it is possible, or -1. */
static int listen_at(const char *host_port, struct err *err)
{
    struct address addresses[ADDRESS_COUNT_MAX];
    int count = address_resolve(addresses, ADDRESS_COUNT_MAX, host_port, err);
    const int yes = 1;

    for (int i = 0; i < count; i++) {
        const struct address *at = &addresses[i];
        int fd;

        if (check_place(at, err) != 0)
            return -1;
        fd = socket(at->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            bind(fd, (const struct sockaddr *)&at->storage, at->len) == 0 &&
            listen(fd, BACKLOG_COUNT) == 0)
            return fd;
        err_set_errno(err, ERR_SETUP, "--http %s: listen", host_port);
        io_close(&fd);
    }
    err->kind = ERR_SETUP;
    return -1;
}

static int accept_at(struct http *http, int fd, struct err *err)
{
    struct address bound = {.len = sizeof bound.storage};
    struct evhttp_bound_socket *socket;

    if (getsockname(fd, (struct sockaddr *)&bound.storage, &bound.len) == 0) {
        address_print(&bound, http->address);
        socket = evhttp_accept_socket_with_handle(http->server, fd);
        if (socket) { /* which has the descriptor now */
            http->listener = evhttp_bound_socket_get_listener(socket);
            evconnlistener_set_error_cb(http->listener, on_accept_failed);
            loop_timer_start(http->rest_timer, REST_MS * NS_PER_MS);
            return 0;
        }
    }
    err_set_errno(err, ERR_SETUP, "--http %s: accept connections", http->address);
    io_close(&fd);
    return -1;
}

static void set_limits(struct http *http)
{
    evhttp_set_max_headers_size(http->server, HTTP_HEADERS_BYTES_MAX);
    evhttp_set_max_body_size(http->server, 0);
    evhttp_set_timeout(http->server, HTTP_IDLE_S);
    evhttp_set_allowed_methods(http->server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_bevcb(http->server, on_accept, http);
    evhttp_set_gencb(http->server, on_request, http);
}

struct http *http_open(struct loop *loop, const char *host_port, const struct http_options *options,
                       struct err *err)
{
    int fd = listen_at(host_port, err);
    struct http *http;

    if (fd < 0)
        return NULL;
    signal(SIGPIPE, SIG_IGN); /* libevent's writev() knows no MSG_NOSIGNAL */
    http = mem_alloc(sizeof *http);
    *http = (struct http){.options = *options};
    if (!http->options.peer_ms)
        http->options.peer_ms = HTTP_PEER_MS;
    list_init(&http->peers);
    http->peer_timer = loop_timer_open(loop, on_peer_due, http);
    http->rest_timer = loop_timer_open(loop, on_rest, http);
    http->server = evhttp_new(loop_base(loop));
    if (!http->server) {
        err_set(err, ERR_SETUP, "--http %s: out of memory", host_port);
        io_close(&fd);
    } else {
        set_limits(http);
        if (accept_at(http, fd, err) == 0)
            return http;
    }
    http_close(http);
    return NULL;
}

void http_close(struct http *http)
{
    struct http_peer *peer;

    if (!http)
        return;
    if (http->server)
        evhttp_free(http->server);
    while ((peer = LIST_FIRST(&http->peers, struct http_peer, link)))
        let_go(peer);
    loop_event_close(http->peer_timer);
    loop_event_close(http->rest_timer);
    free(http);
}

const char *http_address(const struct http *http)
{
    return http->address;
}
