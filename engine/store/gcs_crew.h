/*
 * gcs_crew: the same work on many objects, by several processes at once.
 *
 *     rc = gcs_crew_run(gcs, count, work, context, &failed, &err);
 *
 * The client (gcs.h) waits for each answer, so one process does about twenty small requests a
 * second: a commit of 5,000 parts would take ten minutes. So the items are dealt to up to
 * GCS_CREW_COUNT forked processes, each with a client of its own; process i does items i, i + n,
 * and so on, in this order. Few items are done here, with `gcs`.
 *
 * The first failure ends the crew: what is under way is killed, and its requests may still reach
 * the store. So every work must be such that it can be done again. What it changes in memory is
 * seen by nobody. A process of the crew dies with the one that called.
 *
 * Why processes and not threads, or many requests of one client: nothing here has a thread, and a
 * work is several requests in a row, whose decisions read best one below the other.
 */
#ifndef STORE_GCS_CREW_H
#define STORE_GCS_CREW_H

#include "store/gcs.h"

#include <stddef.h>

enum {
    GCS_CREW_COUNT = 32,     /* a bucket takes 1000 writes a second, one process makes about 20 */
    GCS_CREW_ITEM_COUNT = 4, /* a process for so many items: fewer are not worth its start */
};

/* Calls `work` for every item below `count`; it answers 0 or -1. 0, or -1: *err is that of the work
 * on item *failed, or ERR_RETRY with *failed = SIZE_MAX when a process could not be had or died. */
int gcs_crew_run(struct gcs *gcs, size_t count,
                 int (*work)(struct gcs *gcs, void *context, size_t item, struct err *err),
                 void *context, size_t *failed, struct err *err);

#endif
