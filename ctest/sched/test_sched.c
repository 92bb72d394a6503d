#include <malloc.h>

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

/* What is allocated now; always 0 where another allocator is linked in (ASan). */
static size_t heap_bytes(void)
{
    return mallinfo2().uordblks;
}

/* Rows 15 and 17: late reports of jobs that are over are counted, and nothing grows with them. */
static void memory_is_flat_over_ten_thousand_jobs(void **state)
{
    struct kit kit;
    size_t before = 0;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 2);
    for (uint64_t job = 1; job <= 11000; job++) {
        struct event late;

        kit_submit(&kit, job, NULL);
        kit_plan(&kit, job, 1, 1);
        late = kit_from(&kit, EVENT_ATTEMPT_DONE, kit_attempt_of(&kit, job, STAGE_MAP, 0));
        kit_step(&kit, &(struct event){.kind = EVENT_JOB_CANCELLED, .job_id = job});
        kit_step(&kit, &late);
        assert_int_equal(sched_stale_count(kit.sched), job);
        free(kit.facts);
        free(kit.attempts);
        kit.facts = NULL, kit.fact_count = 0;
        kit.attempts = NULL, kit.attempt_count = 0;
        if (job == 1000)
            before = heap_bytes();
    }
    assert_true(heap_bytes() <= before + before / 20);
    kit_deinit(&kit);
}

/* Row 17: 100,000 tasks later the scheduler is as small as before. */
static void memory_of_a_large_job_is_given_back(void **state)
{
    struct sched_options options;
    struct sched_output out = {0};
    struct event event = {.kind = EVENT_WORKER_JOINED, .incarnation = 1, .slot_count = 100};
    struct sched *sched;
    size_t before = 0;
    uint64_t done_count = 0;

    (void)state;
    sched_options_cluster(&options);
    sched = sched_open(&options);
    for (uint64_t job = 1; job <= 2; job++) {
        uint64_t left = 100000;

        event.now_ns++;
        if (job == 1)
            sched_step(sched, &event, &out);
        sched_step(sched,
                   &(struct event){.kind = EVENT_JOB_SUBMITTED,
                                   .now_ns = event.now_ns,
                                   .job_id = job,
                                   .rules = {.attempts_max = 4}},
                   &out);
        sched_step(sched,
                   &(struct event){.kind = EVENT_PLAN_MADE,
                                   .now_ns = event.now_ns,
                                   .worker_id = WORKER_NONE,
                                   .attempt_id = out.commands[0].attempt_id,
                                   .map_count = 100000},
                   &out);
        while (left > 0) { /* in the order of their ids, which are given in order */
            uint64_t first = out.commands[0].attempt_id;

            assert_int_equal(out.commands[0].kind, COMMAND_START_ATTEMPT);
            for (uint64_t id = first; id < first + 100 && left > 0; id++, left--, done_count++)
                sched_step(sched,
                           &(struct event){.kind = EVENT_ATTEMPT_DONE,
                                           .now_ns = event.now_ns,
                                           .incarnation = 1,
                                           .attempt_id = id},
                           &out);
            if (left > 0)
                out.commands[0].attempt_id -= 99;
        }
        sched_step(sched,
                   &(struct event){.kind = EVENT_ATTEMPT_DONE,
                                   .now_ns = event.now_ns,
                                   .worker_id = WORKER_NONE,
                                   .attempt_id = out.commands[0].attempt_id},
                   &out);
        if (job == 1)
            before = heap_bytes();
    }
    assert_int_equal(done_count, 200000);
    assert_int_equal(sched_stale_count(sched), 0);
    assert_true(heap_bytes() <= before + before / 20);
    sched_output_deinit(&out);
    sched_close(sched);
}

/* Jobs that are over are remembered for a while, not for ever. */
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

static void an_epoch_is_no_less_than_asked(void **state)
{
    struct event tick = {.kind = EVENT_TICK};
    struct sched_output out = {0};
    struct sched_options options;
    struct sched *sched;

    (void)state;
    sched_options_default(&options);
    options.epoch_min = UINT32_MAX; /* the limit */
    sched = sched_open(&options);
    sched_step(sched, &tick, &out);
    assert_int_equal(out.facts[0].kind, FACT_EPOCH_BEGUN);
    assert_int_equal(out.facts[0].epoch, UINT32_MAX);
    sched_close(sched);
    sched_output_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_job_goes_from_plan_to_commit),
        cmocka_unit_test(job_without_input_still_makes_its_parts),
        cmocka_unit_test(job_without_reduces_commits_its_maps),
        cmocka_unit_test(memory_is_flat_over_ten_thousand_jobs),
        cmocka_unit_test(memory_of_a_large_job_is_given_back),
        cmocka_unit_test(ended_jobs_are_forgotten_in_the_end),
        cmocka_unit_test(an_epoch_is_no_less_than_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
