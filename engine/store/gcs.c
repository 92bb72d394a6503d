#include "store/gcs.h"

#include "base/hash.h"
#include "store/gcs_call.h"
#include "store/gcs_json.h"
#include "store/gcs_put.h"
#include "store/uri.h"

#include <assert.h>
#include <stdlib.h>

enum { JSON_BYTES_MAX = 16 * 1024 * 1024 }; /* a page of 1000 names of 1024 bytes, with metadata */

/* "<what> gs://bucket/object: <cause>", of a call that got no answer. */
static int fail_named(const char *what, const char *bucket, const char *object, struct err *err)
{
    return err_prefix(err, "%s gs://%s/%s", what, bucket, object);
}

/* ---- stat ---- */

int gcs_stat(struct gcs *gcs, const char *bucket, const char *object, uint64_t generation,
             struct gcs_object *out, struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    int rc = -1;

    *out = (struct gcs_object){0};
    call.http.method = "GET";
    call.http.reply_bytes_max = JSON_BYTES_MAX;
    call.operation = RETRY_ALWAYS;
    gcs_url_object(gcs, &call.url, bucket, object);
    gcs_url_add(&call.url, "fields", GCS_OBJECT_FIELDS);
    if (generation)
        gcs_url_add_number(&call.url, "generation", generation);
    if (gcs_call_run(gcs, &call, err) != 0) {
        fail_named("look at", bucket, object, err);
    } else if (call.http.status == 404) {
        rc = 0;
    } else if (call.http.status != 200) {
        gcs_answer_error(&call, "look at", bucket, object, ERR_SETUP, err);
    } else if (gcs_json_object(buf_slice(&call.http.reply), out, err) == 0) {
        rc = 1;
    } else {
        fail_named("look at", bucket, object, err);
    }
    gcs_call_deinit(gcs, &call);
    return rc;
}

/* ---- list ---- */

static int list_page(struct gcs *gcs, const struct gcs_listing *listing, struct buf *token,
                     int (*each)(void *, const struct gcs_object *, const char *, struct err *),
                     void *context, struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    const char *prefix = listing->prefix ? listing->prefix : "";
    int rc = -1;

    call.http.method = "GET";
    call.http.reply_bytes_max = JSON_BYTES_MAX;
    call.operation = RETRY_ALWAYS;
    gcs_url_bucket(gcs, &call.url, listing->bucket);
    gcs_url_add(&call.url, "fields", "nextPageToken,prefixes,items(" GCS_OBJECT_FIELDS ")");
    if (*prefix)
        gcs_url_add(&call.url, "prefix", prefix);
    if (listing->delimiter)
        gcs_url_add(&call.url, "delimiter", listing->delimiter);
    if (listing->start)
        gcs_url_add(&call.url, "startOffset", listing->start);
    if (listing->page_count)
        gcs_url_add_number(&call.url, "maxResults", listing->page_count);
    if (token->len > 0)
        gcs_url_add(&call.url, "pageToken", buf_string(token));
    if (gcs_call_run(gcs, &call, err) != 0)
        fail_named("list", listing->bucket, prefix, err);
    else if (call.http.status != 200)
        gcs_answer_error(&call, "list", listing->bucket, prefix, ERR_SETUP, err);
    else
        rc = gcs_json_page(buf_slice(&call.http.reply), each, context, token, err);
    gcs_call_deinit(gcs, &call);
    return rc;
}

int gcs_list(struct gcs *gcs, const struct gcs_listing *listing,
             int (*each)(void *context, const struct gcs_object *object, const char *prefix,
                         struct err *err),
             void *context, struct err *err)
{
    struct buf token = {0};
    int rc;

    /* A page may be empty and still have another behind it. */
    do
        rc = list_page(gcs, listing, &token, each, context, err);
    while (rc == 0 && token.len > 0);
    buf_deinit(&token);
    return rc;
}

/* ---- delete ---- */

int gcs_delete(struct gcs *gcs, const char *bucket, const char *object, uint64_t generation,
               struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    int rc = -1;

    call.http.method = "DELETE";
    call.operation = generation ? RETRY_CONDITIONAL : RETRY_NEVER;
    gcs_url_object(gcs, &call.url, bucket, object);
    if (generation)
        gcs_url_add_number(&call.url, "ifGenerationMatch", generation);
    if (gcs_call_run(gcs, &call, err) != 0)
        fail_named("delete", bucket, object, err);
    else if (call.http.status / 100 == 2)
        rc = 1;
    else if (call.http.status == 404) /* after a lost answer: that was us */
        rc = call.failure_count > 0;
    else if (call.http.status == 412)
        rc = 0;
    else
        gcs_answer_error(&call, "delete", bucket, object, ERR_SETUP, err);
    gcs_call_deinit(gcs, &call);
    return rc;
}

/* ---- small objects ---- */

/* What is read, checked as it comes. */
struct text_sink {
    struct buf *out;
    size_t start; /* of this object in `out` */
    size_t bytes_max;
    bool is_too_long;
    struct gcs_call *call;
};

static int keep_text(void *context, const struct http_exchange *request, const char *bytes,
                     size_t len)
{
    struct text_sink *sink = context;

    (void)request;
    if (sink->out->len - sink->start + len > sink->bytes_max) {
        sink->is_too_long = true;
        return -1;
    }
    buf_append(sink->out, bytes, len);
    return 0;
}

static void begin_text(struct gcs_call *call)
{
    struct text_sink *sink = call->context;

    sink->out->len = sink->start; /* a small object is begun again */
}

static int check_text(const struct text_sink *sink, const char *bucket, const char *object,
                      struct gcs_object *meta, struct err *err)
{
    const struct http_headers *headers = &sink->call->http.reply_headers;
    size_t len = sink->out->len - sink->start;
    uint32_t crc = crc32c(0, len ? sink->out->ptr + sink->start : "", len);

    if (headers->has_crc32c && headers->crc32c != crc)
        return err_set(err, ERR_RETRY,
                       "read gs://%s/%s: its bytes have another CRC32C than the service says",
                       bucket, object);
    if (!meta)
        return 1;
    *meta = (struct gcs_object){.size = len, .crc32c = crc, .has_crc32c = true};
    meta->is_gzip = headers->is_gzip;
    meta->generation = headers->generation == HTTP_NO_NUMBER ? 0 : headers->generation;
    return 1;
}

int gcs_get_text(struct gcs *gcs, const char *bucket, const char *object, uint64_t generation,
                 size_t bytes_max, struct buf *out, struct gcs_object *meta, struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    struct text_sink sink = {.out = out, .start = out->len, .bytes_max = bytes_max, .call = &call};
    int rc = -1;

    assert(bytes_max <= GCS_TEXT_BYTES_MAX);
    if (meta)
        *meta = (struct gcs_object){0};
    call.http.method = "GET";
    call.http.sink = keep_text;
    call.http.context = call.context = &sink;
    call.operation = RETRY_ALWAYS;
    call.prepare = begin_text;
    gcs_url_object(gcs, &call.url, bucket, object);
    gcs_url_add(&call.url, "alt", "media");
    if (generation)
        gcs_url_add_number(&call.url, "generation", generation);
    buf_append_string(&call.headers, "Accept-Encoding: gzip\n"); /* as stored, not inflated */
    if (gcs_call_run(gcs, &call, err) != 0)
        fail_named("read", bucket, object, err);
    else if (sink.is_too_long)
        err_set(err, ERR_INPUT, "read gs://%s/%s: more than %zu bytes", bucket, object, bytes_max);
    else if (call.http.status == 404)
        rc = 0;
    else if (call.http.status != 200)
        gcs_answer_error(&call, "read", bucket, object, ERR_SETUP, err);
    else
        rc = check_text(&sink, bucket, object, meta, err);
    if (rc != 1)
        out->len = sink.start;
    gcs_call_deinit(gcs, &call);
    return rc;
}

int gcs_put_text(struct gcs *gcs, const char *bucket, const char *object, struct slice text,
                 const struct gcs_put *put, struct gcs_object *out, struct err *err)
{
    struct gcs_body body = {.text = text, .fd = -1};

    return gcs_put_whole(gcs, bucket, object, &body, put, out, err);
}
