/*
 * process: what a forked process does first. It keeps what it was meant to have, and nothing else:
 * descriptors at known numbers, no handlers of the shell, no terminal.
 */
#ifndef ATTEMPT_PROCESS_H
#define ATTEMPT_PROCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    DESCRIPTORS_FIRST = 3, /* behind standard input, output and error */
    DESCRIPTORS_COUNT_MAX = 24,
};

/*
 * Moves fds[i] to number DESCRIPTORS_FIRST + i, close-on-exec, and closes every other descriptor
 * above standard error. Where fds[i] is -1, nothing is open. 0 or -1 (ERR_RETRY).
 */
int process_keep_descriptors(const int *fds, int count, struct err *err);

/* Puts /dev/null on standard input, and standard error on standard output. 0 or -1. */
int process_leave_terminal(struct err *err);

/* fork() with all signals blocked, so that a child never runs a handler of its parent. The child
 * calls process_reset_signals() when it is ready for them, the parent has them back at once. */
pid_t process_fork(void);

/* Default handlers; those that a terminal sends are ignored: they are for the shell, which says
 * what is to end. Nothing is blocked. */
void process_reset_signals(void);

/* Waits until a child ends, or until clock_monotonic_ns() is `until_ns`. True: it has ended. It
 * must not have been waited for, and is not by this. */
bool process_ends_until(pid_t child, uint64_t until_ns);

/* The process dies when its parent does. False: that has happened already. */
bool process_follow(pid_t parent);

#endif
