/*
 * sandbox: what a vm child gives up before it runs the user's Lua. There is no way back.
 *
 *     vm_sandbox_enter(&options, &err);           all descriptors are open, all folders left
 *     ...
 *     the parent, after a death by SIGSYS: vm_sandbox_call_name(denied, name, sizeof name)
 *
 * Resource limits (address space, file size, no new processes, no core), no new privileges, not
 * dumpable, and a list of allowed system calls. A call that is not on it does not happen: its
 * number is left in *denied_call and the process dies by SIGSYS.
 *
 * Why a signal handler and not SECCOMP_RET_KILL_PROCESS: a killed process does not say which
 * call it was, and the error must name it. The handler cannot be replaced from inside, as
 * rt_sigaction is not on the list.
 *
 * -DMRLUA_SANDBOX=OFF: nothing but the file size limit. -DMRLUA_SANITIZE=ON: no address space
 * limit, and the calls that the sanitizers need.
 */
#ifndef VM_SANDBOX_H
#define VM_SANDBOX_H

#include "base/err.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Open files of a child: about ten, and those sent to it later, of which a reduce takes many. */
enum { VM_DESCRIPTOR_COUNT_MAX = 320 };

struct vm_sandbox_options {
    size_t address_space_bytes_max; /* RLIMIT_AS: all mappings of the process; 0: as it is */
    uint64_t file_bytes_max;        /* RLIMIT_FSIZE; 0: as it is */
    /* A word of shared memory: 1 + the number of the call that was refused. May be NULL. */
    _Atomic uint32_t *denied_call;
};

int vm_sandbox_enter(const struct vm_sandbox_options *options, struct err *err);

/* The name of the call in a denied_call word, as "execve"; returns `out`. */
const char *vm_sandbox_call_name(uint32_t denied_call, char *out, size_t out_bytes);

#endif
