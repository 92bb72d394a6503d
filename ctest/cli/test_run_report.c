#include "cli/run_kit.h"

#define COUNT "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum' }"

static struct run_kit kit;

static int tear_down(void **state)
{
    (void)state;
    run_kit_close(&kit);
    return 0;
}

/* The stage `index` (from 1) of a report. */
static struct slice stage_of(const struct buf *report, int64_t index)
{
    struct value_reader reader;
    struct datum key, value;
    struct slice stages;
    struct err err;

    assert_true(value_field_table(buf_slice(report), "stages", &stages));
    value_reader_init(&reader, stages);
    assert_int_equal(value_read(&reader, &key, &err), 1);
    do
        assert_int_equal(value_read_pair(&reader, &key, &value, &err), 1);
    while (key.integer != index);
    return value.string;
}

static void a_report_grows_to_what_the_job_is(void **state)
{
    struct buf report = {0};
    struct slice map, reduce;
    double done = 0;

    (void)state;
    run_kit_open(&kit, COUNT, "b\na\nb\nc\n");
    assert_true(run_kit_start(&kit));
    do {
        run_kit_step(&kit);
        buf_clear(&report);
        run_shell_report(kit.shell, &report);
        assert_int_equal(value_check(buf_slice(&report), &kit.err), 0);
        map = stage_of(&report, 1);
        assert_true(value_field_number(map, "bytes_done", -1) >= done);
        done = value_field_number(map, "bytes_done", -1);
    } while (!value_field_boolean(buf_slice(&report), "finished", false));

    reduce = stage_of(&report, 2);
    assert_true(slice_equal(value_field_string(map, "name", ""), slice_of_string("map")));
    assert_int_equal(value_field_integer(map, "tasks", 0), 2); /* 8 bytes in splits of 4 */
    assert_int_equal(value_field_integer(map, "tasks_done", 0), 2);
    assert_int_equal(value_field_integer(map, "tasks_running", -1), 0);
    assert_int_equal(value_field_integer(map, "records", 0), 4);
    assert_true(value_field_number(map, "bytes", 0) == 8);
    assert_true(done == 8);
    assert_true(value_field_number(map, "seconds", 0) > 0);
    assert_int_equal(value_field_integer(reduce, "tasks_done", 0), 2);
    assert_int_equal(value_field_integer(reduce, "records", 0), 4);
    assert_true(value_field_number(reduce, "bytes", 1) ==
                value_field_number(reduce, "bytes_done", 0));
    assert_true(value_field_integer(buf_slice(&report), "columns", 0) > 0);
    buf_deinit(&report);
}

static void an_outcome_tells_what_was_made(void **state)
{
    struct buf outcome;
    struct slice table, effort;

    (void)state;
    run_kit_open(&kit, COUNT, "b\na\nb\nc\n");
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    outcome = run_kit_outcome(&kit);
    assert_false(value_field_table(buf_slice(&outcome), "error", &table));
    assert_int_equal(value_field_integer(buf_slice(&outcome), "records", 0), 3);
    assert_int_equal(value_field_integer(buf_slice(&outcome), "bytes", 0), 12);
    assert_int_equal(value_field_integer(buf_slice(&outcome), "input_bytes", 0), 8);
    assert_true(value_field_table(buf_slice(&outcome), "counters", &table));
    assert_int_equal(value_field_integer(table, "map_records_in", 0), 4);
    assert_true(value_field_table(buf_slice(&outcome), "skew", &table));
    assert_int_equal(value_field_integer(table, "records", 0), 4);
    assert_int_equal(value_field_integer(table, "partitions", 0), 2);
    assert_int_equal(value_field_integer(buf_slice(&outcome), "input_count", 0), 1);
    assert_true(value_field_table(buf_slice(&outcome), "inputs", &table));
    assert_true(value_field_table(buf_slice(&outcome), "effort", &effort));
    assert_int_equal(value_field_integer(effort, "records_read", 0), 4);
    assert_int_equal(value_field_integer(effort, "bytes_read", 0), 8);
    assert_int_equal(value_field_integer(effort, "records_shuffled", 0), 4);
    assert_true(value_field_table(effort, "seconds", &table));
    assert_true(value_field_number(table, "plan", 0) > 0);
    assert_true(value_field_number(table, "map", 0) > 0);
    assert_true(value_field_number(table, "reduce", 0) > 0);
    assert_true(value_field_number(table, "commit", 0) > 0);
    assert_true(value_field_table(buf_slice(&outcome), "plan", &table));
    assert_int_equal(value_field_integer(table, "split_count", 0), 2);
    assert_int_equal(value_field_integer(table, "reducer_count", 0), 2);
    buf_deinit(&outcome);
}

static void an_output_that_cannot_be_printed_is_the_error(void **state)
{
    struct buf outcome = {0};
    struct slice error;
    struct err print_err;

    (void)state;
    run_kit_open(&kit, COUNT, "a\n");
    kit.output = NULL;
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    err_set(&print_err, ERR_DISK, "full");
    run_shell_outcome(kit.shell, &print_err, &outcome);
    assert_true(value_field_table(buf_slice(&outcome), "error", &error));
    assert_true(slice_equal(value_field_string(error, "message", ""), slice_of_string("full")));
    assert_false(value_field_boolean(error, "is_setup", true));
    buf_deinit(&outcome);
}

/* A signal that comes when all is committed does not take it back. */
static void a_signal_after_the_commit_is_too_late(void **state)
{
    struct buf outcome;

    (void)state;
    run_kit_open(&kit, COUNT, "a\n");
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    kit.shell->signal_number = SIGINT;
    outcome = run_kit_outcome(&kit);
    assert_int_equal(value_field_integer(buf_slice(&outcome), "signal", 0), 0);
    assert_int_equal(value_field_integer(buf_slice(&outcome), "records", 0), 1);
    buf_deinit(&outcome);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test_teardown(a_report_grows_to_what_the_job_is, tear_down),
    cmocka_unit_test_teardown(an_outcome_tells_what_was_made, tear_down),
    cmocka_unit_test_teardown(an_output_that_cannot_be_printed_is_the_error, tear_down),
    cmocka_unit_test_teardown(a_signal_after_the_commit_is_too_late, tear_down),
};

RUN_KIT_MAIN(TESTS)
