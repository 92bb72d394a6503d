#include "cli/run_kit.h"

#include "fault/fault.h"

#include <errno.h>

#define COUNT "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum' }"
#define FOREVER                                                                                    \
    "return { reduce = 'sum', map = function(_, line, emit)\n"                                     \
    "  print('mapping') while true do end end }"

static struct run_kit kit;

static int tear_down(void **state)
{
    (void)state;
    run_kit_close(&kit);
    return 0;
}

static void a_job_is_run_and_committed(void **state)
{
    (void)state;
    run_kit_open(&kit, COUNT, "b\na\nb\nc\n");
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    run_kit_expect(&kit, "a\t1\nb\t2\nc\t1\n");
    run_shell_close(kit.shell);
    kit.shell = NULL;
    assert_int_equal(access(folder_path(&kit.folder, "out/_SUCCESS"), F_OK), 0);
    assert_false(run_kit_is_clean(&kit)); /* the output stays */
}

static void closing_early_leaves_nothing(void **state)
{
    pid_t pid;

    (void)state;
    run_kit_open(&kit, FOREVER, "a\nb\n");
    assert_true(run_kit_start(&kit));
    while (kit.shell->log.len == 0)
        run_kit_step(&kit);
    pid = kit.shell->attempts->attempt.pid;
    run_shell_close(kit.shell);
    kit.shell = NULL;
    assert_true(run_kit_is_clean(&kit));
    assert_int_equal(kill(pid, 0), -1); /* waited for */
}

static void a_signal_cancels(void **state)
{
    struct buf outcome;

    (void)state;
    run_kit_open(&kit, FOREVER, "a\nb\n");
    assert_true(run_kit_start(&kit));
    while (kit.shell->log.len == 0)
        run_kit_step(&kit);
    raise(SIGTERM);
    run_kit_wait(&kit);
    outcome = run_kit_outcome(&kit);
    assert_int_equal(value_field_integer(buf_slice(&outcome), "signal", 0), SIGTERM);
    buf_deinit(&outcome);
    run_shell_close(kit.shell);
    kit.shell = NULL;
    assert_true(run_kit_is_clean(&kit));
}

static void a_second_signal_does_not_wait(void **state)
{
    (void)state;
    run_kit_open(&kit, FOREVER, "a\nb\n");
    assert_true(run_kit_start(&kit));
    while (kit.shell->log.len == 0)
        run_kit_step(&kit);
    raise(SIGINT);
    raise(SIGHUP); /* both are there before the loop looks */
    run_kit_step(&kit);
    run_kit_wait(&kit);
    run_shell_close(kit.shell);
    kit.shell = NULL;
    assert_true(run_kit_is_clean(&kit));
}

static void what_cannot_begin_leaves_nothing(void **state)
{
    (void)state;
    run_kit_open(&kit, COUNT, "a\n");
    kit.output = "no/where";
    assert_false(run_kit_start(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_true(run_kit_is_clean(&kit));

    kit.output = "in"; /* a file */
    assert_false(run_kit_start(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_true(run_kit_is_clean(&kit));
}

static void a_full_folder_is_refused_before_anything_runs(void **state)
{
    (void)state;
    run_kit_open(&kit, COUNT, "a\n");
    folder_mkdir(&kit.folder, "out");
    folder_write(&kit.folder, "out/mine", "x", 1);
    assert_false(run_kit_start(&kit));
    assert_int_equal(access(folder_path(&kit.folder, "out/mine"), F_OK), 0);
    assert_int_equal(access(folder_path(&kit.folder, "out/.mrlua-claim"), F_OK), -1);
}

/* Sends what run_shell_print() writes to a file in the folder. */
static void print_to(const char *name)
{
    int saved = dup(STDOUT_FILENO);
    int fd = open(folder_path(&kit.folder, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(saved >= 0 && fd >= 0);
    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    assert_int_equal(run_shell_print(kit.shell, &kit.err), 0);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(fd);
}

static void records_without_a_folder_are_printed_at_the_end(void **state)
{
    char text[64] = "";
    FILE *file;

    (void)state;
    run_kit_open(&kit, COUNT, "b\na\n");
    kit.output = NULL;
    kit.reducers = 1;
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    print_to("printed");
    file = fopen(folder_path(&kit.folder, "printed"), "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), 8);
    fclose(file);
    assert_string_equal(text, "a\t1\nb\t1\n");
}

static void a_failed_job_prints_nothing(void **state)
{
    struct stat stat_of;

    (void)state;
    run_kit_open(&kit, "return { map = function() error('no') end, reduce = 'sum' }", "a\n");
    kit.output = NULL;
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    print_to("printed");
    assert_int_equal(stat(folder_path(&kit.folder, "printed"), &stat_of), 0);
    assert_int_equal(stat_of.st_size, 0);
}

/* Goal: whatever fails while a run begins, it says so and leaves nothing. Method: fail the 1st
 * call, then the 2nd, ... of this process, until a run begins untouched. (Processes that are
 * forked meanwhile inherit the fault: the job then fails, or is tried again.) */
static void fail_every(enum fault_call call, uint32_t calls_min)
{
    bool fired = true;
    uint32_t nth;

    run_kit_open(&kit, COUNT, "a\n");
    for (nth = 0; fired; nth++) {
        bool is_begun;

        fault_arm(call, nth, EIO);
        is_begun = run_kit_start(&kit);
        fired = fault_disarm();
        assert_true(is_begun || fired);
        if (is_begun)
            run_kit_wait(&kit);
        else
            assert_true(kit.err.message[0]);
        run_shell_close(kit.shell);
        kit.shell = NULL;
        assert_true(is_begun || run_kit_is_clean(&kit));
        temp_remove_tree(folder_path(&kit.folder, "out"), &kit.err);
        assert_true(run_kit_is_clean(&kit));
    }
    assert_true(nth > calls_min);
}

static void every_failing_open_is_told(void **state)
{
    (void)state;
    fail_every(FAULT_OPEN, 2);
}

static void every_failing_write_is_told(void **state)
{
    (void)state;
    fail_every(FAULT_WRITE, 1);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test_teardown(a_job_is_run_and_committed, tear_down),
    cmocka_unit_test_teardown(closing_early_leaves_nothing, tear_down),
    cmocka_unit_test_teardown(a_signal_cancels, tear_down),
    cmocka_unit_test_teardown(a_second_signal_does_not_wait, tear_down),
    cmocka_unit_test_teardown(what_cannot_begin_leaves_nothing, tear_down),
    cmocka_unit_test_teardown(a_full_folder_is_refused_before_anything_runs, tear_down),
    cmocka_unit_test_teardown(records_without_a_folder_are_printed_at_the_end, tear_down),
    cmocka_unit_test_teardown(a_failed_job_prints_nothing, tear_down),
    cmocka_unit_test_teardown(every_failing_open_is_told, tear_down),
    cmocka_unit_test_teardown(every_failing_write_is_told, tear_down),
};

RUN_KIT_MAIN(TESTS)
