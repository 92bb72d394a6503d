#include "test.h"

#include "vm/pool.h"

#include "seed.h"

#include <string.h>

enum { BLOCK_COUNT = 500, STEP_COUNT = 200 * 1000 };

/* A block that was taken: full of its number until it is given back. */
struct block {
    unsigned char *ptr;
    size_t bytes;
};

static void take(struct pool *pool, struct block *block, size_t bytes, int number)
{
    block->bytes = bytes;
    block->ptr = pool_take(pool, bytes);
    if (!block->ptr)
        return;
    assert_true(pool_has(pool, block->ptr));
    assert_int_equal((uintptr_t)block->ptr % POOL_STEP_BYTES, 0);
    memset(block->ptr, number & 0xff, bytes);
}

static void give(struct pool *pool, struct block *block, int number)
{
    for (size_t i = 0; block->ptr && i < block->bytes; i++)
        assert_int_equal(block->ptr[i], number & 0xff);
    if (block->ptr)
        pool_give(pool, block->ptr, block->bytes);
    block->ptr = NULL;
}

static void blocks_do_not_overlap(void **state)
{
    static struct block blocks[BLOCK_COUNT];
    struct rand rand = seed_rand();
    struct pool pool;

    (void)state;
    pool_init(&pool);
    for (int step = 0; step < STEP_COUNT; step++) {
        int number = (int)rand_below(&rand, BLOCK_COUNT);

        if (blocks[number].ptr)
            give(&pool, &blocks[number], number);
        else
            take(&pool, &blocks[number], 1 + rand_below(&rand, POOL_BLOCK_BYTES_MAX + 20), number);
    }
    for (int number = 0; number < BLOCK_COUNT; number++)
        give(&pool, &blocks[number], number);
    assert_true(pool.taken_bytes <= (size_t)BLOCK_COUNT * POOL_BLOCK_BYTES_MAX * 2);
    pool_deinit(&pool);
}

/* Only the bytes that fit, and again when they were given back. */
static void a_full_pool_says_so(void **state)
{
    struct pool pool;
    void *last = NULL, *block;
    size_t count = 0;

    (void)state;
    pool_init(&pool);
    while ((block = pool_take(&pool, POOL_BLOCK_BYTES_MAX)) != NULL) {
        last = block;
        count++;
    }
    if (pool.region) { /* not under the sanitizers */
        assert_int_equal(count, POOL_BYTES / POOL_BLOCK_BYTES_MAX);
        assert_null(pool_take(&pool, 1));
        pool_give(&pool, last, POOL_BLOCK_BYTES_MAX);
        assert_ptr_equal(pool_take(&pool, POOL_BLOCK_BYTES_MAX - 1), last);
    }
    assert_null(pool_take(&pool, POOL_BLOCK_BYTES_MAX + 1));
    pool_deinit(&pool);
}

static void what_others_have_is_not_in_the_pool(void **state)
{
    struct pool pool, none = {0};
    char here;

    (void)state;
    pool_init(&pool);
    assert_false(pool_has(&pool, &here));
    assert_false(pool_has(&pool, NULL));
    assert_false(pool_has(&none, NULL));
    if (pool.region) {
        assert_true(pool_has(&pool, pool.region));
        assert_true(pool_has(&pool, pool.region + POOL_BYTES - 1));
        assert_false(pool_has(&pool, pool.region + POOL_BYTES));
        assert_false(pool_has(&pool, pool.region - 1));
    }
    assert_true(pool_is_same_size(1, 16) && !pool_is_same_size(16, 17));
    pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(a_full_pool_says_so),
        cmocka_unit_test(what_others_have_is_not_in_the_pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
