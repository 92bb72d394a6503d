#include "vm/sandbox.h"

#include "base/err.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A limit that the user has set lower (ulimit) stays. */
static int set_limit(int resource, const char *name, uint64_t value, struct err *err)
{
    struct rlimit limit;

    if (getrlimit((__rlimit_resource_t)resource, &limit) == 0 && limit.rlim_max < value)
        value = limit.rlim_max;
    limit = (struct rlimit){.rlim_cur = value, .rlim_max = value};
    if (setrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return err_set_errno(err, ERR_SETUP, "setrlimit %s", name);
    return 0;
}

#ifdef MRLUA_SANDBOX

/* What a child does once it is in: its pipes and files, memory, and its own end. */
static const int allowed_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(lseek),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(copy_file_range),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(fadvise64),
};

#ifdef MRLUA_SANITIZE
/* Reports: who am I, where are my maps, who is on my stack. */
static const int sanitizer_calls[] = {
    SCMP_SYS(openat),       SCMP_SYS(readlink), SCMP_SYS(readlinkat),        SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigaction), SCMP_SYS(prctl),    SCMP_SYS(getrlimit),         SCMP_SYS(prlimit64),
    SCMP_SYS(sched_yield),  SCMP_SYS(stat),     SCMP_SYS(newfstatat),        SCMP_SYS(getrusage),
    SCMP_SYS(ioctl),        SCMP_SYS(access),   SCMP_SYS(sched_getaffinity),
};
#endif

static _Atomic uint32_t *denied_word;

/*
 * A call was refused. While this handler runs SIGSYS is blocked, so that the next refused call
 * cannot be handled: the kernel ends the process, and its parent sees a death by SIGSYS.
 */
static void on_denied(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number;
    (void)context;
    if (denied_word)
        atomic_store_explicit(denied_word, (uint32_t)info->si_syscall + 1, memory_order_relaxed);
    syscall(SYS_getppid);
    _exit(128 + SIGSYS); /* not reached: getppid is on no list */
}

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return rc;
}

/* Calls that are fine with some arguments: memory that is not code, abort(), newfstatat as fstat.
 */
static int allow_narrowed(scmp_filter_ctx filter)
{
    int rc;

    rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0),
                              SCMP_A2(SCMP_CMP_EQ, SIGABRT, 0));
#ifndef MRLUA_SANITIZE
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                              SCMP_A3(SCMP_CMP_MASKED_EQ, 0x1000, 0x1000)); /* AT_EMPTY_PATH */
#endif
    return rc;
}

static int fill_filter(scmp_filter_ctx filter)
{
    int rc = allow(filter, allowed_calls, sizeof allowed_calls / sizeof *allowed_calls);

    if (rc == 0)
        rc = allow_narrowed(filter);
#ifdef MRLUA_SANITIZE
    if (rc == 0)
        rc = allow(filter, sanitizer_calls, sizeof sanitizer_calls / sizeof *sanitizer_calls);
#endif
    return rc;
}

static int load_filter(struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int rc;

    if (!filter)
        return err_set(err, ERR_SETUP, "seccomp: no memory for a filter");
    rc = fill_filter(filter);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    if (rc != 0)
        return err_set(err, ERR_SETUP, "seccomp: load the system call list: %s", strerror(-rc));
    return 0;
}

static int give_up_rights(struct err *err)
{
    struct sigaction action = {.sa_sigaction = on_denied, .sa_flags = SA_SIGINFO};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_set_errno(err, ERR_SETUP, "prctl no_new_privs");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_set_errno(err, ERR_SETUP, "prctl dumpable");
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSYS, &action, NULL) != 0)
        return err_set_errno(err, ERR_SETUP, "sigaction SIGSYS");
    return load_filter(err);
}

static int limit_resources(const struct vm_sandbox_options *options, struct err *err)
{
#ifndef MRLUA_SANITIZE /* which reserve terabytes of addresses */
    if (options->address_space_bytes_max != 0 &&
        set_limit(RLIMIT_AS, "AS", options->address_space_bytes_max, err) != 0)
        return -1;
#endif
    if (set_limit(RLIMIT_NPROC, "NPROC", 0, err) != 0 ||
        set_limit(RLIMIT_NOFILE, "NOFILE", VM_DESCRIPTOR_COUNT_MAX, err) != 0)
        return -1;
    denied_word = options->denied_call;
    return give_up_rights(err);
}

#else

static int limit_resources(const struct vm_sandbox_options *options, struct err *err)
{
    (void)options;
    (void)err;
    return 0;
}

#endif

/* Writing beyond RLIMIT_FSIZE is then an error of the write, EFBIG, and no signal. */
static int limit_files(const struct vm_sandbox_options *options, struct err *err)
{
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return err_set_errno(err, ERR_SETUP, "signal SIGXFSZ");
    if (set_limit(RLIMIT_CORE, "CORE", 0, err) != 0)
        return -1;
    if (options->file_bytes_max == 0)
        return 0;
    return set_limit(RLIMIT_FSIZE, "FSIZE", options->file_bytes_max, err);
}

int vm_sandbox_enter(const struct vm_sandbox_options *options, struct err *err)
{
    if (limit_files(options, err) != 0)
        return -1;
    return limit_resources(options, err);
}

const char *vm_sandbox_call_name(uint32_t denied_call, char *out, size_t out_bytes)
{
    char *name = NULL;

    if (denied_call != 0)
        name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)denied_call - 1);
    if (name)
        snprintf(out, out_bytes, "%s", name);
    else
        snprintf(out, out_bytes, "system call %lld", (long long)denied_call - 1);
    free(name);
    return out;
}
