/*
 * interrupts: the signals that end a command: SIGINT, SIGTERM, and SIGHUP unless it is ignored
 * (nohup mrlua run ...).
 *
 *     interrupts_hold();                                 from here on they wait ...
 *     rc = interrupts_open(&interrupts, loop, on_signal, context, &err);     ... but not here
 *     ... loop_run() ...
 *     interrupts_close(&interrupts);                     safe on a zeroed struct
 *     interrupts_release();
 *
 * A command that does several things one after the other, each with a loop of its own, holds them,
 * so that one which comes in between is not the end of the process, and of its cleaning up.
 *
 * They come through a signalfd: one that was not heard when its loop ended waits for the next.
 * (libevent's handlers would have taken it.)
 */
#ifndef CLI_INTERRUPTS_H
#define CLI_INTERRUPTS_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>

struct loop;
struct loop_event;

enum { INTERRUPT_COUNT = 3 };
extern const int INTERRUPTS[INTERRUPT_COUNT];

struct interrupts {
    void (*on_signal)(void *context, int signal_number);
    void *context;
    sigset_t heard, before; /* those that are not ignored; the process's mask */
    int fd;
    struct loop_event *readable;
    bool is_open;
};

/* Blocks them, and lets them through again. */
void interrupts_hold(void);
void interrupts_release(void);

/* Calls on_signal from the loop, for those that come and those that were held. 0 or -1, and then
 * close is due, too. */
int interrupts_open(struct interrupts *interrupts, struct loop *loop,
                    void (*on_signal)(void *context, int signal_number), void *context,
                    struct err *err);
void interrupts_close(struct interrupts *interrupts);

/* Hears what has come and the loop, which was ended by something else, has not told. */
void interrupts_look(struct interrupts *interrupts);

/* From now on `handler` is called instead, at once, whatever the process does; until close. */
void interrupts_catch(struct interrupts *interrupts, void (*handler)(int signal_number));

#endif
