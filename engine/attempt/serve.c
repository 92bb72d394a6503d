#include "attempt/serve.h"

#include "attempt/attempt.h"
#include "attempt/capsule.h"
#include "attempt/done_check.h"
#include "attempt/feed.h"
#include "attempt/files.h"
#include "attempt/input_groups.h"
#include "attempt/keep.h"
#include "attempt/record_quote.h"
#include "attempt/serve_drive.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "record/key_print.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOKS_PER_LIMIT = 8 }; /* so that a limit is overstepped by an eighth at most */
/* What a child may hold beside Lua's memory and the sort buffer before it is taken for a leak. */
#define MEMORY_SLACK_BYTES (192ULL * 1024 * 1024)

struct service {
    struct trusted *trusted;
    struct fetched *fetched; /* NULL: no reduce */
    struct channel child;
    struct nursling nursling;
    bool child_hung_up;
    int status; /* of wait(2), once it has ended */
    int statm;  /* /proc/PID/statm, or -1 */
    size_t next_input;
    struct feed *feed;   /* NULL: no input is an object */
    uint64_t late_count; /* looks at which the child waited for the store, or for a step */
    struct serve_drive drive;
    struct watch watch;
    uint64_t look_period_ns, next_look_ns;
    enum death_cause cause;
    bool has_failed; /* by our own fault or the input's: `failure` */
    struct err failure;
    uint8_t answer_type; /* MESSAGE_DONE, MESSAGE_FAILED or 0: none yet */
    struct buf answer;
};

static void kill_child(struct service *service, enum death_cause cause)
{
    if (service->cause == DEATH_BY_ITSELF)
        service->cause = cause;
    nursling_kill(&service->nursling);
}

/* Ends the child because of what `failure` says. */
static void fail_service(struct service *service, const struct err *failure)
{
    if (!service->has_failed)
        service->failure = *failure;
    service->has_failed = true;
    kill_child(service, DEATH_BY_ITSELF);
}

static void stop_feed(struct service *service)
{
    feed_close(service->feed);
    service->feed = NULL;
}

/* ---- birth ---- */

static void look_at_memory_of(struct service *service)
{
#if defined(MRLUA_SANDBOX) && !defined(MRLUA_SANITIZE)
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/statm", (int)service->nursling.pid);
    service->statm = open(path, O_RDONLY | O_CLOEXEC);
#else
    service->statm = -1; /* these builds hold far more than the job does */
#endif
}

static void start_watch(struct service *service)
{
    const Mrlua__Limits *limits = service->trusted->start->limits;
    uint64_t period = ATTEMPT_PROGRESS_MS * NS_PER_MS, shortest = UINT64_MAX;

    if (limits->progress_ms > 0)
        shortest = limits->progress_ms * NS_PER_MS;
    if (limits->record_ms > 0 && limits->record_ms * NS_PER_MS < shortest)
        shortest = limits->record_ms * NS_PER_MS;
    if (shortest / LOOKS_PER_LIMIT < period)
        period = shortest / LOOKS_PER_LIMIT;
    service->look_period_ns = period;
    service->next_look_ns = clock_monotonic_ns() + period;
    watch_init(&service->watch, limits->progress_ms * NS_PER_MS, limits->record_ms * NS_PER_MS,
               clock_monotonic_ns());
}

static int bear(struct service *service, struct err *err)
{
    struct trusted *trusted = service->trusted;
    Mrlua__Started started = MRLUA__STARTED__INIT;
    int ends[2];

    if (channel_pair(ends, err) != 0)
        return -1;
    channel_init_take(&service->child, ends[0]);
    trusted->fds[CHILD_CONTROL] = ends[1];
    if (nursery_fork(trusted->request_socket, trusted->fds, &service->nursling, err) != 0)
        return -1;
    io_close(&trusted->fds[CHILD_CONTROL]);
    look_at_memory_of(service);
    start_watch(service);
    started.pid = (uint32_t)service->nursling.pid;
    return channel_send(&trusted->shell, MESSAGE_STARTED, &started.base, err);
}

/* What the child must know of its task; not which files it is about. If it dies before it has
 * read this, its end will say more than this error. */
static void send_task(struct service *service)
{
    const struct fetched *fetched = service->fetched;
    Mrlua__TaskStart start = *service->trusted->start;
    struct err err;

    start.n_pieces = 0;
    start.n_map_outputs = 0;
    start.n_run_attempts = 0;
    start.n_run_bytes = 0;
    start.run_keys.len = 0;
    start.n_run_generations = 0;
    start.n_run_note_bytes = 0;
    start.plan = NULL;
    start.commit = NULL;
    start.fetch = NULL; /* keys are in it */
    start.n_files = service->trusted->files.count;
    start.files = service->trusted->files.list;
    reuse_start(&service->trusted->reuse, &start);
    if (channel_send(&service->child, MESSAGE_TASK_START, &start.base, &err) != 0)
        return;
    outputs_send(&service->trusted->outputs, &service->child);
    if (fetched)
        channel_send(&service->child, MESSAGE_SEGMENT_TABLE, &fetched->table.base, &err);
}

/* ---- what the child says ---- */

/* The run of the segment whose turn it is. -1: there is none, they lie in scratch. */
static int take_segment_file(struct service *service)
{
    struct fetched *fetched = service->fetched;
    int fd;

    if (!fetched || !fetched->files || service->next_input == fetched->table.n_segments)
        return -1;
    fd = fetched->files[service->next_input];
    fetched->files[service->next_input++] = -1;
    return fd;
}

/* What the child reads a piece from: a file, a copy of an object, or the pipe of one. */
static int open_piece(struct service *service, size_t index, Mrlua__Input *input, struct err *err)
{
    const Mrlua__TaskStart *start = service->trusted->start;

    input->piece = start->pieces[index];
    if (input->piece->generation == 0)
        return files_input(input->piece, err);
    if (!feed_has(service->feed, index))
        return feed_copy(input->piece, start->tmp_folder, err);
    input->is_stream = true;
    return feed_begin(service->feed, index, err);
}

static void answer_input(struct service *service)
{
    const Mrlua__TaskStart *start = service->trusted->start;
    Mrlua__Input input = MRLUA__INPUT__INIT;
    struct err err;
    int fd = -1;

    if (service->has_failed) /* it is as good as dead */
        return;
    if (service->next_input < start->n_pieces) {
        fd = open_piece(service, service->next_input++, &input, &err);
        if (fd < 0) {
            fail_service(service, &err);
            return;
        }
    } else {
        fd = take_segment_file(service);
        input.end = fd < 0;
    }
    channel_send_fd(&service->child, MESSAGE_INPUT, &input.base, fd, &err); /* else: it is dead */
    io_close(&fd);
}

static void keep_answer(struct service *service, const struct frame *frame)
{
    if (service->answer_type != 0)
        return;
    service->answer_type = frame->type;
    buf_append(&service->answer, frame->payload.ptr, frame->payload.len);
}

static void hear(struct service *service, const struct frame *frame)
{
    struct err err;

    switch (frame->type) {
    case MESSAGE_NEXT_INPUT:
        answer_input(service);
        return;
    case MESSAGE_STEP_CALL:
    case MESSAGE_STEP_OPEN:
        if (!service->has_failed && serve_drive_hear(&service->drive, &service->trusted->shell,
                                                     &service->child, frame, &err) != 0)
            fail_service(service, &err);
        return;
    case MESSAGE_LOG:
        if (channel_forward(&service->trusted->shell, frame, &err) != 0)
            service->trusted->shell_is_gone = true;
        return;
    case MESSAGE_DONE:
    case MESSAGE_FAILED:
        keep_answer(service, frame);
        return;
    default:
        err_set(&err, ERR_LIMIT, "the script's process sent a message of type %u", frame->type);
        fail_service(service, &err);
    }
}

/* Reads what is there, once. */
static void listen_to_child(struct service *service)
{
    struct frame frame;
    struct err err;
    int rc = channel_fill(&service->child, &err);

    if (rc != 1)
        service->child_hung_up = true; /* cut inside a message is a death like any other */
    while (rc == 1 && (rc = channel_buffered(&service->child, &frame, &err)) == 1)
        hear(service, &frame);
    if (rc < 0 && !service->child_hung_up) {
        service->child_hung_up = true;
        err_prefix(&err, "the script's process sent no messages");
        err.kind = ERR_LIMIT;
        fail_service(service, &err);
    }
}

/* Nothing of use to a map or a reduce: sources that come late, and its end. */
static void listen_to_shell(struct service *service)
{
    struct frame frame;
    struct err err;

    if (channel_fill(&service->trusted->shell, &err) != 1) {
        service->trusted->shell_is_gone = true;
        return;
    }
    while (channel_buffered(&service->trusted->shell, &frame, &err) == 1)
        if (frame.type == MESSAGE_STEP_ANSWER && !service->has_failed &&
            serve_drive_answer(&service->drive, &service->child, frame.payload,
                               &service->trusted->detail, &err) != 0)
            fail_service(service, &err);
}

/* ---- watching ---- */

static double fraction_of(const struct trusted *trusted, const Mrlua__Progress *progress)
{
    double done = 0;

    if (trusted->start->kind != MRLUA__TASK_KIND__REDUCE && trusted->bytes_total > 0)
        done = (double)progress->bytes_in / (double)trusted->bytes_total;
    if (trusted->start->kind == MRLUA__TASK_KIND__REDUCE && trusted->records_total > 0)
        done = (double)progress->records_in / (double)trusted->records_total;
    return done > 1 ? 1 : done;
}

static void send_progress(struct service *service)
{
    struct trusted *trusted = service->trusted;
    Mrlua__Progress progress = MRLUA__PROGRESS__INIT;
    struct err err;

    progress.phase = (char *)page_phase_name(page_get(&trusted->page->phase));
    progress.bytes_in = page_get(&trusted->page->bytes_in);
    progress.records_in = page_get(&trusted->page->records_in);
    progress.records_out = page_get(&trusted->page->records_out);
    progress.fraction = fraction_of(trusted, &progress);
    progress.moved = watch_moved(&service->watch);
    if (channel_send(&trusted->shell, MESSAGE_PROGRESS, &progress.base, &err) != 0)
        trusted->shell_is_gone = true;
}

static bool is_too_large(const struct service *service)
{
    const Mrlua__TaskStart *start = service->trusted->start;
    unsigned long long size, resident;
    char text[128];
    ssize_t len = service->statm < 0 ? 0 : pread(service->statm, text, sizeof text - 1, 0);

    if (len <= 0 || start->limits->memory_bytes == 0)
        return false;
    text[len] = '\0';
    if (sscanf(text, "%llu %llu", &size, &resident) != 2)
        return false;
    return resident * (unsigned long long)sysconf(_SC_PAGESIZE) >
           vm_memory_bytes_peak(start->limits->memory_bytes) + start->sort_buffer_bytes +
               MEMORY_SLACK_BYTES;
}

static void look(struct service *service, uint64_t now_ns)
{
    const struct page *page = service->trusted->page;
    enum watch_verdict verdict;

    /* The store's time is not the child's, nor that of a step. */
    service->late_count += feed_is_late(service->feed) || service->drive.waits;
    verdict = watch_look(&service->watch, page_get(&page->pulse) + service->late_count,
                         page_phase_is_user_code(page_get(&page->phase)), now_ns);

    if (verdict == WATCH_RECORD_TOO_LONG)
        kill_child(service, DEATH_RECORD_TOO_LONG);
    if (verdict == WATCH_NO_PROGRESS)
        kill_child(service, DEATH_NO_PROGRESS);
    if (is_too_large(service))
        kill_child(service, DEATH_MEMORY);
}

static void look_if_due(struct service *service, uint64_t *next_progress_ns)
{
    uint64_t now_ns = clock_monotonic_ns();

    if (now_ns >= service->next_look_ns) {
        look(service, now_ns);
        service->next_look_ns = now_ns + service->look_period_ns;
    }
    if (now_ns >= *next_progress_ns) {
        send_progress(service);
        *next_progress_ns = now_ns + ATTEMPT_PROGRESS_MS * NS_PER_MS;
    }
}

static int wait_ms(const struct service *service)
{
    uint64_t now_ns = clock_monotonic_ns();

    return service->next_look_ns <= now_ns
               ? 0
               : (int)((service->next_look_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* Everything that it had said before it ended. */
static void hear_last_words(struct service *service)
{
    struct pollfd poll_child = {.fd = service->child.fd, .events = POLLIN};

    while (!service->child_hung_up && poll(&poll_child, 1, 0) == 1)
        listen_to_child(service);
}

/* An input that cannot be read ends the child, and with it the feed. */
static int await(struct service *service, struct pollfd *polls, size_t count, struct err *err)
{
    struct err failure;

    if (service->feed) {
        if (feed_wait(service->feed, polls, count, wait_ms(service), &failure) == 0)
            return 0;
        fail_service(service, &failure);
        stop_feed(service);
        return 0;
    }
    if (poll(polls, count, wait_ms(service)) < 0 && errno != EINTR)
        return err_set_errno(err, ERR_RETRY, "poll");
    return 0;
}

/* Until the child has ended. -1: the shell or the nursery is gone. */
static int attend(struct service *service, struct err *err)
{
    struct trusted *trusted = service->trusted;
    uint64_t next_progress_ns = clock_monotonic_ns() + ATTEMPT_PROGRESS_MS * NS_PER_MS;

    while (!trusted->shell_is_gone) {
        struct pollfd polls[] = {
            {.fd = trusted->shell.fd, .events = POLLIN},
            {.fd = service->nursling.report, .events = POLLIN},
            {.fd = service->child_hung_up ? -1 : service->child.fd, .events = POLLIN},
        };

        if (await(service, polls, 3, err) != 0)
            return -1;
        if (polls[2].revents)
            listen_to_child(service);
        if (polls[1].revents) {
            hear_last_words(service);
            return nursling_status(&service->nursling, &service->status, err);
        }
        if (polls[0].revents)
            listen_to_shell(service);
        look_if_due(service, &next_progress_ns);
    }
    return err_set(err, ERR_RETRY, "the shell has ended");
}

/* Nobody wants the child any more. Its shell takes the end of this process for that of both. */
static void end_child(struct service *service)
{
    struct err err;

    nursling_kill(&service->nursling);
    nursling_status(&service->nursling, &service->status, &err);
}

/* ---- how it ended ---- */

/* The record mark in the page: what the job's function was about when it died. */
static void add_bad(struct trusted *trusted, const struct death *death, const struct err *err)
{
    char key[KEY_PRINT_BYTES] = "";
    struct bad_place place = {
        .record = death->record, .piece = death->piece, .offset = death->input_offset, .key = key};

    if (death->phase == PAGE_REDUCE)
        death_print_key(death, key, sizeof key);
    bad_records_add(&trusted->bad, &place, err);
    bad_records_print_place(trusted->start, death->record, &trusted->detail);
}

static int tell_death(struct service *service, struct err *err)
{
    const Mrlua__TaskStart *start = service->trusted->start;
    uint64_t index = page_get(&service->trusted->page->input_index);
    const Mrlua__Piece *piece = index < start->n_pieces ? start->pieces[index] : NULL;
    struct death death = {
        .cause = service->cause,
        .status = service->status,
        .input = piece ? piece->name : NULL,
        .progress_ms = start->limits->progress_ms,
        .record_ms = start->limits->record_ms,
        .memory_bytes = start->limits->memory_bytes,
    };

    death_look(&death, service->trusted->page);
    if (piece && death.phase == PAGE_MAP)
        record_quote(input_format_of(start, piece), piece, death.input_offset,
                     &service->trusted->detail);
    death_tell(&death, err);
    if (death_is_of_record(&death))
        add_bad(service->trusted, &death, err);
    return -1;
}

/* A Failed of the child: ours, with its detail. */
static int tell_failure(struct service *service, struct err *err)
{
    struct trusted *trusted = service->trusted;
    Mrlua__Failed *failed =
        message_unpack(&mrlua__failed__descriptor, buf_slice(&service->answer), err);

    if (!failed || !failed->error) {
        message_free(failed);
        return err_set(err, ERR_LIMIT, "the script's process failed without saying why");
    }
    message_to_err(failed->error, err);
    buf_append_string(&trusted->detail, failed->error->detail);
    trusted->peer_map = failed->error->peer_map;
    trusted->peer_attempt = failed->error->peer_attempt;
    bad_records_take(&trusted->bad, failed->error);
    if (failed->error->capsule.len <= CAPSULE_SCENE_BYTES_MAX)
        buf_append(&trusted->scene, failed->error->capsule.data, failed->error->capsule.len);
    message_free(failed);
    return -1;
}

/* A Done of the child: checked against the file, and with its path. */
static int tell_success(struct service *service, struct err *err)
{
    struct trusted *trusted = service->trusted;
    char *path_default;
    Mrlua__Done *done = message_unpack(&mrlua__done__descriptor, buf_slice(&service->answer), err);

    if (!done)
        return -1;
    if (done_check(trusted, done, err) != 0) {
        message_free(done);
        return -1;
    }
    path_default = done->path;
    if (trusted->made_result && !keep_is_wanted(trusted->start))
        done->path = trusted->start->result_path;
    message_pack(&trusted->done, &done->base);
    done->path = path_default;
    message_free(done);
    return 0;
}

static int conclude(struct service *service, struct err *err)
{
    bool ended_well = WIFEXITED(service->status) && WEXITSTATUS(service->status) == 0;

    if (service->has_failed) {
        *err = service->failure;
        return -1;
    }
    if (service->cause != DEATH_BY_ITSELF || !ended_well || service->answer_type == 0)
        return tell_death(service, err);
    return service->answer_type == MESSAGE_DONE ? tell_success(service, err)
                                                : tell_failure(service, err);
}

int serve_child(struct trusted *trusted, struct fetched *fetched, struct err *err)
{
    struct service service = {
        .trusted = trusted,
        .fetched = fetched,
        .child = {.fd = -1, .received_fd = -1},
        .nursling = {.report = -1},
        .statm = -1,
        .drive = {.start = trusted->start},
    };
    int rc = bear(&service, err);

    if (rc == 0 && feed_is_needed(trusted->start))
        service.feed = feed_open(trusted->start);
    if (rc == 0) {
        send_task(&service);
        rc = attend(&service, err);
        if (rc != 0)
            end_child(&service);
    }
    if (rc == 0)
        rc = conclude(&service, err);
    nursling_release(&service.nursling); /* kills a child that still lives */
    io_close(&service.statm);
    stop_feed(&service);
    serve_drive_deinit(&service.drive);
    channel_deinit(&service.child);
    buf_deinit(&service.answer);
    return rc;
}
