/*
 * job_shuffle: where a job's maps leave their outputs: `--shuffle local|gcs|gs://BUCKET/PREFIX`.
 *
 *     rc = job_shuffle_prefix("gcs", "gs://bucket/out", publish_id, &prefix, &err);
 *
 * "gs://BUCKET/mrlua-tmp/3f2a/job-1/": BUCKET and "mrlua-tmp" are those of the output unless
 * another place is named. The hash goes in front of what differs, for a bucket is cut into ranges
 * of names, and jobs whose names begin alike would all write into one of them. All below the prefix
 * is the job's, and goes at its end; what a crash leaves goes by age (a rule of the bucket).
 *
 * Beside those of all jobs is what is kept from one to the next, "gs://BUCKET/mrlua-tmp/cache/"
 * (attempt/reuse_store.h):
 *
 *     rc = job_shuffle_cache("gcs", "gs://bucket/out", &prefix, &err);
 *
 * Pure.
 */
#ifndef MASTER_JOB_SHUFFLE_H
#define MASTER_JOB_SHUFFLE_H

#include "base/buf.h"
#include "base/err.h"

/* `option` "" is "local", `output` may be NULL. `out` is cleared first; it is empty when outputs
 * stay on workers. ERR_SETUP: not such an option, or "gcs" and the output is no gs://. */
int job_shuffle_prefix(const char *option, const char *output, const char *publish_id,
                       struct buf *out, struct err *err);

/* The same of the cache; that it is "local" is an error, too: that has no place for one. */
int job_shuffle_cache(const char *option, const char *output, struct buf *out, struct err *err);

#endif
