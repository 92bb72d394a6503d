#include "cli/run_kit.h"

static struct run_kit kit;

static int tear_down(void **state)
{
    (void)state;
    run_kit_close(&kit);
    return 0;
}

static struct job_progress progress(void)
{
    struct job_progress out;

    assert_true(sched_job_progress(kit.shell->sched, RUN_JOB_ID, &out));
    return out;
}

/* Cuts every run that a completed map has left. */
static void cut_runs(void)
{
    struct buf path = {0};

    for (uint32_t i = 0; i < kit.shell->results.task_counts[STAGE_MAP]; i++) {
        const struct job_result *result = job_results_of(&kit.shell->results, STAGE_MAP, i);

        if (!result)
            continue;
        job_task_map_path(kit.shell->temp.path, i, result->attempt_id, &path);
        assert_int_equal(truncate(buf_string(&path), 10), 0);
    }
    buf_deinit(&path);
}

/* Goal: P5 and the arrow "output lost". Method: with one slot the reduces run one after the other;
 * when the first is done, what the others would read is destroyed. */
static void maps_whose_runs_are_broken_run_again(void **state)
{
    uint64_t first_id;

    (void)state;
    run_kit_open(&kit, "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum' }",
                 "b\na\nb\nc\nd\ne\nf\ng\n");
    kit.slots = 1;
    kit.reducers = 64; /* many more than a step of the test is long */
    assert_true(run_kit_start(&kit));
    while (!job_results_of(&kit.shell->results, STAGE_REDUCE, 0))
        run_kit_step(&kit);
    cut_runs();
    first_id = job_results_of(&kit.shell->results, STAGE_MAP, 0)->attempt_id;
    run_kit_wait(&kit);
    assert_int_not_equal(job_results_of(&kit.shell->results, STAGE_MAP, 0)->attempt_id, first_id);
    run_kit_expect(&kit, "a\t1\nb\t2\nc\t1\nd\t1\ne\t1\nf\t1\ng\t1\n");
    assert_int_equal(job_results_sum(&kit.shell->results, STAGE_MAP, "map_records_in"), 8);
}

static void a_raised_error_is_not_tried_again(void **state)
{
    struct buf outcome;
    struct slice error;

    (void)state;
    run_kit_open(&kit, "return { map = function() error('boom') end, reduce = 'sum' }", "a\n");
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    assert_int_equal(progress().stages[STAGE_MAP].failure_count, 1);
    assert_int_equal(progress().reason, END_FAULT);
    outcome = run_kit_outcome(&kit);
    assert_true(value_field_table(buf_slice(&outcome), "error", &error));
    assert_true(slice_equal(value_field_string(error, "kind", ""), slice_of_string("job")));
    assert_false(value_field_boolean(error, "is_setup", true));
    buf_deinit(&outcome);
}

static void a_missing_input_is_an_error_of_the_set_up(void **state)
{
    struct buf outcome;
    struct slice error;

    (void)state;
    run_kit_open(&kit, "return { map = 'identity', reduce = 'count' }", "a\n");
    unlink(folder_path(&kit.folder, "in"));
    assert_true(run_kit_start(&kit));
    run_kit_wait(&kit);
    outcome = run_kit_outcome(&kit);
    assert_true(value_field_table(buf_slice(&outcome), "error", &error));
    assert_true(value_field_boolean(error, "is_setup", false));
    buf_deinit(&outcome);
}

static const char *last_detail(void)
{
    return kit.shell->faults.items[kit.shell->faults.count - 1].detail;
}

/* Those of an attempt of this stage, whose disk is full. */
static void assert_folders(enum stage_kind stage, const char *expected)
{
    struct run_attempt attempt = {.shell = kit.shell, .stage = stage, .id = 1000 + stage};
    Mrlua__Error error;
    struct err err;

    err_set(&err, ERR_DISK, "no space");
    mrlua__error__init(&error);
    error.detail = (char *)(uintptr_t) "detail\n";
    run_attempt_failed(&attempt, &err, &error);
    assert_string_equal(last_detail(), expected);
}

static void a_full_disk_is_told_with_its_folder(void **state)
{
    struct buf map = {0}, reduce = {0};

    (void)state;
    run_kit_open(&kit, "return { map = 'identity', reduce = 'count' }", "a\n");
    assert_true(run_kit_start(&kit));
    buf_printf(&map, "detail\nintermediate files: in %s (--tmp DIR: elsewhere)\n",
               temp_choose(kit.shell->config.tmp));
    buf_printf(&reduce, "%soutput: in %s\n", buf_string(&map), kit.shell->config.output);
    assert_folders(STAGE_PLAN, "detail\n");
    assert_folders(STAGE_MAP, buf_string(&map));
    assert_folders(STAGE_REDUCE, buf_string(&reduce));
    buf_deinit(&map);
    buf_deinit(&reduce);
}

/* One worker: a disk that fails now fails again. */
static void a_failing_disk_is_not_tried_again(void **state)
{
    struct run_attempt *plan;
    struct err err;

    (void)state;
    run_kit_open(&kit, "return { map = 'identity', reduce = 'count' }", "a\n");
    assert_true(run_kit_start(&kit));
    plan = kit.shell->attempts;
    assert_int_equal(plan->stage, STAGE_PLAN);
    err_set(&err, ERR_DISK, "no space");
    run_attempt_failed(plan, &err, NULL);
    run_attempt_failed(plan, &err, NULL); /* only its first word counts */
    run_pump(kit.shell);
    assert_true(kit.shell->job_ended);
    assert_int_equal(kit.shell->faults.count, 1);
    assert_int_equal(progress().stages[STAGE_PLAN].failure_count, 1);
    run_kit_wait(&kit);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test_teardown(maps_whose_runs_are_broken_run_again, tear_down),
    cmocka_unit_test_teardown(a_raised_error_is_not_tried_again, tear_down),
    cmocka_unit_test_teardown(a_missing_input_is_an_error_of_the_set_up, tear_down),
    cmocka_unit_test_teardown(a_full_disk_is_told_with_its_folder, tear_down),
    cmocka_unit_test_teardown(a_failing_disk_is_not_tried_again, tear_down),
};

RUN_KIT_MAIN(TESTS)
