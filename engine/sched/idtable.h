/*
 * idtable: from a number to the thing that has it. Open addressing, linear probing, no tombstones.
 *
 *     struct idtable attempts = {0};
 *     idtable_put(&attempts, attempt->id, attempt);
 *     attempt = idtable_get(&attempts, id);            NULL: nobody has it
 *     idtable_remove(&attempts, id);
 *     idtable_deinit(&attempts);
 *
 * Ids are not 0. What it points to is the caller's. O(1), 16 to 64 bytes an entry.
 */
#ifndef SCHED_IDTABLE_H
#define SCHED_IDTABLE_H

#include <stddef.h>
#include <stdint.h>

struct idtable_entry {
    uint64_t id; /* 0: free */
    void *value;
};

struct idtable {
    struct idtable_entry *entries;
    size_t count, capacity; /* a power of two, at most half of it is used */
};

void idtable_deinit(struct idtable *table);

/* `id` is not yet in it. */
void idtable_put(struct idtable *table, uint64_t id, void *value);

void *idtable_get(const struct idtable *table, uint64_t id);

/* `id` is in it. */
void idtable_remove(struct idtable *table, uint64_t id);

#endif
