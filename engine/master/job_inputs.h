/*
 * job_inputs: whether what a job reads and what it replaces are apart.
 *
 *     rc = job_inputs_check(folder, inputs, count, &err);      before an output is overwritten
 */
#ifndef MASTER_JOB_INPUTS_H
#define MASTER_JOB_INPUTS_H

#include "base/err.h"

#include <stddef.h>

/* Refuses to replace (overwrite) what is also read: an input inside the old output would be
 * deleted, and an old output inside an input counted among the new records. 0 or -1 (ERR_SETUP). */
int job_inputs_check(const char *folder, char *const *inputs, size_t count, struct err *err);

#endif
