#include "master/job_effort.h"

#include "base/clock.h"
#include "master/kit.h"

static struct job_effort effort;

static int set_up(void **state)
{
    (void)state;
    effort = (struct job_effort){0};
    return 0;
}

static void end(enum stage_kind stage, uint32_t task, uint64_t ms, enum attempt_outcome outcome)
{
    struct timeline_entry entry = {.attempt_id = 100 + task,
                                   .begun_ns = 5,
                                   .ended_ns = 5 + ms * NS_PER_MS,
                                   .task = task,
                                   .worker_id = 2,
                                   .stage = stage,
                                   .outcome = outcome};

    job_effort_attempt(&effort, &entry, "w2");
}

static void the_slowest_are_kept_the_slowest_first(void **state)
{
    static const uint64_t ms[] = {3, 1, 9, 5, 4, 2, 7};
    static const uint32_t slowest[] = {2, 6, 3, 4, 0};
    Mrlua__JobEffort *message;

    (void)state;
    for (uint32_t i = 0; i < sizeof ms / sizeof *ms; i++)
        end(STAGE_MAP, i, ms[i], OUTCOME_COMPLETED);
    message = job_effort_make(&effort);
    assert_int_equal(message->n_slowest, JOB_EFFORT_SLOWEST_COUNT_MAX);
    for (size_t i = 0; i < message->n_slowest; i++)
        assert_int_equal(message->slowest[i]->task, slowest[i]);
    assert_int_equal(message->slowest[0]->stage, STAGE_MAP);
    assert_int_equal(message->slowest[0]->attempt, 102);
    assert_int_equal(message->slowest[0]->worker_id, 2);
    assert_string_equal(message->slowest[0]->worker, "w2");
    assert_true(message->slowest[0]->seconds == 0.009);
    message_free(message);
}

static void only_tasks_that_users_wait_for_are_slow(void **state)
{
    Mrlua__JobEffort *message;

    (void)state;
    end(STAGE_PLAN, 0, 100, OUTCOME_COMPLETED);
    end(STAGE_COMMIT, 0, 100, OUTCOME_COMPLETED);
    end(STAGE_MAP, 1, 100, OUTCOME_FAILED);
    end(STAGE_MAP, 1, 100, OUTCOME_WORKER_LOST);
    end(STAGE_MAP, 1, 100, OUTCOME_LOST_RACE);
    end(STAGE_MAP, 1, 100, OUTCOME_GIVEN_UP);
    end(STAGE_MAP, 1, 100, OUTCOME_FAILED);
    job_effort_output_lost(&effort);
    job_effort_worker_lost(&effort);
    message = job_effort_make(&effort);
    assert_int_equal(message->n_slowest, 0);
    assert_int_equal(message->failed, 2);
    assert_int_equal(message->lost, 1);
    assert_int_equal(message->lost_races, 1);
    assert_int_equal(message->given_up, 1);
    assert_int_equal(message->outputs_lost, 1);
    assert_int_equal(message->workers_lost, 1);
    message_free(message);
}

static void a_long_name_of_a_worker_is_cut(void **state)
{
    struct timeline_entry entry = {.ended_ns = 1, .stage = STAGE_MAP};
    char name[3 * JOB_EFFORT_WORKER_BYTES_MAX];

    (void)state;
    memset(name, 'w', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    job_effort_attempt(&effort, &entry, name);
    assert_int_equal(strlen(effort.slowest[0].worker), JOB_EFFORT_WORKER_BYTES_MAX);
}

static void watchers_are_told_so_many_sentences_and_no_more(void **state)
{
    (void)state;
    for (int i = 0; i < JOB_EFFORT_NOTICE_COUNT_MAX; i++)
        assert_true(job_effort_may_notice(&effort));
    assert_false(job_effort_may_notice(&effort));
}

static void work_is_that_of_completed_tasks_and_times_end_with_them(void **state)
{
    Mrlua__Plan plan = MRLUA__PLAN__INIT;
    uint64_t begun_ns[STAGE_COUNT] = {[STAGE_PLAN] = 1 * NS_PER_S, [STAGE_MAP] = 2 * NS_PER_S},
             ended_ns[STAGE_COUNT] = {[STAGE_PLAN] = 2 * NS_PER_S};
    struct job_results results = {0};
    struct job_work work;

    (void)state;
    plan.bytes = 77;
    job_results_plan(&results, 2, 1);
    job_results_take(&results, STAGE_MAP, 1, 11, kit_done("map_records_in", 5, 100, 1));
    job_work_of(&results, &plan, begun_ns, ended_ns, 5 * NS_PER_S, &work);
    assert_true(work.seconds[STAGE_PLAN] == 1);
    assert_true(work.seconds[STAGE_MAP] == 3); /* it still runs */
    assert_true(work.seconds[STAGE_REDUCE] == 0);
    assert_int_equal(work.bytes_read, 77);
    assert_int_equal(work.records_read, 5);
    assert_int_equal(work.bytes_shuffled, 0);
    job_work_of(&results, NULL, begun_ns, ended_ns, 5 * NS_PER_S, &work);
    assert_int_equal(work.bytes_read, 0);
    job_results_deinit(&results);
}

static void a_job_took_what_its_steps_took(void **state)
{
    struct job_effort step;

    (void)state;
    end(STAGE_MAP, 3, 30, OUTCOME_COMPLETED);
    end(STAGE_MAP, 3, 30, OUTCOME_FAILED);
    effort.work = (struct job_work){.seconds = {[STAGE_MAP] = 2},
                                    .bytes_read = 1,
                                    .records_read = 2,
                                    .bytes_shuffled = 3,
                                    .records_shuffled = 4};
    effort.outputs_lost = effort.workers_lost = 1;
    step = effort;
    set_up(NULL);
    end(STAGE_MAP, 4, 40, OUTCOME_COMPLETED);
    job_effort_add(&effort, &step, 1);
    job_effort_add(&effort, &step, 2);
    assert_int_equal(effort.slow_count, 3);
    assert_int_equal(effort.slowest[0].entry.task, 4);
    assert_int_equal(effort.slowest[0].step, 0);
    assert_int_equal(effort.slowest[1].step, 1);
    assert_int_equal(effort.slowest[2].step, 2);
    assert_int_equal(effort.ended[OUTCOME_FAILED], 2);
    assert_int_equal(effort.outputs_lost, 2);
    assert_int_equal(effort.workers_lost, 2);
    assert_true(effort.work.seconds[STAGE_MAP] == 4);
    assert_int_equal(effort.work.bytes_read, 2);
    assert_int_equal(effort.work.records_read, 4);
    assert_int_equal(effort.work.bytes_shuffled, 6);
    assert_int_equal(effort.work.records_shuffled, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_slowest_are_kept_the_slowest_first, set_up),
        cmocka_unit_test_setup(only_tasks_that_users_wait_for_are_slow, set_up),
        cmocka_unit_test_setup(a_long_name_of_a_worker_is_cut, set_up),
        cmocka_unit_test_setup(watchers_are_told_so_many_sentences_and_no_more, set_up),
        cmocka_unit_test_setup(work_is_that_of_completed_tasks_and_times_end_with_them, set_up),
        cmocka_unit_test_setup(a_job_took_what_its_steps_took, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
