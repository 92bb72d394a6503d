/*
 * net: a made-up network: connections as TCP makes them.
 *
 *     conn = net_connect(&net, from, to);       one end is told MOMENT_OPENED, then the other; or
 *     net_send(&net, conn, from, type, ...);    `from` is told MOMENT_CLOSED
 *     net_close(&net, conn, from);
 *     ... queue_take(&queue, &moment) ...
 *     if (net_take(&net, &moment))              false: it does not reach anybody after all
 *         tell moment.node
 *
 * What is sent arrives in order and once, as long as the connection lives. It can be cut anywhere:
 * what was under way is then lost, and each end learns of it at once, late, or (silence) much
 * later. A partition holds back what is sent until it ends. Doubles come from those who send again,
 * but net.strike can make them too.
 *
 * A node has lives: what was meant for an earlier one does not reach it. A node that sleeps gets
 * everything when it wakes, in order.
 */
#ifndef CTEST_SIM_NET_H
#define CTEST_SIM_NET_H

#include "base/rand.h"
#include "queue.h"

enum { NET_NODES_MAX = 12 };

/* One blow at one message: for trying them all. */
enum net_strike {
    STRIKE_NONE,
    STRIKE_LOST,    /* the connection is cut before it arrives */
    STRIKE_UNHEARD, /* after: whatever answers it does not arrive */
    STRIKE_DOUBLED, /* it arrives twice, before all that is behind it */
};

struct net_conn {
    uint32_t node[2], life[2];
    bool is_open[2]; /* for this end */
    bool is_told[2]; /* that it was opened */
    bool is_cut;
    uint64_t last_due_ns[2]; /* of what goes to this end */
};

struct net_node {
    uint32_t life;
    bool is_up;
    uint64_t asleep_until_ns;
};

struct net {
    struct queue *queue;
    struct rand *rand;
    struct net_conn *conns; /* by id - 1 */
    size_t conn_count, conn_capacity;
    struct net_node nodes[NET_NODES_MAX];
    uint64_t parted_until_ns[NET_NODES_MAX][NET_NODES_MAX];
    uint64_t delay_ns_max;
    uint64_t message_count; /* delivered */
    uint64_t strike_at;     /* which message, counted from 1 */
    enum net_strike strike;
    uint16_t stream_first, stream_last; /* types that are pieces of one stream: never doubled */
};

void net_deinit(struct net *net);

uint64_t net_connect(struct net *net, uint32_t from, uint32_t to);
void net_send(struct net *net, uint64_t conn, uint32_t from, uint16_t type, const void *bytes,
              size_t len);
void net_close(struct net *net, uint64_t conn, uint32_t from);
uint32_t net_peer(const struct net *net, uint64_t conn, uint32_t node);
bool net_is_open(const struct net *net, uint64_t conn, uint32_t node);

/* Cuts it. `silence_ns`: neither end learns of it before that. */
void net_cut(struct net *net, uint64_t conn, uint64_t silence_ns);

/* One of the connections that are open at this node, by chance; 0: there is none. */
uint64_t net_any_conn(struct net *net, uint32_t node);

/* No word passes between the two for so long. */
void net_part(struct net *net, uint32_t a, uint32_t b, uint64_t for_ns);

void net_node_up(struct net *net, uint32_t node);

/* It dies: its peers learn of it at once, or (silence) not before. */
void net_node_down(struct net *net, uint32_t node, uint64_t silence_ns);
void net_node_sleep(struct net *net, uint32_t node, uint64_t for_ns);

/* False: the moment was for nobody; it is consumed. */
bool net_take(struct net *net, struct moment *moment);

#endif
