#include "test.h"

#include "attempt/process.h"
#include "base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `body` in a forked process; its exit code. */
static int in_process(int (*body)(void))
{
    int status;
    pid_t pid = process_fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static ino_t inode_of(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/* Given in an order that crosses the places they go to, with one that is not there. */
static int keep_descriptors(void)
{
    struct err err;
    int fds[4];
    ino_t inodes[4];

    for (int i = 0; i < 4; i++)
        fds[i] = memfd_create("test", 0);
    for (int i = 0; i < 4; i++)
        inodes[i] = inode_of(fds[3 - i]);
    if (process_keep_descriptors((int[]){fds[3], fds[2], -1, fds[0]}, 4, &err) != 0)
        return 1;
    if (inode_of(3) != inodes[0] || inode_of(4) != inodes[1] || inode_of(6) != inodes[3])
        return 2;
    if (fcntl(5, F_GETFD) >= 0)
        return 3;
    for (int fd = 7; fd < 1000; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return 4;
    return fcntl(3, F_GETFD) == FD_CLOEXEC && fcntl(0, F_GETFD) >= 0 ? 0 : 5;
}

static void test_keep_descriptors(void **state)
{
    (void)state;
    assert_int_equal(in_process(keep_descriptors), 0);
}

static int leave_terminal(void)
{
    struct err err;
    char byte;

    if (process_leave_terminal(&err) != 0)
        return 1;
    return read(STDIN_FILENO, &byte, 1) == 0 && inode_of(STDOUT_FILENO) == inode_of(STDERR_FILENO)
               ? 0
               : 2;
}

static void test_leave_terminal(void **state)
{
    (void)state;
    assert_int_equal(in_process(leave_terminal), 0);
}

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    (void)number;
    handled = 1;
}

/* The parent's handler does not run in the child, not even between fork and reset. */
static int signals(void)
{
    struct sigaction action;

    raise(SIGUSR1);
    raise(SIGINT);
    if (handled)
        return 1;
    signal(SIGUSR1, SIG_IGN); /* drops the one that waits */
    process_reset_signals();
    raise(SIGINT);
    raise(SIGTERM);
    sigaction(SIGUSR1, NULL, &action);
    return !handled && action.sa_handler == SIG_DFL ? 0 : 2;
}

static void test_signals(void **state)
{
    (void)state;
    signal(SIGUSR1, on_signal);
    signal(SIGINT, on_signal);
    assert_int_equal(in_process(signals), 0);
    raise(SIGUSR1); /* and the parent has its own back */
    assert_true(handled);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGINT, SIG_DFL);
}

static int follow_nobody(void)
{
    return process_follow(getppid()) && !process_follow(getppid() + 1) ? 0 : 1;
}

static void test_ends_until(void **state)
{
    int gate[2], status;
    pid_t child;
    char byte;

    (void)state;
    assert_int_equal(pipe(gate), 0);
    child = process_fork();
    if (child == 0) {
        close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 0 ? 7 : 8);
    }
    assert_true(child > 0);
    assert_false(process_ends_until(child, clock_monotonic_ns() + 20 * NS_PER_MS));
    close(gate[1]);
    assert_true(process_ends_until(child, clock_monotonic_ns() + 20 * NS_PER_S));
    assert_true(process_ends_until(child, 0)); /* it was not waited for */
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    close(gate[0]);
}

static void test_follow(void **state)
{
    (void)state;
    assert_int_equal(in_process(follow_nobody), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_descriptors), cmocka_unit_test(test_leave_terminal),
        cmocka_unit_test(test_signals),          cmocka_unit_test(test_ends_until),
        cmocka_unit_test(test_follow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
