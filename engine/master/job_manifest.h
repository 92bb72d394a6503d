/*
 * job_manifest: the _SUCCESS of a job, from its plan and its results (store/manifest.h has the
 * format). Pure.
 */
#ifndef MASTER_JOB_MANIFEST_H
#define MASTER_JOB_MANIFEST_H

#include "base/buf.h"

struct job_source;

/* Appends the text. Every reduce has its result by now. */
void job_manifest_encode(const struct job_source *source, struct buf *out);

#endif
