#include "sched/timer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

void timer_heap_deinit(struct timer_heap *heap)
{
    assert(heap->count <= heap->capacity);
    free(heap->timers);
    *heap = (struct timer_heap){0};
}

static void place(struct timer_heap *heap, struct timer *timer, size_t position)
{
    assert(position >= 1);
    assert(position <= heap->count);
    heap->timers[position] = timer;
    timer->position = (uint32_t)position;
}

/* Moves `timer`, which belongs at `position` or above, to where it belongs. */
static void sift_up(struct timer_heap *heap, struct timer *timer, size_t position)
{
    while (position > 1 && heap->timers[position / 2]->due_ns > timer->due_ns) {
        place(heap, heap->timers[position / 2], position);
        position /= 2;
    }
    place(heap, timer, position);
}

/* The same, at `position` or below. */
static void sift_down(struct timer_heap *heap, struct timer *timer, size_t position)
{
    size_t child;

    while ((child = 2 * position) <= heap->count) {
        if (child < heap->count && heap->timers[child + 1]->due_ns < heap->timers[child]->due_ns)
            child++;
        if (heap->timers[child]->due_ns >= timer->due_ns)
            break;
        place(heap, heap->timers[child], position);
        position = child;
    }
    place(heap, timer, position);
}

static void sift(struct timer_heap *heap, struct timer *timer, size_t position)
{
    if (position > 1 && heap->timers[position / 2]->due_ns > timer->due_ns)
        sift_up(heap, timer, position);
    else
        sift_down(heap, timer, position);
}

static void reserve_one(struct timer_heap *heap)
{
    if (heap->count + 2 > heap->capacity) {
        heap->capacity = heap->capacity ? 2 * heap->capacity : 64;
        heap->timers = mem_realloc_array(heap->timers, heap->capacity, sizeof *heap->timers);
    }
    assert(heap->count + 2 <= heap->capacity);
}

void timer_arm(struct timer_heap *heap, struct timer *timer, uint64_t due_ns)
{
    assert(due_ns != UINT64_MAX); /* that is "never" to timer_next_due_ns() */
    timer->due_ns = due_ns;
    if (timer->position == 0) {
        reserve_one(heap);
        heap->count++;
        sift_up(heap, timer, heap->count);
    } else {
        sift(heap, timer, timer->position);
    }
    assert(heap->timers[timer->position] == timer);
}

void timer_disarm(struct timer_heap *heap, struct timer *timer)
{
    size_t position = timer->position;
    struct timer *last;

    if (position == 0)
        return;
    assert(position <= heap->count);
    assert(heap->timers[position] == timer);
    last = heap->timers[heap->count--];
    timer->position = 0;
    if (last != timer)
        sift(heap, last, position);
}

struct timer *timer_first_due(const struct timer_heap *heap, uint64_t now_ns)
{
    if (heap->count == 0 || heap->timers[1]->due_ns > now_ns)
        return NULL;
    assert(heap->timers[1]->position == 1);
    return heap->timers[1];
}

uint64_t timer_next_due_ns(const struct timer_heap *heap)
{
    return heap->count ? heap->timers[1]->due_ns : UINT64_MAX;
}

void timer_heap_check(const struct timer_heap *heap)
{
    for (size_t i = 1; i <= heap->count; i++) {
        assert(heap->timers[i]->position == i);
        assert(i == 1 || heap->timers[i / 2]->due_ns <= heap->timers[i]->due_ns);
    }
}
