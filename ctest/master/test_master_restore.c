#include "master/master_kit.h"

#include "format/claim.h"
#include "master/golden_journal.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

static void a_kill_loses_no_completed_map(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    struct kit_join join = {.incarnation = 3};
    uint64_t first_epoch, epoch;
    Mrlua__JobStatusAnswer *answer;
    Mrlua__JobEvent *end;

    (void)state;
    join.job = peer_submit_well(user, "key", "out");
    join.worker_id_seen = peer_join(worker, &join, &first_epoch);
    join.held_attempt = peer_do_map(worker);
    message_free(peer_await_start(worker)); /* the reduce: given up with the epoch */
    master_kit_kill(&kit);

    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    assert_int_equal(peer_status(user, join.job, &answer)->stages[STAGE_MAP]->completed, 1);
    assert_string_equal(answer->info->skew->keys[0]->text, "\"a\""); /* what it told, too */
    message_free(answer);
    peer_watch(user, join.job);
    join.epoch_seen = first_epoch;
    assert_int_equal(peer_join(worker, &join, &epoch), join.worker_id_seen);
    assert_true(epoch > first_epoch);
    peer_do_reduce(worker); /* it asserts that what is started is a reduce */
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_SUCCEEDED);
    message_free(end);
    assert_true(folder_has(&kit.folder, "out/_SUCCESS"));
}

/* The state folder of a master that has ended is gone. */
static void lose_folder(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r %s", folder_path(&kit.folder, "state"));
    assert_int_equal(system(command), 0);
}

static void assert_claimed_by_the_master(void)
{
    struct claim claim;
    struct err err;

    assert_int_equal(claim_read(folder_path(&kit.folder, "out/.mrlua-claim"), &claim, &err), 1);
    assert_int_equal(claim.pid, kit.pid);
    assert_false(claim_is_stale(&claim));
}

static void an_output_is_claimed_by_the_master_that_lives(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);

    (void)state;
    peer_submit_well(user, "key", "out");
    assert_claimed_by_the_master();
    master_kit_kill(&kit);
    master_kit_start(&kit);
    master_kit_connect(&kit, ROLE_SUBMIT); /* it has restored what it knows */
    assert_claimed_by_the_master();
}

/* Whoever knew the master of before follows the one that has lost its folder. */
static void a_master_without_its_folder_has_a_later_epoch(void **state)
{
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    struct kit_join join = {.incarnation = 3};
    time_t begun = time(NULL); /* or later than the master's begin */
    uint64_t epoch;

    (void)state;
    peer_join(worker, &join, &join.epoch_seen);
    master_kit_kill(&kit);
    lose_folder();
    while (time(NULL) <= begun)
        sched_yield();

    master_kit_start(&kit);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    peer_join(worker, &join, &epoch);
    assert_true(epoch > join.epoch_seen);
}

/* The answer to its report was lost with the master; the journal has the map. */
static void a_map_that_was_not_heard_of_is_not_killed(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    struct kit_join join = {.incarnation = 3};
    Mrlua__JobEvent *end;

    (void)state;
    join.job = peer_submit_well(user, "key", "out");
    join.worker_id_seen = peer_join(worker, &join, &join.epoch_seen);
    join.run_attempt = peer_do_map(worker);
    master_kit_kill(&kit);

    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    peer_watch(user, join.job);
    peer_join(worker, &join, NULL);
    peer_await_heard(worker, join.run_attempt);
    peer_do_reduce(worker);
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_SUCCEEDED);
    message_free(end);
}

static void a_finished_job_stays_finished(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__JobStatusAnswer *answer;
    Mrlua__Answer *again;
    uint64_t job;

    (void)state;
    job = peer_submit_well(user, "key", "out");
    peer_watch(user, job);
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    peer_do_map(worker);
    peer_do_reduce(worker);
    message_free(peer_await_end(user));
    master_kit_kill(&kit);

    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    assert_int_equal(peer_status(user, job, &answer)->status, JOB_SUCCEEDED);
    assert_int_equal(answer->info->part_list[0]->bytes, 4);
    assert_int_equal(answer->info->skew->keys[0]->records, 2);
    message_free(answer);
    peer_submit(user, "key", "out"); /* the same submit, sent again */
    again = peer_await_answer(user);
    assert_null(again->error);
    assert_int_equal(again->job, job);
    assert_true(again->existed);
    message_free(again);
    assert_true(peer_submit_well(user, "other", "out2") > job);
}

static void the_words_of_a_failure_survive(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    struct kit_join join = {.incarnation = 3};
    Mrlua__AttemptStart *start;
    Mrlua__JobEvent *end;

    (void)state;
    join.job = peer_submit_well(user, "key", "out");
    join.worker_id_seen = peer_join(worker, &join, &join.epoch_seen);
    start = peer_await_start(worker);
    peer_failed(worker, start->start->attempt, ERR_LIMIT, "the first time");
    peer_await_heard(worker, start->start->attempt);
    message_free(start);
    master_kit_kill(&kit);

    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    peer_watch(user, join.job);
    peer_join(worker, &join, NULL);
    start = peer_await_start(worker);
    peer_failed(worker, start->start->attempt, ERR_LIMIT, "the second time");
    peer_await_heard(worker, start->start->attempt);
    message_free(start);
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_FAILED);
    assert_non_null(strstr(end->info->error->message, "the second time"));
    assert_non_null(strstr(end->info->detail, "the first time"));
    message_free(end);
}

/* What a user of the golden journal is told. */
static void assert_golden_jobs(void)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobStatusAnswer *answer;

    assert_int_equal(peer_status(user, GOLDEN_JOURNAL_FIRST, &answer)->status, JOB_SUCCEEDED);
    assert_string_equal(answer->info->name, "first");
    assert_int_equal(answer->info->stages[STAGE_MAP]->completed, GOLDEN_JOURNAL_MAPS);
    message_free(answer);
    assert_int_equal(peer_status(user, GOLDEN_JOURNAL_SECOND, &answer)->status, JOB_RUNNING);
    assert_string_equal(answer->info->name, "second");
    assert_int_equal(answer->info->stages[STAGE_MAP]->tasks, GOLDEN_JOURNAL_MAPS);
    assert_int_equal(answer->info->stages[STAGE_MAP]->completed, 1);
    assert_int_equal(answer->info->stages[STAGE_REDUCE]->tasks, 2);
    message_free(answer);
}

/* A worker that the journal does not know is given a map that is not the completed one. */
static void assert_golden_goes_on(void)
{
    static const char path[] = GOLDEN_JOURNAL_FOLDER "/";
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__AttemptStart *start;

    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    start = peer_await_start(worker);
    assert_int_equal(start->start->job, GOLDEN_JOURNAL_SECOND);
    assert_int_equal(start->start->kind, MRLUA__TASK_KIND__MAP);
    assert_int_not_equal(start->start->task, 0);
    assert_true(start->start->n_pieces > 0);
    assert_memory_equal(start->start->pieces[0]->path, path, sizeof path - 1);
    assert_true(start->start->pieces[0]->length > 0);
    message_free(start);
}

/* Goal: what a master of version 1 knew is known, and is gone on with.
 * Method: its journal; a kill, after which the journal has rows of both versions. */
static void a_journal_of_version_1_is_restored(void **state)
{
    (void)state;
    master_kit_kill(&kit);
    lose_folder();
    golden_journal_put(&kit.folder);
    for (int i = 0; i < 2; i++) {
        master_kit_start(&kit);
        assert_golden_jobs();
        assert_golden_goes_on();
        master_kit_kill(&kit);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(a_kill_loses_no_completed_map),
        MASTER_TEST(an_output_is_claimed_by_the_master_that_lives),
        MASTER_TEST(a_master_without_its_folder_has_a_later_epoch),
        MASTER_TEST(a_map_that_was_not_heard_of_is_not_killed),
        MASTER_TEST(a_finished_job_stays_finished),
        MASTER_TEST(the_words_of_a_failure_survive),
        MASTER_TEST(a_journal_of_version_1_is_restored),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
