/*
 * memory: Lua's allocator with a limit, and what happens when a script meets it.
 *
 *     memory_init(&memory, bytes_max);
 *     main = lua_newstate(memory_alloc, &memory);
 *     memory_watch(&memory, main);          from here the limit holds
 *     if (memory_is_uneasy(&memory))
 *         memory_safe_point(&memory, L);    in C functions that the script calls often
 *     memory_deinit(&memory);               after lua_close()
 *
 * Crossing the limit is allowed for a quarter of it (the overdraft): a full collection is run at
 * the next safe point, which is the next VM instruction of the main thread (a hook) or the next
 * emit. What is still above the limit then kills the state, and so does a request beyond the
 * overdraft: memory_is_dead() stays true, no allocation succeeds any more, and a hook raises at
 * each instruction, so that pcall() cannot go on.
 *
 * So the collector that Lua runs inside a failed allocation, which is broken in 5.4.4, never runs
 * in a script that goes on.
 *
 * Why the incremental collector: the generational one took 0.97 of its CPU time for wordcount, 1.02
 * for inverted_index, 0.99 for a map that makes a few tables a word and 0.95 for one that keeps
 * 100,000s of them, which is within the spread of the runs (30 MB, least of three), and 5.4.4 has
 * mistakes in it that 5.4.5 mended. A pause of 400 for 200 was no better but for wordcount (0.92),
 * for twice the garbage in a memory that is limited.
 */
#ifndef VM_MEMORY_H
#define VM_MEMORY_H

#include "base/err.h"
#include "vm/pool.h"

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

enum { MEMORY_WHERE_BYTES = 128 };

struct memory {
    lua_State *main;
    size_t bytes;
    size_t bytes_max;  /* 0: no limit */
    size_t collect_at; /* crossing it asks for a collection */
    bool wants_collect;
    bool is_dead;
    bool system_failed;             /* dead because the system had no memory, below the limit */
    char where[MEMORY_WHERE_BYTES]; /* "jobs/x.lua:12: " when it died, or "" */
    struct pool pool;               /* small blocks; in `bytes` like all others */
};

void memory_init(struct memory *memory, size_t bytes_max);
void memory_deinit(struct memory *memory);
void memory_watch(struct memory *memory, lua_State *main);

/* lua_Alloc; `context` is the struct memory. */
void *memory_alloc(void *context, void *ptr, size_t old_bytes, size_t new_bytes);

static inline bool memory_is_uneasy(const struct memory *memory)
{
    return memory->wants_collect || memory->is_dead;
}

/* Collects if that is due; raises if the state is dead or has just died. `L` is what is running. */
void memory_safe_point(struct memory *memory, lua_State *L);

/* Fills `err` with ERR_LIMIT and returns -1; the state is dead. */
int memory_err(const struct memory *memory, struct err *err);

#endif
