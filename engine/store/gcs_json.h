/*
 * gcs_json: the JSON of the service, in and out. Pure.
 *
 *     gcs_json_object(reply, &object, &err);              an object resource
 *     gcs_json_page(reply, each, context, &token, &err);  a page of a list
 *     gcs_json_put(&out, name, &put, upload_id, crc32c);  what an upload says about its object
 *
 * Numbers are strings in this API; what is missing or malformed is an error where it matters (size,
 * generation) and empty where it does not.
 */
#ifndef STORE_GCS_JSON_H
#define STORE_GCS_JSON_H

#include "store/gcs.h"

#define GCS_UPLOAD_ID_KEY "mrlua-upload"
/* What is asked for of an object: no more than is read. */
#define GCS_OBJECT_FIELDS "name,size,generation,crc32c,contentEncoding,contentType,updated,metadata"

/* ERR_RETRY: it is none. On failure *out is empty. */
int gcs_json_object(struct slice text, struct gcs_object *out, struct err *err);

/* Calls `each` (gcs_list()) for what is on the page, and puts the next page's token, or nothing,
 * into `token`. Answers what `each` answers, 0 at the end, -1. */
int gcs_json_page(struct slice text,
                  int (*each)(void *context, const struct gcs_object *object, const char *prefix,
                              struct err *err),
                  void *context, struct buf *token, struct err *err);

/* Appends the resource that an upload creates. `crc32c` may be NULL: not known yet. */
void gcs_json_put(struct buf *out, const char *name, const struct gcs_put *put,
                  const char *upload_id, const uint32_t *crc32c);

/* Appends the message of an error answer, cut and on one line; nothing if there is none. */
void gcs_json_reason(struct slice text, struct buf *out);

/* Of a rewrite: 1: done, *object is set; 0: `token` is for the next call; -1. */
int gcs_json_rewrite(struct slice text, struct gcs_object *object, struct buf *token,
                     uint64_t *bytes_done, struct err *err);

#endif
