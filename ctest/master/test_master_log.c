/*
 * The facts of a master as lines of its log.
 */
#include "master/master_state.h"

#include "base/log.h"
#include "said.h"

#include <stdlib.h>

static struct master master;
static struct fact fact;

static int set_up(void **state)
{
    (void)state;
    master = (struct master){0};
    list_init(&master.jobs);
    list_init(&master.attempts);
    fact = (struct fact){.job_id = 7,
                         .stage = STAGE_MAP,
                         .task = 3,
                         .attempt_id = 11,
                         .worker_id = 2,
                         .incarnation = 5,
                         .map_count = 4,
                         .reduce_count = 1,
                         .epoch = 9};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    while (!list_is_empty(&master.attempts))
        master_attempt_remove(LIST_FIRST(&master.attempts, struct master_attempt, by_master));
    free(master.unlogged);
    idtable_deinit(&master.attempts_by_id);
    idtable_deinit(&master.jobs_by_id);
    return 0;
}

static void speak(void)
{
    master_log_say(&master);
}

static const char *line_of(enum fact_kind kind)
{
    static char out[SAID_BYTES];

    log_enable(LOG_TEXT, "master");
    fact.kind = kind;
    master_log_keep(&master, &fact);
    said(speak, out);
    log_enable(LOG_OFF, NULL);
    return out;
}

static void each_change_of_a_task_names_job_task_attempt_and_worker(void **state)
{
    (void)state;
    assert_string_equal(line_of(FACT_ATTEMPT_STARTED),
                        "attempt_started job=7 task=map/3 attempt=11 worker=2\n");
    assert_string_equal(line_of(FACT_TASK_COMPLETED),
                        "task_completed job=7 task=map/3 attempt=11 worker=2\n");
    assert_string_equal(line_of(FACT_ATTEMPT_ENDED),
                        "attempt_given_up job=7 task=map/3 attempt=11 worker=2\n");
    assert_string_equal(line_of(FACT_OUTPUT_FOUND),
                        "output_found job=7 task=map/3 attempt=11 worker=2\n");
    assert_string_equal(line_of(FACT_OUTPUT_LOST), "output_lost job=7 task=map/3 attempt=11\n");
    fact.worker_id = WORKER_NONE;
    fact.stage = STAGE_COMMIT;
    assert_string_equal(line_of(FACT_ATTEMPT_STARTED),
                        "attempt_started job=7 task=commit/3 attempt=11 worker=master\n");
}

/* Row 23. Its task has to be the one that is completed in the fact behind it. */
static void the_loser_of_a_race_is_said_to_be_one(void **state)
{
    static const char lost[] = "attempt_given_up job=7 task=map/3 attempt=11 worker=2 "
                               "reason=\"killed (lost race)\"\n";
    static char out[SAID_BYTES];

    (void)state;
    for (uint32_t task = 3; task < 5; task++) {
        struct fact winner = fact;

        fact.kind = FACT_ATTEMPT_ENDED;
        winner.kind = FACT_TASK_COMPLETED;
        winner.task = task;
        log_enable(LOG_TEXT, "master");
        master_log_keep(&master, &fact);
        master_log_keep(&master, &winner);
        said(speak, out);
        log_enable(LOG_OFF, NULL);
        assert_int_equal(strncmp(out, lost, sizeof lost - 1) == 0, task == 3);
    }
}

static void a_failure_says_its_kind_and_its_words(void **state)
{
    struct master_job job = {.id = 7};
    struct err err;

    (void)state;
    fact.failure = ERR_DISK;
    assert_string_equal(line_of(FACT_ATTEMPT_ENDED),
                        "attempt_failed job=7 task=map/3 attempt=11 worker=2 kind=disk "
                        "reason=\"nothing was heard of it\"\n");
    err_set(&err, ERR_DISK, "write run: %s", "no space\nleft");
    job_faults_add(&job.faults, 11, &err, NULL);
    idtable_put(&master.jobs_by_id, 7, &job);
    assert_string_equal(line_of(FACT_ATTEMPT_ENDED),
                        "attempt_failed job=7 task=map/3 attempt=11 worker=2 kind=disk "
                        "reason=\"write run: no space left\"\n");
    job_faults_deinit(&job.faults);
}

static void bad_records_say_how_many_and_why(void **state)
{
    (void)state;
    fact.failure = ERR_LIMIT;
    fact.bad_count = 3;
    assert_string_equal(line_of(FACT_RECORDS_BAD),
                        "records_bad job=7 task=map/3 attempt=11 worker=2 records=3 kind=limit "
                        "reason=\"nothing was heard of it\"\n");
}

static void jobs_and_workers_have_their_lines_too(void **state)
{
    (void)state;
    fact.status = JOB_FAILED;
    assert_string_equal(line_of(FACT_EPOCH_BEGUN), "epoch_begun epoch=9\n");
    assert_string_equal(line_of(FACT_JOB_ACCEPTED), "job_accepted job=7 name=\"\" user=\"\"\n");
    assert_string_equal(line_of(FACT_PLAN_MADE), "plan_made job=7 attempt=11 maps=4 reduces=1\n");
    assert_string_equal(line_of(FACT_JOB_ENDED), "job_ended job=7 status=failed\n");
}

static void a_lost_worker_is_told_with_what_it_ran_and_held(void **state)
{
    struct command command = {
        .job_id = 7, .attempt_id = 12, .stage = STAGE_REDUCE, .task = 1, .worker_id = 2};
    struct master_source sources[] = {{2, 5, 30}, {3, 5, 9}, {2, 4, 9}}; /* others', and earlier */
    struct master_job job = {.id = 7, .sources = sources, .source_count = 3};

    (void)state;
    list_init(&job.link);
    list_append(&master.jobs, &job.link);
    master_attempt_add(&master, &command);
    command.attempt_id = 13;
    command.worker_id = 3;
    master_attempt_add(&master, &command);
    assert_string_equal(line_of(FACT_WORKER_LOST),
                        "worker_lost worker=2 incarnation=5 attempts=1 outputs=30\n"
                        "attempt_lost job=7 task=reduce/1 attempt=12 worker=2\n");
    assert_string_equal(line_of(FACT_OUTPUTS_LOST),
                        "outputs_lost worker=2 incarnation=5 attempts=0 outputs=30\n");
}

static void a_lost_output_names_the_worker_that_made_it(void **state)
{
    const struct timeline_entry entry = {.attempt_id = 11, .worker_id = 4};
    struct master_job job = {.id = 7};

    (void)state;
    job_timeline_add(&job.timeline, &entry);
    idtable_put(&master.jobs_by_id, 7, &job);
    assert_string_equal(line_of(FACT_OUTPUT_LOST),
                        "output_lost job=7 task=map/3 attempt=11 worker=4\n");
    job_timeline_deinit(&job.timeline);
}

static void nothing_is_kept_when_nobody_reads(void **state)
{
    (void)state;
    master_log_keep(&master, &fact);
    assert_int_equal(master.unlogged_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_change_of_a_task_names_job_task_attempt_and_worker,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_loser_of_a_race_is_said_to_be_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_says_its_kind_and_its_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_records_say_how_many_and_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jobs_and_workers_have_their_lines_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lost_worker_is_told_with_what_it_ran_and_held, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_lost_output_names_the_worker_that_made_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_kept_when_nobody_reads, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
