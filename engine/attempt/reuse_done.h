/*
 * reuse_done: the Done of a map whose run has the ids of its key (reuse.h): what the map, or one of
 * an earlier job, has said, and where the run is. Pure.
 *
 *     reuse_done_pack(done, &(struct reuse_place){.id = &id, .path = path}, &out);
 *
 * Counters are those of the map that ran, but for REUSE_COUNTER: 1 if it was not this one, else 0.
 */
#ifndef ATTEMPT_REUSE_DONE_H
#define ATTEMPT_REUSE_DONE_H

#include "base/buf.h"
#include "record/run.h"
#include "rpc/messages.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

#define REUSE_COUNTER "map_reused"

struct reuse_place {
    const struct run_id *id;
    const char *path; /* "": not in a file */
    bool was_reused;
    uint64_t generation; /* of the object that is kept; 0: it is none */
    uint32_t note_bytes; /* behind the run in it */
};

/* Packs `done` with these: whatever it said of them before. */
void reuse_done_pack(const Mrlua__Done *done, const struct reuse_place *place, struct buf *out);

#endif
