#include "cli/drive_shell.h"

#include "cli/run_kit.h"

/* A run_kit whose shell is that of a driver. */
static struct run_kit kit;
static struct drive_shell *shell;

#define DRIVER(body)                                                                               \
    "local job = { steps = { a = function(k, v, emit) end } }\n"                                   \
    "function job.drive(mr, params)\n" body "\nend\nreturn job"

static int tear_down(void **state)
{
    (void)state;
    drive_shell_close(shell);
    shell = NULL;
    run_kit_close(&kit);
    return 0;
}

static bool begin(const char *source)
{
    struct buf args = {0};

    if (!kit.nursery)
        run_kit_open(&kit, source, "a\n");
    run_kit_args(&kit, &args);
    shell = drive_shell_open(kit.nursery, buf_slice(&args), &kit.err);
    buf_deinit(&args);
    return shell;
}

static int set_up(void **state)
{
    (void)state;
    kit = (struct run_kit){0};
    return 0;
}

/* Steps until the driver wants a step (true) or has ended. */
static bool wants_step(void)
{
    struct slice call;
    bool wants = false, is_over = false;

    while (!is_over) {
        struct buf out = {0};

        assert_int_equal(drive_shell_step(shell, 5, &kit.err), 0);
        drive_shell_report(shell, &out);
        assert_int_equal(value_check(buf_slice(&out), &kit.err), 0);
        is_over = value_field_boolean(buf_slice(&out), "finished", false);
        wants = value_field_table(buf_slice(&out), "call", &call);
        buf_deinit(&out);
    }
    return wants;
}

static void answer(bool is_last)
{
    struct buf args = {0};

    value_write_table_begin(&args);
    field_string(&args, "folder", "/nowhere");
    field_integer(&args, "records", 3);
    field_boolean(&args, "is_last", is_last);
    field_name(&args, "counters");
    value_write_table_begin(&args);
    field_integer(&args, "user.n", 4);
    value_write_table_end(&args);
    value_write_table_end(&args);
    assert_int_equal(drive_shell_answer(shell, buf_slice(&args), &kit.err), 0);
    buf_deinit(&args);
}

static struct buf outcome(void)
{
    struct buf out = {0};

    drive_shell_outcome(shell, &out);
    return out;
}

static void a_driver_asks_is_answered_and_ends(void **state)
{
    struct buf ended;
    struct slice error;

    (void)state;
    assert_true(begin(DRIVER("local s = mr.run { map = job.steps.a }\n"
                             "assert(s.records == 3 and s:counter('n') == 4)\n"
                             "return s")));
    assert_true(wants_step());
    answer(false);
    assert_true(wants_step());
    answer(true);
    assert_false(wants_step());
    ended = outcome();
    assert_false(value_field_table(buf_slice(&ended), "error", &error));
    assert_int_equal(value_field_integer(buf_slice(&ended), "signal", 0), 0);
    buf_deinit(&ended);
}

static void what_it_raises_is_the_outcome_and_nothing_is_left(void **state)
{
    struct buf ended;
    struct slice error;

    (void)state;
    assert_true(begin(DRIVER("error('boo')")));
    assert_int_equal(access(folder_path(&kit.folder, "out/.mrlua-claim"), F_OK), 0);
    assert_false(wants_step());
    ended = outcome();
    assert_true(value_field_table(buf_slice(&ended), "error", &error));
    assert_true(slice_equal(value_field_string(error, "kind", ""), slice_of_string("job")));
    buf_deinit(&ended);
    drive_shell_close(shell);
    shell = NULL;
    assert_true(run_kit_is_clean(&kit));
}

static void an_output_that_is_taken_is_found_before_the_first_step(void **state)
{
    (void)state;
    run_kit_open(&kit, DRIVER("return {}"), "a\n");
    folder_mkdir(&kit.folder, "out");
    folder_write(&kit.folder, "out/x", "x", 1);
    assert_false(begin(NULL));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_non_null(strstr(kit.err.message, "is not empty"));
}

static void a_signal_between_two_steps_ends_it_cleanly(void **state)
{
    struct buf ended;

    (void)state;
    assert_true(begin(DRIVER("local s = mr.run { map = job.steps.a }\nreturn s")));
    assert_true(wants_step());
    raise(SIGTERM); /* it would end this test, were it not held */
    answer(false);
    assert_int_equal(drive_shell_step(shell, 5000, &kit.err), 0);
    assert_true(drive_shell_finished(shell));
    ended = outcome();
    assert_int_equal(value_field_integer(buf_slice(&ended), "signal", 0), SIGTERM);
    buf_deinit(&ended);
    drive_shell_close(shell);
    shell = NULL;
    assert_true(run_kit_is_clean(&kit));
}

static void an_answer_without_a_call_is_refused(void **state)
{
    (void)state;
    assert_true(begin(DRIVER("while true do end")));
    assert_int_equal(drive_shell_answer(shell, (struct slice){0}, &kit.err), -1);
}

static void side_files_are_looked_up_for_the_driver_and_its_steps(void **state)
{
    struct run_config config;
    struct buf args = {0}, files = {0};

    (void)state;
    run_kit_open(&kit,
                 DRIVER("assert(mr.open('a'):read 'a' == 'text')\n"
                        "return mr.run { map = job.steps.a }"),
                 "a\n");
    kit.side_file = "a.txt";
    folder_write(&kit.folder, "a.txt", "text", 4);
    assert_true(begin(NULL));
    assert_true(wants_step());
    drive_shell_files(shell, &files);
    run_kit_args(&kit, &args);
    args.len--; /* before its end */
    field_name(&args, "pinned_files");
    value_write_string(&args, buf_slice(&files));
    value_write_table_end(&args);
    assert_int_equal(run_config_init(&config, buf_slice(&args), &kit.err), 0);
    assert_int_equal(config.files.count, 1);
    assert_int_equal(config.files.items[0].size, 4);
    assert_true(config.files.items[0].inode > 0);
    run_config_deinit(&config);
    buf_deinit(&args);
    buf_deinit(&files);
}

static void a_side_file_that_is_missing_is_found_before_the_driver_runs(void **state)
{
    (void)state;
    run_kit_open(&kit, DRIVER("return {}"), "a\n");
    kit.side_file = "none";
    assert_false(begin(NULL));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_non_null(strstr(kit.err.message, "side file a: "));
    assert_false(folder_has(&kit.folder, "out"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(a_driver_asks_is_answered_and_ends),
    TEST(what_it_raises_is_the_outcome_and_nothing_is_left),
    TEST(an_output_that_is_taken_is_found_before_the_first_step),
    TEST(a_signal_between_two_steps_ends_it_cleanly),
    TEST(an_answer_without_a_call_is_refused),
    TEST(side_files_are_looked_up_for_the_driver_and_its_steps),
    TEST(a_side_file_that_is_missing_is_found_before_the_driver_runs),
};

RUN_KIT_MAIN(tests)
