#include "worker/notice.h"

#include "attempt/process.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "rpc/address.h"
#include "rpc/loop.h"
#include "worker/preemption.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static_assert((int)NOTICE_ANSWER_S > (int)PREEMPTION_WAIT_S,
              "an answer in time is not taken for late");

struct notice {
    struct loop *loop;
    struct notice_options options; /* the host is its own */
    struct loop_event *readable, *again;
    int fd; /* from the process */
    pid_t pid;
};

/* ---- the process ---- */

/* A connection whose calls all end in time. -1: there is none. */
static int connect_to(const struct address *address)
{
    const struct timeval answer = {.tv_sec = NOTICE_ANSWER_S};
    const struct timeval connection = {.tv_sec = NOTICE_CONNECT_S}; /* connect() heeds it, too */
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof answer) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &connection, sizeof connection) != 0 ||
                    connect(fd, (const struct sockaddr *)&address->storage, address->len) != 0))
        io_close(&fd);
    return fd;
}

static int connect_to_host(const char *host)
{
    struct address addresses[ADDRESS_COUNT_MAX];
    struct err ignored;
    int count = address_resolve(addresses, ADDRESS_COUNT_MAX, host, &ignored), fd = -1;

    for (int i = 0; i < count && fd < 0; i++)
        fd = connect_to(&addresses[i]);
    return fd;
}

static bool exchange(int fd, const char *host, const char *etag, struct preemption_answer *out)
{
    struct buf text = {0};
    bool is_sent;
    ssize_t count = 0;

    preemption_request(&text, host, etag);
    is_sent = send(fd, text.ptr, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
    buf_clear(&text);
    while (is_sent && text.len < PREEMPTION_ANSWER_BYTES_MAX) {
        count = recv(fd, buf_reserve(&text, 1024), 1024, 0);
        if (count <= 0)
            break;
        text.len += (size_t)count;
    }
    is_sent = is_sent && count == 0 && preemption_read(buf_slice(&text), out);
    buf_deinit(&text);
    return is_sent;
}

static void rest(uint32_t ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * (long)NS_PER_MS};

    nanosleep(&time, NULL);
}

/* Asks until it is told so. */
static void ask(const struct notice_options *options)
{
    struct preemption_answer answer = {0};
    char etag[PREEMPTION_ETAG_BYTES] = "";

    for (;;) {
        uint64_t asked_ns = clock_monotonic_ns();
        int fd = connect_to_host(options->host);
        bool is_answered = fd >= 0 && exchange(fd, options->host, etag, &answer);

        io_close(&fd);
        if (is_answered && answer.is_preempted)
            return;
        etag[0] = '\0'; /* who was not answered asks anew, without waiting */
        if (is_answered)
            memcpy(etag, answer.etag, sizeof etag);
        if (clock_monotonic_ns() - asked_ns < options->retry_ms * NS_PER_MS)
            rest(options->retry_ms);
    }
}

static _Noreturn void be_process(const struct notice_options *options, int fd, pid_t parent)
{
    const char word = 'P';
    struct err err;

    if (options->forget)
        options->forget(options->secrets);
    if (!process_follow(parent) || process_keep_descriptors(&fd, 1, &err) != 0)
        _exit(1);
    process_reset_signals();
    ask(options);
    _exit(write(DESCRIPTORS_FIRST, &word, 1) == 1 ? 0 : 1);
}

/* ---- the worker's half ---- */

static void end_process(struct notice *notice)
{
    loop_event_close(notice->readable);
    notice->readable = NULL;
    io_close(&notice->fd);
    if (notice->pid <= 0)
        return;
    kill(notice->pid, SIGKILL);
    while (waitpid(notice->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    notice->pid = 0;
}

static void on_readable(void *context)
{
    struct notice *notice = context;
    char word;
    ssize_t count = read(notice->fd, &word, 1);

    if (count < 0 && errno == EAGAIN)
        return;
    end_process(notice);
    if (count == 1) {
        notice->options.heard(notice->options.context);
        return;
    }
    log_event(SEVERITY_WARNING, "preemption_watch_ended", log_text("host", notice->options.host));
    loop_timer_start(notice->again, notice->options.retry_ms * NS_PER_MS);
}

static int start(struct notice *notice, struct err *err)
{
    const pid_t parent = getpid();
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set_errno(err, ERR_RETRY, "make a pipe");
    notice->pid = process_fork();
    if (notice->pid == 0)
        be_process(&notice->options, fds[1], parent);
    close(fds[1]);
    notice->fd = fds[0];
    if (notice->pid < 0)
        return err_set_errno(err, ERR_RETRY, "fork");
    notice->readable = loop_fd_open(notice->loop, notice->fd, on_readable, notice, err);
    return notice->readable ? 0 : -1;
}

static void on_again(void *context)
{
    struct notice *notice = context;
    struct err err;

    if (start(notice, &err) == 0)
        return;
    end_process(notice);
    log_event(SEVERITY_WARNING, "preemption_watch_failed", log_text("reason", err.message));
    loop_timer_start(notice->again, notice->options.retry_ms * NS_PER_MS);
}

struct notice *notice_open(struct loop *loop, const struct notice_options *options)
{
    struct notice *notice = mem_alloc(sizeof *notice);

    *notice = (struct notice){.loop = loop, .options = *options, .fd = -1};
    notice->options.host = mem_strdup(options->host);
    if (!notice->options.retry_ms)
        notice->options.retry_ms = NOTICE_RETRY_MS;
    notice->again = loop_timer_open(loop, on_again, notice);
    on_again(notice);
    return notice;
}

void notice_close(struct notice *notice)
{
    if (!notice)
        return;
    end_process(notice);
    loop_event_close(notice->again);
    free((void *)(uintptr_t)notice->options.host);
    free(notice);
}
