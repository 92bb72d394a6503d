/*
 * drive: the vm of a driver: what its mr.run and step:output() (lua/mrlua/driver.lua) reach.
 *
 *     vm_open(), with the stage "drive"; vm_load_job();
 *     rc = vm_drive(vm, &driving, &err);           once: until drive has returned and its last step
 *                                                  has ended; the context outlives the vm
 *
 * A request is a value: { number, view, steps = { 1, 3 }, is_last }, its answer { records, bytes,
 * counters }. Both mean nothing here.
 *
 * A failure of `call` or `open` is no error of the script: it ends the driver, and pcall() does
 * not keep it from that.
 */
#ifndef VM_DRIVE_H
#define VM_DRIVE_H

#include "base/buf.h"
#include "base/err.h"
#include "format/reader.h"

struct vm;

enum { DRIVE_OUTPUT_COUNT_MAX = 8 }; /* iterators of step:output() that stand inside a part */

/* A part of a step's output that is open. */
struct drive_part {
    struct reader *reader;
    void *opened; /* of `open`, for `close` */
};

struct driving {
    void *context;
    /* Runs a step to its end; appends the answer. Blocks as long as that takes. */
    int (*call)(void *context, struct slice request, struct buf *answer, struct err *err);
    /* Opens part `part` of the output of step `step`, both from 0 and 1 on. 1: *out. 0: the step
     * has no such part. */
    int (*open)(void *context, uint32_t step, uint32_t part, struct drive_part *out,
                struct err *err);
    void (*close)(void *context, struct drive_part *part);
};

int vm_drive(struct vm *vm, const struct driving *driving, struct err *err);

/* What vm_drive() has made, NULL is fine. For vm_close(), when its Lua state is closed. */
struct drive;
void drive_free(struct drive *drive);

#endif
