/*
 * Each case runs in a child: forked, shut in, then it tries one thing. The parent looks at how it
 * ended. Without -DMRLUA_SANDBOX there is nothing to look at.
 */
#include "vm/kit.h"
#include "vm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPACE_BYTES = 512 * 1024 * 1024, FILE_BYTES = 64 * 1024, REFUSED = 77 };

static _Atomic uint32_t *denied;
static int file_fd;

/* Runs `action` shut in and answers its wait status. */
static int run_shut_in(int (*action)(void))
{
    struct vm_sandbox_options options = {
        .address_space_bytes_max = SPACE_BYTES,
        .file_bytes_max = FILE_BYTES,
        .denied_call = denied,
    };
    struct err err = {0};
    int status;
    pid_t pid;

    *denied = 0;
    pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        if (vm_sandbox_enter(&options, &err) != 0)
            _exit(REFUSED);
        _exit(action());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#ifdef MRLUA_SANDBOX

static int try_fork(void)
{
    return (int)syscall(SYS_fork);
}

static int try_clone(void)
{
    return fork() != 0;
}

static int try_execve(void)
{
    char *const none[] = {NULL};

    return execve("/bin/true", none, none);
}

static int try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int try_open(void)
{
    return (int)syscall(SYS_open, "/etc/passwd", O_RDONLY);
}

static int try_kill(void)
{
    return kill(1, 0);
}

static int try_ptrace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int try_unshare(void)
{
    return unshare(CLONE_NEWUSER);
}

static int try_signal_parent(void)
{
    return (int)syscall(SYS_tgkill, 1, 1, SIGKILL);
}

static int try_map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
           MAP_FAILED;
}

#ifndef MRLUA_SANITIZE
static int try_openat(void)
{
    return open("/etc/passwd", O_RDONLY);
}

static int try_prctl(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int try_handler(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    return sigaction(SIGSYS, &action, NULL);
}
#endif

static void refused_calls_kill_and_are_named(void **state)
{
    static const struct {
        int (*action)(void);
        const char *name;
    } cases[] = {
        {try_fork, "fork"},     {try_clone, "clone"},     {try_execve, "execve"},
        {try_socket, "socket"}, {try_open, "open"},       {try_kill, "kill"},
        {try_ptrace, "ptrace"}, {try_unshare, "unshare"}, {try_signal_parent, "tgkill"},
        {try_map_code, "mmap"},
#ifndef MRLUA_SANITIZE
        {try_openat, "openat"}, {try_prctl, "prctl"},     {try_handler, "rt_sigaction"},
#endif
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = run_shut_in(cases[i].action);
        char name[64];

        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("%s: status %x", cases[i].name, (unsigned)status);
        assert_string_equal(cases[i].name, vm_sandbox_call_name(*denied, name, sizeof name));
    }
}

static int run_lua(void)
{
    struct kit kit = {.options.memory_bytes_max = 64 * 1024 * 1024};
    int rc =
        kit_run(&kit, "local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(100) .. i end "
                      "table.sort(t) local keyed = {} for i = 1, 5000 do keyed['k' .. i] = i end "
                      "emit(t[1], keyed)");

    rc = rc == 0 && kit.emit_count == 1 ? 0 : 1;
    kit_close(&kit);
    return rc;
}

static int eat_memory_outside_lua(void)
{
#ifndef MRLUA_SANITIZE
    return malloc(SPACE_BYTES) == NULL && errno == ENOMEM ? 0 : 1;
#else
    return 0;
#endif
}

static int use_what_is_allowed(void)
{
    char byte = 'x';

    return pwrite(file_fd, &byte, 1, 0) == 1 && pread(file_fd, &byte, 1, 0) == 1 &&
                   lseek(file_fd, 0, SEEK_END) == 1 && ftruncate(file_fd, 0) == 0
               ? 0
               : 1;
}

static int die_by_abort(void)
{
    abort();
}

static void a_job_runs_inside(void **state)
{
    (void)state;
    assert_int_equal(run_shut_in(run_lua), 0);
    assert_int_equal(run_shut_in(use_what_is_allowed), 0);
    assert_int_equal(run_shut_in(eat_memory_outside_lua), 0);
    assert_int_equal(*denied, 0);
}

/* A failed assertion of ours must look like one. */
static void abort_is_a_death_by_abort(void **state)
{
    int status;

    (void)state;
    status = run_shut_in(die_by_abort);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

#endif

static int write_too_much(void)
{
    char byte = 'x';

    if (pwrite(file_fd, &byte, 1, FILE_BYTES - 1) != 1)
        return 1;
    return pwrite(file_fd, &byte, 1, FILE_BYTES) == -1 && errno == EFBIG ? 0 : 2;
}

static void a_file_beyond_the_limit_is_an_error_of_the_write(void **state)
{
    (void)state;
    assert_int_equal(run_shut_in(write_too_much), 0);
}

static void unknown_numbers_have_a_name_too(void **state)
{
    char name[64];

    (void)state;
    assert_string_equal(vm_sandbox_call_name(1 + 99999, name, sizeof name), "system call 99999");
}

static int open_world(void **state)
{
    (void)state;
    denied = mmap(NULL, sizeof *denied, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    file_fd = memfd_create("scratch", 0);
    return denied == MAP_FAILED || file_fd < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef MRLUA_SANDBOX
        cmocka_unit_test(refused_calls_kill_and_are_named),
        cmocka_unit_test(a_job_runs_inside),
        cmocka_unit_test(abort_is_a_death_by_abort),
#endif
        cmocka_unit_test(a_file_beyond_the_limit_is_an_error_of_the_write),
        cmocka_unit_test(unknown_numbers_have_a_name_too),
    };

    return cmocka_run_group_tests(tests, open_world, NULL);
}
