/*
 * gcs_copy: from object to object, without the bytes coming here.
 *
 *     rc = gcs_copy(gcs, &from, "bucket", "to", &put, told, context, &object, &err);
 *
 * The service copies in steps (rewrite), as many as it wants; the last one makes the object.
 */
#ifndef STORE_GCS_COPY_H
#define STORE_GCS_COPY_H

#include "store/gcs.h"

struct gcs_copy_from {
    const char *bucket, *object;
    uint64_t generation; /* 0: the live one */
};

/* `put` says the condition only: type, encoding and metadata are those of the source. `told`,
 * unless NULL, hears after each step how many bytes are copied. 1: copied, *out (may be NULL) is
 * the new object. 0: the condition does not hold. -1: *err. */
int gcs_copy(struct gcs *gcs, const struct gcs_copy_from *from, const char *bucket,
             const char *object, const struct gcs_put *put,
             void (*told)(void *context, uint64_t bytes), void *context, struct gcs_object *out,
             struct err *err);

#endif
