#include "sched/kit.h"

/* Worker 0 with two slots and two maps of job 1 in them, worker 1 with none yet. */
static void begin(struct kit *kit)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, 3, 1);
}

static void commands_name_worker_incarnation_and_task(void **state)
{
    struct kit kit;
    const struct command *start;

    (void)state;
    begin(&kit);
    start = &kit_find(&kit, kit_attempt(&kit, STAGE_MAP, 1))->start;
    assert_int_equal(start->kind, COMMAND_START_ATTEMPT);
    assert_int_equal(start->job_id, 1);
    assert_int_equal(start->stage, STAGE_MAP);
    assert_int_equal(start->task, 1);
    assert_int_equal(start->worker_id, 0);
    assert_int_equal(start->incarnation, 100);
    kit_deinit(&kit);
}

static void worker_that_is_cut_off_gets_no_work_and_no_commands(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit);
    kit_reset(&kit, 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0)); /* was on its way */
    assert_int_equal(kit.out.command_count, 0);
    kit_output_lost(&kit, 0, 0);
    assert_int_equal(kit.forgotten_count, 0);
    kit_step(&kit, &(struct event){.kind = EVENT_JOB_CANCELLED, .job_id = 1});
    assert_int_equal(kit.out.command_count, 1); /* that the job has ended */
    assert_int_equal(kit.killed_count, 0);
    kit_deinit(&kit);
}

static void silence_of_a_cut_worker_is_said_to_nobody(void **state)
{
    struct sched_options options;
    struct kit kit;

    (void)state;
    sched_options_default(&options);
    options.silence_ns = NS_PER_S / 2;
    kit_init(&kit, &options);
    kit_join(&kit, 0, 2);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 1, 1);
    kit_reset(&kit, 0);
    kit_tick_after(&kit, NS_PER_S / 2);
    assert_int_equal(kit.out.command_count, 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].failure_count, 1);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_name_worker_incarnation_and_task),
        cmocka_unit_test(worker_that_is_cut_off_gets_no_work_and_no_commands),
        cmocka_unit_test(silence_of_a_cut_worker_is_said_to_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
