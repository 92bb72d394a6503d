/*
 * builtin_group: the built-ins over groups: reduce, and combiners for the sort path.
 *
 *     while ((rc = group_next(&group, &err)) == 1)
 *         if (builtin_reduce(BUILTIN_SUM, &group, sink, &err) != 0)
 *             ...
 *     options.combiner = builtin_combiner(BUILTIN_SUM);
 */
#ifndef RECORD_BUILTIN_GROUP_H
#define RECORD_BUILTIN_GROUP_H

#include "record/group.h"

/*
 * Reduces one group: a fold emits (group->key, result), identity every (key, value) as it is.
 * 0 or -1: what the group, the fold or the sink says.
 */
int builtin_reduce(enum builtin builtin, struct group *group, struct sink *out, struct err *err);

/* Of sum, min, max or identity; needs no release. For count see builtin.h. */
struct combiner builtin_combiner(enum builtin builtin);

#endif
