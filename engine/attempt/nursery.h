/*
 * nursery: the process that vm children are forked from. It is this executable, executed again
 * before any key is read, with a fixed argv, an empty environment and no address randomisation;
 * so its children inherit no secret, and Lua's string hash has the same seed in all of them.
 *
 *     int main(int argc, char **argv)
 *     {
 *         if (nursery_is_asked(argc, argv))
 *             return nursery_main();         before anything else
 *         nursery = nursery_start(&err);     before any key is read, any thread or child is made
 *         ...
 *         nursery_stop(nursery);
 *     }
 *
 * A holder of its socket (a trusted process) sends one message with the descriptors of a child;
 * nursery_fork() does. The child's life hangs on `report`: when the holder closes its end, or shuts
 * it for writing, the nursery kills the child; when the child has ended, the holder reads its wait
 * status there. The nursery is its parent, so no signal ever meets a process that has taken the
 * number of another. When nobody holds the request socket any more, or its parent dies, the
 * nursery ends, and its children with it.
 *
 * Decided here: address randomisation is given up for one order of pairs(), because an attempt
 * that is run again must answer the same (DESIGN.md, P6), and because what holds a hostile script
 * is the list of system calls, not the addresses it has to guess.
 */
#ifndef ATTEMPT_NURSERY_H
#define ATTEMPT_NURSERY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A descriptor each in every process of an attempt; a job that needs more has a data set. */
enum { CHILD_FILE_COUNT_MAX = 16 };

/* What a vm child is handed, in this order; -1 where a task has none. */
enum child_fd {
    CHILD_CONTROL,    /* frames, to and from its trusted process */
    CHILD_PAGE,       /* memfd of struct page */
    CHILD_SCRATCH_A,  /* spills, segments */
    CHILD_SCRATCH_B,  /* merge passes */
    CHILD_RESULT,     /* run file or part file */
    CHILD_FILE_FIRST, /* the side files of the job, read only */
    CHILD_FD_COUNT = CHILD_FILE_FIRST + CHILD_FILE_COUNT_MAX,
};

struct nursery;

/* True: this process was executed to be the nursery. */
bool nursery_is_asked(int argc, char **argv);

/* The life of the nursery; returns its exit code. */
int nursery_main(void);

/* Starts it. NULL with *err (ERR_SETUP). */
struct nursery *nursery_start(struct err *err);

/* Ends it, and the children that still live, and waits for it. NULL is fine. */
void nursery_stop(struct nursery *nursery);

/* Lets it go on if something has stopped it (SIGSTOP): there are children to kill. */
void nursery_wake(const struct nursery *nursery);

/* The request socket, for a forked process that closes everything else. */
int nursery_socket(const struct nursery *nursery);

/* A child as its trusted process knows it. */
struct nursling {
    pid_t pid;  /* for messages and /proc: signals go through the nursery */
    int report; /* readable when it has ended; closing it kills the child */
};

/* Asks for a child on `fds`, which stay the caller's. Blocks until it is forked. 0 or -1. */
int nursery_fork(int request_socket, const int fds[CHILD_FD_COUNT], struct nursling *out,
                 struct err *err);

/* Reads the wait status of an ended child from `report`. 0, or -1: the nursery is gone. */
int nursling_status(struct nursling *nursling, int *status, struct err *err);

/* Has it killed. Its status comes as that of any other end. */
void nursling_kill(struct nursling *nursling);

/* Closes its descriptor, which kills a child that still lives. */
void nursling_release(struct nursling *nursling);

#endif
