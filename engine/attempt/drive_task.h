/*
 * drive_task: what the vm child of a DRIVE does: it runs the job's driver, whose steps and their
 * records it asks the trusted process for (serve_drive.h).
 */
#ifndef ATTEMPT_DRIVE_TASK_H
#define ATTEMPT_DRIVE_TASK_H

#include "attempt/child.h"

enum {
    /* A call names functions and has some numbers in it; what is larger is data, and belongs into
     * the input of a step. The master keeps one for each step of a job. */
    DRIVE_REQUEST_BYTES_MAX = 256 * 1024,
};

/* Until its last step has ended. The vm outlives nothing of it but the child. 0 or -1. */
int drive_task_run(struct child *child, struct err *err);

#endif
