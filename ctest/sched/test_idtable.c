#include <stdbool.h>

#include "test.h"

#include "base/rand.h"
#include "sched/idtable.h"

enum { IDS = 500, MOVES = 50000 };

/* Ids as they are (an epoch above, a count below), put and removed at random, against an array. */
static void table_finds_what_was_put_and_not_removed(void **state)
{
    struct idtable table = {0};
    int values[IDS];
    bool is_in[IDS] = {false};
    struct rand rand;

    (void)state;
    rand_init(&rand, 1);
    for (int i = 0; i < MOVES; i++) {
        size_t at = (size_t)rand_below(&rand, IDS);
        uint64_t id = (uint64_t)(1 + at % 3) << 32 | (at + 1);

        if (is_in[at])
            idtable_remove(&table, id);
        else
            idtable_put(&table, id, &values[at]);
        is_in[at] = !is_in[at];
        at = (size_t)rand_below(&rand, IDS);
        id = (uint64_t)(1 + at % 3) << 32 | (at + 1);
        assert_ptr_equal(idtable_get(&table, id), is_in[at] ? &values[at] : NULL);
    }
    for (size_t at = 0; at < IDS; at++) {
        uint64_t id = (uint64_t)(1 + at % 3) << 32 | (at + 1);

        assert_ptr_equal(idtable_get(&table, id), is_in[at] ? &values[at] : NULL);
    }
    idtable_deinit(&table);
}

static void empty_table_has_nobody(void **state)
{
    struct idtable table = {0};

    (void)state;
    assert_null(idtable_get(&table, 1));
    assert_null(idtable_get(&table, 0));
    idtable_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_finds_what_was_put_and_not_removed),
        cmocka_unit_test(empty_table_has_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
