#include "attempt/process.h"

#include "base/clock.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ABOVE = 32 }; /* where descriptors wait until their numbers are free */
static_assert(DESCRIPTORS_FIRST + DESCRIPTORS_COUNT_MAX <= ABOVE, "they do not meet");

int process_keep_descriptors(const int *fds, int count, struct err *err)
{
    int away[DESCRIPTORS_COUNT_MAX];

    assert(count <= DESCRIPTORS_COUNT_MAX);
    for (int i = 0; i < count; i++) {
        away[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, ABOVE);
        if (fds[i] >= 0 && away[i] < 0)
            return err_set_errno(err, ERR_RETRY, "duplicate a descriptor");
    }
    for (int i = 0; i < count; i++) {
        if (away[i] < 0)
            close(DESCRIPTORS_FIRST + i);
        else if (dup3(away[i], DESCRIPTORS_FIRST + i, O_CLOEXEC) < 0)
            return err_set_errno(err, ERR_RETRY, "move a descriptor");
    }
    if (close_range((unsigned)(DESCRIPTORS_FIRST + count), ~0U, 0) != 0)
        return err_set_errno(err, ERR_RETRY, "close descriptors");
    return 0;
}

int process_leave_terminal(struct err *err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return err_set_errno(err, ERR_RETRY, "open /dev/null");
    if (dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        close(null);
        return err_set_errno(err, ERR_RETRY, "leave standard input and output");
    }
    close(null);
    return 0;
}

pid_t process_fork(void)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid != 0)
        sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* No shell handles these; a sanitizer does, and is to go on doing so. */
static bool is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
}

void process_reset_signals(void)
{
    static const int of_terminal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        if (!is_fault(number))
            signal(number, SIG_DFL); /* fails for a few that have no handler */
    for (size_t i = 0; i < sizeof of_terminal / sizeof of_terminal[0]; i++)
        signal(of_terminal[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool has_ended(pid_t child)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

bool process_ends_until(pid_t child, uint64_t until_ns)
{
    struct pollfd end = {.fd = pidfd_open(child, 0), .events = POLLIN};
    uint64_t now_ns = clock_monotonic_ns();

    /* Without a descriptor to spare it is only looked at: the caller takes it for late. */
    while (end.fd >= 0 && !has_ended(child) && now_ns < until_ns) {
        poll(&end, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1);
        now_ns = clock_monotonic_ns();
    }
    if (end.fd >= 0)
        close(end.fd);
    return has_ended(child);
}

bool process_follow(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == parent;
}
