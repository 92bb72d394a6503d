#include "net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static const uint64_t CONNECT_NS_MAX = 5 * NS_PER_S;

static struct net_conn *conn_get(const struct net *net, uint64_t conn)
{
    assert(conn >= 1);
    assert(conn <= net->conn_count);
    return &net->conns[conn - 1];
}

static int end_of(const struct net_conn *conn, uint32_t node)
{
    assert(conn->node[0] == node || conn->node[1] == node);
    return conn->node[1] == node;
}

static uint64_t delay(const struct net *net)
{
    return 1 + rand_below(net->rand, net->delay_ns_max);
}

/* Something for this end, behind all that is under way to it. */
static void say(struct net *net, uint64_t id, int end, struct moment moment, uint64_t due_ns)
{
    struct net_conn *conn = conn_get(net, id);
    uint64_t parted_ns = net->parted_until_ns[conn->node[!end]][conn->node[end]];

    if (due_ns < parted_ns)
        due_ns = parted_ns;
    if (due_ns < conn->last_due_ns[end])
        due_ns = conn->last_due_ns[end];
    conn->last_due_ns[end] = due_ns;
    moment.id = id;
    moment.node = conn->node[end];
    moment.life = conn->life[end];
    queue_add_at(net->queue, &moment, due_ns);
}

uint64_t net_connect(struct net *net, uint32_t from, uint32_t to)
{
    uint64_t now_ns = net->queue->now_ns;
    uint64_t due_ns = now_ns + delay(net);
    struct net_conn *conn;

    assert(from != to);
    if (net->conn_count == net->conn_capacity) {
        net->conn_capacity = net->conn_capacity ? 2 * net->conn_capacity : 64;
        net->conns = mem_realloc_array(net->conns, net->conn_capacity, sizeof *net->conns);
    }
    conn = &net->conns[net->conn_count++];
    *conn = (struct net_conn){.node = {from, to},
                              .life = {net->nodes[from].life, net->nodes[to].life},
                              .is_open = {true, true}};
    if (net->parted_until_ns[from][to] > now_ns + CONNECT_NS_MAX) {
        conn->is_cut = true;
        queue_add(
            net->queue,
            &(struct moment){
                .kind = MOMENT_CLOSED, .node = from, .life = conn->life[0], .id = net->conn_count},
            CONNECT_NS_MAX);
    } else if (!net->nodes[to].is_up) {
        conn->is_cut = true;
        say(net, net->conn_count, 0, (struct moment){.kind = MOMENT_CLOSED}, due_ns);
    } else {
        say(net, net->conn_count, 1, (struct moment){.kind = MOMENT_OPENED}, due_ns);
        say(net, net->conn_count, 0, (struct moment){.kind = MOMENT_OPENED}, due_ns);
    }
    return net->conn_count;
}

void net_send(struct net *net, uint64_t id, uint32_t from, uint16_t type, const void *bytes,
              size_t len)
{
    struct net_conn *conn = conn_get(net, id);
    struct moment moment = {.kind = MOMENT_MESSAGE, .type = type, .len = len};

    if (!conn->is_open[end_of(conn, from)] || conn->is_cut)
        return;
    moment.bytes = mem_alloc(len + 1);
    memcpy(moment.bytes, bytes, len);
    say(net, id, !end_of(conn, from), moment, net->queue->now_ns + delay(net));
}

void net_close(struct net *net, uint64_t id, uint32_t from)
{
    struct net_conn *conn = conn_get(net, id);
    int end = end_of(conn, from);

    if (conn->is_open[end] && !conn->is_cut)
        say(net, id, !end, (struct moment){.kind = MOMENT_CLOSED}, net->queue->now_ns + delay(net));
    conn->is_open[end] = false;
}

uint32_t net_peer(const struct net *net, uint64_t id, uint32_t node)
{
    const struct net_conn *conn = conn_get(net, id);

    return conn->node[!end_of(conn, node)];
}

bool net_is_open(const struct net *net, uint64_t id, uint32_t node)
{
    const struct net_conn *conn = conn_get(net, id);

    return conn->is_open[end_of(conn, node)];
}

/* What is under way never arrives, so nothing need be waited for. */
static void tell_of_cut(struct net *net, uint64_t id, int end, uint64_t after_ns)
{
    struct net_conn *conn = conn_get(net, id);

    if (!conn->is_open[end])
        return;
    queue_add(
        net->queue,
        &(struct moment){
            .kind = MOMENT_CLOSED, .node = conn->node[end], .life = conn->life[end], .id = id},
        after_ns);
}

void net_cut(struct net *net, uint64_t id, uint64_t silence_ns)
{
    struct net_conn *conn = conn_get(net, id);

    if (conn->is_cut)
        return;
    conn->is_cut = true;
    tell_of_cut(net, id, 0, silence_ns + delay(net));
    tell_of_cut(net, id, 1, silence_ns + delay(net));
}

uint64_t net_any_conn(struct net *net, uint32_t node)
{
    uint64_t found = 0;
    uint64_t seen_count = 0;

    for (uint64_t id = net->conn_count; id > 0 && id + 200 > net->conn_count; id--) {
        const struct net_conn *conn = conn_get(net, id);

        if (conn->is_cut || !conn->is_open[0] || !conn->is_open[1])
            continue;
        if (conn->node[0] != node && conn->node[1] != node)
            continue;
        if (rand_below(net->rand, ++seen_count) == 0)
            found = id;
    }
    return found;
}

void net_part(struct net *net, uint32_t a, uint32_t b, uint64_t for_ns)
{
    net->parted_until_ns[a][b] = net->queue->now_ns + for_ns;
    net->parted_until_ns[b][a] = net->queue->now_ns + for_ns;
}

void net_node_up(struct net *net, uint32_t node)
{
    assert(!net->nodes[node].is_up);
    net->nodes[node].is_up = true;
    net->nodes[node].life++;
    net->nodes[node].asleep_until_ns = 0;
}

void net_node_down(struct net *net, uint32_t node, uint64_t silence_ns)
{
    assert(net->nodes[node].is_up);
    net->nodes[node].is_up = false;
    for (uint64_t id = 1; id <= net->conn_count; id++) {
        struct net_conn *conn = conn_get(net, id);

        if (conn->node[0] != node && conn->node[1] != node)
            continue;
        if (conn->life[end_of(conn, node)] != net->nodes[node].life)
            continue;
        if (conn->is_open[end_of(conn, node)] && !conn->is_cut) {
            conn->is_cut = silence_ns > 0;
            if (conn->is_cut)
                tell_of_cut(net, id, !end_of(conn, node), silence_ns);
            else
                net_close(net, id, node);
        }
        conn->is_open[end_of(conn, node)] = false;
    }
}

void net_node_sleep(struct net *net, uint32_t node, uint64_t for_ns)
{
    uint64_t now_ns = net->queue->now_ns;

    if (net->nodes[node].asleep_until_ns < now_ns) /* else what waits would change its order */
        net->nodes[node].asleep_until_ns = now_ns + for_ns;
}

static bool conn_take(struct net *net, struct moment *moment)
{
    struct net_conn *conn = conn_get(net, moment->id);
    int end = end_of(conn, moment->node);

    if (!conn->is_open[end])
        return false;
    switch (moment->kind) {
    case MOMENT_OPENED:
        conn->is_told[end] = true;
        return !conn->is_cut;
    case MOMENT_CLOSED:
        conn->is_open[end] = false;
        return true;
    default:
        return !conn->is_cut;
    }
}

/* The blow that was asked for. */
static bool struck(struct net *net, struct moment *moment)
{
    if (++net->message_count != net->strike_at)
        return true;
    switch (net->strike) {
    case STRIKE_NONE:
        return true;
    case STRIKE_LOST:
        net_cut(net, moment->id, 0);
        return false;
    case STRIKE_UNHEARD:
        net_cut(net, moment->id, 0);
        return true;
    case STRIKE_DOUBLED: {
        struct moment again = *moment;

        if (moment->type >= net->stream_first && moment->type <= net->stream_last)
            return true;
        again.bytes = mem_alloc(moment->len + 1);
        memcpy(again.bytes, moment->bytes, moment->len);
        queue_add_again(net->queue, &again);
        return true;
    }
    }
    abort(); /* unreachable */
}

bool net_take(struct net *net, struct moment *moment)
{
    const struct net_node *node = &net->nodes[moment->node];
    bool is_for_somebody = node->is_up && (moment->life == 0 || moment->life == node->life);

    if (is_for_somebody && node->asleep_until_ns > net->queue->now_ns) {
        queue_add_at(net->queue, moment, node->asleep_until_ns);
        return false;
    }
    if (is_for_somebody && moment->kind <= MOMENT_CLOSED)
        is_for_somebody = conn_take(net, moment);
    if (is_for_somebody && moment->kind == MOMENT_MESSAGE)
        is_for_somebody = struck(net, moment);
    if (!is_for_somebody)
        free(moment->bytes);
    return is_for_somebody;
}

void net_deinit(struct net *net)
{
    free(net->conns);
    net->conns = NULL;
}
