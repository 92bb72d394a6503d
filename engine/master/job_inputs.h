/*
 * job_inputs: whether what a job reads and what it replaces are apart.
 *
 *     rc = job_inputs_check(output, from, inputs, count, &err);    before it is overwritten
 */
#ifndef MASTER_JOB_INPUTS_H
#define MASTER_JOB_INPUTS_H

#include "base/err.h"

#include <stddef.h>

/* `from`: where relative inputs are; empty: in the folder of the process.
 * Refuses to replace (overwrite) what is also read: an input inside the old output would be
 * deleted, and an old output inside an input counted among the new records. 0 or -1 (ERR_SETUP). */
int job_inputs_check(const char *folder, const char *from, char *const *inputs, size_t count,
                     struct err *err);

#endif
