#include "store/gcs_put.h"

#include "base/hash.h"
#include "base/io.h"
#include "store/gcs_json.h"

#include <stdlib.h>

enum { CHECKSUM_BLOCK_BYTES = 256 * 1024, UPLOAD_STALL_S = 60 };

enum retry_operation gcs_put_condition(struct buf *url, const struct gcs_put *put)
{
    switch (put->condition) {
    case GCS_ALWAYS:
        return RETRY_NEVER;
    case GCS_IF_ABSENT:
        gcs_url_add_number(url, "ifGenerationMatch", 0);
        return RETRY_CONDITIONAL;
    case GCS_IF_GENERATION:
        gcs_url_add_number(url, "ifGenerationMatch", put->generation);
        return RETRY_CONDITIONAL;
    }
    abort();
}

int gcs_put_checksum(int fd, uint64_t bytes, const char *object, uint32_t *out, struct err *err)
{
    char *block = malloc(CHECKSUM_BLOCK_BYTES);
    int rc = -1;

    *out = 0;
    if (!block)
        return err_set_errno(err, ERR_RETRY, "upload %s", object);
    for (uint64_t at = 0; at < bytes;) {
        uint64_t len = bytes - at < CHECKSUM_BLOCK_BYTES ? bytes - at : CHECKSUM_BLOCK_BYTES;
        ssize_t count = io_pread(fd, block, (size_t)len, at, object, ERR_RETRY, err);

        if (count < 0)
            goto out;
        if ((uint64_t)count < len) {
            err_set(err, ERR_RETRY, "upload %s: the file ends at byte %llu of %llu", object,
                    (unsigned long long)(at + (uint64_t)count), (unsigned long long)bytes);
            goto out;
        }
        *out = crc32c(*out, block, (size_t)count);
        at += (uint64_t)count;
    }
    rc = 0;
out:
    free(block);
    return rc;
}

int gcs_put_is_ours(struct gcs *gcs, const char *bucket, const char *object, const char *upload_id,
                    uint64_t size, uint32_t crc32c, struct gcs_object *out, struct err *err)
{
    struct gcs_object found;
    int rc = gcs_stat(gcs, bucket, object, 0, &found, err);
    const char *id = rc == 1 ? gcs_object_metadata(&found, GCS_UPLOAD_ID_KEY) : NULL;

    if (rc != 1)
        return rc;
    if (!id || strcmp(id, upload_id) != 0 || found.size != size || !found.has_crc32c ||
        found.crc32c != crc32c) {
        gcs_object_deinit(&found);
        return 0;
    }
    if (out)
        *out = found;
    else
        gcs_object_deinit(&found);
    return 1;
}

int gcs_put_check(struct gcs *gcs, const char *bucket, const struct gcs_object *stored,
                  uint64_t size, uint32_t crc32c, struct err *err)
{
    struct err ignored;

    if (stored->size == size && (!stored->has_crc32c || stored->crc32c == crc32c))
        return 0;
    gcs_delete(gcs, bucket, stored->name, stored->generation, &ignored);
    return err_set(err, ERR_RETRY,
                   "upload gs://%s/%s: the service has stored %llu bytes with CRC32C %08x instead "
                   "of %llu with %08x",
                   bucket, stored->name, (unsigned long long)stored->size, stored->crc32c,
                   (unsigned long long)size, crc32c);
}

/* ---- one request ---- */

struct multipart {
    struct buf begin, end; /* what stands before and behind the bytes */
    char boundary[GCS_RANDOM_BYTES], made_up_id[GCS_RANDOM_BYTES];
    const char *upload_id;
    uint64_t size;
    uint32_t crc32c;
};

static void multipart_init(struct multipart *part, struct gcs *gcs, const char *object,
                           const struct gcs_put *put)
{
    gcs_random_text(gcs, part->boundary);
    gcs_random_text(gcs, part->made_up_id);
    part->upload_id = put->upload_id ? put->upload_id : part->made_up_id;
    buf_printf(&part->begin, "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n",
               part->boundary);
    gcs_json_put(&part->begin, object, put, part->upload_id, &part->crc32c);
    buf_printf(&part->begin, "\r\n--%s\r\nContent-Type: %s\r\n\r\n", part->boundary,
               put->content_type ? put->content_type : "application/octet-stream");
    buf_printf(&part->end, "\r\n--%s--\r\n", part->boundary);
}

static void fill_call(struct gcs *gcs, struct gcs_call *call, const char *bucket,
                      const char *object, const struct gcs_body *body, const struct gcs_put *put,
                      const struct multipart *part)
{
    call->http.method = "POST";
    call->http.stall_ns = UPLOAD_STALL_S * NS_PER_S;
    gcs_url_upload(gcs, &call->url, bucket);
    gcs_url_add(&call->url, "uploadType", "multipart");
    gcs_url_add(&call->url, "name", object); /* so that the logs of a service have it, too */
    gcs_url_add(&call->url, "fields", GCS_OBJECT_FIELDS);
    call->operation = gcs_put_condition(&call->url, put);
    buf_printf(&call->headers, "Content-Type: multipart/related; boundary=%s\n", part->boundary);
    call->http.has_body = true;
    call->http.body = buf_slice(&part->begin);
    call->http.body_fd = body->fd;
    call->http.body_fd_bytes = body->fd < 0 ? 0 : body->bytes;
    call->http.body_end = buf_slice(&part->end);
}

static int conclude(struct gcs *gcs, const struct gcs_call *call, const char *bucket,
                    const char *object, const struct multipart *part, struct gcs_object *out,
                    struct err *err)
{
    struct gcs_object stored;
    int rc;

    /* 412 after a try whose answer was lost may be our own success. */
    if (call->http.status == 412 && call->failure_count > 0)
        return gcs_put_is_ours(gcs, bucket, object, part->upload_id, part->size, part->crc32c, out,
                               err);
    if (call->http.status == 412)
        return 0;
    if (call->http.status / 100 != 2) {
        gcs_answer_error(call, "upload", bucket, object, ERR_SETUP, err);
        if (gcs_answer_is_damage(call))
            err->kind = ERR_RETRY;
        return -1;
    }
    if (gcs_json_object(buf_slice(&call->http.reply), &stored, err) != 0)
        return err_prefix(err, "upload gs://%s/%s", bucket, object);
    rc = gcs_put_check(gcs, bucket, &stored, part->size, part->crc32c, err) == 0 ? 1 : -1;
    if (rc == 1 && out)
        *out = stored;
    else
        gcs_object_deinit(&stored);
    return rc;
}

int gcs_put_whole(struct gcs *gcs, const char *bucket, const char *object,
                  const struct gcs_body *body, const struct gcs_put *put, struct gcs_object *out,
                  struct err *err)
{
    struct multipart part = {.size = body->fd < 0 ? body->text.len : body->bytes};
    struct gcs_call call = GCS_CALL_INIT;
    int rc = 0;

    if (out)
        *out = (struct gcs_object){0};
    if (body->fd < 0)
        part.crc32c = crc32c(0, body->text.len ? body->text.ptr : "", body->text.len);
    else if (body->crc32c)
        part.crc32c = *body->crc32c;
    else
        rc = gcs_put_checksum(body->fd, body->bytes, object, &part.crc32c, err);
    if (rc != 0)
        return -1;
    multipart_init(&part, gcs, object, put);
    if (body->fd < 0)
        buf_append(&part.begin, body->text.ptr, body->text.len);
    fill_call(gcs, &call, bucket, object, body, put, &part);
    rc = gcs_call_run(gcs, &call, err);
    if (rc != 0)
        err_prefix(err, "upload gs://%s/%s", bucket, object);
    else
        rc = conclude(gcs, &call, bucket, object, &part, out, err);
    gcs_call_deinit(gcs, &call);
    buf_deinit(&part.begin);
    buf_deinit(&part.end);
    return rc;
}
