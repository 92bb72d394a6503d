#include "test.h"

#include "record/partition.h"

#include "base/buf.h"
#include "record/value.h"

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

static struct slice view_of(struct buf *view, const struct datum *partition)
{
    buf_clear(view);
    value_write_table_begin(view);
    if (partition) {
        value_write_datum(
            view, &(struct datum){.type = DATUM_STRING, .string = slice_of_string("partition")});
        value_write_datum(view, partition);
    }
    value_write_table_end(view);
    return buf_slice(view);
}

static void a_job_says_how_it_partitions(void **state)
{
    struct datum hash = {.type = DATUM_STRING, .string = slice_of_string("hash")};
    struct datum range = {.type = DATUM_STRING, .string = slice_of_string("range")};
    struct datum function = {.type = DATUM_TRUE};
    struct buf view = {0};

    (void)state;
    assert_int_equal(partition_kind_of(view_of(&view, NULL)), PARTITION_BY_HASH);
    assert_int_equal(partition_kind_of(view_of(&view, &hash)), PARTITION_BY_HASH);
    assert_int_equal(partition_kind_of(view_of(&view, &range)), PARTITION_BY_RANGE);
    assert_int_equal(partition_kind_of(view_of(&view, &function)), PARTITION_BY_JOB);
    buf_deinit(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_never_change),
        cmocka_unit_test(a_job_says_how_it_partitions),
        cmocka_unit_test(every_partition_gets_keys_and_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
