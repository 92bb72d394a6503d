/*
 * pool: small blocks for Lua's allocator, from one region.
 *
 *     pool_init(&pool);
 *     block = pool_take(&pool, bytes);          NULL: too large, or the region is full
 *     if (pool_has(&pool, block))
 *         pool_give(&pool, block, bytes);       `bytes` of the same block as it was taken with
 *     pool_deinit(&pool);
 *
 * A job makes and drops a string for each word and a closure for each line; malloc()'s general
 * ways cost more than those strings do. A free block lies in the list of its size, and the last
 * one given back, which is in the cache, is the next one taken.
 *
 * The region does not grow: what does not fit is malloc()'s. So a script that fills its memory with
 * small objects and then with large ones leaves at most POOL_BYTES that the large ones cannot have.
 *
 * Under the sanitizers the region is not there: each block is malloc()'s, and watched.
 */
#ifndef VM_POOL_H
#define VM_POOL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    POOL_STEP_BYTES = 16, /* sizes are rounded up to it: what malloc() aligns to */
    POOL_BLOCK_BYTES_MAX = 256,
    POOL_SIZE_COUNT = POOL_BLOCK_BYTES_MAX / POOL_STEP_BYTES,
    POOL_BYTES = 4 * 1024 * 1024, /* what a job without large tables of its own has at a time */
};

struct pool {
    char *region; /* POOL_BYTES, or NULL */
    size_t taken_bytes;
    void *free[POOL_SIZE_COUNT]; /* lists; a free block begins with the next one's address */
};

/* Without memory for a region the pool is one that is always full. */
void pool_init(struct pool *pool);
void pool_deinit(struct pool *pool);

/* The next block that was never taken, of a multiple of POOL_STEP_BYTES: pool_take()'s. */
void *pool_take_new(struct pool *pool, size_t bytes);

/* `bytes` is not 0. */
static inline void *pool_take(struct pool *pool, size_t bytes)
{
    size_t at = (bytes - 1) / POOL_STEP_BYTES;
    void *block;

    if (bytes > POOL_BLOCK_BYTES_MAX)
        return NULL;
    block = pool->free[at];
    if (!block)
        return pool_take_new(pool, (at + 1) * POOL_STEP_BYTES);
    memcpy(&pool->free[at], block, sizeof block);
    return block;
}

static inline void pool_give(struct pool *pool, void *block, size_t bytes)
{
    size_t at = (bytes - 1) / POOL_STEP_BYTES;

    assert(bytes <= POOL_BLOCK_BYTES_MAX);
    memcpy(block, &pool->free[at], sizeof block);
    pool->free[at] = block;
}

static inline bool pool_has(const struct pool *pool, const void *block)
{
    return pool->region && (uintptr_t)block - (uintptr_t)pool->region < POOL_BYTES;
}

/* Do blocks of these sizes, which are not 0, lie in the same list? */
static inline bool pool_is_same_size(size_t a, size_t b)
{
    return (a - 1) / POOL_STEP_BYTES == (b - 1) / POOL_STEP_BYTES;
}

#endif
