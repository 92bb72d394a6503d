/*
 * cluster_trail: what jobs of a master have left behind (master/job_trail.h), for `mrlua replay`
 * and `mrlua logs`.
 *
 *     engine.job_trail{master, key_file, job, name = ""}      -> {names = {...}}, or {error}
 *     engine.job_trail{master, key_file, job, name = "log"}   -> {bytes}; {}: there is no such file
 */
#ifndef CLI_CLUSTER_TRAIL_H
#define CLI_CLUSTER_TRAIL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;

int cluster_job_trail(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err);

#endif
