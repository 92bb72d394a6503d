/*
 * run_of: what the bytes of a map's run say of who wrote them (record/run.h). That is the map's
 * own attempt, unless a message names another: a run that is used again (reuse.h).
 */
#ifndef ATTEMPT_RUN_OF_H
#define ATTEMPT_RUN_OF_H

#include "record/run.h"
#include "rpc/messages.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

/* `named` NULL: no other is. */
static inline struct run_id run_of(const Mrlua__RunId *named, uint64_t job, uint32_t map,
                                   uint64_t attempt)
{
    if (named)
        return (struct run_id){.job = named->job, .attempt = named->attempt, .task = named->task};
    return (struct run_id){.job = job, .attempt = attempt, .task = map};
}

static inline bool run_is_of(const struct run_id *found, const struct run_id *expected)
{
    return found->job == expected->job && found->attempt == expected->attempt &&
           found->task == expected->task;
}

#endif
