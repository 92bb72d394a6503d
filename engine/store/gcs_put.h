/*
 * gcs_put: an object in one request (multipart), and whose an object is: what gcs_put_text() and
 * gcs_upload() share.
 */
#ifndef STORE_GCS_PUT_H
#define STORE_GCS_PUT_H

#include "store/gcs_call.h"

/* What is written: a text, or bytes of a descriptor, which are read twice (for the checksum). */
struct gcs_body {
    struct slice text;
    int fd; /* -1: `text` */
    uint64_t bytes;
    const uint32_t *crc32c; /* of the bytes of `fd`, or NULL: computed */
};

/* 1: written, *out (may be NULL) is set. 0: the condition does not hold. -1. */
int gcs_put_whole(struct gcs *gcs, const char *bucket, const char *object,
                  const struct gcs_body *body, const struct gcs_put *put, struct gcs_object *out,
                  struct err *err);

/* The condition as a query, and what doing it twice means. */
enum retry_operation gcs_put_condition(struct buf *url, const struct gcs_put *put);

/* Is the live object the one that `upload_id` wrote? 1: yes, *out is set. 0: it is another's, or
 * there is none. -1. */
int gcs_put_is_ours(struct gcs *gcs, const char *bucket, const char *object, const char *upload_id,
                    uint64_t size, uint32_t crc32c, struct gcs_object *out, struct err *err);

/* Compares what the service says it has stored. ERR_RETRY, and the object is deleted: it is wrong.
 */
int gcs_put_check(struct gcs *gcs, const char *bucket, const struct gcs_object *stored,
                  uint64_t size, uint32_t crc32c, struct err *err);

/* CRC32C of the first `bytes` of `fd`. */
int gcs_put_checksum(int fd, uint64_t bytes, const char *object, uint32_t *out, struct err *err);

#endif
