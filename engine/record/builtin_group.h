/*
 * builtin_group: the built-ins over groups: reduce, and combiners for the sort path.
 *
 *     call = builtin_call_of(BUILTIN_SUM, view);
 *     while ((rc = group_next(&group, &err)) == 1)
 *         if (builtin_reduce(&call, &group, sink, &err) != 0)
 *             ...
 *     options.combiner = builtin_combiner(&call);
 *
 * Memory: what a key's result takes; list and top hold at most RECORD_VALUE_BYTES_MAX.
 */
#ifndef RECORD_BUILTIN_GROUP_H
#define RECORD_BUILTIN_GROUP_H

#include "record/group.h"

struct builtin_call {
    enum builtin builtin;
    uint32_t count; /* top: how many values */
};

/* With its params as the view of a job has them, which job.lua has checked. */
struct builtin_call builtin_call_of(enum builtin builtin, struct slice view);

/*
 * Reduces one group: what builtin.h says of group->key; identity emits every (key, value) as it is.
 * 0 or -1: what the group, the fold or the sink says; ERR_JOB for a list or top that is larger than
 * a value may be, naming the key.
 */
int builtin_reduce(const struct builtin_call *call, struct group *group, struct sink *out,
                   struct err *err);

/* Not of count, mean or list: see builtin.h. Borrows `call`; needs no release. */
struct combiner builtin_combiner(const struct builtin_call *call);

#endif
