#include "attempt/map_skew.h"

#include "test.h"

#include "record/partition.h"
#include "record/value.h"

#include <stdio.h>
#include <string.h>

/* What a collector answers, made by hand. */
struct left {
    struct run_summary summary;
    struct run_segment segments[100];
    struct hot_keys hot;
};

static void left_init(struct left *left, uint32_t partition_count, uint64_t record_count)
{
    *left = (struct left){0};
    left->summary.partition_count = partition_count;
    left->segments[0].record_count = record_count;
    left->summary.segments = left->segments;
    left->summary.hot_keys = &left->hot;
}

static void add_hot(struct left *left, const char *key, uint64_t count)
{
    struct slice bytes = slice_of_string(key);
    struct hot_key hot = hot_key_of(hash64(bytes), 7, bytes);

    hot_keys_add(&left->hot, &hot, count);
    hot_keys_sort(&left->hot);
}

static struct buf view_of(const char *combine, const char *partition, int64_t group)
{
    struct buf view = {0};

    value_write_table_begin(&view);
    if (combine) {
        value_write_string(&view, slice_of_string("combine"));
        value_write_string(&view, slice_of_string(combine));
    }
    if (partition) {
        value_write_string(&view, slice_of_string("partition"));
        value_write_string(&view, slice_of_string(partition));
    }
    if (group) {
        value_write_string(&view, slice_of_string("group"));
        value_write_integer(&view, group);
    }
    value_write_table_end(&view);
    return view;
}

static void take(struct map_skew *skew, const struct left *left)
{
    struct buf view = view_of(NULL, NULL, 0);

    map_skew_take(skew, &left->summary, buf_slice(&view));
    buf_deinit(&view);
}

static void a_hot_key_is_told_with_what_is_needed_to_add_it_up(void **state)
{
    struct map_skew skew = {0};
    const Mrlua__HotKey *key;
    struct left left;

    (void)state;
    left_init(&left, 1, 6400);
    add_hot(&left, "sthe", 640);
    add_hot(&left, "sof", 99); /* less than a 64th */
    take(&skew, &left);
    memset(&left.hot, 0xff, sizeof left.hot); /* it is copied */
    assert_int_equal(map_skew_message(&skew)->n_keys, 1);
    key = skew.message.keys[0];
    assert_true(slice_equal(slice_of(key->key.data, key->key.len), slice_of_string("sthe")));
    assert_int_equal(key->key_bytes, 4);
    assert_true(key->hash == hash64(slice_of_string("sthe")));
    assert_int_equal(key->partition, 7);
    assert_int_equal(key->records, 640);
}

static void what_is_told_of_a_key_is_what_is_sure(void **state)
{
    struct map_skew skew = {0};
    struct left left;

    (void)state;
    left_init(&left, 1, 1000);
    for (int i = 0; i <= HOT_KEY_COUNT; i++) { /* the last one takes the place of another */
        char text[16];

        snprintf(text, sizeof text, "s%d", i);
        add_hot(&left, text, i == HOT_KEY_COUNT ? 500 : 7);
    }
    take(&skew, &left);
    assert_int_equal(skew.message.n_keys, 1);
    assert_int_equal(skew.message.keys[0]->records, 500);
}

static void of_many_hot_keys_the_hottest_are_told(void **state)
{
    struct map_skew skew = {0};
    struct left left;

    (void)state;
    left_init(&left, 1, 1000);
    for (uint64_t i = 0; i < 2 * MAP_SKEW_KEY_COUNT_MAX; i++) {
        char text[16];

        snprintf(text, sizeof text, "s%d", (int)i);
        add_hot(&left, text, 20 + i);
    }
    take(&skew, &left);
    assert_int_equal(skew.message.n_keys, MAP_SKEW_KEY_COUNT_MAX);
    for (uint64_t i = 0; i < MAP_SKEW_KEY_COUNT_MAX; i++)
        assert_int_equal(skew.message.keys[i]->records, 20 + 2 * MAP_SKEW_KEY_COUNT_MAX - 1 - i);
}

static void the_largest_partitions_are_told_and_the_bytes_of_all(void **state)
{
    struct map_skew skew = {0};
    const Mrlua__Skew *message;
    struct left left;

    (void)state;
    left_init(&left, 100, 0);
    for (uint64_t i = 0; i < 100; i++) /* 37 and 100 have no divisor: each number once */
        left.segments[i] = (struct run_segment){.bytes = 1000 + i * 37 % 100, .record_count = i};
    take(&skew, &left);
    message = map_skew_message(&skew);
    assert_int_equal(message->bytes, 100 * 1000 + 99 * 50);
    assert_int_equal(message->records, 99 * 50);
    assert_int_equal(message->partitions, 100);
    assert_int_equal(message->n_largest, MAP_SKEW_PARTITION_COUNT_MAX);
    assert_int_equal(message->n_largest_bytes, MAP_SKEW_PARTITION_COUNT_MAX);
    assert_int_equal(message->n_largest_records, MAP_SKEW_PARTITION_COUNT_MAX);
    for (uint64_t i = 0; i < MAP_SKEW_PARTITION_COUNT_MAX; i++) {
        assert_int_equal(message->largest_bytes[i], 1099 - i);
        assert_int_equal(message->largest[i] * 37 % 100, 99 - i);
        assert_int_equal(message->largest_records[i], message->largest[i]);
    }
}

static void few_partitions_are_all_told(void **state)
{
    struct map_skew skew = {0};
    struct left left;

    (void)state;
    left_init(&left, 3, 0);
    left.segments[1].bytes = 5;
    left.segments[2].bytes = 9;
    take(&skew, &left);
    assert_int_equal(skew.message.n_largest, 3);
    assert_int_equal(skew.message.largest[0], 2);
    assert_int_equal(skew.message.largest[1], 1);
    assert_int_equal(skew.message.largest[2], 0);
}

static void what_advice_depends_on_is_told(void **state)
{
    struct buf plain = view_of(NULL, NULL, 0), other = view_of("sum", "range", 2);
    struct map_skew skew = {0};
    struct left left;

    (void)state;
    left_init(&left, 1, 0);
    map_skew_take(&skew, &left.summary, buf_slice(&plain));
    assert_false(skew.message.combines);
    assert_false(skew.message.groups);
    assert_int_equal(skew.message.partition, PARTITION_BY_HASH);
    skew = (struct map_skew){0};
    map_skew_take(&skew, &left.summary, buf_slice(&other));
    assert_true(skew.message.combines);
    assert_true(skew.message.groups);
    assert_int_equal(skew.message.partition, PARTITION_BY_RANGE);
    buf_deinit(&plain);
    buf_deinit(&other);
}

/* Goal: a master can keep it for each map. Method: the most there can be, packed. */
static void it_is_small(void **state)
{
    char bytes[RECORD_KEY_BYTES_MAX];
    struct map_skew skew = {0};
    struct left left;

    (void)state;
    memset(bytes, 's', sizeof bytes);
    left_init(&left, 100, UINT64_MAX);
    for (uint32_t i = 0; i < MAP_SKEW_KEY_COUNT_MAX; i++) {
        struct hot_key hot =
            hot_key_of(UINT64_MAX - i, PARTITION_COUNT_MAX, slice_of(bytes, sizeof bytes));

        hot_keys_add(&left.hot, &hot, UINT64_MAX);
    }
    for (int i = 0; i < 100; i++)
        left.segments[i] = (struct run_segment){.bytes = UINT32_MAX, .record_count = UINT32_MAX};
    take(&skew, &left);
    assert_int_equal(skew.message.n_keys, MAP_SKEW_KEY_COUNT_MAX);
    assert_true(mrlua__skew__get_packed_size(&skew.message) <= 1500);

    skew = (struct map_skew){0};
    left_init(&left, 100, 1 << 20);
    for (int i = 0; i < 100; i++)
        left.segments[i] = (struct run_segment){.bytes = 1 << 20, .record_count = 1 << 13};
    take(&skew, &left);
    assert_true(mrlua__skew__get_packed_size(&skew.message) <= 80);
}

static void nothing_is_told_before_something_is_taken(void **state)
{
    struct map_skew skew = {0};

    (void)state;
    assert_null(map_skew_message(&skew));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hot_key_is_told_with_what_is_needed_to_add_it_up),
        cmocka_unit_test(what_is_told_of_a_key_is_what_is_sure),
        cmocka_unit_test(of_many_hot_keys_the_hottest_are_told),
        cmocka_unit_test(the_largest_partitions_are_told_and_the_bytes_of_all),
        cmocka_unit_test(few_partitions_are_all_told),
        cmocka_unit_test(what_advice_depends_on_is_told),
        cmocka_unit_test(it_is_small),
        cmocka_unit_test(nothing_is_told_before_something_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
