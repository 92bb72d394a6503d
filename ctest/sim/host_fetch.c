/* What the reduces of a host fetch: the real plan, asking made-up segment servers. */
#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void fetch_start(struct host *host, struct proc *proc)
{
    struct fetch_options options = {.map_count = proc->map_count,
                                    .seed = rand_next(&host->cluster->rand),
                                    .in_flight_max = 2,
                                    .segments_max = 4};

    proc->state = PROC_FETCHING;
    proc->plan = fetch_plan_open(&options);
    proc->peers = mem_alloc_array(HOST_PEERS_MAX, sizeof *proc->peers);
    proc->wake_ns = UINT64_MAX;
    if (host->sources.job_id == proc->job_id)
        fetch_sources(host, proc, &host->sources);
    proc_step_after(host, proc, 0);
}

static void hang_up(struct host *host, struct peer *peer)
{
    if (peer->conn != 0)
        net_close(&host->cluster->net, peer->conn, host->node);
    peer->conn = 0;
    peer->is_open = false;
}

void fetch_stop(struct host *host, struct proc *proc)
{
    if (!proc->plan)
        return;
    for (size_t i = 0; i < HOST_PEERS_MAX; i++)
        hang_up(host, &proc->peers[i]);
    fetch_plan_close(proc->plan);
    free(proc->peers);
    proc->plan = NULL;
    proc->peers = NULL;
}

void fetch_sources(struct host *host, struct proc *proc, const struct say *sources)
{
    struct fetch_source list[SAY_ITEMS_MAX];
    uint32_t count = 0;

    for (uint32_t i = 0; i < sources->item_count; i++) {
        const struct say_item *item = &sources->items[i];

        list[count++] = (struct fetch_source){.worker_id = item->worker_id,
                                              .incarnation = item->incarnation,
                                              .host = "worker",
                                              .port = item->worker_id,
                                              .count = item->count};
    }
    fetch_plan_sources(proc->plan, host->cluster->queue.now_ns, list, count);
    proc_step_after(host, proc, 0);
}

static void say_request(struct host *host, const struct proc *proc, struct peer *peer)
{
    struct say say = {.job_id = proc->job_id,
                      .partition = proc->task,
                      .incarnation = peer->step.incarnation,
                      .sequence = peer->step.sequence,
                      .offset = peer->step.offset,
                      .segments_max = peer->step.segments_max,
                      .attempt_id = proc->attempt_id};

    peer->is_said = true;
    say_send(&host->cluster->net, peer->conn, host->node, SAY_FETCH, &say);
}

static void ask(struct host *host, struct proc *proc, const struct fetch_step *step)
{
    struct peer *peer = &proc->peers[step->source];

    peer->step = *step;
    peer->request = step->request;
    peer->is_said = false;
    peer->left = 0;
    if (peer->conn == 0)
        peer->conn = net_connect(&host->cluster->net, host->node, NODE_SERVER + step->port);
    else if (peer->is_open)
        say_request(host, proc, peer);
}

/* The master is told, as long as there is one; the plan says it again. */
static void say_lost(struct host *host, const struct proc *proc, const struct fetch_step *step)
{
    struct say say = {.job_id = proc->job_id,
                      .attempt_id = proc->attempt_id,
                      .worker_id = step->worker_id,
                      .peer_task = step->map,
                      .peer_attempt_id = step->attempt};

    if (!agent_is_joined(host->agent))
        return;
    host_say_to_master(host, step->kind == FETCH_LOST ? SAY_OUTPUT_LOST : SAY_UNREACHABLE, &say);
}

void fetch_go_on(struct host *host, struct proc *proc)
{
    struct fetch_step step;
    uint64_t now_ns = host->cluster->queue.now_ns;
    uint64_t wake_ns;

    while (fetch_plan_next(proc->plan, now_ns, &step)) {
        assert(step.source < HOST_PEERS_MAX);
        trace_fetch(host->cluster, proc->attempt_id, &step);
        switch (step.kind) {
        case FETCH_ASK:
            ask(host, proc, &step);
            break;
        case FETCH_CLOSE:
            hang_up(host, &proc->peers[step.source]);
            break;
        case FETCH_LOST:
        case FETCH_UNREACHABLE:
            say_lost(host, proc, &step);
            break;
        }
    }
    wake_ns = fetch_plan_wake_ns(proc->plan);
    if (wake_ns < proc->wake_ns) {
        proc->wake_ns = wake_ns;
        proc_step_after(host, proc, wake_ns > now_ns ? wake_ns - now_ns : 0);
    }
}

/* Whose connection it is. */
static struct proc *proc_of_conn(struct host *host, uint64_t conn, uint32_t *source)
{
    for (size_t i = 0; i < host->proc_count; i++)
        for (*source = 0; host->procs[i]->peers && *source < HOST_PEERS_MAX; ++*source)
            if (host->procs[i]->peers[*source].conn == conn)
                return host->procs[i];
    return NULL;
}

void fetch_opened(struct host *host, uint64_t conn)
{
    uint32_t source;
    struct proc *proc = proc_of_conn(host, conn, &source);

    if (!proc)
        return;
    proc->peers[source].is_open = true;
    if (!proc->peers[source].is_said)
        say_request(host, proc, &proc->peers[source]);
}

static void cut(struct host *host, struct proc *proc, uint32_t source)
{
    struct peer *peer = &proc->peers[source];

    hang_up(host, peer);
    fetch_plan_cut(proc->plan, host->cluster->queue.now_ns, source, peer->request);
}

void fetch_closed(struct host *host, uint64_t conn)
{
    uint32_t source;
    struct proc *proc = proc_of_conn(host, conn, &source);

    if (!proc)
        return;
    cut(host, proc, source);
    host_attempt_step(host, proc->attempt_id);
}

/* All bytes of the segment in hand are here. */
static void segment_end(struct host *host, struct proc *proc, uint32_t source)
{
    struct peer *peer = &proc->peers[source];
    bool is_good = peer->takes && !proc->pieces[peer->map].is_bad;

    fetch_plan_end(proc->plan, host->cluster->queue.now_ns, source, peer->request, is_good);
}

static void hear_head(struct host *host, struct proc *proc, uint32_t source, const struct say *say)
{
    struct peer *peer = &proc->peers[source];
    struct fetch_place place = {0};
    enum fetch_use use = fetch_plan_head(proc->plan, host->cluster->queue.now_ns, source,
                                         peer->request, &say->head, &place);
    struct piece *piece = &proc->pieces[place.map];

    trace_head(host->cluster, proc->attempt_id, &say->head, use);
    peer->left = 0;
    if (use == FETCH_REFUSE)
        cut(host, proc, source);
    if (use != FETCH_TAKE && use != FETCH_SKIP)
        return;
    peer->takes = use == FETCH_TAKE;
    peer->left = say->head.bytes - say->head.offset;
    if (peer->takes) {
        if (place.from == 0)
            *piece = (struct piece){.attempt_id = place.attempt};
        assert(place.attempt == say->head.attempt);
        assert(place.bytes == say->head.bytes);
        assert(place.from == say->head.offset);
        assert(piece->attempt_id == place.attempt); /* no file is made of two */
        assert(piece->got == place.from);
        peer->map = place.map;
    }
    if (peer->left == 0)
        segment_end(host, proc, source);
}

static void hear_bytes(struct host *host, struct proc *proc, uint32_t source, const struct say *say)
{
    struct peer *peer = &proc->peers[source];

    assert(say->bytes <= peer->left);
    fetch_plan_bytes(proc->plan, host->cluster->queue.now_ns, source, peer->request, say->bytes);
    peer->left -= say->bytes;
    if (peer->takes) {
        proc->pieces[peer->map].got += say->bytes;
        proc->pieces[peer->map].is_bad = proc->pieces[peer->map].is_bad || say->is_bad;
    }
    if (peer->left == 0)
        segment_end(host, proc, source);
}

void fetch_message(struct host *host, uint64_t conn, enum say_kind kind, const struct say *say)
{
    uint32_t source;
    struct proc *proc = proc_of_conn(host, conn, &source);

    if (!proc)
        return;
    if (kind == SAY_HEAD)
        hear_head(host, proc, source, say);
    else
        hear_bytes(host, proc, source, say);
    host_attempt_step(host, proc->attempt_id);
}

/* I4: what the plan says it has is what came, whole and undamaged, each at its own place. */
void fetch_check(const struct proc *proc)
{
    const struct fetch_segment *segments = fetch_plan_segments(proc->plan);

    for (uint32_t map = 0; map < proc->map_count; map++) {
        const struct piece *piece = &proc->pieces[map];

        assert(segments[map].is_here);
        if (segments[map].bytes == 0)
            continue;
        assert(piece->attempt_id == segments[map].attempt);
        assert(piece->got == segments[map].bytes);
        assert(!piece->is_bad);
        for (uint32_t other = 0; other < map; other++)
            assert(segments[other].bytes == 0 ||
                   segments[other].offset + segments[other].bytes <= segments[map].offset ||
                   segments[map].offset + segments[map].bytes <= segments[other].offset);
    }
}
