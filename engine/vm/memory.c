#include "vm/memory.h"

#include "vm/vm.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The first block of a state is the state itself, and its address is part of the seed of string
 * hashes. From malloc() it would depend on what the process did before; here it is the same in
 * every vm child, and so is the order of pairs().
 */
enum { FIRST_BLOCK_BYTES = 4096 };
static _Alignas(max_align_t) char first_block[FIRST_BLOCK_BYTES];
static bool first_block_is_taken;

enum {
    OVERDRAFT_SHARE = 4,     /* a quarter of the limit: room until the next safe point */
    COLLECT_STEP_SHARE = 16, /* at least this share is allocated between two full collections */
};

size_t vm_memory_bytes_peak(size_t memory_bytes_max)
{
    return memory_bytes_max + memory_bytes_max / OVERDRAFT_SHARE;
}

void memory_init(struct memory *memory, size_t bytes_max)
{
    *memory = (struct memory){
        .bytes_max = bytes_max,
        .collect_at = bytes_max > 0 ? bytes_max : SIZE_MAX,
    };
    pool_init(&memory->pool);
}

void memory_deinit(struct memory *memory)
{
    pool_deinit(&memory->pool);
}

void memory_watch(struct memory *memory, lua_State *main)
{
    memory->main = main;
}

static void hook_dead(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    lua_pushnil(L); /* a message would need memory; memory_err() has it */
    lua_error(L);
}

static void hook_collect(lua_State *L, lua_Debug *ar)
{
    void *memory;

    (void)ar;
    lua_getallocf(L, &memory);
    lua_sethook(L, NULL, 0, 0);
    memory_safe_point(memory, L);
}

/* Where the script is, without allocating: the allocator itself may be asking. */
static void note_where(struct memory *memory)
{
    lua_Debug ar;

    for (int level = 0; lua_getstack(memory->main, level, &ar); level++) {
        lua_getinfo(memory->main, "Sl", &ar);
        if (ar.currentline > 0) {
            snprintf(memory->where, sizeof memory->where, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
    }
}

static void die(struct memory *memory)
{
    if (memory->is_dead)
        return;
    memory->is_dead = true;
    if (!memory->main)
        return;
    note_where(memory);
    lua_sethook(memory->main, hook_dead, LUA_MASKCOUNT, 1);
}

/* May the state grow by `more` bytes, which takes it beyond collect_at? */
static bool allows_overdraft(struct memory *memory, size_t more)
{
    size_t peak = vm_memory_bytes_peak(memory->bytes_max);

    if (memory->bytes_max == 0 || !memory->main)
        return true;
    if (memory->bytes > peak || more > peak - memory->bytes) {
        die(memory);
        return false;
    }
    if (!memory->wants_collect) {
        memory->wants_collect = true;
        lua_sethook(memory->main, hook_collect, LUA_MASKCOUNT, 1);
    }
    return true;
}

/* May the state grow by `more` bytes? */
static inline bool allows(struct memory *memory, size_t more)
{
    if (memory->is_dead)
        return false;
    return memory->bytes + more <= memory->collect_at || allows_overdraft(memory, more);
}

static void *new_block(struct memory *memory, size_t bytes)
{
    void *block;

    if (!memory->main && !first_block_is_taken && bytes <= sizeof first_block) {
        first_block_is_taken = true;
        return memset(first_block, 0, sizeof first_block);
    }
    block = pool_take(&memory->pool, bytes);
    return block ? block : malloc(bytes);
}

static void free_block(struct memory *memory, void *ptr, size_t bytes)
{
    if (pool_has(&memory->pool, ptr))
        pool_give(&memory->pool, ptr, bytes);
    else if (ptr == first_block)
        first_block_is_taken = false;
    else
        free(ptr);
}

/* The allocator below the limit: the first block, small blocks, realloc(). */
static void *move_block(struct memory *memory, void *ptr, size_t old_bytes, size_t new_bytes)
{
    void *moved;

    assert(ptr != first_block); /* Lua never moves a state */
    if (!pool_has(&memory->pool, ptr))
        return realloc(ptr, new_bytes);
    if (pool_is_same_size(old_bytes, new_bytes))
        return ptr;
    moved = new_block(memory, new_bytes);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
    pool_give(&memory->pool, ptr, old_bytes);
    return moved;
}

void *memory_alloc(void *context, void *ptr, size_t old_bytes, size_t new_bytes)
{
    struct memory *memory = context;
    void *moved;

    if (!ptr)
        old_bytes = 0; /* Lua passes the type of the object there */
    if (new_bytes == 0) {
        if (ptr)
            free_block(memory, ptr, old_bytes);
        memory->bytes -= old_bytes;
        return NULL;
    }
    if (new_bytes > old_bytes && !allows(memory, new_bytes - old_bytes))
        return NULL;
    moved = ptr ? move_block(memory, ptr, old_bytes, new_bytes) : new_block(memory, new_bytes);
    if (!moved && new_bytes > old_bytes) {
        memory->system_failed = !memory->is_dead;
        die(memory);
        return NULL;
    }
    memory->bytes = memory->bytes - old_bytes + new_bytes;
    return moved ? moved : ptr; /* Lua counts on shrinking */
}

void memory_safe_point(struct memory *memory, lua_State *L)
{
    if (memory->wants_collect && !memory->is_dead) {
        memory->wants_collect = false;
        lua_gc(L, LUA_GCCOLLECT);
        if (memory->bytes > memory->bytes_max)
            die(memory);
        memory->collect_at = memory->bytes + memory->bytes_max / COLLECT_STEP_SHARE;
        if (memory->collect_at < memory->bytes_max)
            memory->collect_at = memory->bytes_max;
    }
    if (memory->is_dead) {
        lua_sethook(L, hook_dead, LUA_MASKCOUNT, 1);
        lua_pushnil(L);
        lua_error(L);
    }
}

/* "512M", or bytes when it is no round number. */
static const char *size_text(size_t bytes, char out[static 32])
{
    if (bytes >= 1024 * 1024 && bytes % (1024 * 1024) == 0)
        snprintf(out, 32, "%zuM", bytes / 1024 / 1024);
    else if (bytes >= 1024 && bytes % 1024 == 0)
        snprintf(out, 32, "%zuK", bytes / 1024);
    else
        snprintf(out, 32, "%zu bytes", bytes);
    return out;
}

int memory_err(const struct memory *memory, struct err *err)
{
    char size[32];

    if (memory->system_failed)
        return err_set(err, ERR_LIMIT, "%sscript: the system has no more memory for it",
                       memory->where);
    return err_set(err, ERR_LIMIT, "%sscript exceeded its memory limit of %s (limits.memory)",
                   memory->where, size_text(memory->bytes_max, size));
}
