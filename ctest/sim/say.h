/*
 * say: what the processes of a made-up cluster tell each other (rpc/messages.proto, as far as the
 * scheduler, the agent and the fetch plan are concerned). A plain struct: its bytes are sent.
 */
#ifndef CTEST_SIM_SAY_H
#define CTEST_SIM_SAY_H

#include <stddef.h>

#include "attempt/fetch_plan.h"
#include "net.h"
#include "sched/sched.h"
#include "worker/agent.h"

enum say_kind {
    SAY_JOIN, /* worker -> master */
    SAY_HEARTBEAT,
    SAY_REPORT,
    SAY_OUTPUT_LOST,
    SAY_UNREACHABLE,
    SAY_WELCOME, /* master -> worker */
    SAY_START,
    SAY_RUN,
    SAY_KILL,
    SAY_FORGET,
    SAY_JOB_OVER,
    SAY_SOURCES,
    SAY_HEARD,
    SAY_FETCH, /* attempt -> segment server */
    SAY_HEAD,
    SAY_BYTES,
    SAY_SUBMIT, /* client -> master */
    SAY_CANCEL,
    SAY_STATUS, /* both ways */
};

enum say_list { SAY_HELD, SAY_RUNNING, SAY_TO_KILL, SAY_OVER, SAY_TO_FORGET, SAY_SOURCE };

struct say_item {
    enum say_list list;
    uint32_t task, worker_id, count;
    uint64_t job_id, attempt_id, incarnation;
};

enum { SAY_ITEMS_MAX = 128 };

struct say {
    uint64_t epoch, incarnation; /* of the master; of the worker that is meant or speaks */
    uint64_t job_id, attempt_id;
    uint32_t worker_id, slot_count;
    enum stage_kind stage;
    uint32_t task, map_count;
    bool draining, is_bad, has_ended, keeps_output;
    enum agent_report report;
    enum err_kind failure;
    uint32_t bad_count; /* REPORT of a failure: records that it met. START: that are left out */
    uint32_t peer_task;
    uint64_t peer_attempt_id;
    struct digest digest;
    struct fetch_head head;
    uint64_t sequence, offset, bytes;
    uint32_t partition, segments_max;
    uint32_t item_count;
    struct say_item items[SAY_ITEMS_MAX];
};

static inline void say_add(struct say *say, struct say_item item)
{
    if (say->item_count < SAY_ITEMS_MAX)
        say->items[say->item_count++] = item;
}

static inline void say_send(struct net *net, uint64_t conn, uint32_t from, enum say_kind kind,
                            const struct say *say)
{
    net_send(net, conn, from, (uint16_t)kind, say,
             offsetof(struct say, items) + say->item_count * sizeof *say->items);
}

#endif
