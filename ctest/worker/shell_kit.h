/*
 * shell_kit: a worker in a process of its own, and the test as its master.
 *
 *     struct shell shell;
 *     shell_open(&shell);
 *     shell.options.slots = 2;                        changed freely before
 *     shell_worker(&shell);                           forked; it connects
 *     shell_welcome(&shell);                          after its WorkerJoin: shell.join
 *     shell_map(&shell, ATTEMPT, path);               an AttemptStart; its bundle is shell.bundle
 *     done = shell_await(&shell, MESSAGE_ATTEMPT_DONE);    the next of that type; freed by the kit
 *     shell_end(&shell);                              SIGTERM, and it ends well
 *     shell_close(&shell);
 *
 * The test's main() must start with SHELL_NURSERY(argc, argv).
 */
#ifndef CTEST_WORKER_SHELL_KIT_H
#define CTEST_WORKER_SHELL_KIT_H

#include "test.h"

#include "attempt/nursery.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "folder.h"
#include "record/value.h"
#include "rpc/blob.h"
#include "rpc/listener.h"
#include "worker/worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SHELL_NURSERY(argc, argv)                                                                  \
    do {                                                                                           \
        if (nursery_is_asked(argc, argv))                                                          \
            return nursery_main();                                                                 \
    } while (0)

enum {
    SHELL_MS_MAX = 30 * 1000,
    SHELL_PASS_MS = 5,
    SHELL_KEPT_MAX = 64,
    SHELL_EPOCH = 4,
};

struct shell_kept {
    uint8_t type;
    void *message;
    bool is_new;
};

struct shell {
    struct folder folder;
    struct nursery *nursery;
    struct loop *loop;
    struct loop_event *timer;
    struct keys keys;
    struct listener *listener;
    struct conn *conn; /* NULL: the worker is not connected */
    struct worker_options options;
    pid_t worker;
    int connect_count;
    uint64_t deadline_ns; /* of the wait for the next thing ... */
    bool is_late;         /* ... which is over */
    bool refuses_blobs;   /* asks for blobs are kept and not answered */
    struct buf bundle;
    uint8_t bundle_hash[BLOB_HASH_BYTES];
    const char *side_text; /* of the side file "a" that every task has; NULL: none has one */
    uint8_t side_hash[BLOB_HASH_BYTES];
    Mrlua__SideFile side, *side_list[1];
    struct shell_kept kept[SHELL_KEPT_MAX]; /* all messages but heartbeats, logs and joins */
    size_t kept_count;
    int blob_count;              /* BlobGets that were answered */
    Mrlua__WorkerJoin *join;     /* the last one */
    Mrlua__Heartbeat *heartbeat; /* the last one */
    Mrlua__Limits limits;
};

/* ---- what the master hears ---- */

static inline void shell_send(struct shell *shell, enum message_type type,
                              const ProtobufCMessage *message)
{
    assert_non_null(shell->conn);
    conn_send(shell->conn, type, 0, message);
}

static inline void shell_answer_blob(struct shell *shell, const Mrlua__BlobGet *get)
{
    Mrlua__BlobData data = MRLUA__BLOB_DATA__INIT;
    bool is_side = shell->side_text && memcmp(get->hash.data, shell->side_hash, 32) == 0;
    struct slice blob = is_side ? slice_of_string(shell->side_text) : buf_slice(&shell->bundle);
    size_t left = blob.len - get->offset, half = blob.len / 2 + 1;

    assert_int_equal(get->hash.len, BLOB_HASH_BYTES);
    assert_true(get->offset <= blob.len);
    data.hash = get->hash;
    data.offset = get->offset;
    data.unknown = !is_side && memcmp(get->hash.data, shell->bundle_hash, BLOB_HASH_BYTES) != 0;
    data.total_bytes = blob.len;
    data.bytes.data = (uint8_t *)(uintptr_t)blob.ptr + get->offset;
    data.bytes.len = left < half ? left : half; /* in two pieces */
    shell->blob_count++;
    shell_send(shell, MESSAGE_BLOB_DATA, &data.base);
}

static inline const ProtobufCMessageDescriptor *shell_descriptor(uint8_t type)
{
    switch (type) {
    case MESSAGE_WORKER_JOIN:
        return &mrlua__worker_join__descriptor;
    case MESSAGE_HEARTBEAT:
        return &mrlua__heartbeat__descriptor;
    case MESSAGE_ATTEMPT_FETCHED:
        return &mrlua__attempt_fetched__descriptor;
    case MESSAGE_ATTEMPT_DONE:
        return &mrlua__attempt_done__descriptor;
    case MESSAGE_ATTEMPT_FAILED:
        return &mrlua__attempt_failed__descriptor;
    case MESSAGE_OUTPUT_LOST:
        return &mrlua__output_lost__descriptor;
    case MESSAGE_ATTEMPT_LOG:
        return &mrlua__attempt_log__descriptor;
    case MESSAGE_BLOB_GET:
        return &mrlua__blob_get__descriptor;
    default:
        fail_msg("message of type %u", type);
        return NULL;
    }
}

static inline void shell_keep(struct shell *shell, uint8_t type, void *message)
{
    assert_true(shell->kept_count < SHELL_KEPT_MAX);
    shell->kept[shell->kept_count++] =
        (struct shell_kept){.type = type, .message = message, .is_new = true};
}

static inline void shell_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct shell *shell = context;
    struct err err;
    void *message = message_unpack(shell_descriptor(frame->type), frame->payload, &err);

    (void)conn;
    assert_non_null(message);
    if (frame->type == MESSAGE_BLOB_GET && !shell->refuses_blobs) {
        shell_answer_blob(shell, message);
        message_free(message);
    } else if (frame->type == MESSAGE_WORKER_JOIN) {
        message_free(shell->join);
        shell->join = message;
    } else if (frame->type == MESSAGE_HEARTBEAT) {
        message_free(shell->heartbeat);
        shell->heartbeat = message;
    } else {
        shell_keep(shell, frame->type, message);
    }
    loop_break(shell->loop);
}

static inline void shell_opened(void *context, struct conn *conn)
{
    struct shell *shell = context;

    assert_null(shell->conn);
    shell->conn = conn;
    shell->connect_count++;
    loop_break(shell->loop);
}

static inline void shell_closed(void *context, struct conn *conn, const struct err *err)
{
    struct shell *shell = context;

    (void)conn;
    (void)err;
    shell->conn = NULL;
    loop_break(shell->loop);
}

static const struct conn_ops SHELL_OPS = {
    .opened = shell_opened, .message = shell_message, .closed = shell_closed};

static inline void shell_late(void *context)
{
    struct shell *shell = context;

    shell->is_late = true;
    loop_break(shell->loop);
}

/* The wait for the next thing begins. Messages on the way, heartbeats say, do not make it longer.
 */
static inline void shell_begin_wait(struct shell *shell)
{
    shell->deadline_ns = clock_monotonic_ns() + SHELL_MS_MAX * NS_PER_MS;
}

/* One turn of the loop; fails when the wait is over. */
static inline void shell_turn(struct shell *shell)
{
    uint64_t now_ns = clock_monotonic_ns();
    struct err err;

    if (now_ns < shell->deadline_ns)
        loop_timer_start(shell->timer, shell->deadline_ns - now_ns);
    else
        shell->is_late = true;
    if (!shell->is_late && loop_run(shell->loop, &err) != 0)
        fail_msg("%s", err.message);
    if (shell->is_late)
        fail_msg("waited %d ms in vain", SHELL_MS_MAX);
}

/* A few milliseconds of the loop, whatever comes: for tests that wait for what is no message. */
static inline void shell_pass(struct shell *shell)
{
    struct err err;

    assert_true(clock_monotonic_ns() < shell->deadline_ns);
    loop_timer_start(shell->timer, SHELL_PASS_MS * NS_PER_MS);
    if (loop_run(shell->loop, &err) != 0)
        fail_msg("%s", err.message);
    shell->is_late = false;
}

/* The next message of one of two types; *type becomes its own. */
static inline void *shell_await_either(struct shell *shell, uint8_t *type, uint8_t other)
{
    for (size_t i = 0;; i++) {
        while (i == shell->kept_count)
            shell_turn(shell);
        if (!shell->kept[i].is_new ||
            (shell->kept[i].type != *type && shell->kept[i].type != other))
            continue;
        shell->kept[i].is_new = false;
        shell_begin_wait(shell);
        *type = shell->kept[i].type;
        return shell->kept[i].message;
    }
}

static inline void *shell_await(struct shell *shell, uint8_t type)
{
    return shell_await_either(shell, &type, type);
}

/* ---- opening, closing ---- */

static inline void shell_open(struct shell *shell)
{
    struct listener_options options = {.conn = {.keys = &shell->keys,
                                                .roles_accepted = ROLE_BIT(ROLE_WORKER),
                                                .epoch = SHELL_EPOCH}};
    uint8_t secret[KEY_BYTES] = {1, 2, 3};
    struct err err;

    *shell = (struct shell){0};
    shell_begin_wait(shell);
    folder_make(&shell->folder);
    shell->nursery = nursery_start(&err);
    assert_non_null(shell->nursery);
    keys_of_secret(&shell->keys, secret);
    shell->loop = loop_open(&err);
    assert_non_null(shell->loop);
    shell->timer = loop_timer_open(shell->loop, shell_late, shell);
    shell->listener = listener_open(shell->loop, "127.0.0.1:0", &options, &SHELL_OPS, shell, &err);
    if (!shell->listener)
        fail_msg("%s", err.message);
    shell->options = (struct worker_options){.master = listener_address(shell->listener),
                                             .dir = mem_strdup(folder_path(&shell->folder, "dir")),
                                             .name = "w1",
                                             .keys = &shell->keys,
                                             .slots = 1,
                                             .drain_ns = 10 * NS_PER_S};
    mrlua__limits__init(&shell->limits);
    shell->limits.memory_bytes = 64 << 20;
    shell->limits.progress_ms = shell->limits.record_ms = 60 * 1000;
}

static inline _Noreturn void shell_live_as_worker(struct shell *shell)
{
    struct err err = {0};
    struct worker *worker = worker_open(&shell->options, shell->nursery, &err);
    int rc = worker ? worker_run(worker, &err) : -1;

    worker_close(worker);
    if (rc != 0)
        fprintf(stderr, "worker: %s\n", err.message);
    _exit(rc == 0 ? 0 : 10 + (int)err.kind);
}

/* Forks it. A test that fails takes it along. */
static inline void shell_worker(struct shell *shell)
{
    shell->worker = fork();
    assert_true(shell->worker >= 0);
    if (shell->worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        shell_live_as_worker(shell);
    }
}

/* Its exit code; 128 + n: a signal. */
static inline int shell_exit_code(struct shell *shell)
{
    int status;
    pid_t pid = waitpid(shell->worker, &status, 0);

    assert_int_equal(pid, shell->worker);
    shell->worker = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void shell_end(struct shell *shell)
{
    kill(shell->worker, SIGTERM);
    while (shell->conn) /* it hangs up when it ends */
        shell_turn(shell);
    assert_int_equal(shell_exit_code(shell), 0);
}

static inline void shell_close(struct shell *shell)
{
    if (shell->worker > 0) {
        kill(shell->worker, SIGKILL);
        shell_exit_code(shell);
    }
    conn_close(shell->conn);
    listener_close(shell->listener);
    loop_event_close(shell->timer);
    loop_close(shell->loop);
    nursery_stop(shell->nursery);
    for (size_t i = 0; i < shell->kept_count; i++)
        message_free(shell->kept[i].message);
    message_free(shell->join);
    message_free(shell->heartbeat);
    buf_deinit(&shell->bundle);
    free((void *)(uintptr_t)shell->options.dir);
    folder_remove(&shell->folder);
}

/* ---- what the master says ---- */

/* Waits for the WorkerJoin of a connection that was not welcomed yet, and welcomes. */
static inline void shell_welcome(struct shell *shell)
{
    Mrlua__WorkerWelcome welcome = MRLUA__WORKER_WELCOME__INIT;

    message_free(shell->join);
    shell->join = NULL;
    while (!shell->conn || !shell->join)
        shell_turn(shell);
    shell_begin_wait(shell);
    welcome.worker_id = 3;
    welcome.epoch = SHELL_EPOCH;
    shell_send(shell, MESSAGE_WORKER_WELCOME, &welcome.base);
}

/* Cuts the connection. */
static inline void shell_cut(struct shell *shell)
{
    conn_close(shell->conn);
    shell->conn = NULL;
}

static inline void shell_job(struct shell *shell, const char *source)
{
    buf_clear(&shell->bundle);
    value_write_table_begin(&shell->bundle);
    value_write_string(&shell->bundle, slice_of_string("path"));
    value_write_string(&shell->bundle, slice_of_string("job.lua"));
    value_write_string(&shell->bundle, slice_of_string("source"));
    value_write_string(&shell->bundle, slice_of_string(source));
    value_write_table_end(&shell->bundle);
    blob_hash(buf_slice(&shell->bundle), shell->bundle_hash);
}

/* Every task has this side file from now on. */
static inline void shell_side_file(struct shell *shell, const char *text)
{
    shell->side_text = text;
    blob_hash(slice_of_string(text), shell->side_hash);
    mrlua__side_file__init(&shell->side);
    shell->side.name = (char *)(uintptr_t) "a";
    shell->side.path = (char *)(uintptr_t) "words.txt";
    shell->side.size = strlen(text);
    shell->side.crc32c = crc32c(0, text, strlen(text));
    shell->side.hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, shell->side_hash};
    shell->side_list[0] = &shell->side;
}

/* What map and reduce have in common. */
static inline void shell_start(struct shell *shell, Mrlua__TaskStart *task, uint64_t attempt,
                               Mrlua__AttemptStart *start)
{
    mrlua__task_start__init(task);
    mrlua__attempt_start__init(start);
    task->job = 1;
    task->attempt = attempt;
    task->limits = &shell->limits;
    task->partition_count = 1;
    task->sort_buffer_bytes = 1 << 20;
    task->input = "lines";
    task->output = "tsv";
    task->n_files = shell->side_text ? 1 : 0;
    task->files = shell->side_list;
    start->start = task;
    start->bundle_hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, shell->bundle_hash};
}

static inline void shell_piece(Mrlua__Piece *piece, const char *path)
{
    struct stat status = {0};

    stat(path, &status); /* it may not be there */
    mrlua__piece__init(piece);
    piece->path = piece->name = (char *)(uintptr_t)path;
    piece->size = piece->length = (uint64_t)status.st_size;
    piece->mtime_ns =
        (int64_t)status.st_mtim.tv_sec * (int64_t)NS_PER_S + (int64_t)status.st_mtim.tv_nsec;
    piece->inode = status.st_ino;
    piece->device = status.st_dev;
}

/* Map 0 over the whole of a file. */
static inline void shell_map(struct shell *shell, uint64_t attempt, const char *path)
{
    Mrlua__AttemptStart start;
    Mrlua__TaskStart task;
    Mrlua__Piece piece, *pieces[] = {&piece};

    shell_start(shell, &task, attempt, &start);
    shell_piece(&piece, path);
    task.kind = MRLUA__TASK_KIND__MAP;
    task.pieces = pieces;
    task.n_pieces = 1;
    shell_send(shell, MESSAGE_ATTEMPT_START, &start.base);
}

/* Partition 0, to "<folder>/out/part". */
static inline void shell_reduce(struct shell *shell, uint64_t attempt, uint32_t map_count)
{
    Mrlua__AttemptStart start;
    Mrlua__TaskStart task;

    shell_start(shell, &task, attempt, &start);
    task.kind = MRLUA__TASK_KIND__REDUCE;
    task.result_path = (char *)(uintptr_t)folder_path(&shell->folder, "out/part");
    start.output_folder = (char *)(uintptr_t)folder_path(&shell->folder, "out");
    start.map_count = map_count;
    shell_send(shell, MESSAGE_ATTEMPT_START, &start.base);
}

static inline void shell_kill(struct shell *shell, uint64_t attempt)
{
    Mrlua__AttemptKill message = MRLUA__ATTEMPT_KILL__INIT;

    message.attempt = attempt;
    shell_send(shell, MESSAGE_ATTEMPT_KILL, &message.base);
}

static inline void shell_heard(struct shell *shell, uint64_t attempt, enum message_type report)
{
    Mrlua__ReportHeard heard = MRLUA__REPORT_HEARD__INIT;

    heard.attempt = attempt;
    heard.report = report;
    shell_send(shell, MESSAGE_REPORT_HEARD, &heard.base);
}

static inline void shell_job_over(struct shell *shell)
{
    Mrlua__JobOver over = MRLUA__JOB_OVER__INIT;

    over.job = 1;
    shell_send(shell, MESSAGE_JOB_OVER, &over.base);
}

/* The worker itself is the only source. */
static inline void shell_sources(struct shell *shell, uint32_t count)
{
    Mrlua__Sources message = MRLUA__SOURCES__INIT;
    Mrlua__Source source = MRLUA__SOURCE__INIT, *sources[] = {&source};

    source.worker_id = 3;
    source.incarnation = shell->join->incarnation;
    source.host = "127.0.0.1";
    source.port = shell->join->segment_port;
    source.count = count;
    message.job = 1;
    message.map_count = count;
    message.n_sources = 1;
    message.sources = sources;
    shell_send(shell, MESSAGE_SOURCES, &message.base);
}

static inline void shell_run(struct shell *shell, uint64_t attempt)
{
    Mrlua__AttemptRun run = MRLUA__ATTEMPT_RUN__INIT;

    run.attempt = attempt;
    shell_send(shell, MESSAGE_ATTEMPT_RUN, &run.base);
}

/* Writes an input and answers its path. */
static inline const char *shell_file(struct shell *shell, const char *name, const char *text)
{
    folder_write(&shell->folder, name, text, strlen(text));
    return folder_path(&shell->folder, name);
}

#endif
