/*
 * fs_copy: one transfer: from a file to an object, from an object to a file, or from object to
 * object.
 *
 *     rc = fs_copy_one(gcs, &transfer, &meter, &err);            1: done, 0: it was there, -1
 *
 * An object is written under a condition, so that every request can be made again: that it is the
 * version that was there, or that none was. A file is written beside its name, to
 * .NAME.GENERATION.mrlua-part, and renamed when its checksum is right; a copy that was interrupted
 * goes on from what is there, less what may have holes, because that name tells the version.
 * Folders are made.
 */
#ifndef CLI_FS_COPY_H
#define CLI_FS_COPY_H

#include "cli/fs_parallel.h"

#include <stdbool.h>

struct fs_transfer {
    char *from, *to;         /* paths or gs:// URIs; "-": standard input or output */
    uint64_t size;           /* of an object that is read */
    uint64_t generation;     /* the same */
    uint32_t parallel_count; /* of its ranges; 0: FS_PARALLEL_COUNT */
    bool keeps;              /* what is there already stays */
};

enum {
    FS_PARALLEL_COUNT = 16,     /* of one object */
    FS_PARALLEL_COUNT_MANY = 4, /* of each, where FS_PROCESS_COUNT are copied at once */
};

int fs_copy_one(struct gcs *gcs, const struct fs_transfer *transfer, struct fs_meter *meter,
                struct err *err);

/* The whole object transfer->from to a descriptor, in order, checked. `what` names that. */
int fs_copy_stream(struct gcs *gcs, const struct fs_transfer *transfer, int to, const char *what,
                   struct err *err);

#endif
