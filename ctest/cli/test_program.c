#include "cli/program.h"

#include "cli/kit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct buf result;
static struct err err;

static int tear_down(void **state)
{
    (void)state;
    buf_deinit(&result);
    return 0;
}

/* Runs the program of this NULL-ended list. */
static int run_captured(const char *const *argv, bool captures)
{
    struct buf args = {0};
    int64_t i = 0;
    int rc;

    buf_clear(&result);
    value_write_table_begin(&args);
    field_boolean(&args, "capture", captures);
    field_name(&args, "argv");
    value_write_table_begin(&args);
    for (; argv[i]; i++) {
        value_write_integer(&args, i + 1);
        value_write_string(&args, slice_of_string(argv[i]));
    }
    value_write_table_end(&args);
    value_write_table_end(&args);
    rc = program_run(NULL, NULL, buf_slice(&args), &result, &err);
    buf_deinit(&args);
    return rc;
}

static int64_t code(void)
{
    return value_field_integer(buf_slice(&result), "code", -1);
}

#define RUN(captures, ...) run_captured((const char *const[]){__VA_ARGS__, NULL}, captures)

static void the_code_of_a_program_is_answered(void **state)
{
    (void)state;
    assert_int_equal(RUN(false, "true"), 0);
    assert_int_equal(code(), 0);
    assert_int_equal(RUN(false, "sh", "-c", "exit 7"), 0);
    assert_int_equal(code(), 7);
    assert_int_equal(RUN(false, "sh", "-c", "kill -KILL $$"), 0);
    assert_int_equal(code(), 128 + SIGKILL);
}

/* No shell reads it. */
static void an_argument_arrives_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(RUN(true, "printf", "%s|", "$HOME; `id` 'a'", "", "two\nlines"), 0);
    assert_true(slice_equal(value_field_string(buf_slice(&result), "output", ""),
                            slice_of_string("$HOME; `id` 'a'||two\nlines|")));
}

static void only_captured_output_is_answered(void **state)
{
    struct datum ignored;

    (void)state;
    assert_int_equal(RUN(false, "true"), 0);
    assert_false(value_field(buf_slice(&result), "output", &ignored));
    assert_int_equal(RUN(true, "sh", "-c", "echo out; echo err >&2"), 0);
    assert_true(slice_equal(value_field_string(buf_slice(&result), "output", ""),
                            slice_of_string("out\n")));
}

static void what_cannot_be_started_is_an_error_that_names_it(void **state)
{
    (void)state;
    assert_int_equal(RUN(false, "/no/such/program"), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "start /no/such/program: No such file or directory");
    assert_int_equal(run_captured((const char *const[]){NULL}, false), -1);
    assert_string_equal(err.message, "program_run: no argv");
    assert_int_equal(result.len, 0);
}

static void a_program_that_prints_without_end_is_ended(void **state)
{
    (void)state;
    assert_int_equal(RUN(true, "yes", "words"), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left */
}

static void a_list_that_is_too_long_is_refused(void **state)
{
    const char *argv[PROGRAM_ARGUMENT_COUNT_MAX + 2] = {"true"};

    (void)state;
    for (size_t i = 1; i < PROGRAM_ARGUMENT_COUNT_MAX; i++)
        argv[i] = "x";
    assert_int_equal(run_captured(argv, false), 0);
    argv[PROGRAM_ARGUMENT_COUNT_MAX] = "x";
    assert_int_equal(run_captured(argv, false), -1);
    assert_int_equal(err.kind, ERR_SETUP);
}

/* Method: the program interrupts its parent, then itself. */
static void an_interrupt_is_for_the_program_alone(void **state)
{
    struct sigaction now;

    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as main() does */
    assert_int_equal(RUN(false, "sh", "-c", "kill -INT $PPID; kill -INT $$"), 0);
    assert_int_equal(code(), 128 + SIGINT);
    assert_int_equal(RUN(false, "sh", "-c", "kill -PIPE $$"), 0);
    assert_int_equal(code(), 128 + SIGPIPE);
    sigaction(SIGINT, NULL, &now);
    assert_true(now.sa_handler == SIG_DFL);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test_teardown(the_code_of_a_program_is_answered, tear_down),
    cmocka_unit_test_teardown(an_argument_arrives_as_it_is, tear_down),
    cmocka_unit_test_teardown(only_captured_output_is_answered, tear_down),
    cmocka_unit_test_teardown(what_cannot_be_started_is_an_error_that_names_it, tear_down),
    cmocka_unit_test_teardown(a_program_that_prints_without_end_is_ended, tear_down),
    cmocka_unit_test_teardown(a_list_that_is_too_long_is_refused, tear_down),
    cmocka_unit_test_teardown(an_interrupt_is_for_the_program_alone, tear_down),
};

int main(void)
{
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
