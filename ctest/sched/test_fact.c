#include "sched/kit.h"

/* The master dies here and another one reads the facts. */
static void restart(struct kit *kit)
{
    struct err err;

    sched_close(kit->sched);
    kit->sched = sched_open(&kit->options);
    kit->now_ns = 1; /* the clock of another process */
    assert_int_equal(sched_restore(kit->sched, kit->facts, kit->fact_count, &err), 0);
    for (size_t i = 0; i < kit->attempt_count; i++)
        kit->attempts[i].state = KIT_OVER; /* who joins runs nothing */
}

/* Two jobs with a bit of everything: lost outputs, lost workers, failures, an end. */
static void live_an_eventful_life(struct kit *kit)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    kit_join(kit, 1, 1);
    kit_submit(kit, 1, NULL);
    kit_submit(kit, 2, NULL);
    kit_plan(kit, 2, 2, 1);
    kit_failed(kit, kit_attempt_of(kit, 1, STAGE_PLAN, 0), ERR_RETRY);
    kit_tick(kit);
    kit_plan(kit, 1, 2, 1);
    kit_done_with(kit, kit_attempt_of(kit, 2, STAGE_MAP, 0), kit_digest(4));
    kit_done_with(kit, kit_attempt_of(kit, 2, STAGE_MAP, 1), kit_digest(2));
    kit_failed(kit, kit_attempt(kit, STAGE_MAP, 0), ERR_LIMIT);
    kit_lose(kit, 1);
    kit_tick(kit);
    kit_step(kit, &(struct event){.kind = EVENT_JOB_CANCELLED, .job_id = 2});
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 0));
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 1));
    kit_failed_peer(kit, kit_attempt(kit, STAGE_REDUCE, 0), 1, kit_output_of(kit, 1));
    kit_done(kit, kit_attempt(kit, STAGE_MAP, 1));
    kit_reduce(kit, 0);
}

static void fold_of_the_facts_is_the_state(void **state)
{
    struct kit kit;
    uint64_t hash;

    (void)state;
    live_an_eventful_life(&kit);
    hash = sched_hash(kit.sched);
    restart(&kit);
    sched_check(kit.sched);
    assert_int_equal(sched_hash(kit.sched), hash);
    kit_deinit(&kit);
}

/* I10, and cut within a turn too, which no journal does. */
static void job_ends_after_a_restart_at_any_fact(void **state)
{
    size_t fact_count = 1;

    (void)state;
    for (size_t cut = 1; cut <= fact_count; cut++) { /* the epoch is journaled before all else */
        struct kit kit;

        live_an_eventful_life(&kit);
        fact_count = kit.fact_count;
        kit.fact_count = cut;
        restart(&kit);
        kit_join(&kit, 0, 2);
        kit_submit(&kit, 1, NULL); /* the client asks again: stale where it was journaled */
        kit_drive_to_end(&kit, 2);
        kit_deinit(&kit);
    }
    assert_true(fact_count > 30);
}

static void completed_maps_are_kept_when_their_worker_comes_back(void **state)
{
    struct kit kit;
    uint64_t made_by;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 2);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 2, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    made_by = kit_output_of(&kit, 0);
    restart(&kit);
    kit_tick_after(&kit, 0);
    kit_tick_after(&kit, kit.options.rejoin_grace_ns - 1);
    kit_join(&kit, 0, 2);
    assert_int_equal(kit_output_of(&kit, 0), made_by);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 1); /* map 1 again */
    kit_deinit(&kit);
}

static void worker_that_stays_away_after_a_restart_is_lost(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 1, 1);
    kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0));
    restart(&kit);
    kit_tick_after(&kit, 0);
    kit_join(&kit, 1, 1);
    kit_tick_after(&kit, kit.options.rejoin_grace_ns - 1);
    assert_true(kit_output_of(&kit, 0) != 0);
    kit_tick_after(&kit, 1);
    assert_int_equal(kit_output_of(&kit, 0), 0);
    assert_int_equal(kit_progress(&kit).stages[STAGE_MAP].in_progress_count, 1);
    kit_deinit(&kit);
}

/* Row 20. kit_obey() asserts that no START has an id that was there before. */
static void attempt_ids_are_not_reused_after_restarts(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 2);
    kit_submit(&kit, 1, NULL);
    for (int i = 0; i < 5; i++) {
        restart(&kit);
        kit_tick_after(&kit, 0);
    }
    assert_int_equal(kit.attempt_count, 6); /* a plan in each epoch */
    kit_deinit(&kit);
}

static void tries_are_counted_across_restarts(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 1, 1);
    for (int i = 0; i < 3; i++) {
        kit_failed(&kit, kit_attempt(&kit, STAGE_MAP, 0), ERR_LIMIT);
        restart(&kit);
        kit_join(&kit, 0, 1);
    }
    kit_failed(&kit, kit_attempt(&kit, STAGE_MAP, 0), ERR_LIMIT);
    assert_int_equal(kit.end.reason, END_ATTEMPTS);
    kit_deinit(&kit);
}

static void ended_job_stays_ended(void **state)
{
    struct kit kit;
    struct cause causes[4];

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 1);
    kit_submit(&kit, 1, NULL);
    kit_plan(&kit, 1, 1, 1);
    kit_failed(&kit, kit_attempt(&kit, STAGE_MAP, 0), ERR_JOB);
    restart(&kit);
    kit_submit(&kit, 1, NULL); /* asked again: the same job, not another */
    assert_int_equal(kit_progress(&kit).status, JOB_FAILED);
    assert_int_equal(sched_causes(kit.sched, 1, causes, 4), 1);
    assert_int_equal(kit.out.command_count, 0);
    kit_deinit(&kit);
}

/* Leaves any one fact out, or says one twice: a restore says so or makes a sound state. */
static void journal_of_something_else_is_refused_or_sound(void **state)
{
    struct kit kit;
    struct err err;
    size_t refused_count = 0;

    (void)state;
    live_an_eventful_life(&kit);
    for (size_t hole = 0; hole < kit.fact_count; hole++) {
        struct sched *sched = sched_open(&kit.options);

        if (sched_restore(sched, kit.facts, hole, &err) != 0)
            fail_msg("%s", err.message);
        if (sched_restore(sched, kit.facts + hole + 1, kit.fact_count - hole - 1, &err) == 0) {
            sched_check(sched);
        } else {
            assert_int_equal(err.kind, ERR_SETUP);
            refused_count++;
        }
        sched_close(sched);

        sched = sched_open(&kit.options);
        assert_int_equal(sched_restore(sched, kit.facts, hole + 1, &err), 0);
        if (kit.facts[hole].kind != FACT_WORKER_LOST) /* twice lost is lost */
            assert_int_equal(sched_restore(sched, kit.facts + hole, 1, &err), -1);
        sched_close(sched);
    }
    assert_true(refused_count > kit.fact_count / 2);
    kit_deinit(&kit);
}

/* A journal keeps of a job that has ended no more than its end. */
static void facts_of_an_ended_job_may_be_dropped_but_for_its_end(void **state)
{
    struct kit kit;
    struct sched *sched;
    struct job_progress progress;
    struct err err;
    size_t kept = 0;

    (void)state;
    live_an_eventful_life(&kit); /* job 2 was cancelled */
    for (size_t i = 0; i < kit.fact_count; i++)
        if (kit.facts[i].job_id != 2 || kit.facts[i].kind == FACT_JOB_ENDED)
            kit.facts[kept++] = kit.facts[i];
    assert_true(kept + 5 < kit.fact_count);
    sched = sched_open(&kit.options);
    assert_int_equal(sched_restore(sched, kit.facts, kept, &err), 0);
    assert_int_equal(sched_hash(sched), sched_hash(kit.sched));
    assert_true(sched_job_progress(sched, 2, &progress));
    assert_int_equal(progress.status, JOB_CANCELLED);
    sched_close(sched);
    kit_deinit(&kit);
}

/* ... and when none lives, no more than ends and the last epoch. */
static void journal_of_an_idle_cluster_may_be_ends_alone(void **state)
{
    struct kit kit;
    struct sched *sched;
    struct err err;
    size_t kept = 0;

    (void)state;
    live_an_eventful_life(&kit);
    kit_drive_to_end(&kit, 2);
    for (size_t i = 0; i < kit.fact_count; i++)
        if (kit.facts[i].kind == FACT_EPOCH_BEGUN || kit.facts[i].kind == FACT_JOB_ENDED)
            kit.facts[kept++] = kit.facts[i];
    assert_int_equal(kept, 3);
    sched = sched_open(&kit.options);
    assert_int_equal(sched_restore(sched, kit.facts, kept, &err), 0);
    sched_check(sched);
    assert_int_equal(sched_restore(sched, kit.facts + 1, 1, &err), -1); /* a job ends once */
    sched_close(sched);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fold_of_the_facts_is_the_state),
        cmocka_unit_test(job_ends_after_a_restart_at_any_fact),
        cmocka_unit_test(completed_maps_are_kept_when_their_worker_comes_back),
        cmocka_unit_test(worker_that_stays_away_after_a_restart_is_lost),
        cmocka_unit_test(attempt_ids_are_not_reused_after_restarts),
        cmocka_unit_test(tries_are_counted_across_restarts),
        cmocka_unit_test(ended_job_stays_ended),
        cmocka_unit_test(journal_of_something_else_is_refused_or_sound),
        cmocka_unit_test(facts_of_an_ended_job_may_be_dropped_but_for_its_end),
        cmocka_unit_test(journal_of_an_idle_cluster_may_be_ends_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
