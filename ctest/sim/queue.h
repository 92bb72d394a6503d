/*
 * queue: virtual time: what will happen, in order.
 *
 *     queue_add(&queue, &moment, after_ns);
 *     while (queue_take(&queue, &moment))     queue.now_ns is now moment.due_ns
 *         let it happen
 *     queue_deinit(&queue);
 *
 * Two moments of one time happen in the order in which they were added. A moment's bytes, if any,
 * come from malloc() and belong to the queue until it is taken, then to who took it.
 */
#ifndef CTEST_SIM_QUEUE_H
#define CTEST_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum moment_kind {
    MOMENT_OPENED,  /* net: a connection is there for this end */
    MOMENT_MESSAGE, /* net */
    MOMENT_CLOSED,  /* net: this end learns of it */
    MOMENT_TIMER,   /* of a node: `id` says what for */
    MOMENT_ATTEMPT, /* a node's attempt makes a step: `id` */
    MOMENT_REVIVE,  /* a node comes back */
    MOMENT_CLIENT,  /* the client speaks of job `id` */
    MOMENT_FAULT,   /* bad luck looks around */
};

struct moment {
    uint64_t due_ns, number;
    enum moment_kind kind;
    uint32_t node; /* whom it happens to */
    uint32_t life; /* and in which of its lives; 0: in any */
    uint64_t id;   /* of the connection or attempt */
    uint16_t type; /* MOMENT_MESSAGE ... */
    void *bytes;
    size_t len;
};

struct queue {
    struct moment *moments; /* a heap */
    size_t count, capacity;
    uint64_t now_ns, number_last;
};

void queue_add(struct queue *queue, const struct moment *moment, uint64_t after_ns);

/* The same for a time: never before now. */
void queue_add_at(struct queue *queue, const struct moment *moment, uint64_t due_ns);

/* What was just taken happens once more, before all else. Takes its bytes. */
void queue_add_again(struct queue *queue, const struct moment *taken);

/* False: nothing will ever happen. */
bool queue_take(struct queue *queue, struct moment *out);

/* UINT64_MAX: nothing. */
uint64_t queue_next_ns(const struct queue *queue);

void queue_deinit(struct queue *queue);

#endif
