/*
 * What a master counts of facts.
 */
#include "master/master_state.h"

#include "base/mem.h"
#include "test.h"

#include <stdlib.h>

static struct master master;
static struct master_job job;
static struct fact fact;
static Mrlua__JobSubmit submit;
static Mrlua__JobRecord record;

static int set_up(void **state)
{
    struct command command = {
        .job_id = 7, .attempt_id = 11, .stage = STAGE_MAP, .task = 3, .worker_id = 2};

    (void)state;
    master = (struct master){0};
    mrlua__job_submit__init(&submit);
    mrlua__job_record__init(&record);
    record.submit = &submit;
    job = (struct master_job){.id = 7, .master = &master, .record = &record};
    list_init(&master.attempts);
    list_init(&master.peers);
    list_init(&master.jobs);
    list_init(&job.link);
    list_append(&master.jobs, &job.link);
    idtable_put(&master.jobs_by_id, 7, &job);
    master_attempt_add(&master, &command);
    fact =
        (struct fact){.job_id = 7, .attempt_id = 11, .stage = STAGE_MAP, .task = 3, .worker_id = 2};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    master_attempt_remove(master_attempt_find(&master, 11));
    job_timeline_deinit(&job.timeline);
    job_log_deinit(&job.log);
    free(job.sources);
    idtable_deinit(&master.jobs_by_id);
    idtable_deinit(&master.attempts_by_id);
    return 0;
}

static void account(enum fact_kind kind)
{
    fact.kind = kind;
    master_account(&master, &fact, 1);
}

static void assert_only_entry(enum attempt_outcome outcome)
{
    const struct timeline_entry *entry = job_timeline_get(&job.timeline, 0);

    assert_int_equal(job.timeline.count, 1);
    assert_int_equal(entry->attempt_id, 11);
    assert_int_equal(entry->stage, STAGE_MAP);
    assert_int_equal(entry->task, 3);
    assert_int_equal(entry->worker_id, 2);
    assert_int_equal(entry->outcome, outcome);
    assert_true(entry->begun_ns > 0 && entry->ended_ns >= entry->begun_ns);
}

/* As a worker answers: what it read and wrote are counters of its own. */
static Mrlua__Done *done_map(void)
{
    Mrlua__Done message = MRLUA__DONE__INIT;
    Mrlua__Counter counters[3] = {MRLUA__COUNTER__INIT, MRLUA__COUNTER__INIT, MRLUA__COUNTER__INIT};
    Mrlua__Counter *list[3] = {&counters[0], &counters[1], &counters[2]};
    struct buf packed = {0};
    struct err err;
    Mrlua__Done *done;

    counters[0].name = (char *)(uintptr_t) "map_bytes_in";
    counters[0].value = 100;
    counters[1].name = (char *)(uintptr_t) "map_records_written";
    counters[1].value = 9;
    counters[2].name = (char *)(uintptr_t) "map_bytes_written";
    counters[2].value = -1; /* no count: a worker says what it likes */
    message.counters = list;
    message.n_counters = 3;
    message_pack(&packed, &message.base);
    done = message_unpack(&mrlua__done__descriptor, buf_slice(&packed), &err);
    buf_deinit(&packed);
    assert_non_null(done);
    return done;
}

static void a_completed_task_adds_its_bytes_and_its_time(void **state)
{
    (void)state;
    master_attempt_find(&master, 11)->done = done_map();
    account(FACT_TASK_COMPLETED);
    assert_only_entry(OUTCOME_COMPLETED);
    assert_int_equal(master.totals.input_bytes, 100);
    assert_int_equal(master.totals.shuffle_records, 9);
    assert_int_equal(master.totals.shuffle_bytes, 0);
    assert_int_equal(master.totals.attempts[STAGE_MAP].counts[0], 1);
}

static void a_failed_attempt_counts_by_its_kind(void **state)
{
    (void)state;
    account(FACT_ATTEMPT_STARTED);
    fact.failure = ERR_LIMIT;
    account(FACT_ATTEMPT_ENDED);
    assert_only_entry(OUTCOME_FAILED);
    assert_int_equal(master.totals.attempts_started[STAGE_MAP], 1);
    assert_int_equal(master.totals.attempts_failed[STAGE_MAP][ERR_LIMIT], 1);
}

static void an_attempt_that_is_given_up_is_nobodys_fault(void **state)
{
    (void)state;
    account(FACT_ATTEMPT_ENDED);
    assert_only_entry(OUTCOME_GIVEN_UP);
    assert_int_equal(master.totals.attempts_failed[STAGE_MAP][METRICS_GIVEN_UP], 1);
}

/* Row 23. */
static void an_attempt_that_lost_its_race_is_shown_as_that(void **state)
{
    struct fact facts[] = {fact, fact};

    (void)state;
    facts[0].kind = FACT_ATTEMPT_ENDED;
    facts[1].kind = FACT_TASK_COMPLETED;
    facts[1].attempt_id = 12;
    master_account(&master, facts, 2);
    assert_only_entry(OUTCOME_LOST_RACE);
    assert_int_equal(job.effort.ended[OUTCOME_LOST_RACE], 1);
}

static const char *only_line(void)
{
    assert_int_equal(job.log.first, job.log.last);
    assert_true(job_log_is_notice(&job.log, job.log.last));
    return job_log_line(&job.log, job.log.last);
}

static void who_watches_is_told_that_a_task_is_tried_again(void **state)
{
    (void)state;
    fact.failure = ERR_LIMIT;
    account(FACT_ATTEMPT_ENDED);
    assert_string_equal(only_line(),
                        "mrlua: map 3, on worker 2, is tried again: nothing was heard of it");
    assert_int_equal(job.effort.ended[OUTCOME_FAILED], 1);
}

static void a_failure_that_ends_the_job_is_told_by_its_end_alone(void **state)
{
    struct fact facts[] = {fact, fact};

    (void)state;
    facts[0].kind = FACT_ATTEMPT_ENDED;
    facts[0].failure = ERR_JOB;
    facts[1].kind = FACT_JOB_ENDED;
    master_account(&master, facts, 2);
    assert_int_equal(job.log.last, 0);
}

static void who_watches_is_told_of_a_worker_that_took_something_of_the_job_with_it(void **state)
{
    (void)state;
    job.sources = mem_alloc_array(1, sizeof *job.sources);
    job.sources[0] = (struct master_source){.worker_id = 2, .incarnation = 9, .count = 5};
    job.source_count = 1;
    fact.worker_id = 3; /* it had nothing */
    account(FACT_WORKER_LOST);
    assert_int_equal(job.log.last, 0);
    fact.worker_id = 2;
    fact.incarnation = 9;
    account(FACT_WORKER_LOST);
    assert_string_equal(only_line(), "mrlua: lost worker 2, with 1 attempt and 5 outputs of this "
                                     "job: they run again where they are needed");
    assert_int_equal(job.effort.workers_lost, 1);
    assert_int_equal(job.effort.ended[OUTCOME_WORKER_LOST], 1);
}

/* It waits for a slot when it has fetched: that is not its own time. */
static void a_reduce_takes_what_it_took_in_its_slot(void **state)
{
    struct master_attempt *attempt = master_attempt_find(&master, 11);

    (void)state;
    attempt->ran_ns = attempt->begun_ns + 1;
    account(FACT_TASK_COMPLETED);
    assert_true(job.effort.slowest[0].entry.begun_ns == attempt->ran_ns);
    assert_only_entry(OUTCOME_COMPLETED);
}

static void a_lost_worker_takes_its_attempts_with_it(void **state)
{
    (void)state;
    fact.worker_id = 3; /* another one */
    account(FACT_WORKER_LOST);
    assert_int_equal(job.timeline.count, 0);
    fact.worker_id = 2;
    account(FACT_WORKER_LOST);
    assert_only_entry(OUTCOME_WORKER_LOST);
    assert_int_equal(master.totals.workers_lost, 2);
    assert_int_equal(master.totals.attempts_failed[STAGE_MAP][METRICS_WORKER_LOST], 1);
}

static void jobs_and_outputs_are_counted_and_unknown_attempts_are_not(void **state)
{
    (void)state;
    fact.status = JOB_SUCCEEDED;
    account(FACT_JOB_ENDED);
    account(FACT_OUTPUT_LOST);
    fact.attempt_id = 12;
    account(FACT_TASK_COMPLETED);
    assert_int_equal(master.totals.jobs_ended[JOB_SUCCEEDED], 1);
    assert_int_equal(master.totals.outputs_lost, 1);
    assert_int_equal(job.timeline.count, 0);
}

#define ACCOUNT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCOUNT_TEST(a_completed_task_adds_its_bytes_and_its_time),
        ACCOUNT_TEST(a_failed_attempt_counts_by_its_kind),
        ACCOUNT_TEST(an_attempt_that_is_given_up_is_nobodys_fault),
        ACCOUNT_TEST(an_attempt_that_lost_its_race_is_shown_as_that),
        ACCOUNT_TEST(who_watches_is_told_that_a_task_is_tried_again),
        ACCOUNT_TEST(a_failure_that_ends_the_job_is_told_by_its_end_alone),
        ACCOUNT_TEST(who_watches_is_told_of_a_worker_that_took_something_of_the_job_with_it),
        ACCOUNT_TEST(a_reduce_takes_what_it_took_in_its_slot),
        ACCOUNT_TEST(a_lost_worker_takes_its_attempts_with_it),
        ACCOUNT_TEST(jobs_and_outputs_are_counted_and_unknown_attempts_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
