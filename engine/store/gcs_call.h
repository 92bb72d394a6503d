/*
 * gcs_call: one request to the service, made until it is answered: token, headers, tries, waits.
 * What gcs.c, gcs_read.c and gcs_upload.c are made of.
 *
 *     struct gcs_call call = GCS_CALL_INIT;
 *     call.http.method = "GET";
 *     gcs_url_object(gcs, &call.url, "bucket", "a/b");
 *     call.operation = RETRY_ALWAYS;
 *     if (gcs_call_run(gcs, &call, &err) == 0)            or _start(), gcs_poll() until is_ended
 *         look at call.http.status: whatever no retry changes
 *     gcs_call_deinit(gcs, &call);
 *
 * gcs_call_run answers -1 only when there was no answer, or the budget was spent on failing ones.
 */
#ifndef STORE_GCS_CALL_H
#define STORE_GCS_CALL_H

#include "store/credentials.h"
#include "store/gcs.h"
#include "store/http_client.h"

enum gcs_call_state { GCS_CALL_IDLE, GCS_CALL_WAITING, GCS_CALL_RUNNING, GCS_CALL_ENDED };

struct gcs_call {
    /* ---- what is asked ---- */
    struct http_exchange http; /* method, body, sink; url and headers are filled from here */
    struct buf url;
    struct buf headers; /* "name: value\n" lines */
    enum retry_operation operation;
    const struct retry_policy *policy;
    bool is_foreign;     /* not to the service: no token, no extra headers */
    bool needs_no_token; /* its URL is a secret that is enough: a session's */
    uint64_t delay_ns;   /* before the first try */
    /* Before each try, if not NULL: it may change url, headers and body. Whoever gets bytes (the
     * sink) tells the budget so: retry_progress(&call->retry). */
    void (*prepare)(struct gcs_call *call);
    void *context;
    bool is_single; /* the first failure ends it: the caller looks first, then goes on */

    /* ---- how it went ---- */
    bool has_failed; /* no answer that counts: `err` */
    struct err err;
    uint32_t failure_count; /* tries that failed: after one, a 412 or a 404 may be our own doing */

    /* ---- gcs_call.c's own ---- */
    enum gcs_call_state state;
    struct retry retry;
    uint64_t due_ns;
    uint64_t token_number; /* the token that was sent */
    struct buf sent_headers;
    struct gcs_call *next;
};

#define GCS_CALL_INIT                                                                              \
    (struct gcs_call)                                                                              \
    {                                                                                              \
        .http = HTTP_EXCHANGE_INIT, .policy = &RETRY_POLICY                                        \
    }

/* Begins; it must not move until it has ended. */
void gcs_call_start(struct gcs *gcs, struct gcs_call *call);

/* 0: call->http is the answer. -1: *err. */
int gcs_call_run(struct gcs *gcs, struct gcs_call *call, struct err *err);

static inline bool gcs_call_has_ended(const struct gcs_call *call)
{
    return call->state == GCS_CALL_ENDED;
}

/* Stops it if it runs; safe on a zeroed one. */
void gcs_call_deinit(struct gcs *gcs, struct gcs_call *call);

/* To be started again with the same url, headers and body. */
void gcs_call_reset(struct gcs_call *call);

/* Moves all calls on and waits, as http_client_poll() does. */
int gcs_poll(struct gcs *gcs, struct pollfd *polls, size_t count, int timeout_ms, struct err *err);

/* How many more requests a caller with many may start now (struct ramp). */
bool gcs_may_start(const struct gcs *gcs, uint32_t running_count);

/* What the server said, as an error: "<what> gs://b/o: HTTP 403: <reason>". 404 is `missing`;
 * other answers that no retry helps are ERR_SETUP, transient ones ERR_RETRY. Returns -1. */
int gcs_answer_error(const struct gcs_call *call, const char *what, const char *bucket,
                     const char *object, enum err_kind missing, struct err *err);

/* Was an upload refused because its bytes were not those of the checksum that came with them? They
 * were damaged on the way: whoever sends all of them again may have better luck. */
bool gcs_answer_is_damage(const struct gcs_call *call);

/* Appends the URL of an object, of its bucket's objects, or of an upload, without a query. */
void gcs_url_object(struct gcs *gcs, struct buf *out, const char *bucket, const char *object);
void gcs_url_bucket(struct gcs *gcs, struct buf *out, const char *bucket);
void gcs_url_upload(struct gcs *gcs, struct buf *out, const char *bucket);

/* Appends "?name=value" or "&name=value", encoded. */
void gcs_url_add(struct buf *url, const char *name, const char *value);
void gcs_url_add_number(struct buf *url, const char *name, uint64_t value);

/* A random text of 32 hex digits, for upload ids and boundaries. */
enum { GCS_RANDOM_BYTES = 33 };
void gcs_random_text(struct gcs *gcs, char out[GCS_RANDOM_BYTES]);

#endif
