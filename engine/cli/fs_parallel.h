/*
 * fs_parallel: many small pieces of blocking work, by a few processes at once, each with its own
 * client of Cloud Storage.
 *
 *     fs_parallel(count, process_count, one, context, told, told_context, &result);
 *     for (i = 0; i < result.error_count && i < FS_ERRORS_MAX; i++) print(result.errors[i])
 *
 * The processes take item after item; one that fails is noted, and the others go on. They end with
 * this process. A process that dies takes the rest with it: that is an error too.
 *
 * Why processes: requests of one client could be made at once, but what stands around them (a file,
 * its checksum, a rename) is plain code, and checksums want more than one core.
 */
#ifndef CLI_FS_PARALLEL_H
#define CLI_FS_PARALLEL_H

#include "base/err.h"
#include "store/gcs.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    FS_PROCESS_COUNT = 8,
    FS_ERRORS_MAX = 8, /* that are kept; all are counted */
};

struct fs_result {
    uint64_t done_count, skipped_count, bytes, error_count;
    struct err errors[FS_ERRORS_MAX];
};

/* Bytes that this process has moved are added here, for whoever watches. */
struct fs_meter {
    _Atomic uint64_t *bytes;
};

static inline void fs_meter_add(struct fs_meter *meter, uint64_t bytes)
{
    atomic_fetch_add_explicit(meter->bytes, bytes, memory_order_relaxed);
}

/* What is done to item `index`: 1: done, 0: there was nothing to do, -1: *err. */
struct fs_work {
    int (*one)(void *context, struct gcs *gcs, size_t index, struct fs_meter *meter,
               struct err *err);
    void *context;
    /* Hears every 100 ms, and at the end, how far it is; may be NULL. */
    void (*told)(void *context, const struct fs_result *so_far);
    void *told_context;
};

/* 0: every item was tried. -1: *err, there could be no processes, or one died. */
int fs_parallel(size_t count, uint32_t process_count, const struct fs_work *work,
                struct fs_result *result, struct err *err);

#endif
