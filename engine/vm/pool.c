#include "vm/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(POOL_STEP_BYTES % _Alignof(max_align_t) == 0, "blocks are aligned as malloc()'s are");
static_assert(POOL_STEP_BYTES >= sizeof(void *), "a free block holds an address");

void pool_init(struct pool *pool)
{
    *pool = (struct pool){0};
#ifndef MRLUA_SANITIZE
    pool->region = malloc(POOL_BYTES);
#endif
}

void pool_deinit(struct pool *pool)
{
    free(pool->region);
    *pool = (struct pool){0};
}

/* The next block that was never taken. */
static void *take_new(struct pool *pool, size_t bytes)
{
    if (!pool->region || bytes > POOL_BYTES - pool->taken_bytes)
        return NULL;
    pool->taken_bytes += bytes;
    return pool->region + pool->taken_bytes - bytes;
}

void *pool_take(struct pool *pool, size_t bytes)
{
    size_t at = (bytes - 1) / POOL_STEP_BYTES;
    void *block;

    if (bytes > POOL_BLOCK_BYTES_MAX)
        return NULL;
    block = pool->free[at];
    if (!block)
        return take_new(pool, (at + 1) * POOL_STEP_BYTES);
    memcpy(&pool->free[at], block, sizeof block);
    return block;
}

void pool_give(struct pool *pool, void *block, size_t bytes)
{
    size_t at = (bytes - 1) / POOL_STEP_BYTES;

    assert(bytes <= POOL_BLOCK_BYTES_MAX);
    memcpy(block, &pool->free[at], sizeof block);
    pool->free[at] = block;
}
