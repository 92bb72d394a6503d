/*
 * cluster: questions to a master, and keys, as host functions (vm/host.h).
 *
 *     engine.job_list{master, key_file}          -> {jobs}                  job_values.h
 *     engine.job_status{master, key_file, job}   -> {job, stages, outcome}
 *     engine.job_facts{master, key_file, job}    -> {status = job_status, facts, params, bundle}
 *     engine.job_cancel{master, key_file, job}   -> {}
 *     engine.worker_list{master, key_file}       -> {workers}
 *     engine.role_key{role, key_file}            -> {key}: a key file's whole text
 *
 * The first five answer {error} when there is no answer: {kind, message, detail, is_setup}.
 */
#ifndef CLI_CLUSTER_H
#define CLI_CLUSTER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;

int cluster_job_list(void *context, struct vm_host *host, struct slice args, struct buf *result,
                     struct err *err);
int cluster_job_status(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err);
int cluster_job_facts(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err);
int cluster_job_cancel(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err);
int cluster_worker_list(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err);
int cluster_role_key(void *context, struct vm_host *host, struct slice args, struct buf *result,
                     struct err *err);

#endif
