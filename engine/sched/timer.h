/*
 * timer: what is due first, of many. A binary heap of timers that live inside their owners.
 *
 *     struct timer_heap heap = {0};
 *     timer_arm(&heap, &attempt->deadline, now_ns + silence_ns);       again: moves it
 *     while ((timer = timer_first_due(&heap, now_ns)))
 *         timer_disarm(&heap, timer), act(timer->kind, timer);
 *     timer_heap_deinit(&heap);
 *
 * arm and disarm are O(log n), the first is O(1). A zeroed timer is disarmed. Equal times come in
 * an order that the calls so far decide, so it is the same whenever they are the same.
 */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum timer_kind {
    TIMER_SILENCE, /* of an attempt: it has said nothing for too long */
    TIMER_RETRY,   /* of a task: its delay after a failure is over */
    TIMER_REJOIN,  /* of a worker: it has not come back after a restart, or after it was cut off */
    TIMER_HEARD,   /* of a worker: it may have said nothing for too long */
    TIMER_ASIDE,   /* of a worker: it may work again */
    TIMER_BACKUP,  /* of the scheduler: look for slow tasks */
};

struct timer {
    uint64_t due_ns;
    uint32_t position; /* in the heap, from 1; 0: disarmed */
    enum timer_kind kind;
};

struct timer_heap {
    struct timer **timers; /* timers[0] is not used */
    size_t count, capacity;
};

void timer_heap_deinit(struct timer_heap *heap);

void timer_arm(struct timer_heap *heap, struct timer *timer, uint64_t due_ns);

/* Disarming what is not armed does nothing. */
void timer_disarm(struct timer_heap *heap, struct timer *timer);

/* The earliest, if it is due at `now_ns`; else NULL. It stays armed. */
struct timer *timer_first_due(const struct timer_heap *heap, uint64_t now_ns);

/* UINT64_MAX: none is armed. */
uint64_t timer_next_due_ns(const struct timer_heap *heap);

static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->position != 0;
}

/* Aborts when the heap is out of order. O(n). */
void timer_heap_check(const struct timer_heap *heap);

#endif
