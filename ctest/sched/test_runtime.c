#include "test.h"

#include "base/clock.h"
#include "base/rand.h"
#include "sched/runtime.h"

static void nothing_has_no_median(void **state)
{
    struct runtime runtime = {0};

    (void)state;
    assert_int_equal(runtime_median_ns(&runtime), 0);
}

/* A median that is too short would call usual attempts slow. */
static void median_is_at_most_an_eighth_too_long_and_never_too_short(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, 1);
    for (int i = 0; i < 10000; i++) {
        uint64_t ns = (1 << 20) + rand_below(&rand, 1ULL << (20 + rand_below(&rand, 31)));
        struct runtime runtime = {0};
        uint64_t median_ns;

        runtime_add(&runtime, ns);
        median_ns = runtime_median_ns(&runtime);
        assert_true(median_ns > ns);
        assert_true(median_ns - ns <= ns / 8);
    }
}

static void half_are_below_the_median(void **state)
{
    struct runtime runtime = {0};
    uint64_t median_ns;

    (void)state;
    for (uint64_t s = 1; s <= 101; s++)
        runtime_add(&runtime, s * NS_PER_S);
    median_ns = runtime_median_ns(&runtime);
    assert_true(median_ns >= 51 * NS_PER_S);
    assert_true(median_ns <= 58 * NS_PER_S);
}

static void no_time_is_too_short_or_too_long(void **state)
{
    struct runtime runtime = {0};

    (void)state;
    runtime_add(&runtime, 0);
    assert_true(runtime_median_ns(&runtime) <= 2 * NS_PER_MS);
    runtime_add(&runtime, UINT64_MAX);
    runtime_add(&runtime, UINT64_MAX);
    assert_true(runtime_median_ns(&runtime) > 24 * 3600 * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_no_median),
        cmocka_unit_test(median_is_at_most_an_eighth_too_long_and_never_too_short),
        cmocka_unit_test(half_are_below_the_median),
        cmocka_unit_test(no_time_is_too_short_or_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
