/*
 * keep: where the result of an attempt goes when that is a store: a part when the job's
 * output is on gs://, the run of a map when its outputs are (`--shuffle gcs`).
 *
 *     if (keep_is_wanted(start))
 *         rc = keep_result(start, fd, done, &err);
 *
 * The vm child has written its result into a file of this machine, as always: an upload that is
 * begun again reads it from byte 0. A part has no name before the commit (format/publish_gs.h). A
 * run is the object PREFIX/map-N.ATTEMPT, one for all partitions, and is never written again; it
 * goes with all that is below the job's prefix when the job has ended.
 */
#ifndef ATTEMPT_KEEP_H
#define ATTEMPT_KEEP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "rpc/messages.pb-c.h"
#include "store/gcs_upload.h"

#include <stdbool.h>

bool keep_is_wanted(const Mrlua__TaskStart *start);

/* `fd` is the result, `output_fds` those of further outputs (outputs.h), `done` the packed Done
 * that tells their sizes and checksums. 0 or -1. */
int keep_result(const Mrlua__TaskStart *start, int fd, const int *output_fds, struct slice done,
                struct err *err);

/* The object of a run, below `prefix` ("tmp/3f/job-1/"). `out` is cleared first. */
void keep_run_name(const char *prefix, uint32_t map, uint64_t attempt, struct buf *out);

/* An object on its way. All is borrowed. */
struct keep_upload {
    struct gcs *gcs;
    const char *bucket, *object;
    const char *note; /* the begin of a name in the same bucket, below the job's prefix */
    int fd;
    uint64_t bytes;
    const struct gcs_put *put;
};

/* Uploads it; of a large one the job's end finds what is left when this process is killed
 * (store/gcs_noted.h). GCS_WRITTEN sets *out unless it is NULL. Never GCS_GONE. */
enum gcs_outcome keep_upload(const struct keep_upload *upload, struct gcs_object *out,
                             struct err *err);

#endif
