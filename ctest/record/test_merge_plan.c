#include "test.h"

#include "record/merge_plan.h"

#include "base/rand.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 400 };

/* Carries a plan out: what it reads; `count` becomes what is left. */
static uint64_t bytes_read(const uint64_t *sizes, uint32_t *count, uint32_t fan_in)
{
    struct merge_step steps[COUNT_MAX];
    uint64_t left[COUNT_MAX], read = 0;
    uint32_t step_count = merge_plan_step_count(*count, fan_in);

    memcpy(left, sizes, *count * sizeof left[0]);
    merge_plan(left, *count, fan_in, steps);
    memcpy(left, sizes, *count * sizeof left[0]);
    for (uint32_t i = 0; i < step_count; i++) {
        struct merge_step step = steps[i];
        uint64_t sum = 0;

        assert_in_range(step.count, 2, fan_in);
        assert_true(step.first + step.count <= *count);
        for (uint32_t j = 0; j < step.count; j++)
            sum += left[step.first + j];
        left[step.first] = sum;
        memmove(left + step.first + 1, left + step.first + step.count,
                (*count - step.first - step.count) * sizeof left[0]);
        *count -= step.count - 1;
        read += sum;
    }
    return read;
}

/* The fewest bytes any plan reads to get from `count` runs to `fan_in`: tries all of them. */
static uint64_t fewest_bytes(const uint64_t *sizes, uint32_t count, uint32_t fan_in)
{
    uint64_t fewest = UINT64_MAX;

    if (count <= fan_in)
        return 0;
    for (uint32_t width = 2; width <= fan_in; width++) {
        for (uint32_t first = 0; first + width <= count; first++) {
            uint64_t left[16], sum = 0, total;

            memcpy(left, sizes, count * sizeof left[0]);
            for (uint32_t j = 0; j < width; j++)
                sum += left[first + j];
            left[first] = sum;
            memmove(left + first + 1, left + first + width,
                    (count - first - width) * sizeof left[0]);
            total = sum + fewest_bytes(left, count - width + 1, fan_in);
            fewest = total < fewest ? total : fewest;
        }
    }
    return fewest;
}

static void what_fits_one_merge_needs_no_step(void **state)
{
    (void)state;
    assert_int_equal(merge_plan_step_count(0, 2), 0);
    assert_int_equal(merge_plan_step_count(2, 2), 0);
    assert_int_equal(merge_plan_step_count(64, 64), 0);
    assert_int_equal(merge_plan_step_count(65, 64), 1);
    assert_int_equal(merge_plan_step_count(127, 64), 1);
    assert_int_equal(merge_plan_step_count(128, 64), 2);
}

static void one_run_too_many_joins_the_two_smallest_neighbours(void **state)
{
    uint64_t sizes[] = {9, 8, 2, 3, 9};
    struct merge_step step;

    (void)state;
    merge_plan(sizes, 5, 4, &step);
    assert_int_equal(step.first, 2);
    assert_int_equal(step.count, 2);
}

static void a_plan_ends_with_a_full_merge(void **state)
{
    (void)state;
    for (uint32_t fan_in = 2; fan_in < 9; fan_in++) {
        for (uint32_t count = fan_in + 1; count < COUNT_MAX; count += 7) {
            uint64_t sizes[COUNT_MAX];
            uint32_t left = count;

            for (uint32_t i = 0; i < count; i++)
                sizes[i] = 1 + i % 5;
            bytes_read(sizes, &left, fan_in);
            assert_int_equal(left, fan_in);
        }
    }
}

static void runs_of_one_size_are_joined_with_the_fewest_bytes(void **state)
{
    uint64_t sizes[9] = {5, 5, 5, 5, 5, 5, 5, 5, 5};

    (void)state;
    for (uint32_t fan_in = 2; fan_in <= 4; fan_in++) {
        for (uint32_t count = 1; count <= 9; count++) {
            uint32_t left = count;

            if (fan_in == 2 && count > 8)
                continue; /* the search takes too long */
            assert_int_equal(bytes_read(sizes, &left, fan_in), fewest_bytes(sizes, count, fan_in));
        }
    }
}

/* Goal: the header's "close" is true. A case may cost twice the best plan; all of them together
 * a tenth more. */
static void runs_of_mixed_sizes_are_joined_with_few_bytes(void **state)
{
    uint64_t read_all = 0, fewest_all = 0;
    struct rand rand;

    (void)state;
    rand_init(&rand, 7);
    for (int round = 0; round < 300; round++) {
        uint64_t sizes[7];
        uint32_t count = 3 + (uint32_t)rand_below(&rand, 5), left = count;
        uint32_t fan_in = 2 + (uint32_t)rand_below(&rand, 2);
        uint64_t read, fewest;

        for (uint32_t i = 0; i < count; i++)
            sizes[i] = 1 + rand_below(&rand, 100);
        read = bytes_read(sizes, &left, fan_in);
        fewest = fewest_bytes(sizes, count, fan_in);
        assert_in_range(read, fewest, 2 * fewest);
        read_all += read;
        fewest_all += fewest;
    }
    assert_true(10 * read_all <= 11 * fewest_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_one_merge_needs_no_step),
        cmocka_unit_test(one_run_too_many_joins_the_two_smallest_neighbours),
        cmocka_unit_test(a_plan_ends_with_a_full_merge),
        cmocka_unit_test(runs_of_one_size_are_joined_with_the_fewest_bytes),
        cmocka_unit_test(runs_of_mixed_sizes_are_joined_with_few_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
