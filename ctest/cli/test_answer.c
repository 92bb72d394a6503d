#include "cli/answer.h"

#include "cli/kit.h"
#include "sched/sched.h"

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

static void an_effort_is_told_whole(void **state)
{
    double seconds[] = {[STAGE_PLAN] = 0.5, [STAGE_MAP] = 2, [STAGE_REDUCE] = 1};
    Mrlua__SlowAttempt slow = MRLUA__SLOW_ATTEMPT__INIT, *slowest[] = {&slow};
    Mrlua__JobEffort effort = MRLUA__JOB_EFFORT__INIT;
    struct value_reader reader;
    struct datum key, value;
    struct buf out = {0};
    struct slice table;
    struct err err;

    (void)state;
    slow.stage = STAGE_MAP;
    slow.task = 3;
    slow.worker_id = 7;
    slow.seconds = 1.5;
    slow.worker = (char *)(uintptr_t) "w3";
    effort.slowest = slowest;
    effort.n_slowest = 1;
    effort.seconds = seconds;
    effort.n_seconds = 3;
    effort.bytes_shuffled = 12;
    effort.failed = 2;
    answer_effort(&effort, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_int_equal(value_field_integer(buf_slice(&out), "bytes_shuffled", 0), 12);
    assert_int_equal(value_field_integer(buf_slice(&out), "failed", 0), 2);
    assert_true(value_field_table(buf_slice(&out), "seconds", &table));
    assert_true(value_field_number(table, "map", 0) == 2);
    assert_true(value_field_number(table, "commit", -1) == -1);
    assert_true(value_field_table(buf_slice(&out), "slowest", &table));
    value_reader_init(&reader, table);
    assert_int_equal(value_read(&reader, &key, &err), 1);
    assert_int_equal(value_read_pair(&reader, &key, &value, &err), 1);
    assert_int_equal(value_field_integer(value.string, "task", 0), 3);
    assert_true(slice_equal(value_field_string(value.string, "stage", ""), slice_of_string("map")));
    assert_true(slice_equal(value_field_string(value.string, "worker", ""), slice_of_string("w3")));
    assert_int_equal(value_field_integer(value.string, "worker_id", 0), 7);
    buf_clear(&out);
    answer_effort(NULL, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_false(value_field_table(buf_slice(&out), "seconds", &table));
    buf_deinit(&out);
}

static void inputs_are_told_with_what_they_were(void **state)
{
    Mrlua__InputFact file = MRLUA__INPUT_FACT__INIT, object = MRLUA__INPUT_FACT__INIT;
    Mrlua__InputFact *list[] = {&file, &object};
    Mrlua__InputFacts inputs = MRLUA__INPUT_FACTS__INIT;
    struct value_reader reader;
    struct datum key, value;
    struct buf out = {0};
    struct slice table;
    struct err err;

    (void)state;
    file.name = (char *)(uintptr_t) "in";
    file.bytes = 8;
    file.mtime_ns = 77;
    object.generation = 5;
    inputs.first = list;
    inputs.n_first = 2;
    inputs.count = 300;
    inputs.sum = 0xab;
    value_write_table_begin(&out);
    answer_inputs(&inputs, &out);
    answer_inputs(NULL, &out);
    value_write_table_end(&out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_int_equal(value_field_integer(buf_slice(&out), "input_count", 0), 300);
    assert_true(slice_equal(value_field_string(buf_slice(&out), "input_sum", ""),
                            slice_of_string("00000000000000ab")));
    assert_true(value_field_table(buf_slice(&out), "inputs", &table));
    value_reader_init(&reader, table);
    assert_int_equal(value_read(&reader, &key, &err), 1);
    assert_int_equal(value_read_pair(&reader, &key, &value, &err), 1);
    assert_true(slice_equal(value_field_string(value.string, "name", ""), slice_of_string("in")));
    assert_int_equal(value_field_integer(value.string, "mtime_ns", 0), 77);
    assert_int_equal(value_field_integer(value.string, "generation", -1), -1);
    assert_int_equal(value_read_pair(&reader, &key, &value, &err), 1);
    assert_int_equal(value_field_integer(value.string, "generation", 0), 5);
    buf_deinit(&out);
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

/* Row `index` (from 1) of the list `name` of a table. */
static struct slice row_of(struct slice table, const char *name, int64_t index)
{
    struct value_reader reader;
    struct datum key, value;
    struct slice list;
    struct err err;

    assert_true(value_field_table(table, name, &list));
    value_reader_init(&reader, list);
    assert_int_equal(value_read(&reader, &key, &err), 1);
    do
        assert_int_equal(value_read_pair(&reader, &key, &value, &err), 1);
    while (key.integer != index);
    return value.string;
}

static void skew_is_a_table_of_lists(void **state)
{
    Mrlua__JobSkew skew = MRLUA__JOB_SKEW__INIT;
    Mrlua__HotKeyInfo hot[2] = {MRLUA__HOT_KEY_INFO__INIT, MRLUA__HOT_KEY_INFO__INIT};
    Mrlua__HotKeyInfo *keys[] = {&hot[0], &hot[1]};
    Mrlua__PartitionInfo partition = MRLUA__PARTITION_INFO__INIT, *largest[] = {&partition};
    char *advice[] = {(char *)(uintptr_t) "do this"};
    struct buf out = {0};
    struct slice row;
    struct err err;

    (void)state;
    skew.records = 100;
    skew.n_keys = 2;
    skew.keys = keys;
    hot[1].text = (char *)(uintptr_t) "\"the\"";
    hot[1].records = 10;
    skew.n_largest = 1;
    skew.largest = largest;
    partition.bytes = 400;
    skew.n_advice = 1;
    skew.advice = advice;
    answer_skew(&skew, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_int_equal(value_field_integer(buf_slice(&out), "records", 0), 100);
    row = row_of(buf_slice(&out), "keys", 2);
    assert_true(slice_equal(value_field_string(row, "key", ""), slice_of_string("\"the\"")));
    assert_int_equal(value_field_integer(row, "records", 0), 10);
    row = row_of(buf_slice(&out), "largest", 1);
    assert_int_equal(value_field_integer(row, "bytes", 0), 400);
    assert_true(slice_equal(row_of(buf_slice(&out), "advice", 1), slice_of_string("do this")));
    buf_deinit(&out);
}

static void without_skew_the_table_is_empty(void **state)
{
    struct buf out = {0};
    struct datum ignored;
    struct err err;

    (void)state;
    answer_skew(NULL, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_false(value_field(buf_slice(&out), "records", &ignored));
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
        cmocka_unit_test(an_effort_is_told_whole),
        cmocka_unit_test(inputs_are_told_with_what_they_were),
        cmocka_unit_test(an_error_says_whether_anything_was_started),
        cmocka_unit_test(lines_are_taken_once),
        cmocka_unit_test(a_part_has_its_checksum_in_eight_digits),
        cmocka_unit_test(skew_is_a_table_of_lists),
        cmocka_unit_test(without_skew_the_table_is_empty),
        cmocka_unit_test(a_terminal_has_columns_even_if_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
