#include "master/drive_kit.h"

#include <unistd.h>

static const struct drive_step FIRST = {.number = 1, .reducers = 1};
static const struct drive_step SECOND = {.number = 2, .reducers = 1, .reads = 1};
static const struct drive_step LAST = {.number = 3, .reducers = 1, .reads = 2, .is_last = true};

static char *steps_folder(const char *name)
{
    static char command[FOLDER_PATH_BYTES + 64];

    snprintf(command, sizeof command, "ls -d %s/.%s.*-steps >/dev/null 2>&1", kit.folder.path,
             name);
    return command;
}

/* A step reads run files, which nobody writes here: its plan finds what this leaves. */
static void make_readable(uint32_t step)
{
    char command[2 * FOLDER_PATH_BYTES + 64];

    snprintf(command, sizeof command, "ls %s/.one.*-steps/step-%u/_SUCCESS >/dev/null",
             kit.folder.path, step);
    assert_int_equal(system(command), 0);
}

static void steps_are_jobs_and_the_last_one_has_the_output(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t job = drive_submit(user, "one"), attempt = drive_await(worker);
    Mrlua__JobStatusAnswer *answer;

    (void)state;
    drive_do_step(worker, attempt, &FIRST);
    make_readable(1);
    drive_do_step(worker, attempt, &SECOND);
    drive_do_step(worker, attempt, &LAST);
    peer_done(worker, attempt, "");
    drive_expect_end(user, job, JOB_SUCCEEDED);
    assert_int_equal(access(folder_path(&kit.folder, "one/part-00000"), F_OK), 0);
    assert_int_not_equal(system(steps_folder("one")), 0);
    peer_status(user, job, &answer);
    assert_int_equal(answer->info->records, 2);
    assert_int_equal(answer->info->bytes_in, 4); /* the first step has read them */
    assert_int_equal(answer->info->step, 3);
    assert_int_equal(answer->info->n_part_list, 1);
    message_free(answer);
}

/* Goal: what has ended is not run again. Method: the driver starts again, on another worker and
 * under another master, and is answered without a map being started. */
static void steps_that_have_ended_answer_at_once(void **state)
{
    struct kit_peer *worker = drive_worker(&kit, 1);
    Mrlua__AttemptAnswer *answer;
    uint64_t attempt;

    (void)state;
    drive_submit(master_kit_connect(&kit, ROLE_SUBMIT), "one");
    attempt = drive_await(worker);
    drive_do_step(worker, attempt, &FIRST);
    for (int life = 2; life < 4; life++) {
        if (life == 2) {
            conn_close(worker->conn);
            worker->conn = NULL;
        } else {
            master_kit_kill(&kit);
            master_kit_start(&kit);
        }
        worker = drive_worker(&kit, (uint64_t)life);
        attempt = drive_await(worker);
        drive_call(worker, attempt, &FIRST);
        answer = drive_await_answer(worker, attempt);
        assert_null(answer->answer->error);
        assert_int_equal(answer->answer->records, 2);
        message_free(answer);
    }
}

static void a_step_goes_on_while_its_driver_starts_again(void **state)
{
    struct kit_peer *driver = drive_worker(&kit, 1), *worker;
    Mrlua__AttemptAnswer *answer;
    uint64_t attempt;

    (void)state;
    drive_submit(master_kit_connect(&kit, ROLE_SUBMIT), "one");
    attempt = drive_await(driver);
    drive_call(driver, attempt, &FIRST);
    message_free(peer_await_start(driver)); /* its map */
    conn_close(driver->conn);
    driver->conn = NULL;
    worker = drive_worker(&kit, 2);
    attempt = drive_await(worker);
    drive_call(worker, attempt, &FIRST);
    peer_do_map(worker); /* the one that was lost */
    peer_do_reduce(worker);
    answer = drive_await_answer(worker, attempt);
    assert_null(answer->answer->error);
    message_free(answer);
}

static void another_call_than_before_is_an_error_that_names_it(void **state)
{
    const struct drive_step other = {.number = 1, .reducers = 2};
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t attempt;

    (void)state;
    drive_submit(master_kit_connect(&kit, ROLE_SUBMIT), "one");
    attempt = drive_await(worker);
    drive_do_step(worker, attempt, &FIRST);
    drive_call(worker, attempt, &other);
    drive_expect_error(worker, attempt,
                       "call 1 of drive is not the one it was when drive ran before: field "
                       "'reducers' was another");
}

static void calls_out_of_order_are_refused(void **state)
{
    const struct drive_step ahead = {.number = 1, .reducers = 1, .reads = 1};
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t attempt;

    (void)state;
    drive_submit(master_kit_connect(&kit, ROLE_SUBMIT), "one");
    attempt = drive_await(worker);
    drive_call(worker, attempt, &SECOND);
    drive_expect_error(worker, attempt, "asked for step 2 after step 0");
    drive_call(worker, attempt, &ahead);
    drive_expect_error(worker, attempt, "a step reads a step that has not ended");
}

static void a_step_that_fails_is_the_answer(void **state)
{
    struct kit_peer *worker = drive_worker(&kit, 1);
    Mrlua__AttemptStart *map;
    uint64_t attempt;

    (void)state;
    drive_submit(master_kit_connect(&kit, ROLE_SUBMIT), "one");
    attempt = drive_await(worker);
    drive_call(worker, attempt, &FIRST);
    map = peer_await_start(worker);
    peer_failed(worker, map->start->attempt, ERR_JOB, "x.lua:3: boo");
    message_free(map);
    drive_expect_error(worker, attempt, "step 1: x.lua:3: boo");
}

static void a_cancelled_job_takes_its_step_along(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = drive_worker(&kit, 1);
    Mrlua__JobCancel cancel = MRLUA__JOB_CANCEL__INIT;
    uint64_t attempt;

    (void)state;
    cancel.job = drive_submit(user, "one");
    attempt = drive_await(worker);
    drive_call(worker, attempt, &FIRST);
    message_free(peer_await_start(worker));
    peer_send(user, MESSAGE_JOB_CANCEL, 9, &cancel.base);
    message_free(peer_await_answer(user));
    drive_expect_end(user, cancel.job, JOB_CANCELLED);
    drive_expect_end(user, cancel.job + 1, JOB_CANCELLED);
}

static bool is_done(const Mrlua__StageProgress *stage)
{
    return stage->tasks > 0 && stage->completed == stage->tasks;
}

/* The step that the next event is about whose tasks are done. */
static uint32_t next_step(struct kit_peer *user)
{
    uint32_t step = 0;

    while (step == 0) {
        Mrlua__JobEvent *event = peer_await(user, MESSAGE_JOB_EVENT, &mrlua__job_event__descriptor);
        const Mrlua__JobInfo *info = event->info;

        assert_false(event->ended);
        if (info && is_done(info->stages[STAGE_MAP]) && is_done(info->stages[STAGE_REDUCE]))
            step = info->step;
        message_free(event);
    }
    return step;
}

/* None is left out; one may be told while it is committed, too. */
static void expect_step_ended(struct kit_peer *user, uint32_t number)
{
    uint32_t step;

    do
        step = next_step(user);
    while (step == number - 1);
    assert_int_equal(step, number);
}

static void watch_from_step(struct kit_peer *user, uint64_t job, uint32_t steps_seen)
{
    Mrlua__JobWatch watch = MRLUA__JOB_WATCH__INIT;

    watch.job = job;
    watch.steps_seen = steps_seen;
    peer_send(user, MESSAGE_JOB_WATCH, 6, &watch.base);
}

/* However short it was, and however late its watcher came; but once. */
static void each_step_that_ends_is_told(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT), *late;
    struct kit_peer *worker = drive_worker(&kit, 1);
    uint64_t job = drive_submit(user, "one"), attempt = drive_await(worker);

    (void)state;
    watch_from_step(user, job, 0);
    drive_do_step(worker, attempt, &FIRST);
    make_readable(1);
    drive_do_step(worker, attempt, &SECOND);
    late = master_kit_connect(&kit, ROLE_READ);
    watch_from_step(late, job, 0);
    expect_step_ended(late, 1);
    expect_step_ended(late, 2);
    late = master_kit_connect(&kit, ROLE_READ);
    watch_from_step(late, job, 1);
    assert_int_equal(next_step(late), 2);
    drive_do_step(worker, attempt, &LAST);
    expect_step_ended(user, 1);
    expect_step_ended(user, 2);
    expect_step_ended(user, 3);
}

static void steps_are_not_listed(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = drive_worker(&kit, 1);
    Mrlua__JobList list = MRLUA__JOB_LIST__INIT;
    Mrlua__JobListAnswer *jobs;
    uint64_t attempt;

    (void)state;
    drive_submit(user, "one");
    attempt = drive_await(worker);
    drive_call(worker, attempt, &FIRST);
    message_free(peer_await_start(worker));
    peer_send(user, MESSAGE_JOB_LIST, 8, &list.base);
    jobs = peer_await(user, MESSAGE_JOB_LIST_ANSWER, &mrlua__job_list_answer__descriptor);
    assert_int_equal(jobs->n_jobs, 1);
    assert_string_equal(jobs->jobs[0]->name, "pages");
    assert_int_equal(jobs->jobs[0]->step, 1);
    message_free(jobs);
}

static void nobody_else_submits_a_step(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    Mrlua__JobStep step = MRLUA__JOB_STEP__INIT;
    Mrlua__Answer *answer;

    (void)state;
    submit.idempotency_key = (char *)(uintptr_t) "x";
    submit.step = &step;
    peer_send(user, MESSAGE_JOB_SUBMIT, 5, &submit.base);
    answer = peer_await_answer(user);
    assert_non_null(answer->error);
    assert_non_null(strstr(answer->error->message, "submitted by nobody but its driver"));
    message_free(answer);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(steps_are_jobs_and_the_last_one_has_the_output),
        MASTER_TEST(steps_that_have_ended_answer_at_once),
        MASTER_TEST(a_step_goes_on_while_its_driver_starts_again),
        MASTER_TEST(another_call_than_before_is_an_error_that_names_it),
        MASTER_TEST(calls_out_of_order_are_refused),
        MASTER_TEST(a_step_that_fails_is_the_answer),
        MASTER_TEST(a_cancelled_job_takes_its_step_along),
        MASTER_TEST(each_step_that_ends_is_told),
        MASTER_TEST(steps_are_not_listed),
        MASTER_TEST(nobody_else_submits_a_step),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
