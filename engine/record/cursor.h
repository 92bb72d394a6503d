/*
 * cursor: sorted records, one after the other. Sources: one partition of the sort buffer, a
 * segment of a run, a merge of cursors.
 *
 * A cursor holds the key of its record; the value is read when it is asked for, so that a merge
 * of 64 cursors holds 64 keys and one value.
 */
#ifndef RECORD_CURSOR_H
#define RECORD_CURSOR_H

#include "record/record.h"

struct cursor;

struct cursor_ops {
    /* 1: cursor->key is the next record's, good until the next call. 0: end. -1: *err is set.
     * A value that was not asked for is skipped. */
    int (*next)(struct cursor *cursor, struct err *err);
    /* The value of the record next() stopped at; at most once per record. Good until the next
     * call on this cursor. 0 or -1. */
    int (*value)(struct cursor *cursor, struct slice *value, struct err *err);
    /* Releases everything. Called once, in any state. */
    void (*close)(struct cursor *cursor);
};

struct cursor {
    const struct cursor_ops *ops;
    struct slice key;
};

#endif
