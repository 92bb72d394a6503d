/*
 * segment_kit: runs in a folder, segment servers in processes of their own, a link between them and
 * a fetch that cuts or damages, and the fetch itself.
 *
 *     kit_open(&kit, maps, partitions);               runs map-0.run ...; partition 1 is empty
 *     kit_serve(&kit, 0, first, count);               worker 0 holds these maps
 *     kit_link(&kit, 0, &(struct link){...});         its port becomes that of the link
 *     rc = kit_fetch(&kit, partition);                into kit.fetched and kit.scratch
 *     kit_expect(&kit, partition);                    every byte as in the runs
 *     kit_close(&kit);
 *
 * With TEST_TLS in the environment servers and fetches speak TLS; kit.tls says so for those that
 * follow.
 */
#ifndef CTEST_WORKER_SEGMENT_KIT_H
#define CTEST_WORKER_SEGMENT_KIT_H

#include "test.h"

#include "attempt/fetch_remote.h"
#include "attempt/process.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "folder.h"
#include "record/run.h"
#include "rpc/conn.h"
#include "worker/segment_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { KIT_JOB = 7, KIT_WORKERS_MAX = 4, KIT_PROCESSES_MAX = 256, KIT_EMPTY = 1 };

/* What a link does to what a server sends. */
struct kit_link {
    uint64_t cut_after;  /* each connection ends behind so many bytes; 0: never */
    uint64_t flip_at;    /* a bit of this byte of a connection; 0: none ... */
    uint32_t flip_count; /* ... of so many connections */
};

struct kit {
    struct folder folder;
    struct keys keys;
    enum tls_use tls; /* of servers */
    uint32_t maps, partitions;
    uint32_t records; /* in each full segment */
    struct {
        uint16_t port;
        uint32_t count;
        uint64_t incarnation;
        enum tls_use tls;
    } workers[KIT_WORKERS_MAX];
    pid_t processes[KIT_PROCESSES_MAX];
    uint32_t process_count;
    struct fetch_options plan;
    uint8_t segment_key[KEY_BYTES];
    int scratch;
    struct fetched fetched;
    struct fetch_counts counts;
    uint32_t lost_count;    /* OutputLost that the shell heard */
    Mrlua__OutputLost lost; /* the last one; numbers only */
    char lost_message[ERR_MESSAGE_BYTES];
    struct err err;
};

static inline const char *kit_run_path(const struct kit *kit, uint32_t map)
{
    char name[32];

    snprintf(name, sizeof name, "map-%u.run", map);
    return folder_path(&kit->folder, name);
}

static inline uint64_t kit_attempt(uint32_t map)
{
    return 1000 + map;
}

static inline void kit_write_run(struct kit *kit, uint32_t map)
{
    struct run_id id = {.job = KIT_JOB, .attempt = kit_attempt(map), .task = map};
    int fd = open(kit_run_path(kit, map), O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct run_writer *writer =
        run_writer_open(fd, &id, kit->partitions, "a run", (struct pulse){0}, &kit->err);

    assert_non_null(writer);
    for (uint32_t partition = 0; partition < kit->partitions; partition++) {
        assert_int_equal(run_writer_begin(writer, partition, &kit->err), 0);
        for (uint32_t i = 0; partition != KIT_EMPTY && i < kit->records; i++) {
            char value[64];
            int len = snprintf(value, sizeof value, "%u/%u/%u", map, partition, i * 2654435761U);

            assert_int_equal(run_writer_append(writer, slice_of("key", 3),
                                               slice_of(value, (size_t)len), &kit->err),
                             0);
        }
    }
    assert_int_equal(run_writer_finish(writer, &kit->err), 0);
    run_writer_close(writer);
    close(fd);
}

static inline enum tls_use kit_tls(void)
{
    return getenv("TEST_TLS") ? TLS_ALWAYS : TLS_BEYOND_LOOPBACK;
}

static inline void kit_open(struct kit *kit, uint32_t maps, uint32_t partitions, uint32_t records)
{
    static const uint8_t secret[KEY_BYTES] = {1, 2, 3};

    *kit = (struct kit){.maps = maps, .partitions = partitions, .records = records, .scratch = -1};
    kit->tls = kit_tls();
    folder_make(&kit->folder);
    keys_of_secret(&kit->keys, secret);
    keys_of_job(&kit->keys, KIT_JOB, kit->segment_key);
    for (uint32_t map = 0; map < maps; map++)
        kit_write_run(kit, map);
}

static inline void kit_forget(struct kit *kit)
{
    fetch_deinit(&kit->fetched);
    io_close(&kit->scratch);
}

static inline void kit_close(struct kit *kit)
{
    kit_forget(kit);
    for (uint32_t i = 0; i < kit->process_count; i++) {
        kill(kit->processes[i], SIGKILL);
        waitpid(kit->processes[i], NULL, 0);
    }
    folder_remove(&kit->folder);
}

/* A child of this test, which ends with it. 0 in the child. */
static inline pid_t kit_fork(struct kit *kit)
{
    pid_t parent = getpid(), pid = fork();

    assert_true(pid >= 0);
    if (pid > 0) {
        assert_true(kit->process_count < KIT_PROCESSES_MAX);
        kit->processes[kit->process_count++] = pid;
    } else {
        process_follow(parent);
    }
    return pid;
}

/* ---- servers ---- */

static inline struct segment_server *kit_open_server(struct kit *kit, struct loop *loop,
                                                     uint32_t worker, uint32_t requests_max)
{
    struct segment_server_options options = {
        .listen = "127.0.0.1:0",
        .keys = &kit->keys,
        .incarnation = 100 + worker,
        .requests_max = requests_max,
        .tls = kit->tls,
    };
    struct segment_server *server = segment_server_open(loop, &options, &kit->err);

    if (!server)
        fail_msg("%s", kit->err.message);
    kit->workers[worker].incarnation = options.incarnation;
    kit->workers[worker].port = segment_server_port(server);
    return server;
}

/* Worker `worker` holds `count` maps from `first` on; its server runs in a process of its own. */
static inline void kit_serve(struct kit *kit, uint32_t worker, uint32_t first, uint32_t count)
{
    struct loop *loop;
    struct segment_server *server;
    int ends[2];

    kit->workers[worker].count = count;
    kit->workers[worker].tls = kit->tls;
    kit->workers[worker].incarnation = 100 + worker;
    assert_int_equal(pipe(ends), 0);
    if (kit_fork(kit) == 0) {
        loop = loop_open(&kit->err);
        server = kit_open_server(kit, loop, worker, 0);
        for (uint32_t map = first; map < first + count; map++)
            segment_server_hold(server, KIT_JOB, map, kit_attempt(map), kit_run_path(kit, map));
        if (write(ends[1], &kit->workers[worker].port, sizeof(uint16_t)) != sizeof(uint16_t))
            _exit(1);
        loop_run(loop, &kit->err);
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &kit->workers[worker].port, sizeof(uint16_t)), sizeof(uint16_t));
    close(ends[0]);
}

/* ---- links ---- */

static inline int kit_dial(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        _exit(1);
    return fd;
}

/* One connection, from its begin to its end, or its cut. */
static inline void kit_relay(int client, int server, const struct kit_link *link, bool flips)
{
    struct pollfd polls[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    uint64_t sent = 0;
    char bytes[4096];

    for (;;) {
        size_t room = sizeof bytes;
        ssize_t count;

        if (poll(polls, 2, -1) < 0)
            return;
        if (polls[0].revents) {
            count = read(client, bytes, sizeof bytes);
            if (count <= 0 || send(server, bytes, (size_t)count, MSG_NOSIGNAL) != count)
                return;
        }
        if (!polls[1].revents)
            continue;
        if (link->cut_after > 0 && link->cut_after - sent < room)
            room = (size_t)(link->cut_after - sent);
        count = room > 0 ? read(server, bytes, room) : 0;
        if (count <= 0)
            return;
        if (flips && link->flip_at >= sent && link->flip_at < sent + (uint64_t)count)
            bytes[link->flip_at - sent] ^= 4;
        if (send(client, bytes, (size_t)count, MSG_NOSIGNAL) != count)
            return;
        sent += (uint64_t)count;
    }
}

static inline _Noreturn void kit_run_link(int listener, uint16_t port, const struct kit_link *link)
{
    uint32_t flipped = 0;

    for (;;) {
        int client = accept(listener, NULL, NULL), server;

        if (client < 0)
            _exit(1);
        server = kit_dial(port);
        kit_relay(client, server, link, link->flip_at > 0 && flipped++ < link->flip_count);
        close(server);
        close(client);
    }
}

/* From here on worker `worker` is reached through a link, one connection at a time. */
static inline void kit_link(struct kit *kit, uint32_t worker, const struct kit_link *link)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    if (kit_fork(kit) == 0)
        kit_run_link(listener, kit->workers[worker].port, link);
    close(listener);
    kit->workers[worker].port = ntohs(address.sin_port);
}

/* ---- the fetch ---- */

static inline void kit_hear(struct kit *kit, const struct frame *frame)
{
    Mrlua__OutputLost *lost;

    if (frame->type != MESSAGE_OUTPUT_LOST)
        return;
    lost = message_unpack(&mrlua__output_lost__descriptor, frame->payload, &kit->err);
    assert_non_null(lost);
    kit->lost_count++;
    kit->lost.job = lost->job;
    kit->lost.task = lost->task;
    kit->lost.attempt = lost->attempt;
    kit->lost.worker_id = lost->worker_id;
    snprintf(kit->lost_message, sizeof kit->lost_message, "%s", lost->error->message);
    message_free(lost);
}

/* All workers as the master would list them, in `start`'s memory. */
static inline size_t kit_sources(const struct kit *kit, Mrlua__Source *sources,
                                 Mrlua__Source **list)
{
    size_t count = 0;

    for (uint32_t i = 0; i < KIT_WORKERS_MAX; i++) {
        if (kit->workers[i].count == 0)
            continue;
        mrlua__source__init(&sources[count]);
        sources[count].worker_id = i;
        sources[count].incarnation = kit->workers[i].incarnation;
        sources[count].host = "127.0.0.1";
        sources[count].port = kit->workers[i].port;
        sources[count].tls = kit->workers[i].tls;
        sources[count].count = kit->workers[i].count;
        list[count] = &sources[count];
        count++;
    }
    return count;
}

/* A shell in a process of its own: it reads until the first OutputLost, then hangs up. Otherwise
 * it would be the test that has to read while it fetches. What it hears is passed on by pipe. */
static inline int kit_shell(struct kit *kit, const int sockets[2], bool hangs_up)
{
    struct channel channel;
    struct frame frame;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    if (kit_fork(kit) > 0) {
        close(ends[1]);
        return ends[0];
    }
    close(ends[0]);
    close(sockets[0]);
    channel_init_take(&channel, sockets[1]);
    while (channel_receive(&channel, &frame, &kit->err) == 1) {
        struct buf out = {0};

        if (frame.type != MESSAGE_OUTPUT_LOST)
            continue;
        frame_encode(&out, &frame);
        if (write(ends[1], out.ptr, out.len) != (ssize_t)out.len || hangs_up)
            break;
        buf_deinit(&out);
    }
    _exit(0);
}

static inline void kit_hear_all(struct kit *kit, int heard)
{
    struct frame_decoder decoder;
    struct frame frame;
    struct err err;
    char bytes[4096];
    ssize_t count;

    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    while ((count = read(heard, bytes, sizeof bytes)) > 0) {
        frame_decoder_feed(&decoder, slice_of(bytes, (size_t)count));
        while (frame_decoder_next(&decoder, &frame, &err) == 1)
            kit_hear(kit, &frame);
    }
    frame_decoder_deinit(&decoder);
    close(heard);
}

/* Fetches `partition`; a shell that hangs up does so at the first loss it hears of. */
static inline int kit_fetch_with(struct kit *kit, uint32_t partition, bool hangs_up)
{
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    Mrlua__FetchRequest request = MRLUA__FETCH_REQUEST__INIT;
    Mrlua__Source sources[KIT_WORKERS_MAX], *list[KIT_WORKERS_MAX];
    struct channel shell;
    struct fetch_remote remote = {.start = &start, .shell = &shell, .plan = kit->plan};
    int ends[2], heard, rc;

    kit_forget(kit);
    kit->lost_count = 0;
    assert_int_equal(channel_pair(ends, &kit->err), 0);
    heard = kit_shell(kit, ends, hangs_up);
    close(ends[1]);
    channel_init_take(&shell, ends[0]);
    kit->scratch = open(folder_path(&kit->folder, "scratch"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    remote.scratch = kit->scratch;
    start.job = KIT_JOB;
    start.task = partition;
    start.attempt = 5;
    start.partition_count = kit->partitions;
    start.fetch = &request;
    request.map_count = kit->maps;
    request.sources = list;
    request.n_sources = kit_sources(kit, sources, list);
    request.segment_key = (ProtobufCBinaryData){KEY_BYTES, kit->segment_key};
    request.worker_key = (ProtobufCBinaryData){KEY_BYTES, kit->keys.role_keys[ROLE_WORKER]};
    rc = fetch_remote(&remote, &kit->fetched, &kit->err);
    kit->counts = remote.counts;
    channel_deinit(&shell);
    kit_hear_all(kit, heard);
    return rc;
}

static inline void kit_fetch(struct kit *kit, uint32_t partition)
{
    if (kit_fetch_with(kit, partition, false) != 0)
        fail_msg("%s", kit->err.message);
}

/* The table has every map that has records, in order, and its bytes are those of its run. */
static inline void kit_expect(struct kit *kit, uint32_t partition)
{
    const Mrlua__SegmentTable *table = &kit->fetched.table;
    bool is_empty = partition == KIT_EMPTY || kit->records == 0;

    assert_int_equal(table->n_segments, is_empty ? 0 : kit->maps);
    assert_int_equal(kit->fetched.records, is_empty ? 0 : (uint64_t)kit->maps * kit->records);
    for (uint32_t map = 0; map < table->n_segments; map++) {
        const Mrlua__Segment *segment = table->segments[map];
        int fd = open(kit_run_path(kit, map), O_RDONLY);
        struct stat status;
        struct run_index *index;
        char *left = mem_alloc(segment->bytes), *right = mem_alloc(segment->bytes);

        assert_int_equal(fstat(fd, &status), 0);
        index = run_index_open(fd, (uint64_t)status.st_size, ERR_INPUT, "a run", &kit->err);
        assert_non_null(index);
        assert_int_equal(segment->map, map);
        assert_int_equal(segment->attempt, kit_attempt(map));
        assert_int_equal(segment->bytes, index->segments[partition].bytes);
        assert_int_equal(pread(kit->scratch, left, segment->bytes, (off_t)segment->offset),
                         segment->bytes);
        assert_int_equal(pread(fd, right, segment->bytes, (off_t)index->segments[partition].offset),
                         segment->bytes);
        assert_memory_equal(left, right, segment->bytes);
        run_index_close(index);
        free(left);
        free(right);
        close(fd);
    }
}

#endif
