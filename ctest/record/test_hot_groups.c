#include "record/hot_groups.h"

#include "seed.h"
#include "test.h"

#include <stdlib.h>

static void add(struct hot_groups *groups, uint64_t number, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        hot_groups_add(groups, number, (uint32_t)number, slice_of(&number, sizeof number));
}

static const struct hot_key *find(const struct hot_groups *groups, uint64_t number)
{
    for (uint32_t i = 0; i < groups->keys.count; i++)
        if (groups->keys.items[i].hash == number)
            return &groups->keys.items[i];
    return NULL;
}

/* Goal: what is sure of a group is its exact count, and no hot one is missed. Method: groups of
 * random sizes, few of them large, in random order. */
static void what_is_told_of_a_group_is_exact(void **state)
{
    struct rand rand = seed_rand();

    (void)state;
    for (uint32_t round = 0; round < 100; round++) {
        uint64_t group_count = 1 + rand_below(&rand, 2000), sum = 0;
        uint64_t *counts = calloc(group_count, sizeof *counts);
        struct hot_groups groups;

        hot_groups_init(&groups);
        for (uint64_t i = 0; i < group_count; i++) {
            counts[i] = 1 + rand_below(&rand, rand_below(&rand, 50) == 0 ? 20000 : 40);
            sum += counts[i];
            add(&groups, i, counts[i]);
        }
        hot_groups_end(&groups);
        assert_true(groups.record_count == sum);
        for (uint64_t i = 0; i < group_count; i++) {
            const struct hot_key *key = find(&groups, i);

            if (key) {
                assert_true(hot_key_sure(key) == counts[i]);
                assert_int_equal(key->partition, i);
                assert_memory_equal(key->bytes, &i, sizeof i);
            } else {
                assert_true(counts[i] <= sum / HOT_KEY_COUNT || counts[i] < HOT_GROUP_RECORDS_MIN);
            }
        }
        free(counts);
    }
}

static void the_last_group_counts_too(void **state)
{
    struct hot_groups groups;

    (void)state;
    hot_groups_init(&groups);
    add(&groups, 1, 100);
    add(&groups, 2, 200);
    assert_int_equal(groups.keys.count, 1);
    hot_groups_end(&groups);
    assert_int_equal(groups.keys.count, 2);
    assert_int_equal(groups.keys.items[0].hash, 2);
    assert_int_equal(groups.keys.items[0].count, 200);
}

static void small_groups_are_not_kept(void **state)
{
    struct hot_groups groups;

    (void)state;
    hot_groups_init(&groups);
    add(&groups, 1, HOT_GROUP_RECORDS_MIN - 1);
    add(&groups, 2, HOT_GROUP_RECORDS_MIN);
    hot_groups_end(&groups);
    assert_null(find(&groups, 1));
    assert_int_equal(find(&groups, 2)->count, HOT_GROUP_RECORDS_MIN);
}

static void there_may_be_no_records(void **state)
{
    struct hot_groups groups;

    (void)state;
    hot_groups_init(&groups);
    hot_groups_end(&groups);
    assert_int_equal(groups.keys.count, 0);
    assert_true(groups.record_count == 0);
}

/* The hash that a zeroed struct has is one like any other. */
static void a_group_may_have_the_hash_0(void **state)
{
    struct hot_groups groups;

    (void)state;
    hot_groups_init(&groups);
    add(&groups, 0, 50);
    hot_groups_end(&groups);
    assert_int_equal(groups.keys.count, 1);
    assert_int_equal(groups.keys.items[0].count, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_of_a_group_is_exact),
        cmocka_unit_test(the_last_group_counts_too),
        cmocka_unit_test(small_groups_are_not_kept),
        cmocka_unit_test(there_may_be_no_records),
        cmocka_unit_test(a_group_may_have_the_hash_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
