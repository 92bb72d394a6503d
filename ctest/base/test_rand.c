#include "base/rand.h"

#include "test.h"

/* The published vectors: xoshiro256** from state 1, 2, 3, 4; splitmix64 from seed 1234567. */
static void numbers_are_those_of_the_papers(void **state)
{
    struct rand rand = {.state = {1, 2, 3, 4}};

    (void)state;
    assert_int_equal(rand_next(&rand), 11520);
    assert_int_equal(rand_next(&rand), 0);
    assert_int_equal(rand_next(&rand), 1509978240);
    assert_int_equal(rand_next(&rand), 1215971899390074240);

    rand_init(&rand, 1234567);
    assert_int_equal(rand.state[0], 6457827717110365317U);
    assert_int_equal(rand.state[1], 3203168211198807973U);
    assert_int_equal(rand.state[2], 9817491932198370423U);
    assert_int_equal(rand.state[3], 4593380528125082431U);
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, 42);
    assert_int_equal(rand_next(&rand), 0x15780b2e0c2ec716);
    assert_int_equal(rand_next(&rand), 0x6104d9866d113a7e);
    rand_init(&rand, 43);
    assert_int_not_equal(rand_next(&rand), 0x15780b2e0c2ec716);
}

static void below_stays_below_and_reaches_every_number(void **state)
{
    uint32_t seen[7] = {0};
    struct rand rand;

    (void)state;
    rand_init(&rand, 1);
    for (int i = 0; i < 7000; i++) {
        uint64_t value = rand_below(&rand, 7);

        assert_true(value < 7);
        seen[value]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 850, 1150); /* 5 standard deviations around 1,000 */
    assert_int_equal(rand_below(&rand, 1), 0);
}

/* With a bound of 2^63 + 1 nearly half of all raw numbers must be thrown away. */
static void below_is_right_for_the_most_wasteful_bound(void **state)
{
    uint64_t bound = ((uint64_t)1 << 63) + 1, high = 0;
    struct rand rand;

    (void)state;
    rand_init(&rand, 2);
    for (int i = 0; i < 1000; i++) {
        uint64_t value = rand_below(&rand, bound);

        assert_true(value < bound);
        high += value >= bound / 2;
    }
    assert_in_range(high, 420, 580);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_papers),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(below_stays_below_and_reaches_every_number),
        cmocka_unit_test(below_is_right_for_the_most_wasteful_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
