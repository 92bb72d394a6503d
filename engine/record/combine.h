/*
 * combine: sorted placed records to a sink, through the combiner if there is one.
 *
 *     rc = combine_drain(cursor, combiner, sink, &err);
 *
 * Placed: the key has its partition in front (sortbuf.h), in what is read and in what the sink is
 * given. The combiner sees one partition at a time and keys without it. It may emit only the key
 * it was given, or what comes out would not be sorted: anything else is ERR_JOB.
 * Partitions from combiner->partition_end on are passed on as they are.
 */
#ifndef RECORD_COMBINE_H
#define RECORD_COMBINE_H

#include "record/group.h"

/* `combiner` NULL: records are passed on as they are. The cursor is read to its end, not closed. */
int combine_drain(struct cursor *placed, const struct combiner *combiner, struct sink *out,
                  struct err *err);

#endif
