/* What a whole run leaves behind. */
#include "cli/run_kit.h"
#include "store/trail.h"

#include "home_of_test.h"

static struct run_kit kit;
static struct trail trail;

static void run_it(const char *source)
{
    run_kit_open(&kit, source, "a\nb\n");
    kit.slots = 1;
    assert_true(run_kit_start(&kit));
    run_shell_leave(kit.shell, &trail);
    run_kit_wait(&kit);
}

static void close_it(void)
{
    run_kit_close(&kit);
    trail_deinit(&trail);
}

static void an_error_ends_with_the_command_that_looks_into_it(void **state)
{
    static const char last[] = "to look into it: mrlua replay r1/m0 --debug\n";
    struct buf outcome;
    struct slice error, detail;

    (void)state;
    run_it("return { reduce = 'sum', map = function() error('no') end }");
    outcome = run_kit_outcome(&kit);
    assert_true(value_field_table(buf_slice(&outcome), "error", &error));
    detail = value_field_string(error, "detail", "");
    assert_true(detail.len > sizeof last);
    assert_memory_equal(detail.ptr + detail.len - (sizeof last - 1), last, sizeof last - 1);
    buf_deinit(&outcome);
    close_it();
}

static void what_was_printed_is_there_when_the_run_is_closed(void **state)
{
    char *text;

    (void)state;
    run_it("return { reduce = 'sum', map = function(key, line, emit) print(line) end }");
    close_it();
    text = folder_read(&folder, "mrlua/runs/r1/log");
    assert_non_null(strstr(text, "\ta\n"));
    assert_non_null(strstr(text, "\tb\n"));
    free(text);
}

static void a_quiet_run_that_succeeds_leaves_nothing(void **state)
{
    (void)state;
    run_it("return { reduce = 'sum', map = function() end }");
    close_it();
    assert_int_equal(folder_count(&folder), 0);
}

static void a_state_folder_that_cannot_be_written_fails_no_job(void **state)
{
    struct buf report = {0};
    struct slice first;

    (void)state;
    folder_write(&folder, "mrlua", "a file", 6);
    run_it("return { reduce = 'sum', map = function() print('x') end }");
    run_shell_report(kit.shell, &report);
    first = slice_of(memmem(report.ptr, report.len, "nothing of this run is kept", 27), 27);
    assert_non_null(first.ptr);
    run_kit_expect(&kit, "");
    buf_deinit(&report);
    close_it();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, home_set_up, home_tear_down)
static const struct CMUnitTest TESTS[] = {
    TEST(an_error_ends_with_the_command_that_looks_into_it),
    TEST(what_was_printed_is_there_when_the_run_is_closed),
    TEST(a_quiet_run_that_succeeds_leaves_nothing),
    TEST(a_state_folder_that_cannot_be_written_fails_no_job),
};

RUN_KIT_MAIN(TESTS)
