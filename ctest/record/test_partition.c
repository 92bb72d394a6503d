#include "test.h"

#include "record/partition.h"

/* The answer is part of the output's bytes: these may never change. */
static void partitions_never_change(void **state)
{
    (void)state;
    assert_int_equal(partition_of(slice_of_string(""), 1000), 138);
    assert_int_equal(partition_of(slice_of_string("word"), 1000), 349);
    assert_int_equal(partition_of(slice_of_string("a longer key than that"), 7), 6);
}

static void every_partition_gets_keys_and_no_other(void **state)
{
    uint32_t counts[10] = {0};

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t partition = partition_of(slice_of(&i, sizeof i), 10);

        assert_true(partition < 10);
        counts[partition]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 50, 200);
    assert_int_equal(partition_of(slice_of_string("x"), 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_never_change),
        cmocka_unit_test(every_partition_gets_keys_and_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
