#include "vm/pool.h"

#include <assert.h>
#include <stdlib.h>

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

void *pool_take_new(struct pool *pool, size_t bytes)
{
    if (!pool->region || bytes > POOL_BYTES - pool->taken_bytes)
        return NULL;
    pool->taken_bytes += bytes;
    return pool->region + pool->taken_bytes - bytes;
}
