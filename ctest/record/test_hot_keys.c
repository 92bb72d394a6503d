#include "record/hot_keys.h"

#include "seed.h"
#include "test.h"

#include <string.h>

enum { KEY_COUNT = 1000 };

static void add(struct hot_keys *keys, uint64_t number, uint64_t count)
{
    struct hot_key key = hot_key_of(number, (uint32_t)number, slice_of(&number, sizeof number));

    hot_keys_add(keys, &key, count);
}

static const struct hot_key *find(const struct hot_keys *keys, uint64_t number)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (keys->items[i].hash == number)
            return &keys->items[i];
    return NULL;
}

/* The claims of the header, about every key there is. */
static void assert_bounds(const struct hot_keys *keys, const uint64_t counts[static KEY_COUNT])
{
    uint64_t all = 0;

    for (uint64_t i = 0; i < KEY_COUNT; i++)
        all += counts[i];
    for (uint64_t i = 0; i < KEY_COUNT; i++) {
        const struct hot_key *key = find(keys, i);

        if (!key) {
            assert_true(counts[i] <= all / HOT_KEY_COUNT);
            continue;
        }
        assert_true(hot_key_sure(key) <= counts[i]);
        assert_true(counts[i] <= key->count);
        assert_true(key->error <= all / HOT_KEY_COUNT);
        assert_int_equal(key->partition, i);
        assert_memory_equal(key->bytes, &i, sizeof i);
    }
}

/* Low numbers come more often the greater `bend` is: the least of so many draws. */
static uint64_t draw(struct rand *rand, uint32_t bend)
{
    uint64_t least = rand_below(rand, KEY_COUNT);

    for (uint32_t i = 0; i < bend; i++) {
        uint64_t other = rand_below(rand, KEY_COUNT);

        if (other < least)
            least = other;
    }
    return least;
}

/* Goal: the bounds hold whatever comes. Method: streams from even to skewed, one at a time and by
 * many, against exact counts, all along. */
static void counts_are_within_their_errors(void **state)
{
    struct rand rand = seed_rand();

    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        uint64_t counts[KEY_COUNT] = {0}, step_max = round % 3 ? 1 : 100;
        struct hot_keys keys = {0};

        for (uint32_t i = 0; i < 5000; i++) {
            uint64_t number = draw(&rand, round), count = 1 + rand_below(&rand, step_max);

            add(&keys, number, count);
            counts[number] += count;
            if (i % 500 == 0)
                assert_bounds(&keys, counts);
        }
        assert_bounds(&keys, counts);
        hot_keys_sort(&keys);
        assert_bounds(&keys, counts);
        for (uint32_t i = 1; i < keys.count; i++)
            assert_true(hot_key_sure(&keys.items[i - 1]) >= hot_key_sure(&keys.items[i]));
    }
}

static void few_keys_are_counted_exactly(void **state)
{
    struct hot_keys keys = {0};

    (void)state;
    for (uint64_t i = 0; i < HOT_KEY_COUNT; i++)
        for (uint64_t j = 0; j <= i; j++)
            add(&keys, i, 2);
    hot_keys_sort(&keys);
    assert_int_equal(keys.count, HOT_KEY_COUNT);
    for (uint64_t i = 0; i < HOT_KEY_COUNT; i++) {
        assert_int_equal(keys.items[i].hash, HOT_KEY_COUNT - 1 - i);
        assert_int_equal(keys.items[i].count, 2 * (HOT_KEY_COUNT - i));
        assert_int_equal(keys.items[i].error, 0);
    }
}

static void one_key_too_many_takes_the_place_of_the_rarest(void **state)
{
    struct hot_keys keys = {0};

    (void)state;
    for (uint64_t i = 0; i < HOT_KEY_COUNT; i++)
        add(&keys, i, i == 40 ? 3 : 10);
    add(&keys, 1000, 1);
    assert_null(find(&keys, 40));
    assert_int_equal(find(&keys, 1000)->count, 4);
    assert_int_equal(find(&keys, 1000)->error, 3);
    assert_int_equal(hot_key_sure(find(&keys, 1000)), 1);
}

static void equal_ones_come_in_the_order_of_their_hashes(void **state)
{
    struct hot_keys keys = {0};

    (void)state;
    add(&keys, 7, 5);
    add(&keys, 3, 5);
    add(&keys, 9, 6);
    hot_keys_sort(&keys);
    assert_int_equal(keys.items[0].hash, 9);
    assert_int_equal(keys.items[1].hash, 3);
    assert_int_equal(keys.items[2].hash, 7);
    add(&keys, 3, 2); /* found where it is now */
    assert_int_equal(keys.count, 3);
    assert_int_equal(find(&keys, 3)->count, 7);
}

static void counts_stop_at_the_largest_number(void **state)
{
    struct hot_keys keys = {0};

    (void)state;
    add(&keys, 1, UINT64_MAX - 1);
    add(&keys, 1, 5);
    assert_true(find(&keys, 1)->count == UINT64_MAX);
}

static void a_key_is_cut_to_what_is_kept(void **state)
{
    char bytes[HOT_KEY_BYTES_MAX + 1];
    struct hot_key key;

    (void)state;
    memset(bytes, 'k', sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        size_t kept = len < HOT_KEY_BYTES_MAX ? len : HOT_KEY_BYTES_MAX;

        key = hot_key_of(1, 2, slice_of(len ? bytes : NULL, len));
        assert_int_equal(key.key_bytes, len);
        assert_true(slice_equal(hot_key_bytes(&key), slice_of(bytes, kept)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_within_their_errors),
        cmocka_unit_test(few_keys_are_counted_exactly),
        cmocka_unit_test(one_key_too_many_takes_the_place_of_the_rarest),
        cmocka_unit_test(equal_ones_come_in_the_order_of_their_hashes),
        cmocka_unit_test(counts_stop_at_the_largest_number),
        cmocka_unit_test(a_key_is_cut_to_what_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
