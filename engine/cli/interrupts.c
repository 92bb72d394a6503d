#include "cli/interrupts.h"

#include "base/io.h"
#include "rpc/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

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

static void on_readable(void *context)
{
    struct interrupts *interrupts = context;
    struct signalfd_siginfo info;

    while (read(interrupts->fd, &info, sizeof info) == (ssize_t)sizeof info)
        interrupts->on_signal(interrupts->context, (int)info.ssi_signo);
}

/* Who starts a command in the background may have made it deaf to SIGINT; it has an end all the
 * same. nohup means it. */
static void choose(struct interrupts *interrupts)
{
    struct sigaction action;

    sigemptyset(&interrupts->heard);
    for (int i = 0; i < INTERRUPT_COUNT; i++) {
        bool is_ignored =
            sigaction(INTERRUPTS[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN;

        if (is_ignored && INTERRUPTS[i] == SIGHUP)
            continue;
        if (is_ignored)
            signal(INTERRUPTS[i], SIG_DFL);
        sigaddset(&interrupts->heard, INTERRUPTS[i]);
    }
}

int interrupts_open(struct interrupts *interrupts, struct loop *loop,
                    void (*on_signal)(void *context, int signal_number), void *context,
                    struct err *err)
{
    *interrupts = (struct interrupts){.on_signal = on_signal, .context = context, .is_open = true};
    choose(interrupts);
    sigprocmask(SIG_BLOCK, &interrupts->heard, &interrupts->before);
    interrupts->fd = signalfd(-1, &interrupts->heard, SFD_NONBLOCK | SFD_CLOEXEC);
    if (interrupts->fd < 0)
        return err_set_errno(err, ERR_SETUP, "signalfd");
    interrupts->readable = loop_fd_open(loop, interrupts->fd, on_readable, interrupts, err);
    return interrupts->readable ? 0 : -1;
}

void interrupts_look(struct interrupts *interrupts)
{
    if (interrupts->readable)
        on_readable(interrupts);
}

static void stop_listening(struct interrupts *interrupts)
{
    loop_event_close(interrupts->readable);
    interrupts->readable = NULL;
    io_close(&interrupts->fd);
}

void interrupts_close(struct interrupts *interrupts)
{
    if (!interrupts->is_open)
        return;
    stop_listening(interrupts);
    sigprocmask(SIG_SETMASK, &interrupts->before, NULL);
    *interrupts = (struct interrupts){0};
}

void interrupts_catch(struct interrupts *interrupts, void (*handler)(int signal_number))
{
    struct sigaction action = {.sa_handler = handler}; /* no SA_RESTART: a write ends */

    for (int i = 0; i < INTERRUPT_COUNT; i++)
        if (sigismember(&interrupts->heard, INTERRUPTS[i]) == 1)
            sigaction(INTERRUPTS[i], &action, NULL);
    sigprocmask(SIG_UNBLOCK, &interrupts->heard, NULL);
    stop_listening(interrupts);
}
