#include "base/slice.h"

#include "test.h"

static int order(const char *a, const char *b)
{
    int order = slice_compare(slice_of_string(a), slice_of_string(b));

    return (order > 0) - (order < 0);
}

static void order_is_that_of_bytes_a_prefix_first(void **state)
{
    (void)state;
    assert_int_equal(order("", ""), 0);
    assert_int_equal(order("", "a"), -1);
    assert_int_equal(order("ab", "a"), 1);
    assert_int_equal(order("b", "ab"), 1);
    assert_int_equal(order("\x7f", "\x80"), -1); /* bytes, not signed chars */
}

static void null_is_the_empty_slice(void **state)
{
    (void)state;
    assert_true(slice_equal(slice_of(NULL, 0), slice_of_string("")));
    assert_int_equal(slice_compare(slice_of(NULL, 0), slice_of_string("")), 0);
}

static void nul_bytes_are_bytes(void **state)
{
    (void)state;
    assert_false(slice_equal(slice_of("a\0b", 3), slice_of("a\0c", 3)));
    assert_false(slice_equal(slice_of("a\0", 2), slice_of("a", 1)));
    assert_true(slice_compare(slice_of("a\0b", 3), slice_of("a\0c", 3)) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_that_of_bytes_a_prefix_first),
        cmocka_unit_test(null_is_the_empty_slice),
        cmocka_unit_test(nul_bytes_are_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
