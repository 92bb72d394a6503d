/*
 * merge: many sorted cursors in, one sorted cursor out; and the steps that bring many spills
 * down to what one merge can hold.
 *
 *     cursor = merge_open_take(cursors, count, &err);
 *     while ((rc = cursor_next(cursor, &err)) == 1) ...
 *     cursor_close(cursor);                                  closes what it took
 *
 * Equal keys come out in cursor order; with cursors in spill order the merge is stable. It holds
 * the head key of every cursor and the value of none.
 */
#ifndef RECORD_MERGE_H
#define RECORD_MERGE_H

#include "record/cursor.h"

enum {
#ifdef MRLUA_TINY
    MERGE_FAN_IN_MAX = 2,
#else
    MERGE_FAN_IN_MAX = 64, /* two blocks and a key each; more: several steps (merge_plan.h) */
#endif
};

/*
 * Takes the cursors (count may be 0), also when it fails; the array itself is borrowed for the
 * call. The first next() reads a record of each.
 */
struct cursor *merge_open_take(struct cursor **cursors, uint32_t count, struct err *err);

#endif
