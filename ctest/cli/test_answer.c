#include "cli/answer.h"

#include "cli/kit.h"

static void an_error_says_whether_anything_was_started(void **state)
{
    struct buf out = {0};
    struct err err;

    (void)state;
    err_set(&err, ERR_INPUT, "no such file");
    answer_error(&err, NULL, false, &out);
    assert_false(value_field_boolean(buf_slice(&out), "is_setup", true));
    assert_true(slice_equal(value_field_string(buf_slice(&out), "kind", ""),
                            slice_of_string(err_kind_name(ERR_INPUT))));
    buf_clear(&out);
    answer_error(&err, "a\nb\n", true, &out);
    assert_true(value_field_boolean(buf_slice(&out), "is_setup", false));
    assert_true(
        slice_equal(value_field_string(buf_slice(&out), "detail", ""), slice_of_string("a\nb\n")));
    buf_clear(&out);
    err_set(&err, ERR_SETUP, "a wrong flag");
    answer_error(&err, NULL, false, &out);
    assert_true(value_field_boolean(buf_slice(&out), "is_setup", false));
    buf_deinit(&out);
}

/* The strings of a list, each with a '|' behind it. */
static void join(const struct buf *list, struct buf *out)
{
    struct value_reader reader;
    struct datum key, value;
    struct err err;

    buf_clear(out);
    value_reader_init(&reader, buf_slice(list));
    assert_int_equal(value_read(&reader, &key, &err), 1);
    while (value_read_pair(&reader, &key, &value, &err) == 1) {
        buf_append(out, value.string.ptr, value.string.len);
        buf_append_string(out, "|");
    }
}

static void lines_are_taken_once(void **state)
{
    struct buf log = {0}, out = {0}, text = {0};

    (void)state;
    buf_append_string(&log, "one\n\nthree\n");
    answer_log(&log, &out);
    join(&out, &text);
    assert_string_equal(buf_string(&text), "one||three|");
    assert_int_equal(log.len, 0);
    buf_clear(&out);
    answer_log(&log, &out);
    join(&out, &text);
    assert_string_equal(buf_string(&text), "");
    buf_deinit(&log);
    buf_deinit(&out);
    buf_deinit(&text);
}

static void a_part_has_its_checksum_in_eight_digits(void **state)
{
    struct buf out = {0};

    (void)state;
    answer_part("part-00000", 10, 2, 0xabc, &out);
    assert_true(slice_equal(value_field_string(buf_slice(&out), "crc32c", ""),
                            slice_of_string("00000abc")));
    assert_int_equal(value_field_integer(buf_slice(&out), "records", 0), 2);
    buf_deinit(&out);
}

static void a_terminal_has_columns_even_if_there_is_none(void **state)
{
    (void)state;
    assert_true(answer_columns() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_says_whether_anything_was_started),
        cmocka_unit_test(lines_are_taken_once),
        cmocka_unit_test(a_part_has_its_checksum_in_eight_digits),
        cmocka_unit_test(a_terminal_has_columns_even_if_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
