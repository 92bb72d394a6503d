#include "rpc/loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "rpc/loop_base.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loop {
    struct event_base *base;
    struct loop_guest *guests;
};

struct loop_event {
    struct event *event;
    void (*callback)(void *context);
    void *context;
};

/* libevent ends the process when it cannot go on; it says why first. */
static void on_fatal(int error)
{
    fprintf(stderr, "mrlua: the event loop failed: %s\n", strerror(error));
    abort();
}

/* What libevent has to say beside its return values. */
static void on_warning(int severity, const char *message)
{
    (void)severity;
    log_event(SEVERITY_WARNING, "libevent_warning", log_text("reason", message));
}

struct loop *loop_open(struct err *err)
{
    struct event_base *base;
    struct loop *loop;

    event_set_fatal_callback(on_fatal);
    event_set_log_callback(on_warning);
    base = event_base_new();
    if (!base) {
        err_set_errno(err, ERR_SETUP, "open an event loop");
        return NULL;
    }
    loop = mem_alloc(sizeof *loop);
    *loop = (struct loop){.base = base};
    return loop;
}

void loop_close(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->guests)
        loop->guests->close(loop->guests);
    /* What libevent has put off: streams that were closed a moment ago. Nothing else is left. */
    (void)event_base_loop(loop->base, EVLOOP_NONBLOCK);
    event_base_free(loop->base);
    free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

void loop_guest_add(struct loop *loop, struct loop_guest *guest)
{
    guest->next = loop->guests;
    guest->link = &loop->guests;
    if (guest->next)
        guest->next->link = &guest->next;
    loop->guests = guest;
}

void loop_guest_remove(struct loop_guest *guest)
{
    if (!guest->link)
        return;
    *guest->link = guest->next;
    if (guest->next)
        guest->next->link = guest->link;
    guest->link = NULL;
}

int loop_run(struct loop *loop, struct err *err)
{
    if (event_base_dispatch(loop->base) < 0)
        return err_set_errno(err, ERR_SETUP, "wait for events");
    return 0;
}

void loop_break(struct loop *loop)
{
    event_base_loopbreak(loop->base);
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct loop_event *event = context;

    (void)fd;
    (void)what;
    event->callback(event->context);
}

static struct loop_event *open_event(struct loop *loop, int fd, short what,
                                     void (*callback)(void *context), void *context)
{
    struct loop_event *event = mem_alloc(sizeof *event);

    event->callback = callback;
    event->context = context;
    event->event = event_new(loop->base, fd, what, on_event, event);
    if (!event->event)
        on_fatal(ENOMEM);
    return event;
}

/* Waits for it from now on. NULL: it cannot be waited for, and is closed. */
static struct loop_event *started(struct loop_event *event, const char *what, struct err *err)
{
    if (event_add(event->event, NULL) == 0)
        return event;
    err_set_errno(err, ERR_SETUP, "wait for %s", what);
    loop_event_close(event);
    return NULL;
}

struct loop_event *loop_fd_open(struct loop *loop, int fd, void (*callback)(void *context),
                                void *context, struct err *err)
{
    return started(open_event(loop, fd, EV_READ | EV_PERSIST, callback, context), "a descriptor",
                   err);
}

struct loop_event *loop_timer_open(struct loop *loop, void (*callback)(void *context),
                                   void *context)
{
    return open_event(loop, -1, 0, callback, context);
}

void loop_timer_start(struct loop_event *timer, uint64_t delay_ns)
{
    struct timeval delay = {
        .tv_sec = (time_t)(delay_ns / NS_PER_S),
        .tv_usec = (suseconds_t)((delay_ns % NS_PER_S) / 1000),
    };

    if (event_add(timer->event, &delay) != 0) /* needs no descriptor, so it is memory */
        on_fatal(ENOMEM);
}

void loop_timer_stop(struct loop_event *timer)
{
    event_del(timer->event);
}

struct loop_event *loop_signal_open(struct loop *loop, int signal_number,
                                    void (*callback)(void *context), void *context, struct err *err)
{
    return started(open_event(loop, signal_number, EV_SIGNAL | EV_PERSIST, callback, context),
                   "a signal", err);
}

void loop_event_close(struct loop_event *event)
{
    if (!event)
        return;
    event_free(event->event); /* removes it first */
    free(event);
}
