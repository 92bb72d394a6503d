/*
 * run_manifest: the _SUCCESS of a run, from its plan and its results (store/manifest.h has the
 * format). Pure.
 */
#ifndef CLI_RUN_MANIFEST_H
#define CLI_RUN_MANIFEST_H

#include "base/buf.h"

struct run_source;

/* Appends the text. Every reduce has its result by now. */
void run_manifest_encode(const struct run_source *source, struct buf *out);

#endif
