#include "cli/run_kit.h"

static struct run_kit kit;

static int tear_down(void **state)
{
    (void)state;
    run_kit_close(&kit);
    return 0;
}

/* An attempt that has a process, of a stage. */
static struct run_attempt *running(enum stage_kind stage)
{
    struct run_attempt *attempt = kit.shell->attempts;

    while (attempt && !(attempt->stage == stage && attempt->readable))
        attempt = attempt->next;
    return attempt;
}

static void a_process_that_dies_without_a_word_is_replaced(void **state)
{
    struct run_attempt *attempt;

    (void)state;
    run_kit_open(&kit,
                 "return { reduce = 'sum', map = function(_, line, emit)\n"
                 "  for i = 1, 1e6 do line = line end emit(line, 1) end }",
                 "a\nb\nc\nd\n");
    assert_true(run_kit_start(&kit));
    while (!(attempt = running(STAGE_MAP)))
        run_kit_step(&kit);
    kill(attempt->attempt.pid, SIGKILL);
    run_kit_wait(&kit);
    run_kit_expect(&kit, "a\t1\nb\t1\nc\t1\nd\t1\n");
    assert_int_equal(kit.shell->faults.count, 1);
}

static void lines_of_the_job_are_kept_until_they_are_told(void **state)
{
    struct buf report = {0};
    struct slice log;
    struct datum line;

    (void)state;
    run_kit_open(&kit,
                 "return { reduce = 'sum', map = function(_, line, emit)\n"
                 "  print('line', line) emit(line, 1) end }",
                 "a\n");
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    run_shell_report(kit.shell, &report);
    assert_true(value_field_table(buf_slice(&report), "log", &log));
    assert_non_null(memmem(log.ptr, log.len, "line\ta", 6));
    buf_clear(&report);
    run_shell_report(kit.shell, &report); /* told once */
    assert_true(value_field_table(buf_slice(&report), "log", &log));
    assert_false(value_field(log, "1", &line));
    assert_null(memmem(log.ptr, log.len, "line", 4));
    buf_deinit(&report);
}

static void attempts_are_found_until_they_are_removed(void **state)
{
    struct command command = {.stage = STAGE_REDUCE, .task = 7, .attempt_id = 99};
    struct run_attempt *attempt;

    (void)state;
    run_kit_open(&kit, "return { map = 'identity', reduce = 'count' }", "a\n");
    assert_true(run_kit_start(&kit));
    attempt = run_attempt_add(kit.shell, &command);
    assert_ptr_equal(run_attempt_find(kit.shell, 99), attempt);
    run_attempt_stop(attempt); /* it has no process: gone at once */
    assert_null(run_attempt_find(kit.shell, 99));
    run_kit_wait(&kit);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test_teardown(a_process_that_dies_without_a_word_is_replaced, tear_down),
    cmocka_unit_test_teardown(lines_of_the_job_are_kept_until_they_are_told, tear_down),
    cmocka_unit_test_teardown(attempts_are_found_until_they_are_removed, tear_down),
};

RUN_KIT_MAIN(TESTS)
