#include "attempt/fetch_remote.h"

#include "attempt/attempt.h"
#include "attempt/piece.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "record/segment_check.h"
#include "rpc/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The connection to one source, and what comes over it. */
struct link {
    struct fetch *fetch;
    struct fetch_step ask; /* the last one: the request in hand */
    struct conn *conn;     /* NULL: none */
    bool is_open, waits_for_answer;
    struct err err; /* why it could not be reached */

    enum fetch_use use; /* of the bytes that come */
    uint64_t left;      /* of them */
    struct fetch_place place;
    struct piece piece; /* of the segment that is taken, and its ... */
    uint64_t records;
    struct segment_check check;
};

struct fetch {
    struct fetch_remote *remote;
    struct loop *loop;
    struct loop_event *shell_event, *wake, *progress;
    struct keys keys;
    struct fetch_plan *plan;
    struct link **links; /* by source */
    uint32_t link_count;
    bool has_failed;
    struct err failure;
};

static void fail(struct fetch *fetch, const struct err *err)
{
    if (!fetch->has_failed)
        fetch->failure = *err;
    fetch->has_failed = true;
    loop_break(fetch->loop);
}

/* ---- words to the shell ---- */

static void tell(struct fetch *fetch, enum message_type type, const ProtobufCMessage *message)
{
    struct err err;

    if (channel_send(fetch->remote->shell, type, message, &err) == 0)
        return;
    fetch->remote->shell_is_gone = true;
    fail(fetch, &err);
}

static void tell_progress(void *context)
{
    struct fetch *fetch = context;
    const struct fetch_counts *counts = fetch_plan_counts(fetch->plan);
    uint32_t map_count = fetch->remote->start->fetch->map_count;
    Mrlua__Progress progress = MRLUA__PROGRESS__INIT;

    progress.phase = "fetch";
    progress.bytes_in = counts->bytes;
    progress.records_in = counts->records;
    progress.fraction = map_count > 0 ? (double)counts->maps_here / map_count : 1;
    progress.moved = true;
    tell(fetch, MESSAGE_PROGRESS, &progress.base);
    loop_timer_start(fetch->progress, ATTEMPT_PROGRESS_MS * NS_PER_MS);
}

static void tell_lost(struct fetch *fetch, const struct fetch_step *step)
{
    const struct link *link = fetch->links[step->source];
    Mrlua__OutputLost lost = MRLUA__OUTPUT_LOST__INIT;
    Mrlua__Error error;
    struct err err;

    if (step->kind == FETCH_LOST)
        err_set(&err, ERR_PEER, "the segment of map %u attempt %llu cannot be had from worker %u",
                step->map, (unsigned long long)step->attempt, step->worker_id);
    else if (link->err.kind != ERR_NONE)
        err_set(&err, ERR_PEER, "worker %u cannot be reached: %s", step->worker_id,
                link->err.message);
    else
        err_set(&err, ERR_PEER, "worker %u knows nothing of this job", step->worker_id);
    message_of_err(&error, &err, NULL);
    error.peer_map = step->map;
    error.peer_attempt = step->attempt;
    lost.job = fetch->remote->start->job;
    lost.task = step->map;
    lost.attempt = step->attempt;
    lost.worker_id = step->worker_id;
    lost.error = &error;
    tell(fetch, MESSAGE_OUTPUT_LOST, &lost.base);
}

/* ---- requests ---- */

static void send_request(struct link *link)
{
    const Mrlua__TaskStart *start = link->fetch->remote->start;
    const struct fetch_step *ask = &link->ask;
    struct segment_claim claim = {.job = start->job,
                                  .partition = start->task,
                                  .incarnation = ask->incarnation,
                                  .from_sequence = ask->sequence,
                                  .offset = ask->offset};
    Mrlua__SegmentFetch message = MRLUA__SEGMENT_FETCH__INIT;
    uint8_t proof[PROOF_BYTES];

    keys_prove_segment(start->fetch->segment_key.data, conn_binding(link->conn), &claim, proof);
    message.job = claim.job;
    message.partition = claim.partition;
    message.incarnation = claim.incarnation;
    message.from_sequence = claim.from_sequence;
    message.offset = claim.offset;
    message.count_max = ask->segments_max;
    message.attempt = start->attempt;
    message.proof = (ProtobufCBinaryData){sizeof proof, proof};
    conn_send(link->conn, MESSAGE_SEGMENT_FETCH, ask->request, &message.base);
}

/* What has come counts, also when no more comes: a cut segment goes on where it was cut. */
static bool write_piece(struct link *link)
{
    struct err err;

    if (piece_flush(&link->piece, &err) == 0)
        return true;
    fail(link->fetch, &err);
    return false;
}

static void close_link(struct link *link)
{
    write_piece(link);
    piece_deinit(&link->piece);
    conn_close(link->conn);
    link->conn = NULL;
    link->is_open = link->waits_for_answer = false;
    link->left = 0;
}

static const struct conn_ops link_ops;

static void ask(struct fetch *fetch, struct link *link)
{
    struct conn_options options = {
        .role = ROLE_WORKER, .keys = &fetch->keys, .tls = (enum tls_use)link->ask.tls};
    char address[ADDRESS_HOST_BYTES + 8];

    link->waits_for_answer = true;
    if (link->is_open)
        send_request(link);
    if (link->conn)
        return;
    address_join(link->ask.host, (uint16_t)link->ask.port, address);
    link->conn = conn_connect(fetch->loop, address, &options, &link_ops, link, &link->err);
    if (link->conn)
        return;
    link->waits_for_answer = false;
    fetch_plan_cut(fetch->plan, clock_monotonic_ns(), link->ask.source, link->ask.request);
}

static struct link *link_of(struct fetch *fetch, uint32_t source)
{
    if (source >= fetch->link_count) {
        uint32_t count = 2 * (source + 1);

        fetch->links = mem_realloc_array(fetch->links, count, sizeof fetch->links[0]);
        for (uint32_t i = fetch->link_count; i < count; i++)
            fetch->links[i] = NULL;
        fetch->link_count = count;
    }
    if (!fetch->links[source]) {
        fetch->links[source] = mem_alloc(sizeof *fetch->links[source]);
        fetch->links[source]->fetch = fetch;
        fetch->links[source]->piece.fd = fetch->remote->scratch;
    }
    return fetch->links[source];
}

static void take_step(struct fetch *fetch, const struct fetch_step *step)
{
    struct link *link = link_of(fetch, step->source);

    switch (step->kind) {
    case FETCH_ASK:
        link->ask = *step;
        ask(fetch, link);
        break;
    case FETCH_CLOSE:
        close_link(link);
        break;
    case FETCH_LOST:
    case FETCH_UNREACHABLE:
        tell_lost(fetch, step);
        break;
    }
}

/* Does all that is to be done now. Every callback ends with it. */
static void pump(struct fetch *fetch)
{
    uint64_t now_ns = clock_monotonic_ns(), wake_ns;
    struct fetch_step step;

    while (!fetch->has_failed && fetch_plan_next(fetch->plan, now_ns, &step))
        take_step(fetch, &step);
    if (fetch_plan_is_complete(fetch->plan))
        loop_break(fetch->loop);
    wake_ns = fetch_plan_wake_ns(fetch->plan);
    if (wake_ns == UINT64_MAX)
        loop_timer_stop(fetch->wake);
    else
        loop_timer_start(fetch->wake, wake_ns > now_ns ? wake_ns - now_ns : 0);
}

/* ---- answers ---- */

static struct fetch_head head_of(const Mrlua__SegmentHead *message)
{
    struct fetch_head head = {
        .incarnation = message->incarnation,
        .sequence = message->sequence,
        .map = message->map,
        .attempt = message->attempt,
        .records = message->records,
        .bytes = message->bytes,
        .offset = message->offset,
        .retry_ns = message->retry_after_ms * NS_PER_MS,
        .has_more = message->has_more,
        .state = (enum fetch_head_state) - 1, /* one of a newer version is refused */
    };

    switch (message->state) {
    case MRLUA__SEGMENT_STATE__SEGMENT_DATA:
        head.state = FETCH_DATA;
        break;
    case MRLUA__SEGMENT_STATE__SEGMENT_EMPTY:
        head.state = FETCH_EMPTY;
        break;
    case MRLUA__SEGMENT_STATE__SEGMENT_UNKNOWN:
        head.state = FETCH_UNKNOWN;
        break;
    case MRLUA__SEGMENT_STATE__SEGMENT_BUSY:
        head.state = FETCH_BUSY;
        break;
    case MRLUA__SEGMENT_STATE__SEGMENT_NO_MORE:
        head.state = FETCH_NO_MORE;
        break;
    default:
        break;
    }
    return head;
}

static void begin_segment(struct link *link, const struct fetch_head *head)
{
    const Mrlua__TaskStart *start = link->fetch->remote->start;
    struct run_id id = {.job = start->job, .attempt = head->attempt, .task = head->map};

    link->left = head->bytes - head->offset;
    link->records = head->records;
    if (link->use == FETCH_TAKE && link->place.from == 0)
        segment_check_init(&link->check, start->task, &id);
    if (link->use == FETCH_TAKE)
        piece_begin(&link->piece, link->place.offset + link->place.from);
}

/* The segment is here, all of it. */
static void end_segment(struct link *link)
{
    bool is_good = segment_check_is_good(&link->check) && link->check.record_count == link->records;

    if (!write_piece(link))
        return;
    fetch_plan_end(link->fetch->plan, clock_monotonic_ns(), link->ask.source, link->ask.request,
                   link->use == FETCH_SKIP || is_good);
}

static void hear_head(struct link *link, const Mrlua__SegmentHead *message)
{
    struct fetch *fetch = link->fetch;
    struct fetch_head head = head_of(message);

    link->err.kind = ERR_NONE;
    link->use = fetch_plan_head(fetch->plan, clock_monotonic_ns(), link->ask.source,
                                link->ask.request, &head, &link->place);
    if (link->use == FETCH_REFUSE) {
        err_set(&link->err, ERR_PEER, "it is not the worker it was, or sends nonsense");
        close_link(link);
        return;
    }
    link->waits_for_answer = head.state == FETCH_DATA || head.state == FETCH_EMPTY ||
                             (head.state == FETCH_UNKNOWN && head.attempt != FETCH_ATTEMPT_NONE);
    if (!link->waits_for_answer)
        piece_deinit(&link->piece); /* a link at rest holds none */
    if (head.state != FETCH_DATA || head.offset > head.bytes)
        return;
    begin_segment(link, &head);
    if (link->left > 0)
        conn_expect_raw(link->conn, link->left);
    else if (link->use == FETCH_TAKE) /* all had come before it was cut */
        end_segment(link);
}

static void on_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct link *link = context;
    Mrlua__SegmentHead *head = NULL;

    (void)conn;
    if (frame->type == MESSAGE_SEGMENT_HEAD && frame->request_id == link->ask.request &&
        link->waits_for_answer)
        head = message_unpack(&mrlua__segment_head__descriptor, frame->payload, &link->err);
    if (head) {
        hear_head(link, head);
    } else {
        err_set(&link->err, ERR_PEER, "it sends what was not asked for");
        close_link(link);
        fetch_plan_cut(link->fetch->plan, clock_monotonic_ns(), link->ask.source,
                       link->ask.request);
    }
    /* Of an empty segment nothing follows but the next head, and there may be many. */
    if (!head || head->state != MRLUA__SEGMENT_STATE__SEGMENT_EMPTY ||
        fetch_plan_is_complete(link->fetch->plan))
        pump(link->fetch);
    message_free(head);
}

static void *raw_room(void *context, struct conn *conn, size_t *bytes_max)
{
    struct link *link = context;

    (void)conn;
    return link->use == FETCH_TAKE ? piece_room(&link->piece, bytes_max) : NULL;
}

static void on_raw(void *context, struct conn *conn, struct slice bytes)
{
    struct link *link = context;
    struct fetch *fetch = link->fetch;
    struct err err;

    (void)conn;
    if (fetch->has_failed)
        return;
    if (link->use == FETCH_TAKE) {
        segment_check_feed(&link->check, bytes);
        if (piece_add(&link->piece, bytes.len, &err) != 0) {
            fail(fetch, &err);
            return;
        }
    }
    link->left -= bytes.len;
    if (link->use != FETCH_NOTHING) {
        fetch_plan_bytes(fetch->plan, clock_monotonic_ns(), link->ask.source, link->ask.request,
                         bytes.len);
        if (link->left == 0)
            end_segment(link);
    }
    if (link->left == 0)
        pump(fetch);
}

static void on_opened(void *context, struct conn *conn)
{
    struct link *link = context;

    (void)conn;
    link->is_open = true;
    if (link->waits_for_answer)
        send_request(link);
}

static void on_closed(void *context, struct conn *conn, const struct err *err)
{
    struct link *link = context;
    bool is_cut = link->waits_for_answer;

    (void)conn;
    link->conn = NULL;
    link->err = *err;
    close_link(link);
    if (is_cut)
        fetch_plan_cut(link->fetch->plan, clock_monotonic_ns(), link->ask.source,
                       link->ask.request);
    pump(link->fetch);
}

static const struct conn_ops link_ops = {
    .opened = on_opened,
    .message = on_message,
    .raw = on_raw,
    .raw_room = raw_room,
    .closed = on_closed,
};

/* ---- the shell ---- */

static void hear_sources(struct fetch *fetch, Mrlua__Source *const *from, size_t count)
{
    struct fetch_source *sources = mem_alloc_array(count, sizeof *sources);

    for (size_t i = 0; i < count; i++)
        sources[i] = (struct fetch_source){.worker_id = from[i]->worker_id,
                                           .incarnation = from[i]->incarnation,
                                           .host = from[i]->host,
                                           .port = from[i]->port,
                                           .tls = from[i]->tls,
                                           .count = from[i]->count};
    fetch_plan_sources(fetch->plan, clock_monotonic_ns(), sources, (uint32_t)count);
    free(sources);
}

static void hear_shell(struct fetch *fetch, const struct frame *frame)
{
    Mrlua__Sources *sources;
    struct err err;

    if (frame->type != MESSAGE_SOURCES) {
        err_set(&err, ERR_RETRY, "message %u to a reduce that fetches", frame->type);
        fail(fetch, &err);
        return;
    }
    sources = message_unpack(&mrlua__sources__descriptor, frame->payload, &err);
    if (!sources)
        fail(fetch, &err);
    else if (sources->job == fetch->remote->start->job)
        hear_sources(fetch, sources->sources, sources->n_sources);
    message_free(sources);
}

static void on_shell(void *context)
{
    struct fetch *fetch = context;
    struct channel *shell = fetch->remote->shell;
    struct frame frame;
    struct err err;
    int rc = channel_fill(shell, &err);

    if (rc == 0)
        err_set(&err, ERR_RETRY, "the shell has ended");
    fetch->remote->shell_is_gone = rc != 1;
    while (rc == 1 && !fetch->has_failed && (rc = channel_buffered(shell, &frame, &err)) == 1)
        hear_shell(fetch, &frame);
    if (rc < 0 || fetch->remote->shell_is_gone)
        fail(fetch, &err);
    else
        pump(fetch);
}

static void on_wake(void *context)
{
    pump(context);
}

/* ---- start to end ---- */

static int open_fetch(struct fetch *fetch, struct err *err)
{
    struct fetch_remote *remote = fetch->remote;
    const Mrlua__FetchRequest *request = remote->start->fetch;
    struct fetch_options options = remote->plan;
    uint64_t ids[] = {remote->start->job, remote->start->attempt};

    if (request->segment_key.len != KEY_BYTES || request->worker_key.len != KEY_BYTES)
        return err_set(err, ERR_SETUP, "a reduce without the keys to fetch with");
    fetch->keys.roles = ROLE_BIT(ROLE_WORKER);
    memcpy(fetch->keys.role_keys[ROLE_WORKER], request->worker_key.data, KEY_BYTES);
    options.map_count = request->map_count;
    options.seed = hash64(slice_of(ids, sizeof ids));
    fetch->plan = fetch_plan_open(&options);
    fetch->loop = loop_open(err);
    if (!fetch->loop)
        return -1;
    fetch->wake = loop_timer_open(fetch->loop, on_wake, fetch);
    fetch->progress = loop_timer_open(fetch->loop, tell_progress, fetch);
    fetch->shell_event = loop_fd_open(fetch->loop, remote->shell->fd, on_shell, fetch, err);
    return fetch->shell_event ? 0 : -1;
}

static void close_fetch(struct fetch *fetch)
{
    for (uint32_t i = 0; i < fetch->link_count; i++) {
        if (fetch->links[i]) {
            piece_deinit(&fetch->links[i]->piece);
            conn_close(fetch->links[i]->conn);
        }
        free(fetch->links[i]);
    }
    free(fetch->links);
    loop_event_close(fetch->shell_event);
    loop_event_close(fetch->wake);
    loop_event_close(fetch->progress);
    loop_close(fetch->loop);
    fetch_plan_close(fetch->plan);
    keys_forget(&fetch->keys);
}

/* The table in map order; segments without records are left out. */
static void fill_table(const struct fetch_plan *plan, uint32_t map_count, struct fetched *out)
{
    const struct fetch_segment *here = fetch_plan_segments(plan);

    out->table.segments = mem_alloc_array(map_count, sizeof *out->table.segments);
    for (uint32_t map = 0; map < map_count; map++) {
        Mrlua__Segment *segment;

        if (here[map].bytes == 0)
            continue;
        segment = mem_alloc(sizeof *segment);
        mrlua__segment__init(segment);
        segment->map = map;
        segment->attempt = here[map].attempt;
        segment->offset = here[map].offset;
        segment->bytes = here[map].bytes;
        out->table.segments[out->table.n_segments++] = segment;
    }
    out->table.bytes = fetch_plan_counts(plan)->file_bytes;
    out->records = fetch_plan_counts(plan)->records;
}

static int run(struct fetch *fetch, struct err *err)
{
    const Mrlua__FetchRequest *request = fetch->remote->start->fetch;

    hear_sources(fetch, request->sources, request->n_sources);
    tell_progress(fetch);
    pump(fetch);
    if (!fetch->has_failed && !fetch_plan_is_complete(fetch->plan) &&
        loop_run(fetch->loop, err) != 0)
        return -1;
    if (fetch->has_failed) {
        *err = fetch->failure;
        return -1;
    }
    return 0;
}

int fetch_remote(struct fetch_remote *remote, struct fetched *out, struct err *err)
{
    struct fetch fetch = {.remote = remote};
    int rc;

    *out = (struct fetched){0};
    mrlua__segment_table__init(&out->table);
    rc = open_fetch(&fetch, err);
    if (rc == 0)
        rc = run(&fetch, err);
    if (rc == 0) {
        fill_table(fetch.plan, remote->start->fetch->map_count, out);
        remote->counts = *fetch_plan_counts(fetch.plan);
    }
    close_fetch(&fetch);
    return rc;
}
