/*
 * Stories of attempts and of what they leave.
 */
#include "worker/kit.h"

/* ---- START ---- */

static void a_repeated_start_is_answered_with_the_report_that_is_due(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_start_map(&kit, 1);
    assert_int_equal(kit.out.action_count, 0); /* it runs: heartbeats say so */
    kit_attempt(&kit, AGENT_ATTEMPT_FAILED, 1);
    kit_start_map(&kit, 1);
    assert_int_equal(kit.out.action_count, 1);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->report, AGENT_REPORT_FAILED);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->failure, ERR_JOB);
    kit_deinit(&kit);
}

static void a_start_that_comes_after_its_kill_starts_nothing(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_master(&kit, AGENT_KILL, 1);
    kit_start_map(&kit, 1);
    assert_int_equal(kit.out.action_count, 0);
    assert_null(agent_attempt_of(kit.agent, 1));
    kit_deinit(&kit);
}

static void a_start_that_comes_after_its_job_is_over_starts_nothing(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_master(&kit, AGENT_JOB_OVER, 0);
    assert_int_equal(kit_did(&kit, AGENT_DELETE_JOB, 0)->job_id, 1);
    kit_start_map(&kit, 1);
    assert_int_equal(kit.out.action_count, 0);
    kit_deinit(&kit);
}

static void a_full_disk_is_told_before_anything_is_started(void **state)
{
    struct agent_event disk = {.kind = AGENT_DISK, .disk_is_full = true};
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_step(&kit, &disk);
    kit_start_map(&kit, 1);
    assert_null(kit_did(&kit, AGENT_START_ATTEMPT, 0));
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->report, AGENT_REPORT_FAILED);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->failure, ERR_DISK);
    disk.disk_is_full = false;
    kit_step(&kit, &disk);
    kit_start_map(&kit, 2);
    assert_non_null(kit_did(&kit, AGENT_START_ATTEMPT, 2));
    kit_deinit(&kit);
}

/* ---- slots ---- */

static void a_slot_is_free_when_the_process_has_ended_and_not_before(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_master(&kit, AGENT_KILL, 1);
    assert_non_null(kit_did(&kit, AGENT_KILL_ATTEMPT, 1));
    kit_start_map(&kit, 2);
    assert_null(kit_did(&kit, AGENT_START_ATTEMPT, 2));
    assert_int_equal(kit_state(&kit, 2), AGENT_ATTEMPT_QUEUED);
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
    assert_non_null(kit_did(&kit, AGENT_DROP_ATTEMPT, 1));
    assert_non_null(kit_did(&kit, AGENT_START_ATTEMPT, 2));
    kit_deinit(&kit);
}

static void what_is_more_than_the_slots_is_handed_back(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 2);
    kit_join(&kit);
    for (uint64_t id = 1; id <= 4; id++)
        kit_start_of(&kit, 1, id, id > 2);
    kit_start_map(&kit, 5);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 5)->report, AGENT_REPORT_RETURNED);
    kit_start_reduce(&kit, 6);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 6)->report, AGENT_REPORT_RETURNED);
    assert_null(kit_did(&kit, AGENT_START_ATTEMPT, 0));
    kit_heard(&kit, 6, AGENT_REPORT_FAILED); /* a master knows one kind of failure */
    assert_non_null(kit_did(&kit, AGENT_DROP_ATTEMPT, 6));
    kit_deinit(&kit);
}

static void a_reduce_fetches_beside_full_slots_and_gets_one_in_turn(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_start_reduce(&kit, 2);
    assert_non_null(kit_did(&kit, AGENT_START_ATTEMPT, 2));
    assert_int_equal(agent_slots_used(kit.agent), 1);
    kit_attempt(&kit, AGENT_ATTEMPT_FETCHED, 2);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 2)->report, AGENT_REPORT_FETCHED);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1);
    kit_heard(&kit, 1, AGENT_REPORT_DONE);
    kit_master(&kit, AGENT_RUN, 2); /* the map's process has not ended yet */
    assert_null(kit_did(&kit, AGENT_RUN_ATTEMPT, 2));
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
    assert_non_null(kit_did(&kit, AGENT_RUN_ATTEMPT, 2));
    kit_deinit(&kit);
}

/* ---- reports ---- */

static void a_report_is_repeated_until_it_is_heard(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
    for (int i = 0; i < 3; i++) {
        kit_wait(&kit, kit.options.report_repeat_ns);
        assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->report, AGENT_REPORT_DONE);
        kit_rejoin(&kit);
        assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->report, AGENT_REPORT_DONE);
    }
    kit_heard(&kit, 1, AGENT_REPORT_DONE);
    assert_non_null(kit_did(&kit, AGENT_DROP_ATTEMPT, 1));
    assert_true(agent_holds(kit.agent, 1));
    kit_wait(&kit, kit.options.report_repeat_ns);
    assert_null(kit_did(&kit, AGENT_SEND_REPORT, 0));
    kit_rejoin(&kit);
    assert_null(kit_did(&kit, AGENT_SEND_REPORT, 0));
    kit_deinit(&kit);
}

/* The answer to FETCHED is on its way while the attempt fails. */
static void a_late_answer_to_one_report_does_not_silence_another(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_reduce(&kit, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_FETCHED, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_FAILED, 1);
    kit_heard(&kit, 1, AGENT_REPORT_FETCHED);
    assert_int_equal(agent_attempt_of(kit.agent, 1)->report, AGENT_REPORT_FAILED);
    kit_deinit(&kit);
}

static void a_restarted_master_is_told_again_what_has_fetched(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_reduce(&kit, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_FETCHED, 1);
    kit_heard(&kit, 1, AGENT_REPORT_FETCHED);
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit.epoch++;
    kit_join(&kit);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->report, AGENT_REPORT_FETCHED);
    kit_master(&kit, AGENT_RUN, 1);
    assert_non_null(kit_did(&kit, AGENT_RUN_ATTEMPT, 1));
    kit_deinit(&kit);
}

static void a_process_that_ends_without_a_word_has_failed(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->failure, ERR_RETRY);
    kit_deinit(&kit);
}

/* ---- outputs ---- */

static void only_what_was_heard_of_is_said_to_be_held(void **state)
{
    struct kit kit;
    size_t held_count, attempt_count;

    (void)state;
    kit_init(&kit, 2);
    kit_join(&kit);
    kit_hold(&kit, 1);
    kit_start_map(&kit, 2);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 2);
    assert_int_equal(agent_held_outputs(kit.agent, &held_count)[0].attempt_id, 1);
    assert_int_equal(held_count, 1);
    assert_int_equal(agent_attempts(kit.agent, &attempt_count)[0].id, 2);
    assert_int_equal(attempt_count, 1);
    kit_deinit(&kit);
}

static void an_output_that_breaks_is_told_once_or_by_not_naming_it(void **state)
{
    struct kit kit;
    size_t held_count;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_hold(&kit, 1);
    kit_hold(&kit, 2);
    kit_attempt(&kit, AGENT_OUTPUT_BROKEN, 1);
    assert_non_null(kit_did(&kit, AGENT_SEND_OUTPUT_LOST, 1));
    assert_non_null(kit_did(&kit, AGENT_DELETE_OUTPUT, 1));
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit_attempt(&kit, AGENT_OUTPUT_BROKEN, 2);
    assert_null(kit_did(&kit, AGENT_SEND_OUTPUT_LOST, 2));
    assert_non_null(kit_did(&kit, AGENT_DELETE_OUTPUT, 2));
    agent_held_outputs(kit.agent, &held_count);
    assert_int_equal(held_count, 0);
    kit_deinit(&kit);
}

/* The JOIN has named it, so the master will believe that it is there. */
static void an_output_that_breaks_before_the_welcome_is_told(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_hold(&kit, 1);
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit_wait_due(&kit);
    kit_connect(&kit);
    assert_non_null(kit_did(&kit, AGENT_SEND_JOIN, 0));
    kit_attempt(&kit, AGENT_OUTPUT_BROKEN, 1);
    assert_non_null(kit_did(&kit, AGENT_SEND_OUTPUT_LOST, 1));
    kit_deinit(&kit);
}

static void an_output_that_breaks_before_it_was_heard_of_is_told_with_it(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1);
    kit_attempt(&kit, AGENT_OUTPUT_BROKEN, 1);
    kit_rejoin(&kit);
    assert_non_null(kit_did(&kit, AGENT_SEND_REPORT, 1));
    assert_non_null(kit_did(&kit, AGENT_SEND_OUTPUT_LOST, 1));
    kit_heard(&kit, 1, AGENT_REPORT_DONE);
    assert_false(agent_holds(kit.agent, 1));
    kit_deinit(&kit);
}

/* The JOIN has named it, and the welcome is not here yet: the master believes the JOIN. */
static void an_output_that_breaks_behind_a_join_is_told(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_hold(&kit, 1);
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit_connect(&kit);
    kit_attempt(&kit, AGENT_OUTPUT_BROKEN, 1);
    assert_non_null(kit_did(&kit, AGENT_SEND_OUTPUT_LOST, 1));
    kit_deinit(&kit);
}

/* P2: the master may have heard that the part is there; a kill that crosses it must not undo it. */
static void what_a_done_reduce_wrote_is_never_deleted(void **state)
{
    const enum agent_event_kind ends[] = {AGENT_KILL, AGENT_JOB_OVER, AGENT_FORGET};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct kit kit;

        kit_init(&kit, 1);
        kit_join(&kit);
        kit_start_reduce(&kit, 1);
        kit_attempt(&kit, AGENT_ATTEMPT_FETCHED, 1);
        kit_master(&kit, AGENT_RUN, 1);
        kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1);
        kit_master(&kit, ends[i], 1);
        assert_null(kit_did(&kit, AGENT_DELETE_OUTPUT, 0));
        kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
        assert_null(kit_did(&kit, AGENT_DELETE_OUTPUT, 0));
        kit_deinit(&kit);
    }
}

static void a_killed_map_leaves_nothing_even_when_it_was_done(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1);
    kit_master(&kit, AGENT_KILL, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
    assert_non_null(kit_did(&kit, AGENT_DELETE_OUTPUT, 1));
    assert_non_null(kit_did(&kit, AGENT_DROP_ATTEMPT, 1));
    kit_deinit(&kit);
}

/* Nothing may make a file in the folder of a job after it was removed. */
static void a_job_is_deleted_after_its_last_process(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 2);
    kit_join(&kit);
    kit_hold(&kit, 1);
    kit_start_map(&kit, 2);
    kit_start_reduce(&kit, 3);
    kit_master(&kit, AGENT_JOB_OVER, 0);
    assert_non_null(kit_did(&kit, AGENT_KILL_ATTEMPT, 2));
    assert_non_null(kit_did(&kit, AGENT_KILL_ATTEMPT, 3));
    assert_null(kit_did(&kit, AGENT_DELETE_JOB, 0));
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 3);
    assert_null(kit_did(&kit, AGENT_DELETE_JOB, 0));
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 2);
    assert_int_equal(kit_did(&kit, AGENT_DELETE_JOB, 0)->job_id, 1);
    assert_false(agent_holds(kit.agent, 1));
    kit_deinit(&kit);
}

static void the_end_of_one_job_leaves_the_others(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 2);
    kit_join(&kit);
    kit_hold(&kit, 1);
    kit_start_of(&kit, 2, 2, false);
    kit_master(&kit, AGENT_JOB_OVER, 0);
    assert_int_equal(kit_state(&kit, 2), AGENT_ATTEMPT_RUNNING);
    assert_non_null(kit_did(&kit, AGENT_DELETE_JOB, 0));
    kit_deinit(&kit);
}

static void sources_are_passed_on_while_their_job_lives(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_master(&kit, AGENT_SOURCES, 0);
    assert_int_equal(kit_did(&kit, AGENT_PASS_SOURCES, 0)->job_id, 1);
    kit_master(&kit, AGENT_JOB_OVER, 0);
    kit_master(&kit, AGENT_SOURCES, 0);
    assert_null(kit_did(&kit, AGENT_PASS_SOURCES, 0));
    kit_deinit(&kit);
}

/* ---- drain ---- */

static void an_idle_worker_ends_as_soon_as_it_drains(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_attempt(&kit, AGENT_DRAIN, 0);
    assert_non_null(kit_did(&kit, AGENT_EXIT, 0));
    assert_int_equal(agent_next_due_ns(kit.agent), UINT64_MAX);
    kit_deinit(&kit);
}

static void drain_finishes_what_runs_and_hands_back_the_rest(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_start_reduce(&kit, 2);
    kit_attempt(&kit, AGENT_DRAIN, 0);
    assert_int_equal(kit.out.actions[0].kind, AGENT_SEND_HEARTBEAT); /* first: no more, please */
    assert_non_null(kit_did(&kit, AGENT_KILL_ATTEMPT, 2));
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 2)->report, AGENT_REPORT_RETURNED);
    assert_int_equal(kit_state(&kit, 1), AGENT_ATTEMPT_RUNNING);
    kit_start_map(&kit, 3); /* the master had not heard of it yet */
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 3)->report, AGENT_REPORT_RETURNED);
    kit_heard(&kit, 3, AGENT_REPORT_RETURNED);
    kit_heard(&kit, 2, AGENT_REPORT_RETURNED);
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 2);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1);
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
    kit_heard(&kit, 1, AGENT_REPORT_DONE);
    assert_null(kit_did(&kit, AGENT_EXIT, 0)); /* its run may be fetched yet */
    kit_wait(&kit, 10 * kit.options.drain_ns);
    assert_null(kit_did(&kit, AGENT_EXIT, 0));
    kit_master(&kit, AGENT_JOB_OVER, 0);
    assert_non_null(kit_did(&kit, AGENT_DELETE_JOB, 0));
    assert_non_null(kit_did(&kit, AGENT_EXIT, 0));
    kit_deinit(&kit);
}

static void what_runs_too_long_for_a_drain_is_handed_back(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_attempt(&kit, AGENT_DRAIN, 0);
    kit_wait(&kit, kit.options.drain_ns - 1);
    assert_int_equal(kit_state(&kit, 1), AGENT_ATTEMPT_RUNNING);
    kit_wait(&kit, 1);
    assert_non_null(kit_did(&kit, AGENT_KILL_ATTEMPT, 1));
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->report, AGENT_REPORT_RETURNED);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1); /* too late */
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
    assert_non_null(kit_did(&kit, AGENT_DELETE_OUTPUT, 1));
    kit_heard(&kit, 1, AGENT_REPORT_FAILED);
    assert_non_null(kit_did(&kit, AGENT_EXIT, 0));
    kit_deinit(&kit);
}

static void without_a_master_a_drain_ends_in_time(void **state)
{
    struct kit kit;
    uint64_t end_ns;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_hold(&kit, 1);
    kit_start_map(&kit, 2);
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit_attempt(&kit, AGENT_DRAIN, 0);
    end_ns = kit.now_ns + kit.options.drain_ns;
    while (!kit_did(&kit, AGENT_KILL_ATTEMPT, 2))
        kit_wait_due(&kit);
    assert_int_equal(kit.now_ns, end_ns);
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 2);
    assert_non_null(kit_did(&kit, AGENT_EXIT, 0));
    kit_deinit(&kit);
}

static void drain_within(struct kit *kit, uint64_t within_ns)
{
    struct agent_event event = {.kind = AGENT_DRAIN, .drain_within_ns = within_ns};

    kit_step(kit, &event);
}

static void a_machine_that_goes_leaves_less_time_and_never_more(void **state)
{
    const uint64_t within_ns[] = {1, 25 * NS_PER_S, 1000 * NS_PER_S};

    (void)state;
    for (size_t i = 0; i < sizeof within_ns / sizeof within_ns[0]; i++) {
        struct kit kit;
        uint64_t end_ns;

        kit_init(&kit, 1);
        kit_join(&kit);
        kit_start_map(&kit, 1);
        end_ns = kit.now_ns +
                 (within_ns[i] < kit.options.drain_ns ? within_ns[i] : kit.options.drain_ns);
        drain_within(&kit, within_ns[i]);
        while (!kit_did(&kit, AGENT_KILL_ATTEMPT, 1))
            kit_wait_due(&kit);
        assert_int_equal(kit.now_ns, end_ns);
        kit_deinit(&kit);
    }
}

/* It is no second signal: what runs goes on, but not longer than it could before. */
static void the_notice_of_a_worker_that_drains_shortens_its_time(void **state)
{
    struct kit kit;
    uint64_t end_ns;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_attempt(&kit, AGENT_DRAIN, 0);
    end_ns = kit.now_ns + 7;
    drain_within(&kit, 7);
    assert_null(kit_did(&kit, AGENT_EXIT, 0));
    drain_within(&kit, 1000); /* told twice */
    while (!kit_did(&kit, AGENT_KILL_ATTEMPT, 1))
        kit_wait_due(&kit);
    assert_int_equal(kit.now_ns, end_ns);
    kit_deinit(&kit);
}

static void a_second_signal_ends_it_at_once(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    kit_start_map(&kit, 1);
    kit_attempt(&kit, AGENT_DRAIN, 0);
    assert_null(kit_did(&kit, AGENT_EXIT, 0));
    kit_attempt(&kit, AGENT_DRAIN, 0);
    assert_non_null(kit_did(&kit, AGENT_EXIT, 0));
    kit_attempt(&kit, AGENT_ATTEMPT_ENDED, 1);
    assert_int_equal(kit.out.action_count, 0);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeated_start_is_answered_with_the_report_that_is_due),
        cmocka_unit_test(a_start_that_comes_after_its_kill_starts_nothing),
        cmocka_unit_test(a_start_that_comes_after_its_job_is_over_starts_nothing),
        cmocka_unit_test(a_full_disk_is_told_before_anything_is_started),
        cmocka_unit_test(a_slot_is_free_when_the_process_has_ended_and_not_before),
        cmocka_unit_test(what_is_more_than_the_slots_is_handed_back),
        cmocka_unit_test(a_reduce_fetches_beside_full_slots_and_gets_one_in_turn),
        cmocka_unit_test(a_report_is_repeated_until_it_is_heard),
        cmocka_unit_test(a_late_answer_to_one_report_does_not_silence_another),
        cmocka_unit_test(a_restarted_master_is_told_again_what_has_fetched),
        cmocka_unit_test(a_process_that_ends_without_a_word_has_failed),
        cmocka_unit_test(only_what_was_heard_of_is_said_to_be_held),
        cmocka_unit_test(an_output_that_breaks_is_told_once_or_by_not_naming_it),
        cmocka_unit_test(an_output_that_breaks_before_the_welcome_is_told),
        cmocka_unit_test(an_output_that_breaks_before_it_was_heard_of_is_told_with_it),
        cmocka_unit_test(an_output_that_breaks_behind_a_join_is_told),
        cmocka_unit_test(what_a_done_reduce_wrote_is_never_deleted),
        cmocka_unit_test(a_killed_map_leaves_nothing_even_when_it_was_done),
        cmocka_unit_test(a_job_is_deleted_after_its_last_process),
        cmocka_unit_test(the_end_of_one_job_leaves_the_others),
        cmocka_unit_test(sources_are_passed_on_while_their_job_lives),
        cmocka_unit_test(an_idle_worker_ends_as_soon_as_it_drains),
        cmocka_unit_test(drain_finishes_what_runs_and_hands_back_the_rest),
        cmocka_unit_test(what_runs_too_long_for_a_drain_is_handed_back),
        cmocka_unit_test(without_a_master_a_drain_ends_in_time),
        cmocka_unit_test(a_machine_that_goes_leaves_less_time_and_never_more),
        cmocka_unit_test(the_notice_of_a_worker_that_drains_shortens_its_time),
        cmocka_unit_test(a_second_signal_ends_it_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
