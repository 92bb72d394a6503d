/*
 * bad_records: records of a task on which the job's functions fail: those that an attempt is told
 * to leave out, and those that it finds.
 *
 *     bad_records_init(&bad, start);
 *     if (bad_records_skips(&bad, number))                   numbers ascend
 *         go on with the next one
 *     goes_on = bad_records_add(&bad, &place, &err);         it failed on this one
 *     bad_records_take(&bad, error);                         or its child says which
 *     rc = bad_records_fail(&bad, &err);                     -1: it has found any; the first error
 *     bad_records_tell(&bad, error);                         error->bad; borrowed
 *     bad_records_deinit(&bad);
 *
 * Records are numbered as the task reads them, from 1, those that are left out too; of a reduce its
 * keys are. A bad one contributes nothing, so an attempt that meets one cannot succeed. It goes on
 * all the same, in order to name all that raise, as far as the job may set them aside, and one
 * more: found one at a time they would each cost a run of the task. What kills the VM ends the
 * attempt.
 *
 * `start` is borrowed. The child may be hostile: of what it says lengths and numbers are checked.
 */
#ifndef ATTEMPT_BAD_RECORDS_H
#define ATTEMPT_BAD_RECORDS_H

#include "base/err.h"
#include "rpc/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bad_records {
    const Mrlua__TaskStart *start;
    size_t next; /* of start->skip: all before are of records that were asked for */
    Mrlua__BadRecord **items;
    size_t count;
    struct err first;
};

/* Where a record is. */
struct bad_place {
    uint64_t record;
    uint64_t piece, offset; /* a map's */
    const char *key;        /* a reduce's, printed; NULL: none */
};

void bad_records_init(struct bad_records *bad, const Mrlua__TaskStart *start);
void bad_records_deinit(struct bad_records *bad); /* safe on a zeroed struct */

bool bad_records_skips(struct bad_records *bad, uint64_t record);

/* True: the job raised, and one more may be looked for. */
bool bad_records_add(struct bad_records *bad, const struct bad_place *place, const struct err *err);

/* What a child says that it has found; no more than it was to look for. */
void bad_records_take(struct bad_records *bad, const Mrlua__Error *error);

int bad_records_fail(const struct bad_records *bad, struct err *err);
void bad_records_tell(const struct bad_records *bad, Mrlua__Error *out);

/* A line for people: "task: map 3, record 17". */
void bad_records_print_place(const Mrlua__TaskStart *start, uint64_t record, struct buf *out);

#endif
