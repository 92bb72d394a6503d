#include "attempt/fetch_remote.h"

#include "attempt/files.h"
#include "attempt/kit.h"
#include "attempt/process.h"
#include "base/clock.h"
#include "record/run.h"
#include "rpc/listener.h"

#include <signal.h>
#include <sys/wait.h>

enum { INCARNATION = 77 };

static enum tls_use fake_tls(void)
{
    return getenv("TEST_TLS") ? TLS_ALWAYS : TLS_BEYOND_LOOPBACK;
}

/* ---- a segment server that is made up: it serves the kit's maps, and misbehaves once ---- */

enum fake_mode {
    FAKE_GOOD,
    FAKE_OTHER_REQUEST,
    FAKE_OTHER_MESSAGE,
    FAKE_SILENT_END,
    FAKE_NO_STATE
};

struct fake {
    enum fake_mode mode;
    uint32_t misbehave_count;
    struct listener *listener;
    struct keys keys;
};

static struct fake fake;
static pid_t fake_pid;
static uint16_t fake_port;

static void fake_segment(struct conn *conn, const Mrlua__SegmentFetch *fetch, uint64_t id,
                         uint32_t map)
{
    Mrlua__SegmentHead head = MRLUA__SEGMENT_HEAD__INIT;
    const Mrlua__MapOutput *output = &kit.maps[map];
    int fd = open(output->path, O_RDONLY);
    struct run_index *index;
    struct stat status;
    struct err err;

    if (fstat(fd, &status) != 0)
        _exit(1);
    index = run_index_open(fd, (uint64_t)status.st_size, ERR_PEER, "a run", &err);
    if (!index)
        _exit(1);
    head.map = map;
    head.attempt = output->attempt;
    head.sequence = map;
    head.incarnation = INCARNATION;
    head.records = index->segments[fetch->partition].record_count;
    head.bytes = index->segments[fetch->partition].bytes;
    head.offset = map == fetch->from_sequence ? fetch->offset : 0;
    head.state =
        head.records > 0 ? MRLUA__SEGMENT_STATE__SEGMENT_DATA : MRLUA__SEGMENT_STATE__SEGMENT_EMPTY;
    conn_send(conn, MESSAGE_SEGMENT_HEAD, id, &head.base);
    if (head.records > 0)
        conn_send_file_take(conn, fd, index->segments[fetch->partition].offset + head.offset,
                            head.bytes - head.offset);
    else
        close(fd);
    run_index_close(index);
}

static void fake_answer(struct conn *conn, const struct frame *frame, Mrlua__SegmentState state)
{
    Mrlua__SegmentFetch *fetch;
    Mrlua__SegmentHead end = MRLUA__SEGMENT_HEAD__INIT;
    struct err err;

    fetch = message_unpack(&mrlua__segment_fetch__descriptor, frame->payload, &err);
    for (uint32_t map = (uint32_t)fetch->from_sequence; map < kit.map_count; map++)
        fake_segment(conn, fetch, frame->request_id, map);
    end.state = state;
    end.sequence = kit.map_count;
    end.incarnation = INCARNATION;
    conn_send(conn, MESSAGE_SEGMENT_HEAD, frame->request_id, &end.base);
    message_free(fetch);
}

static void fake_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct frame other = *frame;
    Mrlua__Answer answer = MRLUA__ANSWER__INIT;

    (void)context;
    if (fake.misbehave_count == 0 || fake.misbehave_count-- == 0)
        fake.mode = FAKE_GOOD;
    switch (fake.mode) {
    case FAKE_GOOD:
        fake_answer(conn, frame, MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE);
        break;
    case FAKE_OTHER_REQUEST:
        other.request_id++;
        fake_answer(conn, &other, MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE);
        break;
    case FAKE_OTHER_MESSAGE:
        conn_send(conn, MESSAGE_ANSWER, frame->request_id, &answer.base);
        break;
    case FAKE_SILENT_END:
        conn_close(conn);
        break;
    case FAKE_NO_STATE:
        fake_answer(conn, frame, (Mrlua__SegmentState)99);
        break;
    }
}

static void fake_closed(void *context, struct conn *conn, const struct err *err)
{
    (void)context;
    (void)conn;
    (void)err;
}

static const struct conn_ops fake_ops = {.message = fake_message, .closed = fake_closed};

static void fake_keys(void)
{
    static const uint8_t secret[KEY_BYTES] = {9};

    keys_of_secret(&fake.keys, secret);
}

static void fake_start(enum fake_mode mode)
{
    struct listener_options options = {
        .conn = {.keys = &fake.keys,
                 .roles_accepted = ROLE_BIT(ROLE_WORKER),
                 .epoch = INCARNATION,
                 .tls = fake_tls()},
    };
    pid_t parent = getpid();
    struct loop *loop;
    int ends[2];

    fake_keys();
    assert_int_equal(pipe(ends), 0);
    fake_pid = fork();
    if (fake_pid == 0) {
        process_follow(parent);
        fake.mode = mode;
        fake.misbehave_count = mode == FAKE_GOOD ? 0 : 2;
        loop = loop_open(&kit.err);
        fake.listener = listener_open(loop, "127.0.0.1:0", &options, &fake_ops, NULL, &kit.err);
        fake_port = listener_port(fake.listener);
        if (write(ends[1], &fake_port, sizeof fake_port) == sizeof fake_port)
            loop_run(loop, &kit.err);
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &fake_port, sizeof fake_port), sizeof fake_port);
    close(ends[0]);
}

static void fake_stop(void)
{
    kill(fake_pid, SIGKILL);
    waitpid(fake_pid, NULL, 0);
}

/* ---- a fetching reduce ---- */

struct wanted {
    Mrlua__FetchRequest request;
    Mrlua__Source source, *sources[1];
    uint8_t segment_key[KEY_BYTES];
};

/* The reduce of partition 0 of all maps of the kit, which one worker holds. */
static void want(struct wanted *wanted)
{
    mrlua__fetch_request__init(&wanted->request);
    mrlua__source__init(&wanted->source);
    keys_of_job(&fake.keys, kit.start.job, wanted->segment_key);
    wanted->request.map_count = kit.map_count;
    wanted->request.segment_key = (ProtobufCBinaryData){KEY_BYTES, wanted->segment_key};
    wanted->request.worker_key = (ProtobufCBinaryData){KEY_BYTES, fake.keys.role_keys[ROLE_WORKER]};
    wanted->request.sources = wanted->sources;
    wanted->sources[0] = &wanted->source;
    wanted->request.n_sources = 1;
    wanted->source.worker_id = 3;
    wanted->source.incarnation = INCARNATION;
    wanted->source.host = "127.0.0.1";
    wanted->source.port = fake_port;
    wanted->source.tls = fake_tls();
    wanted->source.count = kit.map_count;
    kit.start.fetch = &wanted->request;
    kit.start.kind = MRLUA__TASK_KIND__REDUCE;
    kit.start.task = 0;
}

static void make_maps(void)
{
    kit_job(&kit, "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum' }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "a.txt", "x\ny\n")));
    kit_must(&kit, kit_map(&kit, 1, kit_file(&kit, "b.txt", "")));
    kit_must(&kit, kit_map(&kit, 2, kit_file(&kit, "c.txt", "y\nz\n")));
}

/* A worker that is not what it should be is asked again; in the end all is here, in map order. */
static void test_misbehaviour(void **state)
{
    (void)state;
    make_maps();
    for (int mode = FAKE_GOOD; mode <= FAKE_NO_STATE; mode++) {
        struct wanted wanted;
        struct channel shell;
        struct fetched fetched;
        struct fetch_remote remote = {.start = &kit.start, .shell = &shell};
        int ends[2];

        fake_start((enum fake_mode)mode);
        want(&wanted);
        assert_int_equal(channel_pair(ends, &kit.err), 0);
        channel_init_take(&shell, ends[0]);
        remote.plan.retry_ns_min = NS_PER_MS;
        remote.scratch = files_scratch(kit.folder.path, &kit.err);
        if (fetch_remote(&remote, &fetched, &kit.err) != 0)
            fail_msg("%s", kit.err.message);
        assert_int_equal(fetched.records, 4);
        assert_int_equal(fetched.table.n_segments, 2);
        assert_int_equal(fetched.table.segments[0]->map, 0);
        assert_int_equal(fetched.table.segments[1]->map, 2);
        assert_int_equal(fetched.table.bytes,
                         fetched.table.segments[0]->bytes + fetched.table.segments[1]->bytes);
        fetch_deinit(&fetched);
        close(remote.scratch);
        channel_deinit(&shell);
        close(ends[1]);
        fake_stop();
    }
    kit.start.fetch = NULL;
}

/* What ends it: its disk, its shell, words that make no sense, missing keys. */
static void test_ends(void **state)
{
    static const enum err_kind kinds[] = {ERR_DISK, ERR_RETRY, ERR_RETRY, ERR_SETUP};

    (void)state;
    make_maps();
    fake_start(FAKE_GOOD);
    for (int i = 0; i < 4; i++) {
        struct wanted wanted;
        struct channel shell, other;
        struct fetched fetched;
        struct fetch_remote remote = {.start = &kit.start, .shell = &shell};
        int ends[2];

        want(&wanted);
        assert_int_equal(channel_pair(ends, &kit.err), 0);
        channel_init_take(&shell, ends[0]);
        channel_init_take(&other, ends[1]);
        remote.scratch = open("/dev/full", O_WRONLY);
        if (i == 1 || i == 2)
            wanted.source.count = 0; /* nobody holds a map yet */
        if (i == 1)
            channel_deinit(&other);
        if (i == 2)
            assert_int_equal(channel_send(&other, MESSAGE_RUN, NULL, &kit.err), 0);
        if (i == 3)
            wanted.request.segment_key.len = 0;
        assert_int_equal(fetch_remote(&remote, &fetched, &kit.err), -1);
        assert_int_equal(kit.err.kind, kinds[i]);
        assert_int_equal(remote.shell_is_gone, i == 1);
        fetch_deinit(&fetched);
        close(remote.scratch);
        channel_deinit(&shell);
        if (i != 1)
            channel_deinit(&other);
    }
    fake_stop();
    kit.start.fetch = NULL;
}

/* ---- a whole attempt ---- */

/* Reads on until a message of that type; the others must be Progress or Started. */
static void await(struct attempt *attempt, uint8_t type)
{
    struct frame frame;
    int rc;

    while ((rc = attempt_read(attempt, &frame, &kit.err)) >= 0) {
        struct pollfd poll_attempt = {.fd = attempt->fd, .events = POLLIN};

        if (rc == 0)
            poll(&poll_attempt, 1, -1);
        else if (frame.type == type)
            return;
        else
            assert_true(frame.type == MESSAGE_PROGRESS || frame.type == MESSAGE_STARTED);
    }
    fail_msg("%s", kit.err.message);
}

static void sources_of(Mrlua__Sources *sources, struct wanted *wanted)
{
    mrlua__sources__init(sources);
    sources->job = kit.start.job;
    sources->map_count = kit.map_count;
    sources->sources = wanted->sources;
    sources->n_sources = 1;
}

/* A reduce that starts before any map has ended: it is told of a worker that nobody answers for,
 * tells so, then of the right one; says Fetched; and runs when it is told to. */
static void test_attempt(void **state)
{
    struct attempt attempt;
    struct wanted wanted;
    Mrlua__Sources sources;

    (void)state;
    make_maps();
    fake_start(FAKE_GOOD);
    want(&wanted);
    sources_of(&sources, &wanted);
    snprintf(kit.result_path, sizeof kit.result_path, "%s/part", kit.folder.path);
    kit.start.result_path = kit.result_path;
    kit.start.attempt = 500;
    kit.start.waits_when_fetched = true;
    wanted.request.n_sources = 0;
    assert_int_equal(attempt_start(kit.nursery, &kit.start, &attempt, &kit.err), 0);
    await(&attempt, MESSAGE_PROGRESS);
    wanted.source.port = 1;
    attempt_sources(&attempt, &sources);
    await(&attempt, MESSAGE_OUTPUT_LOST);
    wanted.source.port = fake_port;
    for (int i = 0; i < 5000; i++) /* more than a socket holds: only the newest matters */
        attempt_sources(&attempt, &sources);
    await(&attempt, MESSAGE_FETCHED);
    attempt_sources(&attempt, &sources); /* late */
    assert_int_equal(attempt_run(&attempt, &kit.err), 0);
    attempt_sources(&attempt, &sources);
    await(&attempt, MESSAGE_DONE);
    attempt_end(&attempt);
    attempt_sources(&attempt, &sources); /* nobody minds */
    kit_expect(&kit, "x\t1\ny\t2\nz\t1\n");
    fake_stop();
    kit.start.fetch = NULL;
}

/* One that is killed while it fetches leaves nothing. */
static void test_killed(void **state)
{
    struct attempt attempt;
    struct wanted wanted;

    (void)state;
    make_maps();
    fake_keys();
    want(&wanted);
    wanted.request.n_sources = 0;
    snprintf(kit.result_path, sizeof kit.result_path, "%s/part", kit.folder.path);
    kit.start.result_path = kit.result_path;
    kit.start.attempt = 500;
    assert_int_equal(attempt_start(kit.nursery, &kit.start, &attempt, &kit.err), 0);
    await(&attempt, MESSAGE_PROGRESS);
    attempt_end(&attempt);
    assert_int_not_equal(access(kit.result_path, F_OK), 0);
    kit.start.fetch = NULL;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_misbehaviour),
        KIT_TEST(test_ends),
        KIT_TEST(test_attempt),
        KIT_TEST(test_killed),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
