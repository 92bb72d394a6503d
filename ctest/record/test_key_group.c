#include "record/key_group.h"

#include "base/hash.h"
#include "record/key.h"
#include "seed.h"
#include "test.h"

#include <stdlib.h>

/* Appends a key of one to three parts, each one of few: numbers and texts that begin alike. */
static void write_key(struct buf *out, struct rand *rand)
{
    static const struct slice TEXTS[] = {{"", 0}, {"a", 1}, {"ab", 2}, {"a\0b", 3}, {"a\0", 2}};
    static const double NUMBERS[] = {0, 1, 1.5, 256, 256.25, 1e300};
    struct key_writer writer;
    struct err err;

    key_writer_init(&writer, out);
    if (rand_below(rand, 8) == 0) { /* no tuple: it is its own group */
        key_write_string(&writer, TEXTS[rand_below(rand, 5)]);
        assert_int_equal(key_writer_end(&writer, &err), 0);
        return;
    }
    key_write_tuple_begin(&writer);
    for (uint64_t i = 1 + rand_below(rand, 3); i > 0; i--) {
        if (rand_below(rand, 2))
            key_write_number(&writer, NUMBERS[rand_below(rand, 6)]);
        else
            key_write_string(&writer, TEXTS[rand_below(rand, 5)]);
    }
    key_write_tuple_end(&writer);
    assert_int_equal(key_writer_end(&writer, &err), 0);
}

static int by_bytes(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* Goal: a key's group is that of its first parts, whatever stands before it. Method: sorted random
 * keys that begin alike, against key_prefix() of each. */
static void a_group_is_that_of_the_first_parts(void **state)
{
    enum { KEYS = 500 };
    struct rand rand = seed_rand();
    struct err err;

    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        struct key_group group = {.parts = 1 + round % 3};
        struct buf bytes[KEYS] = {0};
        struct slice keys[KEYS];

        for (size_t i = 0; i < KEYS; i++) {
            write_key(&bytes[i], &rand);
            keys[i] = buf_slice(&bytes[i]);
        }
        qsort(keys, KEYS, sizeof keys[0], by_bytes);
        for (size_t i = 0; i < KEYS; i++) {
            uint32_t partition = i < KEYS / 2 ? 3 : 4;
            struct slice prefix;

            assert_int_equal(key_prefix(keys[i], group.parts, &prefix, &err), 0);
            assert_int_equal(key_group_next(&group, partition, keys[i], &err), 0);
            assert_true(slice_equal(group.prefix, prefix));
            assert_true(group.hash == hash64_seeded(prefix, partition));
        }
        for (size_t i = 0; i < KEYS; i++)
            buf_deinit(&bytes[i]);
        key_group_deinit(&group);
    }
}

static void the_first_key_is_a_group_too(void **state)
{
    struct key_group group = {.parts = 1};
    struct err err;

    (void)state;
    assert_int_equal(key_group_next(&group, 0, slice_of("F", 1), &err), 0);
    assert_true(group.hash == hash64_seeded(slice_of("F", 1), 0));
    key_group_deinit(&group);
}

static void what_is_no_key_is_an_error_of_the_input(void **state)
{
    struct key_group group = {.parts = 2};
    struct err err = {0};

    (void)state;
    assert_int_equal(key_group_next(&group, 0, slice_of("tsa", 3), &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    key_group_deinit(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_that_of_the_first_parts),
        cmocka_unit_test(the_first_key_is_a_group_too),
        cmocka_unit_test(what_is_no_key_is_an_error_of_the_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
