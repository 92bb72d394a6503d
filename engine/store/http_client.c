#include "store/http_client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/curl_api.h"
#include "store/http_headers.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RECEIVE_BYTES = 512 * 1024, /* what libcurl takes from a socket at once, at most */
    SEND_BYTES = 512 * 1024,
    IDLE_EASY_COUNT_MAX = 64,
    STATUS_LINE_BYTES_MIN = 12, /* "HTTP/1.1 200" */
    POLLS_MAX = 16,
};

struct http_client {
    const struct curl_api *curl;
    CURLM *multi;
    CURL *idle[IDLE_EASY_COUNT_MAX]; /* handles for the next requests */
    size_t idle_count;
    struct http_exchange *running;
};

struct http_client *http_client_open(struct err *err)
{
    const struct curl_api *curl = curl_api_load(err);
    struct http_client *http;

    if (!curl)
        return NULL;
    http = mem_alloc(sizeof *http);
    http->curl = curl;
    http->multi = curl->multi_init();
    if (!http->multi) {
        err_set(err, ERR_RETRY, "libcurl: not enough memory");
        free(http);
        return NULL;
    }
    curl->multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl->multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_EASY_COUNT_MAX);
    return http;
}

void http_client_close(struct http_client *http)
{
    if (!http)
        return;
    while (http->running)
        http_client_stop(http->running);
    while (http->idle_count > 0)
        http->curl->easy_cleanup(http->idle[--http->idle_count]);
    http->curl->multi_cleanup(http->multi);
    free(http);
}

/* ---- callbacks of libcurl ---- */

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct http_exchange *request = context;
    size_t len = size * count;

    request->moved_ns = clock_monotonic_ns();
    if (len >= STATUS_LINE_BYTES_MIN && memcmp(line, "HTTP/", 5) == 0) {
        const char *space = memchr(line, ' ', len);

        http_headers_init(&request->reply_headers); /* also after a 100 Continue */
        request->status = space ? (int)strtol(space, NULL, 10) : 0;
    } else {
        http_headers_line(&request->reply_headers, slice_of(line, len));
    }
    return len;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct http_exchange *request = context;
    size_t len = size * count, room;
    bool is_success = request->status / 100 == 2;

    request->moved_ns = clock_monotonic_ns();
    if (is_success && request->sink) {
        request->is_refused = request->sink(request->context, request, bytes, len) != 0;
        return request->is_refused ? 0 : len;
    }
    room = is_success ? request->reply_bytes_max : HTTP_ERROR_BYTES_MAX;
    room -= request->reply.len < room ? request->reply.len : room;
    buf_append(&request->reply, bytes, len < room ? len : room);
    if (len > room) {
        request->is_too_long = is_success;
        return 0; /* what is cut of an error is prose */
    }
    return len;
}

/* Up to `len` bytes of a body that has a beginning, a part in a file, and an end. */
static size_t take_body(struct http_exchange *request, char *to, size_t len)
{
    uint64_t at = request->body_sent, fd_bytes = request->body_fd < 0 ? 0 : request->body_fd_bytes;
    const struct slice *part = &request->body;
    ssize_t count;

    if (at >= part->len) {
        at -= part->len;
        if (at < fd_bytes) {
            if (len > fd_bytes - at)
                len = (size_t)(fd_bytes - at);
            do
                count = pread(request->body_fd, to, len, (off_t)(request->body_fd_offset + at));
            while (count < 0 && errno == EINTR);
            if (count <= 0) {
                request->body_error = count < 0 ? errno : ENODATA;
                return CURL_READFUNC_ABORT;
            }
            return (size_t)count;
        }
        at -= fd_bytes;
        part = &request->body_end;
    }
    if (len > part->len - at)
        len = (size_t)(part->len - at);
    if (len > 0)
        memcpy(to, part->ptr + at, len);
    return len;
}

static size_t on_body(char *to, size_t size, size_t count, void *context)
{
    struct http_exchange *request = context;
    size_t len = take_body(request, to, size * count);

    request->moved_ns = clock_monotonic_ns();
    if (len != CURL_READFUNC_ABORT)
        request->body_sent += len;
    return len;
}

/* When a kept connection breaks, libcurl would send all of it again by itself. Whether that may be,
 * and that it was done, is for the caller to know: a 412 is another thing then. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
    (void)context, (void)offset, (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

/* ---- one request ---- */

static uint64_t body_bytes(const struct http_exchange *request)
{
    return request->body.len + (request->body_fd < 0 ? 0 : request->body_fd_bytes) +
           request->body_end.len;
}

static void wipe(struct http_client *http, struct http_exchange *request)
{
    struct curl_slist *list = request->header_list;

    for (struct curl_slist *one = list; one; one = one->next)
        explicit_bzero(one->data, strlen(one->data));
    http->curl->slist_free_all(list);
    request->header_list = NULL;
}

static bool add_header(struct http_client *http, struct http_exchange *request, const char *line)
{
    struct curl_slist *list = http->curl->slist_append(request->header_list, line);

    if (list)
        request->header_list = list;
    return list;
}

static bool add_headers(struct http_client *http, struct http_exchange *request)
{
    const char *at = request->headers.ptr, *end = at + request->headers.len;
    bool is_added = add_header(http, request, "Expect:"); /* no waiting for 100 Continue */

    while (is_added && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
        char *line = mem_strndup(at, len);

        is_added = len == 0 || add_header(http, request, line);
        explicit_bzero(line, len);
        free(line);
        at += len + 1;
    }
    return is_added;
}

static void set_options(struct http_client *http, struct http_exchange *request)
{
    CURLcode (*set)(CURL *, CURLoption, ...) = http->curl->easy_setopt;
    CURL *easy = request->easy;

    set(easy, CURLOPT_URL, request->url);
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_NOPROGRESS, 1L);
    set(easy, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_S);
    set(easy, CURLOPT_TCP_NODELAY, 1L);
    set(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    set(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BYTES);
    set(easy, CURLOPT_USERAGENT, "mrlua");
    set(easy, CURLOPT_FRESH_CONNECT, (long)request->wants_own_connection);
    set(easy, CURLOPT_ERRORBUFFER, request->failure_text);
    set(easy, CURLOPT_PRIVATE, request);
    set(easy, CURLOPT_HEADERFUNCTION, on_header);
    set(easy, CURLOPT_HEADERDATA, request);
    set(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    set(easy, CURLOPT_WRITEDATA, request);
    if (request->has_body) {
        set(easy, CURLOPT_UPLOAD, 1L);
        set(easy, CURLOPT_READFUNCTION, on_body);
        set(easy, CURLOPT_READDATA, request);
        set(easy, CURLOPT_SEEKFUNCTION, on_seek);
        set(easy, CURLOPT_SEEKDATA, request);
        set(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)body_bytes(request));
    }
    set(easy, CURLOPT_CUSTOMREQUEST, request->method);
    set(easy, CURLOPT_HTTPHEADER, request->header_list);
}

static void fail(struct http_exchange *request, enum retry_failure failure, const char *text)
{
    request->is_done = true;
    request->failure = failure;
    snprintf(request->failure_text, sizeof request->failure_text, "%s", text);
}

/* One for the process: a signal handler has no argument. */
static volatile sig_atomic_t is_winding_down;

static const char WOUND_DOWN[] = "this process is to end";

void http_client_wind_down(void)
{
    is_winding_down = 1;
}

void http_client_start(struct http_client *http, struct http_exchange *request)
{
    assert(!request->http && !request->is_done);
    if (is_winding_down) {
        fail(request, RETRY_IMPOSSIBLE, WOUND_DOWN);
        return;
    }
    request->easy = http->idle_count > 0 ? http->idle[--http->idle_count] : http->curl->easy_init();
    if (!request->easy || !add_headers(http, request)) {
        if (request->easy)
            http->curl->easy_cleanup(request->easy);
        request->easy = NULL;
        wipe(http, request);
        fail(request, RETRY_IMPOSSIBLE, "not enough memory for a request");
        return;
    }
    http_headers_init(&request->reply_headers);
    set_options(http, request);
    request->moved_ns = clock_monotonic_ns();
    request->http = http;
    request->next = http->running;
    http->running = request;
    http->curl->multi_add_handle(http->multi, request->easy);
}

/* Out of the list of those that run; its handle is free for the next. */
static void release(struct http_exchange *request)
{
    struct http_client *http = request->http;
    struct http_exchange **link = &http->running;

    while (*link != request)
        link = &(*link)->next;
    *link = request->next;
    http->curl->multi_remove_handle(http->multi, request->easy);
    http->curl->easy_reset(request->easy);
    if (http->idle_count < IDLE_EASY_COUNT_MAX)
        http->idle[http->idle_count++] = request->easy;
    else
        http->curl->easy_cleanup(request->easy);
    request->easy = NULL;
    request->http = NULL;
    wipe(http, request);
}

void http_client_stop(struct http_exchange *request)
{
    if (request->http)
        release(request);
}

/* ---- how it went ---- */

static enum retry_failure failure_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return RETRY_ANSWERED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
        return RETRY_UNREACHED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return RETRY_UNTRUSTED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_BAD_FUNCTION_ARGUMENT:
        return RETRY_IMPOSSIBLE;
    default: /* reset, cut off, timed out, not HTTP: what a network or a dying server does */
        return RETRY_BROKEN;
    }
}

static void conclude(struct http_exchange *request, CURLcode code)
{
    const char *text = request->http->curl->easy_strerror(code);
    enum retry_failure failure = failure_of(code);
    struct http_client *http = request->http;
    long connects = 1;

    /* Timed out before there was a connection: nothing was sent. */
    if (code == CURLE_OPERATION_TIMEDOUT && request->status == 0 &&
        http->curl->easy_getinfo(request->easy, CURLINFO_NUM_CONNECTS, &connects) == CURLE_OK &&
        connects == 0 && request->body_sent == 0)
        failure = RETRY_UNREACHED;
    release(request);
    request->is_done = true;
    if (request->is_too_long) {
        fail(request, RETRY_IMPOSSIBLE, "the answer is too long");
    } else if (request->body_error) {
        fail(request, RETRY_IMPOSSIBLE, strerror(request->body_error));
    } else if (request->is_refused || (code == CURLE_WRITE_ERROR && request->status / 100 != 2)) {
        request->failure = RETRY_ANSWERED; /* an error that was cut is an answer all the same */
        request->failure_text[0] = '\0';
    } else {
        request->failure = failure;
        if (code == CURLE_OK)
            request->failure_text[0] = '\0';
        else if (request->failure_text[0] == '\0')
            fail(request, failure, text);
    }
}

static void conclude_all(struct http_client *http)
{
    CURLMsg *message;
    int left;

    while ((message = http->curl->multi_info_read(http->multi, &left))) {
        struct http_exchange *request = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        http->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        conclude(request, code);
    }
}

/* Ends what has moved nothing for too long. */
static void end_stalled(struct http_client *http, uint64_t now_ns)
{
    struct http_exchange *request = http->running, *next;

    for (; request; request = next) {
        char text[64];

        next = request->next;
        if (request->moved_ns + request->stall_ns > now_ns)
            continue;
        release(request);
        snprintf(text, sizeof text, "nothing came for %.3g s",
                 (double)request->stall_ns / (double)NS_PER_S);
        fail(request, RETRY_BROKEN, text);
    }
}

/* Until the next one has stalled, and not longer than `timeout_ms`. */
static int wait_ms(const struct http_client *http, int timeout_ms)
{
    uint64_t now_ns = clock_monotonic_ns(), first_ns = UINT64_MAX;
    int ms = INT32_MAX;

    for (const struct http_exchange *one = http->running; one; one = one->next)
        if (one->moved_ns + one->stall_ns < first_ns)
            first_ns = one->moved_ns + one->stall_ns;
    if (first_ns <= now_ns)
        return 0;
    if ((first_ns - now_ns) / NS_PER_MS < INT32_MAX)
        ms = (int)((first_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
    return timeout_ms >= 0 && timeout_ms < ms ? timeout_ms : ms;
}

int http_client_poll(struct http_client *http, struct pollfd *polls, size_t count, int timeout_ms,
                     struct err *err)
{
    struct curl_waitfd waits[POLLS_MAX] = {0};
    CURLMcode code;
    int left;

    assert(count <= POLLS_MAX);
    if (is_winding_down && !http->running)
        return err_set(err, ERR_RETRY, "%s", WOUND_DOWN); /* it waits to start one */
    for (size_t i = 0; i < count; i++)
        waits[i] = (struct curl_waitfd){
            .fd = polls[i].fd,
            .events = (short)((polls[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
                              (polls[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0)),
        };
    errno = 0;
    code = http->curl->multi_poll(http->multi, waits, (unsigned)count, wait_ms(http, timeout_ms),
                                  NULL);
    if (code != CURLM_OK && errno != EINTR)
        return err_set(err, ERR_RETRY, "libcurl cannot wait (%d)", (int)code);
    for (size_t i = 0; i < count; i++)
        polls[i].revents = (short)((waits[i].revents & CURL_WAIT_POLLIN ? POLLIN : 0) |
                                   (waits[i].revents & CURL_WAIT_POLLOUT ? POLLOUT : 0));
    code = http->curl->multi_perform(http->multi, &left);
    if (code != CURLM_OK)
        return err_set(err, ERR_RETRY, "libcurl cannot go on (%d)", (int)code);
    conclude_all(http);
    end_stalled(http, clock_monotonic_ns());
    return 0;
}

void http_exchange_reset(struct http_exchange *request)
{
    assert(!request->http);
    request->is_done = request->is_refused = request->is_too_long = false;
    request->failure = RETRY_ANSWERED;
    request->failure_text[0] = '\0';
    request->status = 0;
    request->body_sent = 0;
    request->body_error = 0;
    buf_clear(&request->reply);
}

void http_exchange_deinit(struct http_exchange *request)
{
    http_client_stop(request);
    http_headers_deinit(&request->reply_headers);
    buf_deinit(&request->reply);
}
