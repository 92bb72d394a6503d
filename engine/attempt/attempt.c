#include "attempt/attempt.h"

#include "attempt/feed.h"
#include "attempt/process.h"
#include "attempt/side_files.h"
#include "attempt/trusted.h"
#include "base/clock.h"
#include "base/io.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "store/gcs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TRUSTED_SHELL_FD = DESCRIPTORS_FIRST,
    TRUSTED_REQUEST_FD,
};

static _Noreturn void live_as_trusted(const Mrlua__TaskStart *start, int shell, int request,
                                      pid_t parent)
{
    int fds[] = {shell, request};
    struct err err;

    process_reset_signals();
    if (!process_follow(parent) || process_keep_descriptors(fds, 2, &err) != 0)
        _exit(1);
    _exit(trusted_main(start, TRUSTED_REQUEST_FD, TRUSTED_SHELL_FD));
}

int attempt_start(const struct nursery *nursery, const Mrlua__TaskStart *start,
                  struct attempt *attempt, struct err *err)
{
    pid_t shell = getpid();
    int ends[2];

    if (feed_has_objects(start) || side_files_need_store(start))
        gcs_prepare();
    *attempt = (struct attempt){.fd = -1};
    if (channel_pair(ends, err) != 0)
        return -1;
    attempt->pid = process_fork();
    if (attempt->pid == 0)
        live_as_trusted(start, ends[1], nursery_socket(nursery), shell);
    close(ends[1]);
    if (attempt->pid < 0) {
        close(ends[0]);
        attempt->pid = 0;
        return err_set_errno(err, ERR_RETRY, "start an attempt: fork");
    }
    attempt->fd = ends[0];
    attempt->nursery = nursery;
    buf_append_string(&attempt->unanswered, start->result_path);
    frame_decoder_init(&attempt->decoder, &FRAME_LIMITS_LOCAL);
    return 0;
}

/* Sends what waits, as much as goes; all of a message that has begun when `flags` lets it wait. */
static void send_waiting(struct attempt *attempt, int flags)
{
    struct buf *out = &attempt->sending;

    while (attempt->sent < out->len) {
        ssize_t count = send(attempt->fd, out->ptr + attempt->sent, out->len - attempt->sent,
                             MSG_NOSIGNAL | flags);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count < 0) { /* it has ended: attempt_read() says how */
            buf_clear(&attempt->next_sources);
            break;
        }
        attempt->sent += (size_t)count;
    }
    buf_clear(out);
    attempt->sent = 0;
}

/* The newest sources, behind what is on its way. */
static void send_sources(struct attempt *attempt)
{
    struct buf empty = attempt->sending;

    send_waiting(attempt, MSG_DONTWAIT);
    if (attempt->sending.len > 0 || attempt->next_sources.len == 0)
        return;
    attempt->sending = attempt->next_sources;
    attempt->next_sources = empty;
    buf_clear(&attempt->next_sources);
    send_waiting(attempt, MSG_DONTWAIT);
}

void attempt_sources(struct attempt *attempt, const Mrlua__Sources *sources)
{
    struct buf payload = {0};
    struct frame frame = {.type = MESSAGE_SOURCES};

    if (attempt->fd < 0)
        return;
    message_pack(&payload, &sources->base);
    frame.payload = buf_slice(&payload);
    buf_clear(&attempt->next_sources);
    frame_encode(&attempt->next_sources, &frame);
    buf_deinit(&payload);
    send_sources(attempt);
}

int attempt_read(struct attempt *attempt, struct frame *frame, struct err *err)
{
    int rc;

    if (attempt->has_answered)
        return -1;
    send_sources(attempt);
    while ((rc = frame_decoder_next(&attempt->decoder, frame, err)) == 0) {
        rc = channel_feed(attempt->fd, &attempt->decoder, err);
        if (rc == 0)
            return 0;
        if (rc < 0)
            return err_set(err, ERR_RETRY, "the attempt's process ended unexpectedly");
    }
    /* The last word: nothing is left for it to do but to end. */
    attempt->has_answered =
        rc == 1 && (frame->type == MESSAGE_DONE || frame->type == MESSAGE_FAILED);
    return rc;
}

int attempt_run(struct attempt *attempt, struct err *err)
{
    struct channel channel = {.fd = attempt->fd};

    buf_clear(&attempt->next_sources); /* it has all */
    send_waiting(attempt, 0);
    return channel_send(&channel, MESSAGE_RUN, NULL, err);
}

int attempt_answer_step(struct attempt *attempt, const Mrlua__StepAnswer *answer, struct err *err)
{
    struct channel channel = {.fd = attempt->fd};

    return channel_send(&channel, MESSAGE_STEP_ANSWER, &answer->base, err);
}

/* It is not waited for yet, so its number is its own. */
static void kill_now(void *context)
{
    struct attempt *attempt = context;

    kill(attempt->pid, SIGKILL);
    nursery_wake(attempt->nursery); /* it has a child to kill */
}

void attempt_kill(struct attempt *attempt, struct loop *loop)
{
    shutdown(attempt->fd, SHUT_WR);
    if (attempt->end_due_ns == 0)
        attempt->end_due_ns = clock_monotonic_ns() + ATTEMPT_END_MS * NS_PER_MS;
    if (!loop || attempt->end_timer)
        return;
    attempt->end_timer = loop_timer_open(loop, kill_now, attempt);
    loop_timer_start(attempt->end_timer, ATTEMPT_END_MS * NS_PER_MS);
}

void attempt_end(struct attempt *attempt)
{
    if (attempt->fd < 0)
        return;
    loop_event_close(attempt->end_timer);
    attempt->end_timer = NULL;
    attempt_kill(attempt, NULL);
    shutdown(attempt->fd, SHUT_RDWR); /* nobody listens: it does not wait to be heard */
    if (!process_ends_until(attempt->pid, attempt->end_due_ns))
        kill_now(attempt);
    while (waitpid(attempt->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (attempt->unanswered.len > 0 && !attempt->has_answered)
        unlink(buf_string(&attempt->unanswered)); /* most have done so themselves */
    io_close(&attempt->fd);
    frame_decoder_deinit(&attempt->decoder);
    buf_deinit(&attempt->unanswered);
    buf_deinit(&attempt->sending);
    buf_deinit(&attempt->next_sources);
}

/* ---- loading a job file ---- */

static void keep_log(struct slice payload, struct buf *log)
{
    struct err err;
    Mrlua__Log *message = message_unpack(&mrlua__log__descriptor, payload, &err);

    if (message && log)
        buf_printf(log, "%s\n", message->text);
    message_free(message);
}

static int keep_view(struct slice payload, struct buf *view, struct err *err)
{
    Mrlua__Done *done = message_unpack(&mrlua__done__descriptor, payload, err);

    if (!done)
        return -1;
    buf_append(view, done->view.data, done->view.len);
    message_free(done);
    return 0;
}

static int keep_failure(struct slice payload, struct buf *detail, struct err *err)
{
    Mrlua__Failed *failed = message_unpack(&mrlua__failed__descriptor, payload, err);

    if (failed && failed->error) {
        message_to_err(failed->error, err);
        buf_append_string(detail, failed->error->detail);
    }
    message_free(failed);
    return -1;
}

/* The answer of a LOAD. Waits as long as it takes: the trusted process has the deadline. */
static int await_view(struct attempt *attempt, struct buf *view, struct buf *detail,
                      struct buf *log, struct err *err)
{
    struct pollfd poll_attempt = {.fd = attempt->fd, .events = POLLIN};
    struct frame frame;
    int rc;

    while ((rc = attempt_read(attempt, &frame, err)) >= 0) {
        if (rc == 0 && poll(&poll_attempt, 1, -1) < 0 && errno != EINTR)
            return err_set_errno(err, ERR_RETRY, "poll");
        if (rc == 1 && frame.type == MESSAGE_LOG)
            keep_log(frame.payload, log);
        if (rc == 1 && frame.type == MESSAGE_DONE)
            return keep_view(frame.payload, view, err);
        if (rc == 1 && frame.type == MESSAGE_FAILED)
            return keep_failure(frame.payload, detail, err);
    }
    return -1;
}

int attempt_load_job(const struct nursery *nursery, const struct attempt_load *load,
                     struct buf *view, struct buf *detail, struct buf *log, struct err *err)
{
    Mrlua__Limits limits = MRLUA__LIMITS__INIT;
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    struct attempt attempt;
    int rc;

    limits.memory_bytes = load->memory_bytes;
    limits.record_ms = load->deadline_ms ? load->deadline_ms : ATTEMPT_LOAD_MS_MAX;
    limits.progress_ms = limits.record_ms;
    start.kind = MRLUA__TASK_KIND__LOAD;
    start.bundle = (ProtobufCBinaryData){load->bundle.len, (uint8_t *)load->bundle.ptr};
    start.params = (ProtobufCBinaryData){load->params.len, (uint8_t *)load->params.ptr};
    start.unsafe = load->unsafe;
    start.limits = &limits;
    if (attempt_start(nursery, &start, &attempt, err) != 0)
        return -1;
    rc = await_view(&attempt, view, detail, log, err);
    attempt_end(&attempt);
    return rc;
}
