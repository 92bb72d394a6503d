#include "store/gcs_json.h"

#include "base/mem.h"
#include "store/http_headers.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

enum { REASON_BYTES_MAX = 200 };

/* ---- objects ---- */

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "";
}

/* A number in a string, as this API writes 64 bits; a plain one is taken too. */
static bool number_of(const json_t *json, const char *name, uint64_t *out)
{
    const json_t *field = json_object_get(json, name);
    const char *text = json_string_value(field);
    char *end;

    if (json_is_integer(field) && json_integer_value(field) >= 0) {
        *out = (uint64_t)json_integer_value(field);
        return true;
    }
    if (!text || !isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static void read_metadata(const json_t *json, struct gcs_object *out)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        if (!json_is_string(value) || out->metadata_count == GCS_METADATA_COUNT_MAX)
            continue;
        out->metadata[out->metadata_count++] =
            (struct gcs_metadata){mem_strdup(key), mem_strdup(json_string_value(value))};
    }
}

static int read_object(const json_t *json, struct gcs_object *out, struct err *err)
{
    const char *crc32c = text_of(json, "crc32c");

    *out = (struct gcs_object){0};
    if (!number_of(json, "size", &out->size) || !number_of(json, "generation", &out->generation) ||
        out->generation == 0 || *text_of(json, "name") == '\0')
        return err_set(err, ERR_RETRY, "the answer describes no object");
    out->has_crc32c = http_crc32c_decode(slice_of_string(crc32c), &out->crc32c);
    out->is_gzip = strcmp(text_of(json, "contentEncoding"), "gzip") == 0;
    out->name = mem_strdup(text_of(json, "name"));
    out->content_type = mem_strdup(text_of(json, "contentType"));
    out->updated = mem_strdup(text_of(json, "updated"));
    read_metadata(json_object_get(json, "metadata"), out);
    return 0;
}

int gcs_json_object(struct slice text, struct gcs_object *out, struct err *err)
{
    json_t *json = json_loadb(text.ptr ? text.ptr : "", text.len, 0, NULL);
    int rc = read_object(json, out, err);

    json_decref(json);
    return rc;
}

void gcs_object_deinit(struct gcs_object *object)
{
    for (size_t i = 0; i < object->metadata_count; i++) {
        free((char *)(uintptr_t)object->metadata[i].key);
        free((char *)(uintptr_t)object->metadata[i].value);
    }
    free(object->name);
    free(object->content_type);
    free(object->updated);
    *object = (struct gcs_object){0};
}

const char *gcs_object_metadata(const struct gcs_object *object, const char *key)
{
    for (size_t i = 0; i < object->metadata_count; i++)
        if (strcmp(object->metadata[i].key, key) == 0)
            return object->metadata[i].value;
    return NULL;
}

/* ---- lists ---- */

static int each_object(const json_t *json,
                       int (*each)(void *, const struct gcs_object *, const char *, struct err *),
                       void *context, struct err *err)
{
    struct gcs_object object;
    int rc = read_object(json, &object, err);

    if (rc == 0)
        rc = each(context, &object, NULL, err);
    gcs_object_deinit(&object);
    return rc;
}

int gcs_json_page(struct slice text,
                  int (*each)(void *context, const struct gcs_object *object, const char *prefix,
                              struct err *err),
                  void *context, struct buf *token, struct err *err)
{
    json_t *json = json_loadb(text.ptr ? text.ptr : "", text.len, 0, NULL);
    const json_t *items = json_object_get(json, "items");
    const json_t *prefixes = json_object_get(json, "prefixes");
    int rc = 0;

    buf_clear(token);
    if (!json_is_object(json))
        rc = err_set(err, ERR_RETRY, "the answer is no list");
    else
        buf_append_string(token, text_of(json, "nextPageToken"));
    for (size_t i = 0; rc == 0 && i < json_array_size(items); i++)
        rc = each_object(json_array_get(items, i), each, context, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(prefixes); i++) {
        const char *prefix = json_string_value(json_array_get(prefixes, i));

        if (prefix)
            rc = each(context, NULL, prefix, err);
    }
    json_decref(json);
    return rc;
}

/* ---- what we say ---- */

static void set_text(json_t *json, const char *name, const char *text)
{
    if (text)
        json_object_set_new(json, name, json_string(text));
}

void gcs_json_put(struct buf *out, const char *name, const struct gcs_put *put,
                  const char *upload_id, const uint32_t *crc32c)
{
    json_t *json = json_object(), *metadata = json_object();
    char checksum[HTTP_CRC32C_BYTES], *text;

    set_text(json, "name", name);
    set_text(json, "contentType",
             put->content_type ? put->content_type : "application/octet-stream");
    set_text(json, "contentEncoding", put->content_encoding);
    if (crc32c) {
        http_crc32c_encode(*crc32c, checksum);
        set_text(json, "crc32c", checksum);
    }
    for (size_t i = 0; i < put->metadata_count; i++)
        set_text(metadata, put->metadata[i].key, put->metadata[i].value);
    set_text(metadata, GCS_UPLOAD_ID_KEY, upload_id);
    json_object_set_new(json, "metadata", metadata);
    text = json_dumps(json, JSON_COMPACT);
    buf_append_string(out, text ? text : mem_alloc(SIZE_MAX)); /* only memory can be short */
    free(text);
    json_decref(json);
}

/* ---- errors ---- */

void gcs_json_reason(struct slice text, struct buf *out)
{
    json_t *json = json_loadb(text.ptr ? text.ptr : "", text.len, 0, NULL);
    const json_t *error = json_object_get(json, "error");
    const char *message =
        json_is_string(error) ? json_string_value(error) : text_of(error, "message");

    for (size_t i = 0; i < REASON_BYTES_MAX && message[i]; i++)
        buf_append_byte(out, iscntrl((unsigned char)message[i]) ? ' ' : (unsigned char)message[i]);
    json_decref(json);
}

/* ---- rewrites ---- */

int gcs_json_rewrite(struct slice text, struct gcs_object *object, struct buf *token,
                     uint64_t *bytes_done, struct err *err)
{
    json_t *json = json_loadb(text.ptr ? text.ptr : "", text.len, 0, NULL);
    const char *next = text_of(json, "rewriteToken");
    int rc = 0;

    *object = (struct gcs_object){0};
    buf_clear(token);
    if (!number_of(json, "totalBytesRewritten", bytes_done))
        *bytes_done = 0;
    if (json_is_true(json_object_get(json, "done")))
        rc = read_object(json_object_get(json, "resource"), object, err) == 0 ? 1 : -1;
    else if (*next)
        buf_append_string(token, next);
    else
        rc = err_set(err, ERR_RETRY, "the answer is none of a rewrite");
    json_decref(json);
    return rc;
}
