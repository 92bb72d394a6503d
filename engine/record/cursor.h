/*
 * cursor: sorted records, one after the other. Sources: the sort buffer, a segment of a run, a
 * merge of cursors.
 *
 *     while ((rc = cursor_next(cursor, &err)) == 1)
 *         if (cursor_value(cursor, &value, &err) == 0)       only where it is wanted
 *             use(cursor->key, value);
 *     cursor_close(cursor);
 *
 * A cursor holds the key of its record; the value is read when it is asked for, so that a merge
 * of 64 cursors holds 64 keys and one value.
 */
#ifndef RECORD_CURSOR_H
#define RECORD_CURSOR_H

#include "record/record.h"

struct cursor;

struct cursor_ops {
    /* 1: cursor->key is the next record's, good until the next next(). 0: end. -1: *err is set.
     * A value that was not asked for is skipped. After 0 or -1 it is not called again. */
    int (*next)(struct cursor *cursor, struct err *err);
    /* The value of the record next() stopped at; at most once per record. Good until the next
     * call on this cursor. cursor->key stays good, but may have moved. 0 or -1. */
    int (*value)(struct cursor *cursor, struct slice *value, struct err *err);
    /* Releases everything. Called once, in any state. */
    void (*close)(struct cursor *cursor);
};

struct cursor {
    const struct cursor_ops *ops;
    struct slice key;
};

static inline int cursor_next(struct cursor *cursor, struct err *err)
{
    return cursor->ops->next(cursor, err);
}

static inline int cursor_value(struct cursor *cursor, struct slice *value, struct err *err)
{
    return cursor->ops->value(cursor, value, err);
}

/* NULL is fine. */
static inline void cursor_close(struct cursor *cursor)
{
    if (cursor)
        cursor->ops->close(cursor);
}

#endif
