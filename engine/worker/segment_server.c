#include "worker/segment_server.h"

#include "base/log.h"
#include "base/mem.h"
#include "rpc/listener.h"
#include "worker/segment_runs.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum peer_state {
    PEER_ASKS,   /* the next message is a request */
    PEER_SERVED, /* heads and files are on their way */
    PEER_ENDS,   /* the last head is queued */
};

/* Somebody who fetches. */
struct peer {
    struct segment_server *server;
    struct conn *conn;
    struct peer *next, **link;
    enum peer_state state;
    uint64_t job, sequence, offset, request_id;
    uint32_t partition, left;
    uint32_t files_queued; /* since all was sent the last time */
};

struct segment_server {
    struct segment_server_options options;
    struct listener *listener;
    struct segment_runs *runs;
    struct peer *peers;
    struct segment_server_counts counts;
};

/* ---- answers ---- */

static void send_head(struct peer *peer, Mrlua__SegmentHead *head)
{
    head->incarnation = peer->server->options.incarnation;
    head->job = peer->job;
    head->partition = peer->partition;
    conn_send(peer->conn, MESSAGE_SEGMENT_HEAD, peer->request_id, &head->base);
}

static void end_request(struct peer *peer, Mrlua__SegmentHead *head)
{
    send_head(peer, head);
    peer->state = PEER_ENDS;
}

static void answer_busy(struct peer *peer)
{
    Mrlua__SegmentHead head = MRLUA__SEGMENT_HEAD__INIT;

    head.state = MRLUA__SEGMENT_STATE__SEGMENT_BUSY;
    head.retry_after_ms = SEGMENT_BUSY_MS;
    peer->server->counts.busy++;
    end_request(peer, &head);
}

static void answer_unknown(struct peer *peer)
{
    Mrlua__SegmentHead head = MRLUA__SEGMENT_HEAD__INIT;

    head.state = MRLUA__SEGMENT_STATE__SEGMENT_UNKNOWN;
    peer->server->counts.unknown++;
    end_request(peer, &head);
}

static void answer_no_more(struct peer *peer, bool has_more)
{
    Mrlua__SegmentHead head = MRLUA__SEGMENT_HEAD__INIT;

    head.state = MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE;
    head.sequence = peer->sequence;
    head.has_more = has_more;
    end_request(peer, &head);
}

/* The run at peer->sequence cannot be read. The worker may forget it while it hears so. */
static void answer_lost(struct peer *peer, struct segment_run *run, const struct err *err)
{
    struct segment_server *server = peer->server;
    Mrlua__SegmentHead head = MRLUA__SEGMENT_HEAD__INIT;
    bool is_news = !run->is_lost;

    run->is_lost = true;
    head.state = MRLUA__SEGMENT_STATE__SEGMENT_UNKNOWN;
    head.map = run->map;
    head.attempt = run->attempt;
    head.sequence = peer->sequence;
    send_head(peer, &head);
    if (!is_news)
        return;
    server->counts.lost++;
    log_event(SEVERITY_WARNING, "segment_lost", log_number("job", peer->job),
              log_task("map", head.map), log_number("attempt", head.attempt),
              log_text("reason", err->message));
    if (server->options.lost)
        server->options.lost(server->options.context, peer->job, head.map, head.attempt, err);
}

static void answer_segment(struct peer *peer, const struct segment_run *run,
                           const struct segment_found *found)
{
    struct segment_server_counts *counts = &peer->server->counts;
    Mrlua__SegmentHead head = MRLUA__SEGMENT_HEAD__INIT;
    uint64_t bytes = found->extent.bytes;

    head.map = run->map;
    head.attempt = run->attempt;
    head.sequence = peer->sequence;
    head.state = MRLUA__SEGMENT_STATE__SEGMENT_EMPTY;
    if (found->fd >= 0) {
        head.state = MRLUA__SEGMENT_STATE__SEGMENT_DATA;
        head.records = found->extent.record_count;
        head.bytes = bytes;
        head.offset = peer->offset <= bytes ? peer->offset : 0;
    }
    send_head(peer, &head);
    if (found->fd < 0) {
        counts->empty++;
        return;
    }
    conn_send_file_take(peer->conn, found->fd, found->extent.offset + head.offset,
                        bytes - head.offset);
    peer->files_queued++;
    counts->segments++;
    counts->bytes += bytes - head.offset;
}

/* The head of the next run, or the end of the answer. */
static void serve_one(struct peer *peer)
{
    struct segment_server *server = peer->server;
    struct segment_job *job = segment_runs_job(server->runs, peer->job);
    uint64_t asked = peer->sequence;
    struct segment_run *run = job ? segment_job_next(job, &peer->sequence) : NULL;
    struct segment_found found;
    struct err err;
    int rc;

    if (!job) {
        answer_unknown(peer);
        return;
    }
    if (!run || peer->left == 0) {
        answer_no_more(peer, run != NULL);
        return;
    }
    if (peer->sequence != asked) /* what was cut is not held any more */
        peer->offset = 0;
    rc = segment_run_open(server->runs, job, run, peer->partition, &found, &err);
    if (rc == 0) {
        answer_busy(peer);
        return;
    }
    if (rc == 1)
        answer_segment(peer, run, &found);
    else
        answer_lost(peer, run, &err);
    peer->sequence++;
    peer->offset = 0;
    peer->left--;
}

/* As much as may wait on the connection; goes on when that is sent. */
static void serve(struct peer *peer)
{
    while (peer->state == PEER_SERVED && peer->files_queued < SEGMENT_FILES_QUEUED &&
           conn_output_bytes(peer->conn) < SEGMENT_BYTES_QUEUED)
        serve_one(peer);
}

/* ---- requests ---- */

static void leave(struct peer *peer)
{
    if (peer->state != PEER_ASKS)
        peer->server->counts.serving--;
    peer->state = PEER_ASKS;
}

static void forget_peer(struct peer *peer)
{
    leave(peer);
    *peer->link = peer->next;
    if (peer->next)
        peer->next->link = peer->link;
    free(peer);
}

static void hang_up(struct peer *peer, const char *why)
{
    peer->server->counts.refused++;
    log_event(SEVERITY_WARNING, "segment_refused", log_text("peer", conn_peer(peer->conn)),
              log_text("reason", why));
    conn_close(peer->conn);
    forget_peer(peer);
}

static bool is_proved(const struct peer *peer, const Mrlua__SegmentFetch *fetch)
{
    struct segment_claim claim = {.job = fetch->job,
                                  .partition = fetch->partition,
                                  .incarnation = fetch->incarnation,
                                  .from_sequence = fetch->from_sequence,
                                  .offset = fetch->offset};
    uint8_t key[KEY_BYTES];
    bool is_good;

    keys_of_job(peer->server->options.keys, fetch->job, key);
    is_good = keys_check_segment(key, conn_binding(peer->conn), &claim, fetch->proof.data,
                                 fetch->proof.len);
    explicit_bzero(key, sizeof key);
    return is_good;
}

static void begin(struct peer *peer, const Mrlua__SegmentFetch *fetch, uint64_t request_id)
{
    struct segment_server *server = peer->server;

    server->counts.requests++;
    server->counts.serving++;
    peer->state = PEER_SERVED;
    peer->request_id = request_id;
    peer->job = fetch->job;
    peer->partition = fetch->partition;
    peer->sequence = fetch->from_sequence;
    peer->offset = fetch->offset;
    peer->left = fetch->count_max > 0 && fetch->count_max < SEGMENT_COUNT_MAX ? fetch->count_max
                                                                              : SEGMENT_COUNT_MAX;
    if (server->counts.serving > server->options.requests_max)
        answer_busy(peer);
    else if (fetch->incarnation != server->options.incarnation)
        answer_unknown(peer);
    else
        serve(peer);
}

static void on_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct peer *peer = context;
    Mrlua__SegmentFetch *fetch = NULL;
    struct err err;

    if (peer->state == PEER_ENDS && conn_output_bytes(conn) == 0)
        leave(peer); /* it has all, we were not told yet */
    if (frame->type != MESSAGE_SEGMENT_FETCH || peer->state != PEER_ASKS) {
        hang_up(peer, "not a request");
        return;
    }
    fetch = message_unpack(&mrlua__segment_fetch__descriptor, frame->payload, &err);
    if (fetch && is_proved(peer, fetch))
        begin(peer, fetch, frame->request_id);
    else
        hang_up(peer, fetch ? "it does not hold the job's key" : err.message);
    message_free(fetch);
}

static void on_drained(void *context, struct conn *conn)
{
    struct peer *peer = context;

    (void)conn;
    peer->files_queued = 0;
    if (peer->state == PEER_ENDS)
        leave(peer);
    else
        serve(peer);
}

static void on_closed(void *context, struct conn *conn, const struct err *err)
{
    (void)conn;
    (void)err;
    forget_peer(context);
}

static void on_opened(void *context, struct conn *conn)
{
    struct segment_server *server = context;
    struct peer *peer = mem_alloc(sizeof *peer);

    peer->server = server;
    peer->conn = conn;
    peer->next = server->peers;
    peer->link = &server->peers;
    if (peer->next)
        peer->next->link = &peer->next;
    server->peers = peer;
    conn_set_context(conn, peer);
}

static const struct conn_ops server_ops = {
    .opened = on_opened,
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- the server ---- */

/* So many that their files leave descriptors for everything else. */
static uint32_t requests_allowed(void)
{
    struct rlimit limit;
    uint64_t allowed = SEGMENT_REQUESTS_MAX;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur / 8 / SEGMENT_FILES_QUEUED < allowed)
        allowed = limit.rlim_cur / 8 / SEGMENT_FILES_QUEUED;
    return allowed > 0 ? (uint32_t)allowed : 1;
}

struct segment_server *segment_server_open(struct loop *loop,
                                           const struct segment_server_options *options,
                                           struct err *err)
{
    struct segment_server *server = mem_alloc(sizeof *server);
    struct listener_options listener = {
        .conn = {.keys = options->keys,
                 .tls = options->tls,
                 .roles_accepted = ROLE_BIT(ROLE_WORKER),
                 .epoch = options->incarnation},
        .key_is_given = options->key_is_given,
    };

    server->options = *options;
    server->options.listen = NULL;
    if (server->options.requests_max == 0)
        server->options.requests_max = requests_allowed();
    server->runs = segment_runs_open(SEGMENT_INDEX_BYTES_MAX);
    server->listener = listener_open(loop, options->listen, &listener, &server_ops, server, err);
    if (server->listener)
        return server;
    segment_server_close(server);
    return NULL;
}

void segment_server_close(struct segment_server *server)
{
    if (!server)
        return;
    while (server->peers) {
        conn_close(server->peers->conn);
        forget_peer(server->peers);
    }
    listener_close(server->listener);
    segment_runs_close(server->runs);
    free(server);
}

const char *segment_server_address(const struct segment_server *server)
{
    return listener_address(server->listener);
}

uint16_t segment_server_port(const struct segment_server *server)
{
    return listener_port(server->listener);
}

void segment_server_hold(struct segment_server *server, uint64_t job, uint32_t map,
                         uint64_t attempt, const char *path)
{
    segment_runs_add(server->runs, job, map, attempt, path);
}

void segment_server_forget(struct segment_server *server, uint64_t job, uint64_t attempt)
{
    segment_runs_forget(server->runs, job, attempt);
}

void segment_server_forget_job(struct segment_server *server, uint64_t job)
{
    segment_runs_forget_job(server->runs, job);
}

uint32_t segment_server_count(const struct segment_server *server, uint64_t id)
{
    const struct segment_job *job = segment_runs_job(server->runs, id);

    return job ? job->held : 0;
}

const struct segment_server_counts *segment_server_counts(struct segment_server *server)
{
    server->counts.index_bytes = segment_runs_index_bytes(server->runs);
    return &server->counts;
}
