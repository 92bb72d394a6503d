#include "test.h"

#include "record/top.h"

static const struct slice KEY = {"sk", 2};

static int add_integer(struct top *top, int64_t integer, struct err *err)
{
    char bytes[VALUE_NUMBER_BYTES_MAX];

    return top_add(top, KEY, slice_of(bytes, value_encode_integer(bytes, integer)), err);
}

static int add_number(struct top *top, double number, struct err *err)
{
    char bytes[VALUE_NUMBER_BYTES_MAX];

    return top_add(top, KEY, slice_of(bytes, value_encode_number(bytes, number)), err);
}

static int add_text(struct top *top, const char *text, struct err *err)
{
    struct buf value = {0};
    int rc;

    value_write_string(&value, slice_of_string(text));
    rc = top_add(top, KEY, buf_slice(&value), err);
    buf_deinit(&value);
    return rc;
}

static void assert_holds(const struct top *top, uint32_t at, struct datum want)
{
    struct value_reader reader;
    struct datum datum;
    struct err err;

    value_reader_init(&reader, top_value(top, at));
    assert_int_equal(value_read(&reader, &datum, &err), 1);
    assert_int_equal(datum.type, want.type);
    if (want.type == DATUM_INTEGER)
        assert_int_equal(datum.integer, want.integer);
    if (want.type == DATUM_STRING)
        assert_true(slice_equal(datum.string, want.string));
}

static void the_largest_come_first(void **state)
{
    static const int64_t VALUES[] = {5, -3, 9, 0, 9, 7, 300, 1};
    static const int64_t LARGEST[] = {300, 9, 9, 7};
    struct top top;
    struct err err;

    (void)state;
    top_init(&top, 4);
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++)
        assert_int_equal(add_integer(&top, VALUES[i], &err), 0);
    assert_int_equal(top.count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_holds(&top, i, (struct datum){.type = DATUM_INTEGER, .integer = LARGEST[i]});
    top_deinit(&top);
}

static void the_first_of_equal_ones_is_kept(void **state)
{
    struct top top;
    struct err err;

    (void)state;
    top_init(&top, 2);
    assert_int_equal(add_integer(&top, 1, &err), 0);
    assert_int_equal(add_number(&top, 2.0, &err), 0);
    assert_int_equal(add_integer(&top, 2, &err), 0);
    assert_int_equal(add_number(&top, 2.0, &err), 0);
    assert_int_equal(top.count, 2);
    assert_holds(&top, 0, (struct datum){.type = DATUM_FLOAT});
    assert_holds(&top, 1, (struct datum){.type = DATUM_INTEGER, .integer = 2});
    top_deinit(&top);
}

static void strings_go_by_their_bytes(void **state)
{
    struct top top;
    struct err err;

    (void)state;
    top_init(&top, 2);
    for (const char *const *text = (const char *const[]){"b", "", "ab", "\xff", "c", NULL}; *text;
         text++)
        assert_int_equal(add_text(&top, *text, &err), 0);
    assert_holds(&top, 0, (struct datum){.type = DATUM_STRING, .string = slice_of("\xff", 1)});
    assert_holds(&top, 1, (struct datum){.type = DATUM_STRING, .string = slice_of("c", 1)});
    top_deinit(&top);
}

static void what_has_no_order_is_refused(void **state)
{
    struct top top;
    struct err err;

    (void)state;
    top_init(&top, TOP_COUNT_MAX);
    assert_int_equal(add_integer(&top, 1, &err), 0);
    assert_int_equal(add_text(&top, "x", &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, "top: values of key \"k\" are numbers and strings");
    assert_int_equal(top_add(&top, KEY, slice_of("\xc3", 1), &err), -1);
    assert_string_equal(err.message, "top: values of key \"k\" must be numbers or strings");
    assert_int_equal(top_add(&top, KEY, slice_of("\xff", 1), &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    top_deinit(&top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_come_first),
        cmocka_unit_test(the_first_of_equal_ones_is_kept),
        cmocka_unit_test(strings_go_by_their_bytes),
        cmocka_unit_test(what_has_no_order_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
