#include "format/csv_writer.h"

#include "encode.h"
#include "table_text.h"

#include <string.h>

static const char *const columns[] = {"b", "a,"};

static struct slice text_key(const char *text)
{
    return encode_key_string(text, strlen(text));
}

static int put(struct slice options, struct slice key, struct slice value, struct buf *out,
               struct err *err)
{
    struct csv_writer csv;
    int rc = csv_writer_init(&csv, options, err);

    if (rc == 0)
        rc = csv_writer_put(&csv, key, value, out, err);
    csv_writer_deinit(&csv);
    return rc;
}

static void writes(struct slice options, struct slice key, struct slice value, const char *expected)
{
    struct buf out = {0};
    struct err err = {0};

    if (put(options, key, value, &out, &err) != 0)
        fail_msg("%s", err.message);
    assert_string_equal(buf_string(&out), expected);
    buf_deinit(&out);
}

/* {"b": 1, "a,": {"x"}} and its like: what `fields` says, as name, value, ... */
static void put_table(struct buf *out, const char *const *fields, size_t count)
{
    value_write_table_begin(out);
    for (size_t i = 0; i < count; i += 2) {
        value_write_string(out, slice_of_string(fields[i]));
        value_write_string(out, slice_of_string(fields[i + 1]));
    }
    value_write_table_end(out);
}

static void a_row_is_key_and_value(void **state)
{
    struct slice none = {0};

    (void)state;
    writes(none, text_key("a,b"), encode_value_integer(3), "\"a,b\",3");
    writes(none, encode_key_number(1.5), encode_value_string("x\ny", 3), "1.5,\"x\ny\"");
    writes(none, text_key("k"), encode_value_boolean(true), "k");
    writes(none, text_key("k"), encode_value_boolean(false), "k,false");
    writes(none, text_key(""), encode_value_boolean(true), "\"\"");
}

static void the_items_of_a_list_are_fields(void **state)
{
    struct buf value = {0};

    (void)state;
    value_write_list_begin(&value, 4);
    value_write_integer(&value, 1);
    value_write_null(&value);
    value_write_list_begin(&value, 1);
    value_write_integer(&value, 2);
    value_write_string(&value, slice_of_string("a\"b"));
    writes((struct slice){0}, text_key("k"), buf_slice(&value), "k,1,,[2],\"a\"\"b\"");
    buf_deinit(&value);
}

static void columns_are_fields_of_the_value(void **state)
{
    static const char *const both[] = {"a,", "1", "b", "2"}, *const one[] = {"b", "x,y"};
    struct buf options = {0}, value = {0}, header = {0};
    struct csv_writer csv;
    struct err err = {0};

    (void)state;
    table_text_columns(&options, columns, 2);
    put_table(&value, both, 4);
    writes(buf_slice(&options), text_key("k"), buf_slice(&value), "2,1");
    buf_clear(&value);
    put_table(&value, one, 2);
    writes(buf_slice(&options), text_key("k"), buf_slice(&value), "\"x,y\",");
    assert_int_equal(csv_writer_init(&csv, buf_slice(&options), &err), 0);
    csv_writer_header(&csv, &header);
    assert_string_equal(buf_string(&header), "b,\"a,\"\n");
    csv_writer_deinit(&csv);
    buf_deinit(&options);
    buf_deinit(&value);
    buf_deinit(&header);
}

static void what_no_column_takes_is_refused(void **state)
{
    static const char *const other[] = {"b", "1", "c", "2"};
    struct buf options = {0}, value = {0}, out = {0};
    struct err err = {0};

    (void)state;
    table_text_columns(&options, columns, 2);
    put_table(&value, other, 4);
    assert_int_equal(put(buf_slice(&options), text_key("k"), buf_slice(&value), &out, &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, "output: the value has a field 'c', which is no column");
    assert_int_equal(put(buf_slice(&options), text_key("k"), encode_value_integer(1), &out, &err),
                     -1);
    assert_string_equal(err.message, "output: columns are fields of a table, not of a number");
    buf_clear(&value);
    value_write_list_begin(&value, 1);
    value_write_integer(&value, 1);
    assert_int_equal(put(buf_slice(&options), text_key("k"), buf_slice(&value), &out, &err), -1);
    assert_string_equal(err.message,
                        "output: columns have names, and the value has a number as key");
    buf_deinit(&options);
    buf_deinit(&value);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_key_and_value),
        cmocka_unit_test(the_items_of_a_list_are_fields),
        cmocka_unit_test(columns_are_fields_of_the_value),
        cmocka_unit_test(what_no_column_takes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
