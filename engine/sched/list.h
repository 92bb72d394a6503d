/*
 * list: a ring of links inside the things it lists. A link that is in no list points to itself,
 * so to remove what is not listed does nothing.
 *
 *     list_init(&worker->attempts);
 *     list_append(&worker->attempts, &attempt->by_worker);
 *     attempt = LIST_FIRST(&worker->attempts, struct attempt, by_worker);      NULL: empty
 *
 * All calls are O(1).
 */
#ifndef SCHED_LIST_H
#define SCHED_LIST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

/* The thing whose member `member` is at `link`. */
#define CONTAINER_OF(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

#define LIST_FIRST(list, type, member)                                                             \
    (list_is_empty(list) ? NULL : CONTAINER_OF((list)->next, type, member))
#define LIST_LAST(list, type, member)                                                              \
    (list_is_empty(list) ? NULL : CONTAINER_OF((list)->previous, type, member))

static inline void list_init(struct list *list)
{
    list->next = list;
    list->previous = list;
}

/* Of a list: it has nothing in it. Of a link: it is in no list. */
static inline bool list_is_empty(const struct list *list)
{
    assert(list->next != NULL); /* or it was never initialised */
    return list->next == list;
}

static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

static inline void list_append(struct list *list, struct list *link)
{
    assert(list_is_empty(link));
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

/* At the front of the list. */
static inline void list_prepend(struct list *list, struct list *link)
{
    list_append(list->next, link);
}

#endif
