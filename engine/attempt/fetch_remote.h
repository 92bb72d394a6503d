/*
 * fetch_remote: the first half of a reduce in a cluster: its segments, from the workers that hold
 * them, into one scratch file. What is asked of whom is fetch_plan.h's to say; this does it.
 *
 *     struct fetch_remote remote = {.start = start, .scratch = fd, .shell = &shell};
 *     rc = fetch_remote(&remote, &fetched, &err);
 *     ... fetched.table ...                            as of fetch_segments() (fetch.h)
 *     fetch_deinit(&fetched);
 *
 * While it runs it hears MESSAGE_SOURCES from the shell, and says Progress, ten times a second, and
 * OutputLost of what cannot be had; it goes on until all is here, or the shell hangs up. Only this
 * machine's disk, or a request that makes no sense, fails it.
 *
 * Every segment's checksums are looked at while it comes by (record/segment_check.h), so what was
 * damaged on its way or on its worker's disk is asked for again before it is merged.
 *
 * Memory: the plan, a few hundred bytes for each worker, and PIECE_BYTES (piece.h) for each request
 * in flight, 8 MiB in all: segments go to the file.
 */
#ifndef ATTEMPT_FETCH_REMOTE_H
#define ATTEMPT_FETCH_REMOTE_H

#include "attempt/fetch.h"
#include "attempt/fetch_plan.h"
#include "rpc/channel.h"

#include <stdbool.h>

struct fetch_remote {
    const Mrlua__TaskStart *start; /* with `fetch` */
    int scratch;
    struct channel *shell;
    struct fetch_options plan;  /* zero: the defaults; map_count and seed are filled in */
    bool shell_is_gone;         /* out */
    struct fetch_counts counts; /* out, after success */
};

/* 0 or -1; call fetch_deinit() in both cases. */
int fetch_remote(struct fetch_remote *remote, struct fetched *out, struct err *err);

#endif
