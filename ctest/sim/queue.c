#include "queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

static bool is_before(const struct moment *a, const struct moment *b)
{
    return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->number < b->number);
}

static void insert(struct queue *queue, const struct moment *added)
{
    size_t at = queue->count;

    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity ? 2 * queue->capacity : 64;
        queue->moments = mem_realloc_array(queue->moments, queue->capacity, sizeof *queue->moments);
    }
    queue->count++;
    for (; at > 0 && is_before(added, &queue->moments[(at - 1) / 2]); at = (at - 1) / 2)
        queue->moments[at] = queue->moments[(at - 1) / 2];
    queue->moments[at] = *added;
}

void queue_add_at(struct queue *queue, const struct moment *moment, uint64_t due_ns)
{
    struct moment added = *moment;

    added.due_ns = due_ns > queue->now_ns ? due_ns : queue->now_ns;
    added.number = ++queue->number_last;
    insert(queue, &added);
}

void queue_add_again(struct queue *queue, const struct moment *taken)
{
    assert(taken->due_ns == queue->now_ns);
    insert(queue, taken); /* its number is below all others of this time */
}

void queue_add(struct queue *queue, const struct moment *moment, uint64_t after_ns)
{
    queue_add_at(queue, moment, queue->now_ns + after_ns);
}

bool queue_take(struct queue *queue, struct moment *out)
{
    struct moment last;
    size_t at = 0;

    if (queue->count == 0)
        return false;
    *out = queue->moments[0];
    assert(out->due_ns >= queue->now_ns);
    queue->now_ns = out->due_ns;
    last = queue->moments[--queue->count];
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= queue->count)
            break;
        if (child + 1 < queue->count &&
            is_before(&queue->moments[child + 1], &queue->moments[child]))
            child++;
        if (is_before(&last, &queue->moments[child]))
            break;
        queue->moments[at] = queue->moments[child];
        at = child;
    }
    if (queue->count > 0)
        queue->moments[at] = last;
    return true;
}

uint64_t queue_next_ns(const struct queue *queue)
{
    return queue->count ? queue->moments[0].due_ns : UINT64_MAX;
}

void queue_deinit(struct queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        free(queue->moments[i].bytes);
    free(queue->moments);
    *queue = (struct queue){0};
}
