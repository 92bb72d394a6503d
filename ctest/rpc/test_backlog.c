#include "test.h"

#include "base/rand.h"
#include "rpc/backlog.h"

#include <string.h>

/* Memory, file, memory: sent byte by byte. */
static void test_mixed(void **state)
{
    struct backlog backlog = {0};

    (void)state;
    assert_int_equal(backlog_memory_bytes(&backlog, 0), 0);
    backlog_add(&backlog, 3);
    backlog_add_file(&backlog, 5);
    backlog_add(&backlog, 2);
    for (uint64_t sent = 0; sent <= 10; sent++) {
        uint64_t expected = sent <= 3 ? 5 - sent : sent <= 8 ? 2 : 10 - sent;

        assert_int_equal(backlog_memory_bytes(&backlog, 10 - sent), expected);
    }
    backlog_deinit(&backlog);
}

/* A large file that is nearly sent does not hide what piles up behind it. */
static void test_behind_a_file(void **state)
{
    struct backlog backlog = {0};
    uint64_t file = 1ULL << 40;

    (void)state;
    backlog_add_file(&backlog, file);
    assert_int_equal(backlog_memory_bytes(&backlog, file), 0);
    assert_int_equal(backlog_memory_bytes(&backlog, 1), 0);
    backlog_add(&backlog, 1000);
    assert_int_equal(backlog_memory_bytes(&backlog, 1001), 1000);
    assert_int_equal(backlog_memory_bytes(&backlog, 1000), 1000);
    assert_int_equal(backlog_memory_bytes(&backlog, 0), 0);
    backlog_deinit(&backlog);
}

/* Against a queue that keeps every byte's kind. */
static void test_random(void **state)
{
    enum { BYTES = 20000 };
    static char kinds[BYTES];
    struct backlog backlog = {0};
    uint64_t queued = 0, sent = 0;
    struct rand rand;

    (void)state;
    rand_init(&rand, 5);
    while (queued < BYTES - 20) {
        uint64_t len = 1 + rand_below(&rand, 10), memory = 0;
        char kind = rand_below(&rand, 2) ? 'f' : 'm';

        memset(kinds + queued, kind, len);
        queued += len;
        if (kind == 'f')
            backlog_add_file(&backlog, len);
        else
            backlog_add(&backlog, len);
        if (queued - sent > 200)
            sent += rand_below(&rand, queued - sent + 1);
        for (uint64_t i = sent; i < queued; i++)
            memory += kinds[i] == 'm';
        assert_int_equal(backlog_memory_bytes(&backlog, queued - sent), memory);
    }
    assert_true(backlog.capacity <= 256); /* sent ones make room */
    backlog_deinit(&backlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_behind_a_file),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
