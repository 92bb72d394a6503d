#include "sched/idtable.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

void idtable_deinit(struct idtable *table)
{
    assert(table->count <= table->capacity);
    free(table->entries);
    *table = (struct idtable){0};
}

/* Ids count up, so they are spread by a multiplication (Knuth's 2^64 / golden ratio). */
static size_t home_of(const struct idtable *table, uint64_t id)
{
    assert(table->capacity > 0);
    return (size_t)((id * 0x9e3779b97f4a7c15) >> 32) & (table->capacity - 1);
}

/* Where `id` is, or the free entry where it would go. */
static size_t find(const struct idtable *table, uint64_t id)
{
    size_t at = home_of(table, id);

    assert(table->count < table->capacity); /* so the search ends */
    while (table->entries[at].id != 0 && table->entries[at].id != id)
        at = (at + 1) & (table->capacity - 1);
    return at;
}

static void grow(struct idtable *table)
{
    struct idtable old = *table;

    table->capacity = old.capacity ? 2 * old.capacity : 64;
    table->entries = mem_alloc_array(table->capacity, sizeof *table->entries);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].id != 0)
            table->entries[find(table, old.entries[i].id)] = old.entries[i];
    free(old.entries);
}

void idtable_put(struct idtable *table, uint64_t id, void *value)
{
    size_t at;

    assert(id != 0);
    assert(value != NULL);
    if (2 * (table->count + 1) > table->capacity)
        grow(table);
    at = find(table, id);
    assert(table->entries[at].id == 0);
    table->entries[at] = (struct idtable_entry){.id = id, .value = value};
    table->count++;
}

void *idtable_get(const struct idtable *table, uint64_t id)
{
    size_t at;

    if (id == 0 || table->count == 0)
        return NULL;
    at = find(table, id);
    return table->entries[at].id == id ? table->entries[at].value : NULL;
}

/* May the entry at `at` move to the hole without standing before its home? */
static bool may_fill(const struct idtable *table, size_t hole, size_t at)
{
    size_t mask = table->capacity - 1;
    size_t home = home_of(table, table->entries[at].id);

    return ((at - home) & mask) >= ((at - hole) & mask);
}

void idtable_remove(struct idtable *table, uint64_t id)
{
    size_t mask = table->capacity - 1;
    size_t hole = find(table, id);

    assert(id != 0);
    assert(table->entries[hole].id == id);
    for (size_t at = (hole + 1) & mask; table->entries[at].id != 0; at = (at + 1) & mask) {
        if (may_fill(table, hole, at)) {
            table->entries[hole] = table->entries[at];
            hole = at;
        }
    }
    table->entries[hole] = (struct idtable_entry){0};
    table->count--;
}
