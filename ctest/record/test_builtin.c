#include "test.h"

#include "record/builtin.h"

#include "seed.h"

#include <assert.h>
#include <math.h>

static const struct slice KEY = {"sthe", 4};

static struct datum integer(int64_t value)
{
    return (struct datum){.type = DATUM_INTEGER, .integer = value};
}

static struct datum number(double value)
{
    return (struct datum){.type = DATUM_FLOAT, .number = value};
}

static struct datum string(const char *value)
{
    return (struct datum){.type = DATUM_STRING, .string = slice_of_string(value)};
}

static int add(struct fold *fold, struct datum value, struct err *err)
{
    struct buf bytes = {0};
    int rc;

    value_write_datum(&bytes, &value);
    rc = fold_add(fold, KEY, buf_slice(&bytes), err);
    buf_deinit(&bytes); /* the fold keeps nothing of it */
    return rc;
}

/* Folds `count` values; the same bytes as those of `want`, so 1 is not 1.0 and 0.0 not -0.0. */
static void assert_folds(enum builtin builtin, size_t count, const struct datum *values,
                         struct datum want)
{
    struct buf got = {0}, bytes = {0};
    struct fold fold = {0};
    struct err err;

    fold_begin(&fold, builtin);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(add(&fold, values[i], &err), 0);
    fold_result(&fold, &got);
    value_write_datum(&bytes, &want);
    assert_true(slice_equal(buf_slice(&got), buf_slice(&bytes)));
    buf_deinit(&got);
    buf_deinit(&bytes);
    fold_deinit(&fold);
}

#define ASSERT_FOLDS(builtin, want, ...)                                                           \
    assert_folds(builtin, sizeof((struct datum[]){__VA_ARGS__}) / sizeof(struct datum),            \
                 (struct datum[]){__VA_ARGS__}, want)

static void names_are_known(void **state)
{
    struct buf all = {0};

    (void)state;
    for (int i = BUILTIN_NONE + 1; i < BUILTIN_END; i++) {
        const char *name = builtin_name((enum builtin)i);

        assert_int_equal(builtin_by_name(slice_of_string(name)), i);
        buf_printf(&all, "%s%s", all.len ? ", " : "", name);
    }
    assert_string_equal(buf_string(&all), builtin_names());
    assert_int_equal(builtin_by_name(slice_of_string("none")), BUILTIN_NONE);
    assert_int_equal(builtin_by_name(slice_of("summer", 4)), BUILTIN_NONE);
    assert_int_equal(builtin_by_name(slice_of("", 0)), BUILTIN_NONE);
    buf_deinit(&all);
}

static void sum_adds_as_lua_does(void **state)
{
    (void)state;
    ASSERT_FOLDS(BUILTIN_SUM, integer(6), integer(1), integer(2), integer(3));
    ASSERT_FOLDS(BUILTIN_SUM, integer(INT64_MIN), integer(INT64_MAX), integer(1));
    ASSERT_FOLDS(BUILTIN_SUM, integer(0), integer(INT64_MIN), integer(INT64_MIN));
    ASSERT_FOLDS(BUILTIN_SUM, number(1.5), integer(1), number(0.5));
    ASSERT_FOLDS(BUILTIN_SUM, number(3.0), number(1.0), integer(2));
    ASSERT_FOLDS(BUILTIN_SUM, number(0x1p63), integer(INT64_MAX), number(0.0));
    ASSERT_FOLDS(BUILTIN_SUM, number(INFINITY), number(1e308), number(1e308));
}

/* total = 0, so a sum of -0.0 is 0.0; and total = total + "7" is not followed. */
static void sum_starts_at_zero(void **state)
{
    (void)state;
    assert_folds(BUILTIN_SUM, 0, NULL, integer(0));
    ASSERT_FOLDS(BUILTIN_SUM, integer(-7), integer(-7));
    ASSERT_FOLDS(BUILTIN_SUM, number(2.5), number(2.5));
    ASSERT_FOLDS(BUILTIN_SUM, number(0.0), number(-0.0));
    ASSERT_FOLDS(BUILTIN_SUM, number(0.0), number(-0.0), number(-0.0));
}

static void count_counts_anything(void **state)
{
    (void)state;
    assert_folds(BUILTIN_COUNT, 0, NULL, integer(0));
    ASSERT_FOLDS(BUILTIN_COUNT, integer(3), integer(7), string("x"),
                 (struct datum){.type = DATUM_TRUE});
}

static void mean_divides_the_sum_as_lua_does(void **state)
{
    (void)state;
    ASSERT_FOLDS(BUILTIN_MEAN, number(2.0), integer(1), integer(2), integer(3));
    ASSERT_FOLDS(BUILTIN_MEAN, number(0.75), integer(1), number(0.5));
    ASSERT_FOLDS(BUILTIN_MEAN, number(0.0), number(-0.0));
    ASSERT_FOLDS(BUILTIN_MEAN, number(-0x1p62), integer(INT64_MAX), integer(1)); /* it wraps */
}

static void min_and_max_compare_as_lua_does(void **state)
{
    const int64_t two_53 = INT64_C(1) << 53;

    (void)state;
    ASSERT_FOLDS(BUILTIN_MIN, integer(-3), integer(2), integer(-3), integer(7));
    ASSERT_FOLDS(BUILTIN_MAX, integer(7), integer(2), integer(-3), integer(7));
    ASSERT_FOLDS(BUILTIN_MIN, number(1.5), integer(2), number(1.5));
    ASSERT_FOLDS(BUILTIN_MAX, integer(two_53 + 1), number(0x1p53), integer(two_53 + 1));
    ASSERT_FOLDS(BUILTIN_MIN, number(0x1p53), integer(two_53 + 1), number(0x1p53));
    ASSERT_FOLDS(BUILTIN_MAX, number(0x1p63), integer(INT64_MAX), number(0x1p63));
    ASSERT_FOLDS(BUILTIN_MIN, integer(INT64_MIN), integer(INT64_MIN), number(-0x1p63));
    ASSERT_FOLDS(BUILTIN_MIN, number(-INFINITY), integer(INT64_MIN), number(-INFINITY));
    ASSERT_FOLDS(BUILTIN_MAX, number(INFINITY), number(INFINITY), integer(INT64_MAX));
}

static void the_first_of_equals_wins(void **state)
{
    (void)state;
    for (enum builtin builtin = BUILTIN_MIN; builtin <= BUILTIN_MAX; builtin++) {
        ASSERT_FOLDS(builtin, integer(1), integer(1), number(1.0));
        ASSERT_FOLDS(builtin, number(1.0), number(1.0), integer(1));
        ASSERT_FOLDS(builtin, number(-0.0), number(-0.0), number(0.0), integer(0));
        ASSERT_FOLDS(builtin, number(0.0), number(0.0), number(-0.0));
    }
}

/* Nothing is less than NaN, nor NaN than anything: `if v < m` is never true. */
static void nan_stays_where_it_is(void **state)
{
    (void)state;
    for (enum builtin builtin = BUILTIN_MIN; builtin <= BUILTIN_MAX; builtin++) {
        ASSERT_FOLDS(builtin, number(NAN), number(NAN), integer(1), number(2.5));
        ASSERT_FOLDS(builtin, integer(1), integer(1), number(NAN));
        ASSERT_FOLDS(builtin, number(2.5), number(2.5), number(NAN));
    }
}

static void strings_are_compared_byte_by_byte(void **state)
{
    struct datum nul = {.type = DATUM_STRING, .string = {"a\0", 2}};

    (void)state;
    ASSERT_FOLDS(BUILTIN_MIN, string("Z"), string("b"), string("Z"), string("a"));
    ASSERT_FOLDS(BUILTIN_MAX, string("\xff"), string("b"), string("\xff"), string("z"));
    ASSERT_FOLDS(BUILTIN_MIN, string("a"), nul, string("a"));
    ASSERT_FOLDS(BUILTIN_MAX, nul, string("a"), nul);
    ASSERT_FOLDS(BUILTIN_MIN, string(""), string(""), string("a"));
    ASSERT_FOLDS(BUILTIN_MIN, string(""), string("a"), string(""));
    ASSERT_FOLDS(BUILTIN_MAX, string("a"), string(""), string("a"));
}

static void a_fold_can_begin_again(void **state)
{
    struct fold fold = {0};
    struct buf got = {0};
    struct err err;

    (void)state;
    fold_begin(&fold, BUILTIN_MAX);
    assert_int_equal(add(&fold, string("old"), &err), 0);
    fold_begin(&fold, BUILTIN_MAX);
    assert_int_equal(add(&fold, integer(5), &err), 0);
    fold_result(&fold, &got);
    assert_int_equal(got.len, 1);
    assert_int_equal(got.ptr[0], 5);
    buf_deinit(&got);
    fold_deinit(&fold);
    fold_deinit(&fold);
}

static void assert_refuses(enum builtin builtin, const char *first, const char *second,
                           enum err_kind kind, const char *message)
{
    struct fold fold = {0};
    struct err err = {0};

    fold_begin(&fold, builtin);
    if (first)
        assert_int_equal(fold_add(&fold, KEY, slice_of_string(first), &err), 0);
    assert_int_equal(fold_add(&fold, KEY, slice_of_string(second), &err), -1);
    assert_int_equal(err.kind, kind);
    assert_string_equal(err.message, message);
    fold_deinit(&fold);
}

static void wrong_types_are_the_jobs_fault(void **state)
{
    (void)state;
    assert_refuses(BUILTIN_SUM, NULL, "\x81x", ERR_JOB,
                   "sum: value of key \"the\" is a string, not a number");
    assert_refuses(BUILTIN_SUM, "\x01", "\xc4", ERR_JOB,
                   "sum: value of key \"the\" is a boolean, not a number");
    assert_refuses(BUILTIN_MIN, NULL, "\xc6\xc7", ERR_JOB,
                   "min: value of key \"the\" is a table, not a number or string");
    assert_refuses(BUILTIN_MAX, "\x81x", "\xc3", ERR_JOB,
                   "max: value of key \"the\" is a boolean, not a number or string");
    assert_refuses(BUILTIN_MIN, "\x01", "\x81x", ERR_JOB,
                   "min: values of key \"the\" are numbers and strings");
    assert_refuses(BUILTIN_MAX, "\x81x", "\x01", ERR_JOB,
                   "max: values of key \"the\" are numbers and strings");
}

static void broken_values_are_the_inputs_fault(void **state)
{
    (void)state;
    assert_refuses(BUILTIN_SUM, NULL, "", ERR_INPUT,
                   "sum: key \"the\": value: byte 0: value is cut off");
    assert_refuses(BUILTIN_MIN, NULL, "\x82x", ERR_INPUT,
                   "min: key \"the\": value: byte 1: string is cut off");
    assert_refuses(BUILTIN_MAX, NULL, "\x01\x01", ERR_INPUT,
                   "max: key \"the\": value: byte 1: bytes behind the end");
}

/* Numbers in place. */

static int64_t random_integer(struct rand *rand)
{
    uint64_t edge = (UINT64_C(1) << rand_below(rand, 64)) + rand_below(rand, 5) - 2;

    return (int64_t)(rand_below(rand, 2) ? edge : -edge);
}

static struct fold_number random_number(struct rand *rand)
{
    struct fold_number out = {.is_float = rand_below(rand, 2)};
    double value = (double)random_integer(rand);

    if (!out.is_float)
        out.integer = random_integer(rand);
    else
        out.number = rand_below(rand, 2) ? value : nextafter(value, INFINITY) / 2;
    return out;
}

/* Holds each int64_t and each double exactly. */
static long double exact(const struct fold_number *value)
{
    return value->is_float ? (long double)value->number : (long double)value->integer;
}
static_assert(__LDBL_MANT_DIG__ >= 64, "exact() is");

static void mixed_numbers_compare_without_rounding(void **state)
{
    struct rand rand = seed_rand();

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct fold_number a = random_number(&rand), b = random_number(&rand);
        struct fold_number min = a, max = a;

        fold_number_add(BUILTIN_MIN, &min, &b);
        fold_number_add(BUILTIN_MAX, &max, &b);
        assert_true(exact(&min) == (exact(&b) < exact(&a) ? exact(&b) : exact(&a)));
        assert_true(exact(&max) == (exact(&b) > exact(&a) ? exact(&b) : exact(&a)));
        if (exact(&a) == exact(&b)) {
            assert_int_equal(min.is_float, a.is_float);
            assert_int_equal(max.is_float, a.is_float);
        }
    }
}

static void only_numbers_decode_as_numbers(void **state)
{
    static const char *const others[] = {"",         "\x81x",    "\xc3",         "\xc6\xc7", "\xc0",
                                         "\x01\x01", "\xc0\x02", "\xc0\x01\x01", "\xff"};
    struct rand rand = seed_rand();
    struct fold_number out;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(fold_number_decode(slice_of_string(others[i]), &out));
    for (int i = 0; i < 10000; i++) {
        struct fold_number in = random_number(&rand);
        char bytes[VALUE_NUMBER_BYTES_MAX];
        size_t len = fold_number_encode(&in, bytes);

        assert_true(fold_number_decode(slice_of(bytes, len), &out));
        assert_int_equal(out.is_float, in.is_float);
        assert_true(exact(&out) == exact(&in));
    }
}

/* One spill: values [from, to) folded in place and encoded, then given to the fold. */
static void add_spill(struct fold *fold, const struct fold_number *values, size_t from, size_t to)
{
    struct fold_number accumulator = values[from];
    char bytes[VALUE_NUMBER_BYTES_MAX];
    struct err err;

    for (size_t i = from + 1; i < to; i++)
        fold_number_add(fold->builtin, &accumulator, &values[i]);
    assert_int_equal(
        fold_add(fold, KEY, slice_of(bytes, fold_number_encode(&accumulator, bytes)), &err), 0);
}

/* Goal: a combiner changes no result, wherever a spill cuts the values.
 * Method: sums are of integers, which wrap alike in any order; min and max take any number. */
static void spills_change_no_result(void **state)
{
    enum { COUNT = 12 };
    struct rand rand = seed_rand();

    (void)state;
    for (int i = 0; i < 20000; i++) {
        enum builtin builtin = (enum builtin[]){BUILTIN_SUM, BUILTIN_MIN, BUILTIN_MAX}[i % 3];
        struct fold_number values[COUNT];
        struct fold whole = {0}, cut = {0};
        struct buf a = {0}, b = {0};

        for (int v = 0; v < COUNT; v++) {
            values[v] = random_number(&rand);
            while (builtin == BUILTIN_SUM && values[v].is_float)
                values[v] = random_number(&rand);
        }
        fold_begin(&whole, builtin);
        for (size_t v = 0; v < COUNT; v++)
            add_spill(&whole, values, v, v + 1);
        fold_begin(&cut, builtin);
        for (size_t from = 0, to; from < COUNT; from = to) {
            to = from + 1 + rand_below(&rand, COUNT - from);
            add_spill(&cut, values, from, to);
        }
        fold_result(&whole, &a);
        fold_result(&cut, &b);
        assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
        buf_deinit(&a);
        buf_deinit(&b);
        fold_deinit(&whole);
        fold_deinit(&cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_known),
        cmocka_unit_test(sum_adds_as_lua_does),
        cmocka_unit_test(sum_starts_at_zero),
        cmocka_unit_test(count_counts_anything),
        cmocka_unit_test(mean_divides_the_sum_as_lua_does),
        cmocka_unit_test(min_and_max_compare_as_lua_does),
        cmocka_unit_test(the_first_of_equals_wins),
        cmocka_unit_test(nan_stays_where_it_is),
        cmocka_unit_test(strings_are_compared_byte_by_byte),
        cmocka_unit_test(a_fold_can_begin_again),
        cmocka_unit_test(wrong_types_are_the_jobs_fault),
        cmocka_unit_test(broken_values_are_the_inputs_fault),
        cmocka_unit_test(mixed_numbers_compare_without_rounding),
        cmocka_unit_test(only_numbers_decode_as_numbers),
        cmocka_unit_test(spills_change_no_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
