#include "attempt/nursery.h"

#include "attempt/child.h"
#include "attempt/process.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "vm/vm.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Everything in the nursery's own process is static: a forked child inherits the heap as it is,
 * and it must be the same for every child (the address of a Lua state is part of its seed).
 */
enum {
    NURSERY_END_MS = 2000, /* to kill its children and end: it is stopped if that takes longer */
    REQUEST_FD = DESCRIPTORS_FIRST, /* after exec */
    REPORT = CHILD_FD_COUNT,        /* index of the report socket behind the child's descriptors */
    REQUEST_FD_COUNT = CHILD_FD_COUNT + 1,
#ifdef MRLUA_TINY
    NURSLING_COUNT_MAX = 4,
#else
    NURSLING_COUNT_MAX = 512, /* children at a time, a descriptor each */
#endif
};
static_assert((int)REQUEST_FD_COUNT <= (int)DESCRIPTORS_COUNT_MAX,
              "a child's descriptors can be kept");

static const char NURSERY_NAME[] = "mrlua-nursery";

/* ---- messages: one packet each, on SOCK_SEQPACKET ---- */

/* A request: which of the child's descriptors come with it. The report socket always does. */
struct request {
    uint32_t present; /* bit i: CHILD_FD i */
};

/* On the report socket. First: the pid, or -errno. Then: the wait status. */
struct report {
    int32_t value;
};

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(REQUEST_FD_COUNT * sizeof(int))];
};

static int send_packet(int socket, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
    union control control = {0};
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t rc;

    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof *fds);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(fd_count * sizeof *fds);
        memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof *fds);
    }
    do
        rc = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (rc < 0 && errno == EINTR);
    return rc == (ssize_t)len ? 0 : -1;
}

/* Returns 1, 0 (hang-up) or -1. *fd_count: in, the room in `fds`; out, how many came. */
static int receive_packet(int socket, void *bytes, size_t len, int *fds, size_t *fd_count)
{
    union control control = {0};
    struct iovec part = {.iov_base = bytes, .iov_len = len};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = CMSG_SPACE(*fd_count * sizeof *fds),
    };
    struct cmsghdr *header;
    ssize_t rc;

    do
        rc = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (rc < 0 && errno == EINTR);
    *fd_count = 0;
    header = rc >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_type == SCM_RIGHTS) {
        *fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
        memcpy(fds, CMSG_DATA(header), *fd_count * sizeof *fds);
    }
    if (rc == 0 || (rc < 0 && errno == ECONNRESET))
        return 0;
    return rc == (ssize_t)len ? 1 : -1;
}

static void close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        io_close(&fds[i]);
}

/* ---- the nursery's process ---- */

struct forked {
    pid_t pid;
    int report;
    bool is_killed; /* its holder wants that; its end is awaited all the same */
};

static struct {
    struct forked children[NURSLING_COUNT_MAX];
    struct pollfd polls[1 + NURSLING_COUNT_MAX]; /* the request socket, then the reports */
    int count;
} here;

static struct forked *child_of(pid_t pid)
{
    for (int i = 0; i < here.count; i++)
        if (here.children[i].pid == pid)
            return &here.children[i];
    return NULL;
}

/* A child has ended: what it may have started ends with it, and its holder is told. */
static void reap(struct forked *child)
{
    struct report report = {0};
    int status = 0;

    kill(-child->pid, SIGKILL); /* before its number can be given to another group */
    if (waitpid(child->pid, &status, 0) != child->pid)
        return;
    report.value = status;
    send_packet(child->report, &report, sizeof report, NULL, 0); /* the holder may be gone */
    close(child->report);
    *child = here.children[--here.count];
}

static void reap_all(void)
{
    siginfo_t ended = {0};

    while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
        struct forked *child = child_of(ended.si_pid);

        if (child)
            reap(child);
        else
            waitpid(ended.si_pid, NULL, 0);
        ended.si_pid = 0;
    }
}

/* What a child does first. It must not outlive the nursery, and dies before anybody else does
 * when memory is short. */
static void settle(pid_t nursery)
{
    int fd;

    if (!process_follow(nursery))
        _exit(1);
    setpgid(0, 0); /* what an unsafe job starts ends with it */
    fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1000", 4) != 4)
        fprintf(stderr, "mrlua: oom_score_adj: %s\n", strerror(errno));
    io_close(&fd);
}

static _Noreturn void live_as_child(const int *fds, pid_t nursery)
{
    struct err err;

    process_reset_signals();
    settle(nursery);
    if (process_keep_descriptors(fds, CHILD_FD_COUNT, &err) != 0) {
        fprintf(stderr, "mrlua: %s\n", err.message);
        _exit(1);
    }
    _exit(child_main());
}

/* Forks a child on `fds`. Returns its pid, or -errno. */
static int fork_child(const int *fds)
{
    pid_t nursery = getpid(), pid;

    if (here.count == NURSLING_COUNT_MAX)
        return -EAGAIN;
    pid = fork();
    if (pid == 0)
        live_as_child(fds, nursery);
    return pid < 0 ? -errno : pid;
}

static void answer_take(const int *fds, int report_fd)
{
    struct forked child = {.report = report_fd};
    struct report report;

    report.value = child.pid = fork_child(fds);
    send_packet(report_fd, &report, sizeof report, NULL, 0);
    if (child.pid > 0)
        here.children[here.count++] = child;
    else
        close(report_fd);
}

/* Reads one request. False: nobody holds the other end. */
static bool take_request(void)
{
    int fds[REQUEST_FD_COUNT], by_number[CHILD_FD_COUNT];
    size_t count = REQUEST_FD_COUNT, next = 0;
    struct request request;
    int rc = receive_packet(REQUEST_FD, &request, sizeof request, fds, &count);

    if (rc == 0)
        return false;
    if (rc < 0 || count != (size_t)__builtin_popcount(request.present) + 1 ||
        request.present >> CHILD_FD_COUNT) {
        close_all(fds, count);
        return true;
    }
    for (int i = 0; i < CHILD_FD_COUNT; i++)
        by_number[i] = request.present & 1U << i ? fds[next++] : -1;
    answer_take(by_number, fds[next]);
    close_all(fds, next);
    return true;
}

/* A holder never sends anything, so whatever there is to read is its end, or its wish to end the
 * child. */
static void prepare_polls(void)
{
    here.polls[0] = (struct pollfd){.fd = REQUEST_FD, .events = POLLIN};
    for (int i = 0; i < here.count; i++) {
        here.polls[1 + i].fd = here.children[i].is_killed ? -1 : here.children[i].report;
        here.polls[1 + i].events = POLLIN;
        here.polls[1 + i].revents = 0;
    }
}

static void kill_unwanted(void)
{
    for (int i = 0; i < here.count; i++) {
        if (here.children[i].is_killed || !here.polls[1 + i].revents)
            continue;
        kill(here.children[i].pid, SIGKILL); /* not reaped yet, so the number is still its own */
        here.children[i].is_killed = true;
    }
}

static void on_child(int number)
{
    (void)number; /* interrupts ppoll() */
}

/* SIGCHLD comes while we wait in ppoll() and at no other time. */
static sigset_t catch_children(void)
{
    struct sigaction action = {.sa_handler = on_child};
    sigset_t child, before;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    sigaction(SIGCHLD, &action, NULL);
    return before;
}

bool nursery_is_asked(int argc, char **argv)
{
    return argc == 2 && strcmp(argv[1], NURSERY_NAME) == 0; /* valgrind has its own argv[0] */
}

/* False: somebody typed that argument. */
static bool has_request_socket(void)
{
    int type = 0;
    socklen_t len = sizeof type;

    return getsockopt(REQUEST_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

int nursery_main(void)
{
    sigset_t waiting;
    struct err err;

    if (!has_request_socket()) {
        fprintf(stderr, "mrlua: a nursery is started by mrlua itself\n");
        return 2;
    }
    vm_freeze_time();
    if (process_leave_terminal(&err) != 0) {
        fprintf(stderr, "mrlua: %s\n", err.message);
        return 1;
    }
    waiting = catch_children();
    for (;;) {
        prepare_polls();
        if (ppoll(here.polls, (nfds_t)(1 + here.count), NULL, &waiting) < 0) {
            if (errno != EINTR) {
                fprintf(stderr, "mrlua: nursery: poll: %s\n", strerror(errno));
                return 1; /* and its children with it */
            }
            reap_all();
            continue;
        }
        kill_unwanted();
        if (here.polls[0].revents && !take_request())
            return 0;
    }
}

/* ---- starting and stopping it ---- */

struct nursery {
    int socket;
    pid_t pid;
};

/* A path of one length wherever the executable is: it is put on the stack, whose addresses are part
 * of Lua's seed. Under valgrind that link leads to valgrind. */
static const char *own_path(void)
{
#ifdef MRLUA_SANDBOX
    return "/proc/self/exe";
#else
    static char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    path[len > 0 ? len : 0] = '\0';
    return path;
#endif
}

static _Noreturn void become_nursery(int socket, pid_t shell)
{
    char *argv[] = {(char *)"mrlua", (char *)NURSERY_NAME, NULL}, *environment[] = {NULL};
    struct err err;

    process_reset_signals();
    if (!process_follow(shell) || process_keep_descriptors(&socket, 1, &err) != 0 ||
        fcntl(REQUEST_FD, F_SETFD, 0) != 0)
        _exit(1);
    personality(ADDR_NO_RANDOMIZE); /* where that is forbidden, pairs() has no fixed order */
    execve(own_path(), argv, environment);
    fprintf(stderr, "mrlua: execute itself: %s\n", strerror(errno));
    _exit(1);
}

struct nursery *nursery_start(struct err *err)
{
    struct nursery *nursery;
    pid_t shell = getpid(), pid;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        err_set_errno(err, ERR_SETUP, "start the nursery: socketpair");
        return NULL;
    }
    pid = process_fork();
    if (pid == 0)
        become_nursery(ends[1], shell);
    close(ends[1]);
    if (pid < 0) {
        err_set_errno(err, ERR_SETUP, "start the nursery: fork");
        close(ends[0]);
        return NULL;
    }
    nursery = mem_alloc(sizeof *nursery);
    nursery->socket = ends[0];
    nursery->pid = pid;
    return nursery;
}

void nursery_stop(struct nursery *nursery)
{
    if (!nursery)
        return;
    shutdown(nursery->socket, SHUT_RDWR); /* whoever else holds it */
    close(nursery->socket);
    /* Not without need: SIGCONT to a process that a sanitizer's leak check is about to stop makes
     * that wait for ever. */
    if (!process_ends_until(nursery->pid, clock_monotonic_ns() + NURSERY_END_MS * NS_PER_MS))
        nursery_wake(nursery);
    while (waitpid(nursery->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(nursery);
}

void nursery_wake(const struct nursery *nursery)
{
    kill(nursery->pid, SIGCONT); /* not waited for before nursery_stop(): its number is its own */
}

int nursery_socket(const struct nursery *nursery)
{
    return nursery->socket;
}

/* ---- a holder's side ---- */

static int read_birth(struct nursling *out, struct err *err)
{
    struct report report;
    size_t fd_count = 0;
    int rc = receive_packet(out->report, &report, sizeof report, NULL, &fd_count);

    if (rc != 1)
        return err_set(err, ERR_RETRY, "fork a child: the nursery has ended");
    if (report.value <= 0)
        return err_set(err, ERR_RETRY, "fork a child: %s", strerror(-report.value));
    out->pid = report.value;
    return 0;
}

int nursery_fork(int request_socket, const int fds[CHILD_FD_COUNT], struct nursling *out,
                 struct err *err)
{
    struct request request = {0};
    int present[REQUEST_FD_COUNT], ends[2];
    size_t count = 0;
    int rc;

    *out = (struct nursling){.report = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return err_set_errno(err, ERR_RETRY, "fork a child: socketpair");
    out->report = ends[0];
    for (int i = 0; i < CHILD_FD_COUNT; i++) {
        if (fds[i] < 0)
            continue;
        request.present |= 1U << i;
        present[count++] = fds[i];
    }
    present[count++] = ends[1];
    rc = send_packet(request_socket, &request, sizeof request, present, count);
    if (rc != 0)
        err_set_errno(err, ERR_RETRY, "fork a child: ask the nursery");
    close(ends[1]);
    if (rc == 0)
        rc = read_birth(out, err);
    if (rc != 0)
        nursling_release(out);
    return rc;
}

int nursling_status(struct nursling *nursling, int *status, struct err *err)
{
    struct report report;
    size_t fd_count = 0;
    int rc = receive_packet(nursling->report, &report, sizeof report, NULL, &fd_count);

    if (rc != 1)
        return err_set(err, ERR_RETRY, "wait for a child: the nursery has ended");
    *status = report.value;
    return 0;
}

void nursling_kill(struct nursling *nursling)
{
    shutdown(nursling->report, SHUT_WR);
}

void nursling_release(struct nursling *nursling)
{
    io_close(&nursling->report);
}
