/*
 * Whether workers are heard while strangers take every connection that a master has:
 *
 *     cmake --build build --target bench_connections && \
 *         build/ctest/bench_connections [EACH [SECONDS]]
 *
 * The master has `ulimit -n 256`, and 20 workers that send a heartbeat a second. For 20 seconds
 * 1,000 connections say nothing at all, and 1,000 more send a byte of a Hello every half second.
 * Each that is closed is opened again, at most 2,000 in a second. Meanwhile a user with a key
 * connects again and again: that may fail when everything is taken, so it has no limit here.
 *
 * With TEST_TLS in the environment all is over TLS. Those that are idle have then sent the first
 * message of a handshake but for its last byte, and the slow ones drip it.
 */
#include "bench/fleet.h"

#include "rpc/frame.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum {
    DESCRIPTORS = 256,
    WORKERS = 20,
    TICK_MS = 10,
    OPENS_PER_TICK_MAX = 20,
    SLOW_MS = 500,
    VISIT_MS = 20,
    BEAT_MS_MAX = 1000,
    LOG_LINES_PER_S_MAX = 10,
};

struct stranger {
    int fd; /* -1: to be opened */
    bool is_slow;
    size_t sent;
    uint64_t sent_ns;
};

struct user {
    struct siege *siege;
    struct conn *conn; /* NULL: between two visits */
    struct loop_event *timer;
    uint64_t begun_ns, failed_count;
    struct times times;
};

struct siege {
    struct fleet fleet;
    struct stranger *strangers;
    size_t count;
    uint64_t opened_count, cut_count;
    struct loop_event *ticker;
    struct buf hello;
    struct user user;
};

static void open_stranger(struct siege *siege, struct stranger *stranger)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(siege->fleet.kit.port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};

    stranger->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(stranger->fd >= 0);
    stranger->sent = 0;
    if (connect(stranger->fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
        errno != EINPROGRESS)
        fail_msg("connect: %s", strerror(errno));
    siege->opened_count++;
}

static void close_stranger(struct stranger *stranger)
{
    if (stranger->fd >= 0)
        close(stranger->fd);
    stranger->fd = -1;
}

static bool is_cut(const struct stranger *stranger)
{
    char byte;
    ssize_t rc = recv(stranger->fd, &byte, 1, MSG_DONTWAIT);

    return rc == 0 || (rc < 0 && errno != EAGAIN && errno != ENOTCONN);
}

static void drip(struct siege *siege, struct stranger *stranger, uint64_t now_ns)
{
    if (!stranger->is_slow || now_ns - stranger->sent_ns < SLOW_MS * NS_PER_MS ||
        stranger->sent == siege->hello.len)
        return;
    stranger->sent_ns = now_ns;
    stranger->sent +=
        send(stranger->fd, siege->hello.ptr + stranger->sent, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* All but the last byte of the hello at once: a master has made what it makes of it. */
static void begin_idle(struct siege *siege, struct stranger *stranger)
{
    ssize_t count;

    if (siege->fleet.kit.tls != TLS_ALWAYS || stranger->is_slow || stranger->sent > 0)
        return;
    count = send(stranger->fd, siege->hello.ptr, siege->hello.len - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    stranger->sent = count > 0 ? (size_t)count : 0; /* still connecting: at the next tick */
}

static void on_tick(void *context)
{
    struct siege *siege = context;
    uint64_t now_ns = clock_monotonic_ns();
    size_t opens = 0;

    for (size_t i = 0; i < siege->count; i++) {
        struct stranger *stranger = &siege->strangers[i];

        if (stranger->fd >= 0 && is_cut(stranger)) {
            close_stranger(stranger);
            siege->cut_count++;
        }
        if (stranger->fd >= 0) {
            begin_idle(siege, stranger);
            drip(siege, stranger, now_ns);
        } else if (opens++ < OPENS_PER_TICK_MAX) {
            open_stranger(siege, stranger);
        }
    }
    loop_timer_start(siege->ticker, TICK_MS * NS_PER_MS);
}

/* ---- a user who comes and goes ---- */

static void leave(struct user *user)
{
    user->conn = NULL;
    loop_timer_start(user->timer, VISIT_MS * NS_PER_MS);
}

static void on_opened(void *context, struct conn *conn)
{
    struct user *user = context;

    times_add(&user->times, clock_monotonic_ns() - user->begun_ns);
    conn_close(conn);
    leave(user);
}

static void on_closed(void *context, struct conn *conn, const struct err *err)
{
    struct user *user = context;

    (void)conn, (void)err;
    user->failed_count++;
    leave(user);
}

static const struct conn_ops OPS = {.opened = on_opened, .closed = on_closed};

static void come(void *context)
{
    struct user *user = context;

    user->begun_ns = clock_monotonic_ns();
    user->conn = fleet_connect(&user->siege->fleet, ROLE_READ, &OPS, user);
}

/* ---- the siege ---- */

static uint64_t log_lines(const struct fleet *fleet)
{
    FILE *log = fopen(folder_path(&fleet->kit.folder, "log"), "rb");
    uint64_t lines = 0;
    int byte;

    assert_non_null(log);
    while ((byte = fgetc(log)) != EOF)
        lines += byte == '\n';
    fclose(log);
    return lines;
}

static size_t take_nothing(void *context, void *out, size_t max)
{
    (void)context, (void)out, (void)max;
    return 0;
}

static void put_hello(void *context, const void *bytes, size_t len)
{
    buf_append(context, bytes, len);
}

/* What a client says first. */
static void make_hello(struct buf *hello, bool is_tls)
{
    const struct frame frame = {.type = MESSAGE_HELLO, .payload = slice_of_string("0123456789")};
    const struct tls_io io = {.take = take_nothing, .put = put_hello, .context = hello};
    const uint8_t key[KEY_BYTES] = {0};
    struct tls *tls;
    struct err err;

    if (!is_tls) {
        frame_encode(hello, &frame);
        return;
    }
    tls = tls_open_client(ROLE_WORKER, key, &io);
    assert_int_equal(tls_handshake(tls, &err), 0);
    tls_close(tls);
}

static void siege_open(struct siege *siege, size_t each)
{
    *siege = (struct siege){.count = 2 * each};
    siege->strangers = mem_alloc_array(siege->count, sizeof *siege->strangers);
    for (size_t i = 0; i < siege->count; i++)
        siege->strangers[i] = (struct stranger){.fd = -1, .is_slow = i % 2};
    siege->user.siege = siege;
    fleet_open(&siege->fleet, DESCRIPTORS, NULL);
    make_hello(&siege->hello, siege->fleet.kit.tls == TLS_ALWAYS);
    siege->ticker = loop_timer_open(siege->fleet.kit.loop, on_tick, siege);
    siege->user.timer = loop_timer_open(siege->fleet.kit.loop, come, &siege->user);
    fleet_join(&siege->fleet, WORKERS, 1);
}

static void siege_close(struct siege *siege)
{
    loop_event_close(siege->ticker);
    for (size_t i = 0; i < siege->count; i++)
        close_stranger(&siege->strangers[i]);
    conn_close(siege->user.conn);
    loop_event_close(siege->user.timer);
    fleet_close(&siege->fleet);
    free(siege->strangers);
    free(siege->user.times.ns);
    buf_deinit(&siege->hello);
}

int main(int argc, char **argv)
{
    size_t each = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    uint64_t seconds = argc > 2 ? strtoul(argv[2], NULL, 10) : 20, begun_ns, lines;
    struct siege siege;
    struct fleet *fleet = &siege.fleet;
    double took, beat_ms, lines_per_s;

    KIT_NURSERY(argc, argv);
    siege_open(&siege, each);
    lines = log_lines(fleet);
    begun_ns = clock_monotonic_ns();
    on_tick(&siege);
    come(&siege.user);
    fleet_beat(fleet, WORKERS);
    fleet_await(fleet, &fleet->beaten, WORKERS * seconds);
    fleet_beat_end(fleet);
    took = seconds_since(begun_ns);
    lines_per_s = (double)(log_lines(fleet) - lines) / took;
    printf("%zu idle and %zu slow connections, ulimit -n %d, %.1f s\n", each, each, DESCRIPTORS,
           took);
    printf("%-36s %8llu  cut %llu\n", "connections opened", (unsigned long long)siege.opened_count,
           (unsigned long long)siege.cut_count);
    times_print("heartbeats", &fleet->early_beats); /* no job ever starts */
    times_print("a user connects", &siege.user.times);
    printf("%-36s %8llu\n", "a user is refused", (unsigned long long)siege.user.failed_count);
    printf("%-36s %8.1f\n", "lines of the log in a second", lines_per_s);
    printf("%-36s %8llu\n", "workers cut", (unsigned long long)fleet->closed_count);
    beat_ms = times_percentile(&fleet->early_beats, 99);
    siege_close(&siege);
    return fleet->closed_count == 0 && beat_ms > 0 && beat_ms < BEAT_MS_MAX &&
                   lines_per_s < LOG_LINES_PER_S_MAX
               ? 0
               : 1;
}
