#include "store/gcs_copy.h"

#include "store/gcs_call.h"
#include "store/gcs_json.h"
#include "store/gcs_put.h"
#include "store/uri.h"

enum { STEP_STALL_S = 60 }; /* a step copies for about 30 s before it answers */

/* One step. 1: done. 0: there is another, with `token`. 2: the condition does not hold. -1. */
static int step(struct gcs *gcs, const struct gcs_copy_from *from, const char *bucket,
                const char *object, const struct gcs_put *put, struct buf *token, uint64_t *bytes,
                struct gcs_object *out, struct err *err)
{
    struct gcs_call call = GCS_CALL_INIT;
    int rc = -1;

    call.http.method = "POST";
    call.http.has_body = true; /* an empty one: metadata are the source's */
    call.http.stall_ns = STEP_STALL_S * NS_PER_S;
    call.http.wants_own_connection = true; /* a lost success is not to look like another's */
    gcs_url_object(gcs, &call.url, from->bucket, from->object);
    buf_append_string(&call.url, "/rewriteTo/b/");
    uri_encode(&call.url, bucket);
    buf_append_string(&call.url, "/o/");
    uri_encode(&call.url, object);
    call.operation = gcs_put_condition(&call.url, put);
    if (from->generation)
        gcs_url_add_number(&call.url, "sourceGeneration", from->generation);
    if (token->len > 0)
        gcs_url_add(&call.url, "rewriteToken", buf_string(token));
    if (gcs_call_run(gcs, &call, err) != 0)
        err_prefix(err, "copy gs://%s/%s", from->bucket, from->object);
    else if (call.http.status == 412 && call.failure_count == 0)
        rc = 2;
    else if (call.http.status == 412)
        err_set(err, ERR_RETRY,
                "copy gs://%s/%s: an answer was lost, and gs://%s/%s is there now: look whether it "
                "is the copy",
                from->bucket, from->object, bucket, object);
    else if (call.http.status / 100 != 2)
        gcs_answer_error(&call, "copy", from->bucket, from->object, ERR_SETUP, err);
    else
        rc = gcs_json_rewrite(buf_slice(&call.http.reply), out, token, bytes, err);
    gcs_call_deinit(gcs, &call);
    return rc;
}

int gcs_copy(struct gcs *gcs, const struct gcs_copy_from *from, const char *bucket,
             const char *object, const struct gcs_put *put,
             void (*told)(void *context, uint64_t bytes), void *context, struct gcs_object *out,
             struct err *err)
{
    struct gcs_object copy = {0};
    struct buf token = {0};
    uint64_t bytes = 0;
    int rc;

    do {
        rc = step(gcs, from, bucket, object, put, &token, &bytes, &copy, err);
        if (rc >= 0 && rc < 2 && told)
            told(context, bytes);
    } while (rc == 0);
    buf_deinit(&token);
    if (rc == 1 && out)
        *out = copy;
    else
        gcs_object_deinit(&copy);
    return rc == 2 ? 0 : rc;
}
