/*
 * loop: waits for descriptors, timers and signals. A thin layer over libevent, which only this,
 * rpc/conn.c and master/http.c know.
 *
 *     struct loop *loop = loop_open(&err);
 *     struct loop_event *readable = loop_fd_open(loop, fd, on_readable, context, &err);
 *     struct loop_event *timer = loop_timer_open(loop, on_timer, context);
 *     loop_timer_start(timer, 100 * NS_PER_MS);
 *     rc = loop_run(loop, &err);            until loop_break(), or nothing is waited for
 *     loop_event_close(timer), loop_event_close(readable), loop_close(loop);
 *
 * Callbacks may open, start and close any event, their own too. A loop belongs to one process: a
 * forked child must not touch it (it closes the descriptors and goes its own way).
 */
#ifndef RPC_LOOP_H
#define RPC_LOOP_H

#include "base/err.h"

#include <stdint.h>

struct loop;
struct loop_event;

struct loop *loop_open(struct err *err);
void loop_close(struct loop *loop); /* every event must be closed by now */

/* Returns 0 after loop_break(), or when no event is left to wait for; -1 if waiting failed. */
int loop_run(struct loop *loop, struct err *err);
void loop_break(struct loop *loop);

/* Calls back whenever `fd` has bytes, or an end, to read. The descriptor stays the caller's and
 * must outlive the event. NULL with *err: not a descriptor that can be waited for. */
struct loop_event *loop_fd_open(struct loop *loop, int fd, void (*callback)(void *context),
                                void *context, struct err *err);

/* A timer, not running yet. Never NULL. It fires once per start; starting it again moves it. */
struct loop_event *loop_timer_open(struct loop *loop, void (*callback)(void *context),
                                   void *context);
void loop_timer_start(struct loop_event *timer, uint64_t delay_ns);
void loop_timer_stop(struct loop_event *timer);

/* Calls back, from the loop, after `signal_number` came. Closing it restores the old handler.
 * NULL with *err. */
struct loop_event *loop_signal_open(struct loop *loop, int signal_number,
                                    void (*callback)(void *context), void *context,
                                    struct err *err);

void loop_event_close(struct loop_event *event); /* NULL is fine */

#endif
