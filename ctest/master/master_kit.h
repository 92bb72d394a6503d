/*
 * master_kit: a real master in a process of its own, and a client and a worker made by the test,
 * which say what the test wants.
 *
 *     int main(int argc, char **argv)      KIT_NURSERY(argc, argv); first: the master has helpers
 *
 *     struct master_kit kit;
 *     master_kit_open(&kit);
 *     master_kit_start(&kit);                          again after master_kit_kill()
 *     user = master_kit_connect(&kit, ROLE_SUBMIT);
 *     peer_send(user, MESSAGE_JOB_LIST, 1, &list.base);
 *     answer = peer_await(user, MESSAGE_JOB_LIST_ANSWER, &mrlua__job_list_answer__descriptor);
 *     message_free(answer);
 *     master_kit_close(&kit);
 *
 * Or MASTER_TEST(name) in the list of tests: `kit` is open and its master runs when one begins.
 */
#ifndef CTEST_MASTER_MASTER_KIT_H
#define CTEST_MASTER_MASTER_KIT_H

#include "test.h"

#include "attempt/nursery.h"
#include "base/clock.h"
#include "base/mem.h"
#include "folder.h"
#include "master/master.h"
#include "rpc/blob.h"
#include "rpc/conn.h"
#include "sched/sched.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define KIT_NURSERY(argc, argv)                                                                    \
    do {                                                                                           \
        if (nursery_is_asked(argc, argv))                                                          \
            return nursery_main();                                                                 \
    } while (0)

enum { MASTER_KIT_AWAIT_MS = 20 * 1000, MASTER_KIT_PEERS_MAX = 8, PEER_HEARD_MAX = 512 };

struct heard_frame {
    uint8_t type;
    uint64_t request_id;
    struct buf payload;
};

struct kit_peer {
    struct master_kit *kit;
    struct conn *conn;
    bool is_open, is_closed;
    struct err err;
    struct heard_frame heard[PEER_HEARD_MAX];
    size_t heard_count;
};

struct master_kit {
    struct folder folder;
    struct keys keys;
    struct nursery *nursery;
    pid_t pid; /* 0: none */
    int said;  /* the port, from the master */
    uint16_t port;
    bool once;
    enum tls_use tls; /* of the master, and of who connects */
    const char *root; /* a name in the folder; NULL: none */
    const char *http; /* where its page is; NULL: it has none */
    struct loop *loop;
    struct loop_event *deadline;
    struct kit_peer *peers[MASTER_KIT_PEERS_MAX];
    size_t peer_count;
};

static inline void kit_deadline(void *context)
{
    (void)context;
    fail_msg("nothing came in time");
}

static inline void master_kit_open(struct master_kit *kit)
{
    static const uint8_t secret[KEY_BYTES] = {1, 2, 3};
    struct err err;

    *kit = (struct master_kit){.said = -1};
    kit->tls = getenv("TEST_TLS") ? TLS_ALWAYS : TLS_BEYOND_LOOPBACK;
    folder_make(&kit->folder);
    keys_of_secret(&kit->keys, secret);
    kit->nursery = nursery_start(&err);
    assert_non_null(kit->nursery);
    kit->loop = loop_open(&err);
    assert_non_null(kit->loop);
    kit->deadline = loop_timer_open(kit->loop, kit_deadline, kit);
}

static inline _Noreturn void kit_be_master(struct master_kit *kit, int said)
{
    struct master_options options = {.listen = "127.0.0.1:0",
                                     .state_folder = folder_path(&kit->folder, "state"),
                                     .root =
                                         kit->root ? folder_path(&kit->folder, kit->root) : NULL,
                                     .keys = &kit->keys,
                                     .tls = kit->tls,
                                     .http = kit->http,
                                     .once = kit->once};
    struct err err;
    struct master *master = master_open(&options, kit->nursery, &err);
    uint16_t port = master ? master_port(master) : 0;
    struct buf page = {0};
    int rc;

    if (!master)
        fprintf(stderr, "master: %s\n", err.message);
    else if (master_page_address(master, &page))
        folder_write(&kit->folder, "page", page.ptr, page.len);
    if (write(said, &port, sizeof port) != sizeof port || !master)
        _exit(3);
    rc = master_run(master, &err);
    if (rc != 0)
        fprintf(stderr, "master: %s\n", err.message);
    else if (kit->once && !master_succeeded(master))
        rc = 1;
    master_close(master);
    _exit(rc == 0 ? 0 : 1);
}

static inline void master_kit_start(struct master_kit *kit)
{
    int said[2];

    assert_int_equal(kit->pid, 0);
    assert_int_equal(pipe(said), 0);
    kit->pid = fork();
    if (kit->pid == 0) {
        close(said[0]);
        kit_be_master(kit, said[1]);
    }
    close(said[1]);
    assert_int_equal(read(said[0], &kit->port, sizeof kit->port), sizeof kit->port);
    close(said[0]);
    assert_int_not_equal(kit->port, 0);
}

/* Its exit code, or minus the signal that ended it. */
static inline int master_kit_wait(struct master_kit *kit)
{
    int status;

    while (waitpid(kit->pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    kit->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void kit_drop_peers(struct master_kit *kit)
{
    for (size_t i = 0; i < kit->peer_count; i++) {
        struct kit_peer *peer = kit->peers[i];

        if (!peer->is_closed)
            conn_close(peer->conn);
        for (size_t j = 0; j < peer->heard_count; j++)
            buf_deinit(&peer->heard[j].payload);
        free(peer);
    }
    kit->peer_count = 0;
}

static inline void master_kit_kill(struct master_kit *kit)
{
    kill(kit->pid, SIGKILL);
    assert_int_equal(master_kit_wait(kit), -SIGKILL);
    kit_drop_peers(kit);
}

static inline void master_kit_close(struct master_kit *kit)
{
    if (kit->pid)
        master_kit_kill(kit);
    kit_drop_peers(kit);
    loop_event_close(kit->deadline);
    loop_close(kit->loop);
    nursery_stop(kit->nursery);
    keys_forget(&kit->keys);
    folder_remove(&kit->folder);
}

/* ---- peers ---- */

static inline void peer_opened(void *context, struct conn *conn)
{
    struct kit_peer *peer = context;

    (void)conn;
    peer->is_open = true;
    loop_break(peer->kit->loop);
}

static inline void peer_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct kit_peer *peer = context;
    struct heard_frame *heard = &peer->heard[peer->heard_count++];

    (void)conn;
    assert_true(peer->heard_count <= PEER_HEARD_MAX);
    *heard = (struct heard_frame){.type = frame->type, .request_id = frame->request_id};
    buf_append(&heard->payload, frame->payload.ptr, frame->payload.len);
    loop_break(peer->kit->loop);
}

static inline void peer_closed(void *context, struct conn *conn, const struct err *err)
{
    struct kit_peer *peer = context;

    (void)conn;
    peer->is_closed = true;
    peer->err = *err;
    loop_break(peer->kit->loop);
}

static const struct conn_ops PEER_OPS = {
    .opened = peer_opened, .message = peer_message, .closed = peer_closed};

/* Runs the loop until something happens. */
static inline void kit_turn(struct master_kit *kit)
{
    struct err err;

    loop_timer_start(kit->deadline, MASTER_KIT_AWAIT_MS * NS_PER_MS);
    assert_int_equal(loop_run(kit->loop, &err), 0);
    loop_timer_stop(kit->deadline);
}

static inline struct kit_peer *master_kit_connect(struct master_kit *kit, enum access_role role)
{
    struct kit_peer *peer = mem_alloc(sizeof *peer);
    struct conn_options options = {.role = role, .keys = &kit->keys, .tls = kit->tls};
    char address[32];
    struct err err;

    assert_true(kit->peer_count < MASTER_KIT_PEERS_MAX);
    kit->peers[kit->peer_count++] = peer;
    peer->kit = kit;
    snprintf(address, sizeof address, "127.0.0.1:%u", kit->port);
    peer->conn = conn_connect(kit->loop, address, &options, &PEER_OPS, peer, &err);
    assert_non_null(peer->conn);
    while (!peer->is_open && !peer->is_closed)
        kit_turn(kit);
    if (peer->is_closed)
        fail_msg("connect: %s", peer->err.message);
    return peer;
}

static inline void peer_send(struct kit_peer *peer, enum message_type type, uint64_t request_id,
                             const ProtobufCMessage *message)
{
    conn_send(peer->conn, type, request_id, message);
}

/* The next message of this type that was heard; others stay. Release with message_free(). */
static inline void *peer_await(struct kit_peer *peer, enum message_type type,
                               const ProtobufCMessageDescriptor *descriptor)
{
    struct err err;

    for (;;) {
        for (size_t i = 0; i < peer->heard_count; i++) {
            void *message;

            if (peer->heard[i].type != type)
                continue;
            message = message_unpack(descriptor, buf_slice(&peer->heard[i].payload), &err);
            assert_non_null(message);
            buf_deinit(&peer->heard[i].payload);
            peer->heard_count--;
            memmove(&peer->heard[i], &peer->heard[i + 1],
                    (peer->heard_count - i) * sizeof *peer->heard);
            return message;
        }
        if (peer->is_closed)
            fail_msg("closed: %s", peer->err.message);
        kit_turn(peer->kit);
    }
}

/* ---- what is asked ---- */

static inline Mrlua__Answer *peer_await_answer(struct kit_peer *peer)
{
    return peer_await(peer, MESSAGE_ANSWER, &mrlua__answer__descriptor);
}

/* Submits a job over the file "in" of the folder, to the folder `output`. */
static inline void peer_submit(struct kit_peer *peer, const char *key, const char *output)
{
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    Mrlua__Limits limits = MRLUA__LIMITS__INIT;
    char *input = (char *)(uintptr_t)folder_path(&peer->kit->folder, "in");

    submit.idempotency_key = (char *)(uintptr_t)key;
    submit.name = (char *)(uintptr_t) "job";
    submit.inputs = &input;
    submit.n_inputs = 1;
    submit.input = (char *)(uintptr_t) "lines";
    submit.output = (char *)(uintptr_t) "tsv";
    submit.output_folder = (char *)(uintptr_t)(strncmp(output, "gs://", 5) == 0
                                                   ? output
                                                   : folder_path(&peer->kit->folder, output));
    submit.reducers = 1;
    submit.attempts = 2;
    submit.limits = &limits;
    peer_send(peer, MESSAGE_JOB_SUBMIT, 5, &submit.base);
}

/* The job's number. */
static inline uint64_t peer_submit_well(struct kit_peer *peer, const char *key, const char *output)
{
    Mrlua__Answer *answer;
    uint64_t job;

    peer_submit(peer, key, output);
    answer = peer_await_answer(peer);
    if (answer->error)
        fail_msg("%s", answer->error->message);
    job = answer->job;
    message_free(answer);
    return job;
}

static inline void peer_watch(struct kit_peer *peer, uint64_t job)
{
    Mrlua__JobWatch watch = MRLUA__JOB_WATCH__INIT;

    watch.job = job;
    peer_send(peer, MESSAGE_JOB_WATCH, 6, &watch.base);
}

/* The last event of a job that is watched. */
static inline Mrlua__JobEvent *peer_await_end(struct kit_peer *peer)
{
    for (;;) {
        Mrlua__JobEvent *event = peer_await(peer, MESSAGE_JOB_EVENT, &mrlua__job_event__descriptor);

        if (event->ended)
            return event;
        message_free(event);
    }
}

static inline Mrlua__JobInfo *peer_status(struct kit_peer *peer, uint64_t job,
                                          Mrlua__JobStatusAnswer **answer)
{
    Mrlua__JobStatus status = MRLUA__JOB_STATUS__INIT;

    status.job = job;
    peer_send(peer, MESSAGE_JOB_STATUS, 7, &status.base);
    *answer = peer_await(peer, MESSAGE_JOB_STATUS_ANSWER, &mrlua__job_status_answer__descriptor);
    assert_non_null((*answer)->info);
    return (*answer)->info;
}

/* ---- a worker ---- */

struct kit_join {
    uint64_t incarnation;
    uint64_t epoch_seen;
    uint32_t worker_id_seen;
    uint64_t job, held_attempt; /* map 0, as held; 0: none */
    uint64_t run_attempt;       /* task 0, as running; 0: none */
};

/* Returns its number; *epoch may be NULL. */
static inline uint32_t peer_join(struct kit_peer *peer, const struct kit_join *said,
                                 uint64_t *epoch)
{
    Mrlua__WorkerJoin join = MRLUA__WORKER_JOIN__INIT;
    Mrlua__HeldOutput held = MRLUA__HELD_OUTPUT__INIT, run = MRLUA__HELD_OUTPUT__INIT;
    Mrlua__HeldOutput *held_list = &held, *run_list = &run;
    Mrlua__WorkerWelcome *welcome;
    uint32_t id;

    join.incarnation = said->incarnation;
    join.slots = 1;
    join.segment_port = 9;
    join.segment_tls = TLS_NEVER;
    join.epoch_seen = said->epoch_seen;
    join.worker_id_seen = said->worker_id_seen;
    held.job = run.job = said->job;
    held.attempt = said->held_attempt;
    run.attempt = said->run_attempt;
    join.n_held = said->held_attempt != 0;
    join.held = &held_list;
    join.n_attempts = said->run_attempt != 0;
    join.attempts = &run_list;
    peer_send(peer, MESSAGE_WORKER_JOIN, 0, &join.base);
    welcome = peer_await(peer, MESSAGE_WORKER_WELCOME, &mrlua__worker_welcome__descriptor);
    id = welcome->worker_id;
    if (epoch)
        *epoch = welcome->epoch;
    message_free(welcome);
    return id;
}

static inline Mrlua__AttemptStart *peer_await_start(struct kit_peer *peer)
{
    return peer_await(peer, MESSAGE_ATTEMPT_START, &mrlua__attempt_start__descriptor);
}

/* The attempt is done: two records went through it, both of the key "a". */
static inline void peer_done(struct kit_peer *peer, uint64_t attempt, const char *path)
{
    Mrlua__AttemptDone message = MRLUA__ATTEMPT_DONE__INIT;
    Mrlua__Done done = MRLUA__DONE__INIT;
    Mrlua__Digest digest = MRLUA__DIGEST__INIT;
    Mrlua__Skew skew = MRLUA__SKEW__INIT;
    Mrlua__HotKey key = MRLUA__HOT_KEY__INIT, *keys = &key;

    key.key = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "sa"};
    key.key_bytes = 2;
    key.records = 2;
    skew.records = 2;
    skew.n_keys = 1;
    skew.keys = &keys;
    done.skew = &skew;
    digest.low = 7;
    digest.records = 2;
    done.digest = &digest;
    done.records = 2;
    done.bytes = 4;
    done.path = (char *)(uintptr_t)path;
    message.attempt = attempt;
    message.done = &done;
    peer_send(peer, MESSAGE_ATTEMPT_DONE, 0, &message.base);
}

static inline void peer_fetched(struct kit_peer *peer, uint64_t attempt)
{
    Mrlua__AttemptFetched fetched = MRLUA__ATTEMPT_FETCHED__INIT;

    fetched.attempt = attempt;
    peer_send(peer, MESSAGE_ATTEMPT_FETCHED, 0, &fetched.base);
}

static inline void peer_failed(struct kit_peer *peer, uint64_t attempt, enum err_kind kind,
                               const char *text)
{
    Mrlua__AttemptFailed failed = MRLUA__ATTEMPT_FAILED__INIT;
    Mrlua__Error error = MRLUA__ERROR__INIT;

    error.kind = (uint32_t)kind;
    error.message = (char *)(uintptr_t)text;
    failed.attempt = attempt;
    failed.error = &error;
    peer_send(peer, MESSAGE_ATTEMPT_FAILED, 0, &failed.base);
}

static inline void peer_await_heard(struct kit_peer *peer, uint64_t attempt)
{
    Mrlua__ReportHeard *heard =
        peer_await(peer, MESSAGE_REPORT_HEARD, &mrlua__report_heard__descriptor);

    assert_int_equal(heard->attempt, attempt);
    message_free(heard);
}

/* Waits for the one map and does it. Returns its attempt. */
static inline uint64_t peer_do_map(struct kit_peer *peer)
{
    Mrlua__AttemptStart *start = peer_await_start(peer);
    uint64_t attempt = start->start->attempt;

    assert_int_equal(start->start->kind, MRLUA__TASK_KIND__MAP);
    peer_done(peer, attempt, "");
    peer_await_heard(peer, attempt);
    message_free(start);
    return attempt;
}

/* Waits for the one reduce, and does it: the part is "a\t1\n". */
static inline void peer_do_reduce(struct kit_peer *peer)
{
    Mrlua__AttemptStart *start = peer_await_start(peer);
    uint64_t attempt = start->start->attempt;
    FILE *part;

    assert_int_equal(start->start->kind, MRLUA__TASK_KIND__REDUCE);
    peer_fetched(peer, attempt);
    message_free(peer_await(peer, MESSAGE_ATTEMPT_RUN, &mrlua__attempt_run__descriptor));
    peer_await_heard(peer, attempt);
    part = fopen(start->start->result_path, "wb");
    assert_non_null(part);
    assert_int_equal(fwrite("a\t1\n", 1, 4, part), 4);
    fclose(part);
    peer_done(peer, attempt, start->start->result_path);
    peer_await_heard(peer, attempt);
    message_free(start);
}

/* ---- for cmocka: every test with a master of its own, and the input "in" ---- */

static struct master_kit kit;

static inline int master_kit_set_up(void **state)
{
    (void)state;
    master_kit_open(&kit);
    folder_write(&kit.folder, "in", "a\nb\n", 4);
    master_kit_start(&kit);
    return 0;
}

static inline int master_kit_tear_down(void **state)
{
    (void)state;
    master_kit_close(&kit);
    return 0;
}

#define MASTER_TEST(name)                                                                          \
    cmocka_unit_test_setup_teardown(name, master_kit_set_up, master_kit_tear_down)

#endif
