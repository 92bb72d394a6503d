/*
 * gcs_sweep: removes what is below a prefix.
 *
 *     rc = gcs_sweep(gcs, "bucket", "out/.mrlua-job-1/", NULL, NULL, &err);
 *
 * Each object is deleted by the generation that was listed: what was written since stays. An object
 * with the custom metadata GCS_SESSION_KEY stands for an upload that is not finished (format/
 * publish_gs.h): that session is cancelled first. It can be called again, and goes on where it was.
 *
 * Memory: a name and a number for each object.
 */
#ifndef STORE_GCS_SWEEP_H
#define STORE_GCS_SWEEP_H

#include "store/gcs.h"

/* A session's URI. */
#define GCS_SESSION_KEY "mrlua-session"

/* `wants` NULL: all objects. 0 or -1. */
int gcs_sweep(struct gcs *gcs, const char *bucket, const char *prefix,
              bool (*wants)(void *context, const struct gcs_object *object), void *context,
              struct err *err);

/* Everything below "gs://BUCKET/PREFIX", with a client of its own. */
int gcs_sweep_uri(const char *uri, struct err *err);

#endif
