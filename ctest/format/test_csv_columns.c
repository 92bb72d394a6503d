#include "format/csv_columns.h"

#include "format/csv_row.h"
#include "record/value.h"
#include "table_text.h"

#include <string.h>

static void names_are_found_and_in_order(void **state)
{
    static const char *const names[] = {"b", "", "a", "B", "ab"};
    struct csv_columns columns;

    (void)state;
    csv_columns_init(&columns, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(csv_columns_add(&columns, slice_of_string(names[i])), -1);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(csv_columns_find(&columns, slice_of_string(names[i])), i);
        assert_true(slice_equal(csv_columns_name(&columns, i), slice_of_string(names[i])));
    }
    assert_int_equal(csv_columns_find(&columns, slice_of_string("c")), -1);
    for (size_t i = 1; i < 5; i++)
        assert_true(slice_compare(csv_columns_name(&columns, columns.in_order[i - 1]),
                                  csv_columns_name(&columns, columns.in_order[i])) < 0);
    csv_columns_deinit(&columns);
}

static void a_name_twice_is_told_with_the_first_ones_place(void **state)
{
    struct csv_columns columns;

    (void)state;
    csv_columns_init(&columns, 3);
    assert_int_equal(csv_columns_add(&columns, slice_of_string("x")), -1);
    assert_int_equal(csv_columns_add(&columns, slice_of_string("y")), -1);
    assert_int_equal(csv_columns_add(&columns, slice_of_string("y")), 1);
    assert_int_equal(columns.count, 2);
    csv_columns_deinit(&columns);
}

static int of_names(const char *const *names, size_t count, struct err *err)
{
    struct csv_columns columns = {0};
    struct buf list = {0};
    struct slice field = {0};
    int rc;

    table_text_columns(&list, names, count);
    assert_int_equal(value_field_table(buf_slice(&list), "columns", &field), true);
    rc = csv_columns_of_job(&columns, field, err);
    assert_true(rc != 0 || columns.count == count);
    csv_columns_deinit(&columns);
    buf_deinit(&list);
    return rc;
}

static void a_jobs_list_is_taken_or_refused(void **state)
{
    static const char *const good[] = {"b", "a"}, *const twice[] = {"a", "a"};
    struct csv_columns columns = {0};
    struct buf list = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(of_names(good, 2, &err), 0);
    assert_int_equal(of_names(twice, 2, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    value_write_list_begin(&list, CSV_FIELD_COUNT_MAX + 1);
    for (int i = 0; i <= CSV_FIELD_COUNT_MAX; i++)
        value_write_integer(&list, 1);
    assert_int_equal(csv_columns_of_job(&columns, buf_slice(&list), &err), -1);
    assert_non_null(strstr(err.message, "no list of 1 to 16384 names"));
    csv_columns_deinit(&columns);
    buf_deinit(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_and_in_order),
        cmocka_unit_test(a_name_twice_is_told_with_the_first_ones_place),
        cmocka_unit_test(a_jobs_list_is_taken_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
