#include "sched/kit.h"

/* Worker 0 with two slots, job 1 planned. */
static void begin(struct kit *kit, uint32_t maps, uint32_t reduces)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, maps, reduces);
}

static void one_job_goes_from_plan_to_commit(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 2, 1);
    assert_int_equal(kit_progress(&kit).status, JOB_RUNNING);
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 0), kit_digest(3));
    assert_int_equal(kit_attempt(&kit, STAGE_REDUCE, 0), 0); /* not before all maps */
    kit_done_with(&kit, kit_attempt(&kit, STAGE_MAP, 1), kit_digest(0));
    kit_fetched(&kit, kit_attempt(&kit, STAGE_REDUCE, 0));
    assert_int_equal(kit_progress(&kit).stages[STAGE_REDUCE].in_progress_count, 1);
    struct digest sum = kit_digest(3);
    struct digest empty = kit_digest(0);
    digest_add(&sum, &empty);
    kit_done_with(&kit, kit_attempt(&kit, STAGE_REDUCE, 0), sum);
    assert_int_equal(kit_progress(&kit).status, JOB_COMMITTING);
    assert_int_equal(kit_find(&kit, kit_attempt(&kit, STAGE_COMMIT, 0))->start.worker_id,
                     WORKER_NONE);
    kit_done(&kit, kit_attempt(&kit, STAGE_COMMIT, 0));
    assert_int_equal(kit.end.status, JOB_SUCCEEDED);
    assert_int_equal(kit.end_count, 1);
    assert_int_equal(kit_progress(&kit).status, JOB_SUCCEEDED);
    assert_int_equal(sched_next_due_ns(kit.sched), UINT64_MAX);
    kit_deinit(&kit);
}

static void job_without_input_still_makes_its_parts(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 0, 1);
    kit_reduce(&kit, 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_COMMIT, 0));
    assert_int_equal(kit.end.status, JOB_SUCCEEDED);
    kit_deinit(&kit);
}

/* Its output is in the store, so a lost worker takes nothing with it. */
static void job_without_reduces_commits_its_maps(void **state)
{
    struct kit kit;

    (void)state;
    begin(&kit, 2, 0);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    kit_lose(&kit, 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].completed_count, 1);
    kit_join(&kit, 0, 2);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 1));
    kit_done(&kit, kit_attempt(&kit, STAGE_COMMIT, 0));
    assert_int_equal(kit.end.status, JOB_SUCCEEDED);
    kit_deinit(&kit);
}

/* Row 15: memory and tables do not grow with jobs that are over. */
static void ended_jobs_are_forgotten_in_the_end(void **state)
{
    struct kit kit;
    struct job_progress progress;

    (void)state;
    kit_init(&kit, NULL);
    for (uint64_t job = 1; job <= SCHED_HISTORY_COUNT_MAX + 5; job++) {
        kit_submit(&kit, job, NULL);
        kit_step(&kit, &(struct event){.kind = EVENT_JOB_CANCELLED, .job_id = job});
        kit.attempt_count = 0;
    }
    assert_false(sched_job_progress(kit.sched, 5, &progress));
    assert_true(sched_job_progress(kit.sched, 6, &progress));
    assert_int_equal(progress.status, JOB_CANCELLED);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_job_goes_from_plan_to_commit),
        cmocka_unit_test(job_without_input_still_makes_its_parts),
        cmocka_unit_test(job_without_reduces_commits_its_maps),
        cmocka_unit_test(ended_jobs_are_forgotten_in_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
