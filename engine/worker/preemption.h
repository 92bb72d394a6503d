/*
 * preemption: what a worker asks the metadata server of Compute Engine, and what it answers. Pure.
 *
 *     preemption_request(&out, "metadata.google.internal:80", etag);    "" the first time
 *     ... the bytes of the answer, to the end of the connection ...
 *     if (preemption_read(buf_slice(&in), &answer))
 *         answer.is_preempted, answer.etag
 *
 *     GET /computeMetadata/v1/instance/preempted?wait_for_change=true&timeout_sec=60&last_etag=E
 *
 * is answered when the value is another one than that of the etag, or after a minute with the same
 * one: TRUE or FALSE. The first question does not wait, so that nothing that happened before it is
 * missed. A machine has 30 seconds from TRUE on.
 */
#ifndef WORKER_PREEMPTION_H
#define WORKER_PREEMPTION_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>

enum {
    PREEMPTION_ETAG_BYTES = 64,            /* with a final zero; it is 16 hex digits */
    PREEMPTION_WAIT_S = 60,                /* that the server waits for a change */
    PREEMPTION_ANSWER_BYTES_MAX = 8 << 10, /* it has some hundreds */
};

struct preemption_answer {
    bool is_preempted;
    char etag[PREEMPTION_ETAG_BYTES];
};

void preemption_request(struct buf *out, const char *host, const char *etag);

/* False: it is no answer of a metadata server, or not a whole one. */
bool preemption_read(struct slice response, struct preemption_answer *out);

#endif
