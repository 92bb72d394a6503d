#include "cli/interrupts.h"

#include "rpc/loop.h"

#include <stddef.h>

const int INTERRUPTS[INTERRUPT_COUNT] = {SIGINT, SIGTERM, SIGHUP};

static sigset_t all(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (int i = 0; i < INTERRUPT_COUNT; i++)
        sigaddset(&set, INTERRUPTS[i]);
    return set;
}

void interrupts_hold(void)
{
    sigset_t set = all();

    sigprocmask(SIG_BLOCK, &set, NULL);
}

void interrupts_release(void)
{
    sigset_t set = all();

    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void on_interrupt(void *context)
{
    struct interrupts *interrupts = context;

    interrupts->on_signal(interrupts->context, SIGINT);
}

static void on_terminate(void *context)
{
    struct interrupts *interrupts = context;

    interrupts->on_signal(interrupts->context, SIGTERM);
}

static void on_hangup(void *context)
{
    struct interrupts *interrupts = context;

    interrupts->on_signal(interrupts->context, SIGHUP);
}

static bool is_ignored(int signal_number)
{
    struct sigaction action;

    return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int interrupts_open(struct interrupts *interrupts, struct loop *loop,
                    void (*on_signal)(void *context, int signal_number), void *context,
                    struct err *err)
{
    static void (*const callbacks[INTERRUPT_COUNT])(void *) = {on_interrupt, on_terminate,
                                                               on_hangup};
    sigset_t set = all();

    *interrupts = (struct interrupts){.on_signal = on_signal, .context = context, .is_open = true};
    sigprocmask(SIG_BLOCK, NULL, &interrupts->before);
    for (int i = 0; i < INTERRUPT_COUNT; i++) {
        if (INTERRUPTS[i] == SIGHUP && is_ignored(SIGHUP))
            continue;
        interrupts->events[i] =
            loop_signal_open(loop, INTERRUPTS[i], callbacks[i], interrupts, err);
        if (!interrupts->events[i])
            return -1;
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return 0;
}

void interrupts_close(struct interrupts *interrupts)
{
    if (!interrupts->is_open)
        return;
    sigprocmask(SIG_SETMASK, &interrupts->before, NULL);
    for (int i = 0; i < INTERRUPT_COUNT; i++)
        loop_event_close(interrupts->events[i]);
    *interrupts = (struct interrupts){0};
}

void interrupts_catch(struct interrupts *interrupts, void (*handler)(int signal_number))
{
    struct sigaction action = {.sa_handler = handler}; /* no SA_RESTART: a write ends */

    for (int i = 0; i < INTERRUPT_COUNT; i++) {
        if (!interrupts->events[i])
            continue;
        loop_event_close(interrupts->events[i]);
        interrupts->events[i] = NULL;
        sigaction(INTERRUPTS[i], &action, NULL);
    }
}
