#include "store/gcs_call.h"

#include "base/mem.h"
#include "store/curl_api.h"
#include "store/gcs_json.h"
#include "store/token_page.h"
#include "store/uri.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    RAMP_COUNT_MAX = 64,
    PAUSE_MS_MAX = 1000,
    EXTRA_HEADERS_BYTES_MAX = 8 * 1024,
};

static const char default_endpoint[] = "https://storage.googleapis.com";

struct gcs {
    struct http_client *http; /* NULL: nothing was asked yet */
    char *endpoint;           /* scheme://host[:port], without a slash at its end */
    struct buf extra_headers;
    struct credentials credentials;
    bool has_credentials;
    struct token token;          /* the last one, also when it was refused */
    uint64_t token_number;       /* 0: there is none yet */
    uint64_t token_refresh_ns;   /* from then on a new one is asked for */
    bool is_token_asked;         /* token_call runs */
    struct gcs_call *token_call; /* allocated: it must not move */
    struct credentials_ask ask;
    struct gcs_call *calls;
    struct ramp ramp;
    struct rand rand;
};

/* ---- open and close ---- */

/* "host:port", "http://host:port/" and, of gcloud's variable, ".../storage/v1/". */
static char *endpoint_of(const char *text)
{
    struct buf out = {0};
    char *result;

    if (!strstr(text, "://"))
        buf_append_string(&out, "http://");
    buf_append_string(&out, text);
    while (out.len > 0 && out.ptr[out.len - 1] == '/')
        out.len--;
    if (out.len > 11 && memcmp(out.ptr + out.len - 11, "/storage/v1", 11) == 0)
        out.len -= 11;
    result = mem_strndup(out.ptr, out.len);
    buf_deinit(&out);
    return result;
}

void gcs_prepare(void)
{
    struct err ignored;

    curl_api_load(&ignored);
    token_page_prepare();
}

struct gcs *gcs_open(void)
{
    struct gcs *gcs = mem_alloc(sizeof *gcs);
    const char *emulator = getenv("STORAGE_EMULATOR_HOST");
    const char *override = getenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE");
    const char *extra = getenv("MRLUA_GCS_EXTRA_HEADERS");
    uint64_t seed = clock_monotonic_ns();

    if (emulator && *emulator)
        gcs->endpoint = endpoint_of(emulator);
    else
        gcs->endpoint = endpoint_of(override && *override ? override : default_endpoint);
    if (extra && strlen(extra) <= EXTRA_HEADERS_BYTES_MAX)
        buf_append_string(&gcs->extra_headers, extra);
    if (gcs->extra_headers.len > 0 && extra[gcs->extra_headers.len - 1] != '\n')
        buf_append_byte(&gcs->extra_headers, '\n');
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = clock_monotonic_ns();
    rand_init(&gcs->rand, seed);
    ramp_init(&gcs->ramp, RAMP_COUNT_MAX);
    return gcs;
}

void gcs_close(struct gcs *gcs)
{
    if (!gcs)
        return;
    assert(!gcs->calls || gcs->calls == gcs->token_call); /* callers end theirs before */
    if (gcs->token_call) {
        gcs_call_deinit(gcs, gcs->token_call);
        free(gcs->token_call);
    }
    http_client_close(gcs->http);
    credentials_ask_deinit(&gcs->ask);
    credentials_deinit(&gcs->credentials);
    token_deinit(&gcs->token);
    buf_deinit(&gcs->extra_headers);
    free(gcs->endpoint);
    free(gcs);
}

void gcs_random_text(struct gcs *gcs, char out[GCS_RANDOM_BYTES])
{
    snprintf(out, GCS_RANDOM_BYTES, "%016llx%016llx", (unsigned long long)rand_next(&gcs->rand),
             (unsigned long long)rand_next(&gcs->rand));
}

/* ---- URLs ---- */

void gcs_url_object(struct gcs *gcs, struct buf *out, const char *bucket, const char *object)
{
    gcs_url_bucket(gcs, out, bucket);
    buf_append_byte(out, '/');
    uri_encode(out, object);
}

void gcs_url_bucket(struct gcs *gcs, struct buf *out, const char *bucket)
{
    buf_printf(out, "%s/storage/v1/b/", gcs->endpoint);
    uri_encode(out, bucket);
    buf_append_string(out, "/o");
}

void gcs_url_upload(struct gcs *gcs, struct buf *out, const char *bucket)
{
    buf_printf(out, "%s/upload/storage/v1/b/", gcs->endpoint);
    uri_encode(out, bucket);
    buf_append_string(out, "/o");
}

void gcs_url_add(struct buf *url, const char *name, const char *value)
{
    bool has_query = url->len > 0 && memchr(url->ptr, '?', url->len);

    buf_printf(url, "%c%s=", has_query ? '&' : '?', name);
    uri_encode(url, value);
}

void gcs_url_add_number(struct buf *url, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    gcs_url_add(url, name, text);
}

/* ---- one call ---- */

static void end_call(struct gcs *gcs, struct gcs_call *call)
{
    struct gcs_call **link = &gcs->calls;

    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    call->state = GCS_CALL_ENDED;
}

static void fail_call(struct gcs *gcs, struct gcs_call *call, const struct err *err)
{
    call->has_failed = true;
    call->err = *err;
    end_call(gcs, call);
}

void gcs_call_start(struct gcs *gcs, struct gcs_call *call)
{
    assert(call->state == GCS_CALL_IDLE);
    call->state = GCS_CALL_WAITING;
    call->due_ns = call->delay_ns ? clock_monotonic_ns() + call->delay_ns : 0;
    call->has_failed = false;
    retry_init(&call->retry, call->policy, rand_next(&gcs->rand));
    call->next = gcs->calls;
    gcs->calls = call;
}

void gcs_call_reset(struct gcs_call *call)
{
    assert(call->state == GCS_CALL_ENDED || call->state == GCS_CALL_IDLE);
    call->state = GCS_CALL_IDLE;
    http_exchange_reset(&call->http);
}

void gcs_call_deinit(struct gcs *gcs, struct gcs_call *call)
{
    if (call->state == GCS_CALL_WAITING || call->state == GCS_CALL_RUNNING)
        end_call(gcs, call);
    http_exchange_deinit(&call->http);
    buf_deinit(&call->url);
    buf_deinit(&call->headers);
    credentials_wipe(&call->sent_headers);
}

int gcs_call_run(struct gcs *gcs, struct gcs_call *call, struct err *err)
{
    gcs_call_start(gcs, call);
    while (!gcs_call_has_ended(call))
        if (gcs_poll(gcs, NULL, 0, -1, err) != 0)
            return -1;
    if (call->has_failed)
        *err = call->err;
    return call->has_failed ? -1 : 0;
}

/* ---- the token ---- */

static bool needs_token(const struct gcs *gcs, const struct gcs_call *call)
{
    return !call->is_foreign && !call->needs_no_token && gcs->credentials.kind != CREDENTIALS_NONE;
}

static bool has_token(const struct gcs *gcs, uint64_t now_ns)
{
    return gcs->token_number > 0 && now_ns < gcs->token_refresh_ns;
}

/* Takes it: from now on it is sent. */
static void use_token_take(struct gcs *gcs, struct token *token)
{
    uint64_t early_s = CREDENTIALS_EARLY_S;

    if (early_s > token->lifetime_s / 2) /* a short one is used for half its life at least */
        early_s = token->lifetime_s / 2;
    token_deinit(&gcs->token);
    gcs->token = *token;
    gcs->token_number++;
    gcs->token_refresh_ns = clock_monotonic_ns() + (token->lifetime_s - early_s) * NS_PER_S;
}

/* One that another process has got, unless it is the one that was refused, or near its end. */
static bool borrow_token(struct gcs *gcs)
{
    struct token token;

    if (!token_page_read(&token, clock_monotonic_ns()))
        return false;
    if (token.lifetime_s <= CREDENTIALS_EARLY_S ||
        slice_equal(buf_slice(&token.text), buf_slice(&gcs->token.text))) {
        token_deinit(&token);
        return false;
    }
    use_token_take(gcs, &token);
    return true;
}

static int ask_for_token(struct gcs *gcs, struct err *err)
{
    struct gcs_call *call = gcs->token_call;

    credentials_ask_deinit(&gcs->ask);
    if (credentials_ask(&gcs->credentials, clock_realtime_ns() / NS_PER_S, &gcs->ask, err) != 0)
        return -1;
    if (call)
        gcs_call_deinit(gcs, call);
    else
        call = gcs->token_call = mem_alloc(sizeof *call);
    *call = GCS_CALL_INIT;
    call->is_foreign = true;
    call->operation = RETRY_ALWAYS;
    if (gcs->credentials.kind == CREDENTIALS_METADATA)
        call->policy = &RETRY_POLICY_METADATA;
    call->http.method = gcs->ask.method;
    call->http.has_body = gcs->ask.body.len > 0;
    call->http.body = buf_slice(&gcs->ask.body);
    buf_append(&call->url, gcs->ask.url.ptr, gcs->ask.url.len);
    buf_append(&call->headers, gcs->ask.headers.ptr, gcs->ask.headers.len);
    gcs_call_start(gcs, call);
    gcs->is_token_asked = true;
    return 0;
}

static int read_token(struct gcs *gcs, struct err *err)
{
    const struct gcs_call *call = gcs->token_call;
    const char *origin = gcs->credentials.origin;
    bool is_metadata = gcs->credentials.kind == CREDENTIALS_METADATA;
    struct token token;

    if (call->has_failed && is_metadata)
        return err_set(err, ERR_SETUP,
                       "no Google credentials: GOOGLE_APPLICATION_CREDENTIALS is not set, there "
                       "is no `gcloud auth application-default login`, and no metadata server "
                       "answers (%s: %.300s)",
                       origin, call->err.message);
    if (call->has_failed) {
        *err = call->err;
        return err_prefix(err, "credentials %s", origin);
    }
    if (call->http.status != 200)
        return err_set(err, ERR_SETUP, "credentials %s: %s answers HTTP %d instead of a token",
                       origin, gcs->credentials.token_uri, call->http.status);
    if (is_metadata && !call->http.reply_headers.is_metadata)
        return err_set(err, ERR_SETUP, "credentials: %s is no metadata server", origin);
    if (credentials_token(&gcs->credentials, buf_slice(&call->http.reply), &token, err) != 0)
        return -1;
    token_page_write(&token, clock_monotonic_ns());
    use_token_take(gcs, &token);
    return 0;
}

/* Takes the answer, if it is there. Without a token every call that waits for it fails. */
static void hear_token(struct gcs *gcs)
{
    struct gcs_call *call, *next;
    struct err err;
    int rc;

    if (!gcs->is_token_asked || !gcs_call_has_ended(gcs->token_call))
        return;
    gcs->is_token_asked = false;
    rc = read_token(gcs, &err);
    if (gcs->token_call->http.reply.ptr)
        explicit_bzero(gcs->token_call->http.reply.ptr, gcs->token_call->http.reply.capacity);
    credentials_ask_deinit(&gcs->ask);
    if (rc == 0)
        return;
    for (call = gcs->calls; call; call = next) {
        next = call->next;
        if (call->state == GCS_CALL_WAITING && needs_token(gcs, call))
            fail_call(gcs, call, &err);
    }
}

/* ---- moving on ---- */

static int get_ready(struct gcs *gcs, struct err *err)
{
    if (!gcs->http && !(gcs->http = http_client_open(err)))
        return -1;
    if (!gcs->has_credentials && credentials_find(&gcs->credentials, err) != 0)
        return -1;
    gcs->has_credentials = true;
    return 0;
}

static void try_call(struct gcs *gcs, struct gcs_call *call)
{
    struct buf *headers = &call->sent_headers;

    http_exchange_reset(&call->http);
    if (call->prepare)
        call->prepare(call);
    credentials_wipe(headers);
    buf_reserve(headers, call->headers.len + gcs->extra_headers.len + gcs->token.text.len + 64);
    buf_append(headers, call->headers.ptr, call->headers.len);
    if (!call->is_foreign)
        buf_append(headers, gcs->extra_headers.ptr, gcs->extra_headers.len);
    if (needs_token(gcs, call))
        buf_printf(headers, "Authorization: Bearer %s\n", buf_string(&gcs->token.text));
    call->token_number = gcs->token_number;
    call->http.url = buf_string(&call->url);
    call->http.headers = buf_slice(headers);
    call->state = GCS_CALL_RUNNING;
    http_client_start(gcs->http, &call->http);
}

/* Starts what is due. *due_ns: when the next one will be. */
static void start_due(struct gcs *gcs, uint64_t now_ns, uint64_t *due_ns)
{
    struct gcs_call *call = gcs->calls, *next;
    struct err err;

    *due_ns = UINT64_MAX;
    for (; call; call = next) {
        next = call->next;
        if (call->state != GCS_CALL_WAITING)
            continue;
        if (call->due_ns > now_ns) {
            *due_ns = call->due_ns < *due_ns ? call->due_ns : *due_ns;
        } else if (!needs_token(gcs, call) || has_token(gcs, now_ns) || borrow_token(gcs)) {
            try_call(gcs, call);
        } else if (!gcs->is_token_asked) {
            if (ask_for_token(gcs, &err) != 0)
                fail_call(gcs, call, &err);
            else
                *due_ns = now_ns; /* it stands before this one in the list */
        }
    }
}

static int no_answer(const struct gcs_call *call, struct err *err)
{
    const struct http_exchange *http = &call->http;
    bool is_ours = http->failure == RETRY_IMPOSSIBLE || http->failure == RETRY_UNTRUSTED;

    if (http->failure == RETRY_ANSWERED)
        return err_set(err, ERR_RETRY, "HTTP %d, after %u tries", http->status,
                       call->failure_count);
    return err_set(err, is_ours ? ERR_SETUP : ERR_RETRY, "%s, after %u tries", http->failure_text,
                   call->failure_count);
}

static void judge(struct gcs *gcs, struct gcs_call *call, uint64_t now_ns)
{
    struct retry_answer answer = {
        .status = call->http.status,
        .failure = call->http.failure,
        .retry_after_s = call->http.reply_headers.retry_after_s,
    };
    enum retry_verdict verdict;
    uint64_t delay_ns;
    struct err err;

    if (answer.failure == RETRY_ANSWERED && (answer.status == 429 || answer.status == 503))
        ramp_overload(&gcs->ramp, now_ns);
    else if (answer.failure == RETRY_ANSWERED && answer.status < 400)
        ramp_success(&gcs->ramp);
    if (call->http.is_refused) { /* by the caller, who knows why */
        end_call(gcs, call);
        return;
    }
    verdict = retry_judge(&call->retry, call->operation, &answer, &delay_ns);
    if (verdict == RETRY_REFRESH && !needs_token(gcs, call))
        verdict = RETRY_DONE;
    call->failure_count += verdict != RETRY_DONE;
    if (call->is_single && verdict == RETRY_AGAIN)
        verdict = RETRY_GIVE_UP;
    switch (verdict) {
    case RETRY_DONE:
        end_call(gcs, call);
        return;
    case RETRY_REFRESH: /* unless another call has got a new one meanwhile */
        if (gcs->token_number == call->token_number)
            gcs->token_refresh_ns = 0;
        call->state = GCS_CALL_WAITING;
        call->due_ns = now_ns;
        return;
    case RETRY_AGAIN:
        call->state = GCS_CALL_WAITING;
        call->due_ns = now_ns + delay_ns;
        return;
    case RETRY_GIVE_UP:
        no_answer(call, &err);
        fail_call(gcs, call, &err);
        return;
    }
}

static bool judge_all(struct gcs *gcs, uint64_t now_ns)
{
    struct gcs_call *call = gcs->calls, *next;
    bool any = false;

    for (; call; call = next) {
        next = call->next;
        if (call->state != GCS_CALL_RUNNING || !call->http.is_done)
            continue;
        any = true;
        judge(gcs, call, now_ns);
    }
    hear_token(gcs);
    return any;
}

int gcs_poll(struct gcs *gcs, struct pollfd *polls, size_t count, int timeout_ms, struct err *err)
{
    uint64_t now_ns = clock_monotonic_ns(), due_ns;

    if (get_ready(gcs, err) != 0)
        return -1;
    start_due(gcs, now_ns, &due_ns);
    if (judge_all(gcs, now_ns)) /* what could not even be started */
        return 0;
    if (due_ns != UINT64_MAX) {
        uint64_t ms = due_ns <= now_ns ? 0 : (due_ns - now_ns) / NS_PER_MS + 1;

        if (ms > PAUSE_MS_MAX)
            ms = PAUSE_MS_MAX;
        if (timeout_ms < 0 || (uint64_t)timeout_ms > ms)
            timeout_ms = (int)ms;
    }
    if (http_client_poll(gcs->http, polls, count, timeout_ms, err) != 0)
        return -1;
    judge_all(gcs, clock_monotonic_ns());
    return 0;
}

bool gcs_may_start(const struct gcs *gcs, uint32_t running_count)
{
    return running_count < gcs->ramp.count;
}

/* ---- errors ---- */

static const char *hint_of(int status)
{
    switch (status) {
    case 401:
        return " (the credentials are not accepted)";
    case 403:
        return " (the account lacks the permission, or the machine's scopes do)";
    case 412:
        return " (another version is there)";
    default:
        return "";
    }
}

int gcs_answer_error(const struct gcs_call *call, const char *what, const char *bucket,
                     const char *object, enum err_kind missing, struct err *err)
{
    int status = call->http.status;
    struct retry_answer answer = {.status = status};
    enum err_kind kind = status == 404                 ? missing
                         : retry_is_transient(&answer) ? ERR_RETRY
                                                       : ERR_SETUP;
    struct buf name = {0}, reason = {0};

    uri_print(&name, bucket, object);
    gcs_json_reason(buf_slice(&call->http.reply), &reason);
    if (status == 404)
        err_set(err, kind, "%s %s: no such object or bucket", what, buf_string(&name));
    else
        err_set(err, kind, "%s %s: HTTP %d%s%s%s", what, buf_string(&name), status, hint_of(status),
                reason.len > 0 ? ": " : "", buf_string(&reason));
    buf_deinit(&name);
    buf_deinit(&reason);
    return -1;
}

/* There is no reason of its own for it: "invalid", as for whatever else is wrong. */
bool gcs_answer_is_damage(const struct gcs_call *call)
{
    static const char word[] = "CRC32C";
    const struct buf *reply = &call->http.reply;

    return call->http.status == 400 && reply->len > 0 &&
           memmem(reply->ptr, reply->len, word, sizeof word - 1);
}
