#include "cli/functions.h"

#include "cli/run_kit.h"

static struct functions functions;
static struct err err;

static int tear_down(void **state)
{
    (void)state;
    functions_deinit(&functions);
    return 0;
}

static int call(const char *name, const struct buf *args, struct buf *result)
{
    const struct host_function *function = FUNCTIONS;

    while (function->name && strcmp(function->name, name) != 0)
        function++;
    assert_non_null(function->name);
    return function->call(&functions, NULL, args ? buf_slice(args) : slice_of(NULL, 0), result,
                          &err);
}

static void the_environment_has_a_processor_and_an_executable(void **state)
{
    struct buf result = {0};
    char self[PATH_MAX] = "";

    (void)state;
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    assert_int_equal(call("environment", NULL, &result), 0);
    assert_true(value_field_integer(buf_slice(&result), "cpu_count", 0) >= 1);
    assert_true(slice_equal(value_field_string(buf_slice(&result), "executable", ""),
                            slice_of_string(self)));
    buf_deinit(&result);
}

/* Loads a job of this source; the answer is to be deinited. */
static struct buf load(const char *source)
{
    struct buf args = {0}, result = {0};

    value_write_table_begin(&args);
    field_name(&args, "bundle");
    kit_bundle(&args, "job.lua", source);
    field_integer(&args, "memory_bytes", 64 << 20);
    value_write_table_end(&args);
    assert_int_equal(call("load_job", &args, &result), 0);
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
    buf_deinit(&args);
    return result;
}

static void a_job_is_loaded_in_the_sandbox(void **state)
{
    struct buf result = load("print('one') print('two')\n"
                             "return { map = 'identity', reduce = 'sum', name = 'x' }");
    struct slice view, log;

    (void)state;
    assert_true(value_field_table(buf_slice(&result), "view", &view));
    assert_true(slice_equal(value_field_string(view, "name", ""), slice_of_string("x")));
    assert_true(value_field_table(buf_slice(&result), "log", &log));
    assert_non_null(memmem(log.ptr, log.len, "one", 3));
    assert_non_null(memmem(log.ptr, log.len, "two", 3));
    buf_deinit(&result);
}

static void a_wrong_job_is_an_error_of_the_set_up(void **state)
{
    struct buf result = load("return { reducer = 1 }");
    struct slice error;

    (void)state;
    assert_true(value_field_table(buf_slice(&result), "error", &error));
    assert_true(value_field_boolean(error, "is_setup", false));
    assert_true(value_field_string(error, "message", "").len > 0);
    buf_deinit(&result);
}

static void a_step_needs_a_run(void **state)
{
    struct buf result = {0};

    (void)state;
    assert_int_equal(call("run_step", NULL, &result), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(call("run_end", NULL, &result), -1);
    assert_int_equal(err.kind, ERR_SETUP);
}

static void a_run_goes_from_begin_to_end(void **state)
{
    struct run_kit kit;
    struct buf args = {0}, result = {0};

    (void)state;
    run_kit_open(&kit, "return { map = 'identity', reduce = 'count' }", "a\n");
    run_kit_args(&kit, &args);
    assert_int_equal(call("run_begin", &args, &result), 0);
    assert_int_equal(call("run_begin", &args, &result), -1); /* one at a time */
    do {
        buf_clear(&result);
        assert_int_equal(call("run_step", NULL, &result), 0);
    } while (!value_field_boolean(buf_slice(&result), "finished", false));
    buf_clear(&result);
    assert_int_equal(call("run_end", NULL, &result), 0);
    assert_int_equal(value_field_integer(buf_slice(&result), "records", 0), 1);
    buf_deinit(&args);
    buf_deinit(&result);
    run_kit_close(&kit);
}

static void a_run_that_was_left_open_is_closed(void **state)
{
    struct run_kit kit;
    struct buf args = {0}, result = {0};

    (void)state;
    run_kit_open(&kit, "return { map = 'identity', reduce = 'count' }", "a\n");
    run_kit_args(&kit, &args);
    assert_int_equal(call("run_begin", &args, &result), 0);
    functions_deinit(&functions);
    assert_true(run_kit_is_clean(&kit));
    buf_deinit(&args);
    buf_deinit(&result);
    run_kit_close(&kit);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test_teardown(the_environment_has_a_processor_and_an_executable, tear_down),
    cmocka_unit_test_teardown(a_job_is_loaded_in_the_sandbox, tear_down),
    cmocka_unit_test_teardown(a_wrong_job_is_an_error_of_the_set_up, tear_down),
    cmocka_unit_test_teardown(a_step_needs_a_run, tear_down),
    cmocka_unit_test_teardown(a_run_goes_from_begin_to_end, tear_down),
    cmocka_unit_test_teardown(a_run_that_was_left_open_is_closed, tear_down),
};

RUN_KIT_MAIN(TESTS)
