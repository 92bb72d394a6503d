/*
 * machine: what is known of the machine that a process runs on.
 */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stdint.h>

enum { MACHINE_BOOT_BYTES = 36 }; /* a UUID as text */

/* Which start of the machine this is, without a final zero; all '-' where the kernel does not say.
 */
void machine_boot_id(char out[MACHINE_BOOT_BYTES]);

/*
 * Memory that processes here may take: that of the machine, or the smallest limit of this process's
 * control group and those above it (version 2, or "memory" of version 1). 0: not known. `root`
 * stands before /proc and /sys, for tests; else it is "".
 */
uint64_t machine_memory_bytes(const char *root);

/* What this process takes of it. What the kernel does not say is 0. */
struct machine_process {
    uint64_t cpu_ns; /* in user and system mode, without children */
    uint64_t resident_bytes;
    uint64_t open_fds, max_fds;
};
struct machine_process machine_this_process(void);

#endif
