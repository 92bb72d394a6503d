#include "record/fields.h"

#include "record/value.h"
#include "test.h"

#include <stdlib.h>

static void fields_are_found_by_their_names(void **state)
{
    struct buf out = {0};
    struct datum datum;

    (void)state;
    value_write_table_begin(&out);
    field_boolean(&out, "yes", true);
    field_integer(&out, "count", UINT64_C(1) << 40);
    field_number(&out, "share", 0.5);
    field_string(&out, "name", "x");
    field_bytes(&out, "bytes", slice_of("a\0b", 3));
    field_value(&out, "seven", slice_of("\x07", 1));
    field_name(&out, "list");
    value_write_list_begin(&out, 1);
    value_write_integer(&out, 7);
    value_write_table_end(&out);

    assert_true(value_field_boolean(buf_slice(&out), "yes", false));
    assert_int_equal(value_field_integer(buf_slice(&out), "count", 0), INT64_C(1) << 40);
    assert_true(value_field_number(buf_slice(&out), "share", 0) == 0.5);
    assert_true(slice_equal(value_field_string(buf_slice(&out), "name", ""), slice_of_string("x")));
    assert_true(slice_equal(value_field_string(buf_slice(&out), "bytes", ""), slice_of("a\0b", 3)));
    assert_int_equal(value_field_integer(buf_slice(&out), "seven", 0), 7);
    assert_true(value_field(buf_slice(&out), "list", &datum));
    assert_int_equal(datum.type, DATUM_TABLE_BEGIN);
    buf_deinit(&out);
}

static void a_text_is_a_string_of_c_or_nothing(void **state)
{
    struct buf out = {0};
    char *text;

    (void)state;
    value_write_table_begin(&out);
    field_string(&out, "name", "x");
    field_string(&out, "empty", "");
    field_integer(&out, "count", 1);
    value_write_table_end(&out);

    text = field_text(buf_slice(&out), "name");
    assert_string_equal(text, "x");
    assert_null(field_text(buf_slice(&out), "empty"));
    assert_null(field_text(buf_slice(&out), "count"));
    assert_null(field_text(buf_slice(&out), "other"));
    free(text);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_by_their_names),
        cmocka_unit_test(a_text_is_a_string_of_c_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
