/*
 * serve_drive: what the trusted process does for a driver: takes its calls to the shell and their
 * answers back, and opens the parts of its steps' outputs for it.
 *
 *     struct serve_drive drive = {.start = start};
 *     rc = serve_drive_hear(&drive, &shell, &child, &frame, &err);      StepCall, StepOpen
 *     rc = serve_drive_answer(&drive, &child, payload, &detail, &err);  StepAnswer, of the shell
 *     serve_drive_deinit(&drive);
 *
 * -1 is the driver's end: the child has broken its protocol (ERR_LIMIT), a step has failed, or its
 * records cannot be read. While drive.waits the child stands still by right.
 */
#ifndef ATTEMPT_SERVE_DRIVE_H
#define ATTEMPT_SERVE_DRIVE_H

#include "base/buf.h"
#include "rpc/channel.h"
#include "store/file.h"

struct serve_step {
    char *folder;
    struct file_list parts;
    bool is_listed;
};

struct serve_drive {
    const Mrlua__TaskStart *start;
    struct serve_step *steps; /* those that have ended: step n at n - 1 */
    uint32_t step_count, step_capacity;
    bool waits; /* for step step_count + 1 */
};

int serve_drive_hear(struct serve_drive *drive, struct channel *shell, struct channel *child,
                     const struct frame *frame, struct err *err);

/* `detail` gets what there is to tell beside *err. */
int serve_drive_answer(struct serve_drive *drive, struct channel *child, struct slice payload,
                       struct buf *detail, struct err *err);

void serve_drive_deinit(struct serve_drive *drive); /* safe on a zeroed struct */

#endif
