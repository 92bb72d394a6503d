/*
 * The connection, the full matrix of states and messages, and what comes from elsewhere.
 */
#include <stdio.h>

#include "worker/kit.h"

/* ---- the connection ---- */

static void it_connects_at_once_and_names_each_connection(void **state)
{
    struct kit kit;
    uint64_t first;

    (void)state;
    kit_init(&kit, 1);
    kit_wait(&kit, 0);
    assert_non_null(kit_did(&kit, AGENT_CONNECT, 0));
    first = kit.connection;
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    assert_null(kit_did(&kit, AGENT_CONNECT, 0));
    kit_wait_due(&kit);
    assert_non_null(kit_did(&kit, AGENT_CONNECT, 0));
    assert_true(kit.connection > first);
    kit_deinit(&kit);
}

static void tries_come_later_and_later_with_jitter_up_to_a_limit(void **state)
{
    struct kit kit;
    uint64_t most_ns = 0;

    (void)state;
    kit_init(&kit, 1);
    kit_wait(&kit, 0);
    for (int i = 0; i < 50; i++) {
        uint64_t cap_ns = kit.options.reconnect_ns_min << (i < 6 ? i : 6), delay_ns;

        if (cap_ns > kit.options.reconnect_ns_max)
            cap_ns = kit.options.reconnect_ns_max;
        kit_master(&kit, AGENT_DISCONNECTED, 0);
        delay_ns = agent_next_due_ns(kit.agent) - kit.now_ns;
        assert_true(delay_ns > 0 && delay_ns <= cap_ns);
        most_ns = delay_ns > most_ns ? delay_ns : most_ns;
        kit_wait_due(&kit);
    }
    assert_true(most_ns > kit.options.reconnect_ns_max / 2);
    kit_join(&kit); /* and then it begins anew */
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    assert_true(agent_next_due_ns(kit.agent) - kit.now_ns <= kit.options.reconnect_ns_min);
    kit_deinit(&kit);
}

static void two_workers_do_not_come_back_in_one_moment(void **state)
{
    uint64_t due_ns[2];

    (void)state;
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct kit kit;

        kit_init(&kit, 1);
        agent_close(kit.agent);
        kit.options.seed = seed;
        kit.agent = agent_open(&kit.options);
        kit_join(&kit);
        kit_master(&kit, AGENT_DISCONNECTED, 0);
        due_ns[seed] = agent_next_due_ns(kit.agent);
        kit_deinit(&kit);
    }
    assert_int_not_equal(due_ns[0], due_ns[1]);
}

static void who_does_not_welcome_in_time_is_hung_up_on(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_wait(&kit, 0);
    kit_wait(&kit, kit.options.welcome_ns); /* not even connected */
    assert_non_null(kit_did(&kit, AGENT_DISCONNECT, 0));
    kit_connect(&kit);
    kit_wait(&kit, kit.options.welcome_ns - 1);
    assert_null(kit_did(&kit, AGENT_DISCONNECT, 0));
    kit_wait(&kit, 1);
    assert_non_null(kit_did(&kit, AGENT_DISCONNECT, 0));
    kit_deinit(&kit);
}

static void a_master_of_an_older_epoch_is_hung_up_on(void **state)
{
    struct kit kit;
    struct agent_event welcome;

    (void)state;
    kit_init(&kit, 1);
    kit.epoch = 5;
    kit_join(&kit);
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit_connect(&kit);
    kit.epoch = 4;
    welcome = kit_message(&kit, AGENT_WELCOME, 0);
    kit_step(&kit, &welcome);
    assert_non_null(kit_did(&kit, AGENT_DISCONNECT, 0));
    assert_false(agent_is_joined(kit.agent));
    assert_int_equal(agent_epoch(kit.agent), 5);
    assert_int_equal(agent_stale_count(kit.agent), 1);
    kit.epoch = 6;
    kit_join(&kit);
    assert_int_equal(agent_epoch(kit.agent), 6);
    kit_deinit(&kit);
}

static void heartbeats_come_every_second_while_it_is_joined(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    assert_non_null(kit_did(&kit, AGENT_SEND_HEARTBEAT, 0));
    for (int i = 0; i < 5; i++) {
        kit_wait(&kit, kit.options.heartbeat_ns - 1);
        assert_null(kit_did(&kit, AGENT_SEND_HEARTBEAT, 0));
        kit_wait_due(&kit);
        assert_non_null(kit_did(&kit, AGENT_SEND_HEARTBEAT, 0));
    }
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit_wait(&kit, kit.options.heartbeat_ns);
    assert_null(kit_did(&kit, AGENT_SEND_HEARTBEAT, 0));
    kit_deinit(&kit);
}

/* ---- the matrix: attempt 1, of job 1, on a worker with one slot ---- */

static void nothing(struct kit *kit)
{
    kit_init(kit, 1);
    kit_join(kit);
}

static void queued(struct kit *kit)
{
    nothing(kit);
    kit_start_map(kit, 9);
    kit_master(kit, AGENT_KILL, 9); /* its process keeps the slot */
    kit_start_map(kit, 1);
}

static void running(struct kit *kit)
{
    nothing(kit);
    kit_start_map(kit, 1);
}

static void fetching(struct kit *kit)
{
    nothing(kit);
    kit_start_reduce(kit, 1);
}

static void waiting(struct kit *kit)
{
    fetching(kit);
    kit_attempt(kit, AGENT_ATTEMPT_FETCHED, 1);
}

static void waiting_heard(struct kit *kit)
{
    waiting(kit);
    kit_heard(kit, 1, AGENT_REPORT_FETCHED);
}

static void allowed(struct kit *kit)
{
    nothing(kit);
    kit_start_map(kit, 9);
    kit_start_reduce(kit, 1);
    kit_attempt(kit, AGENT_ATTEMPT_FETCHED, 1);
    kit_master(kit, AGENT_KILL, 9);
    kit_master(kit, AGENT_RUN, 1);
    assert_int_equal(kit_state(kit, 1), AGENT_ATTEMPT_ALLOWED);
}

static void running_reduce(struct kit *kit)
{
    waiting(kit);
    kit_master(kit, AGENT_RUN, 1);
}

static void done(struct kit *kit)
{
    running(kit);
    kit_attempt(kit, AGENT_ATTEMPT_DONE, 1);
}

static void done_and_ended(struct kit *kit)
{
    done(kit);
    kit_attempt(kit, AGENT_ATTEMPT_ENDED, 1);
}

static void done_reduce(struct kit *kit)
{
    running_reduce(kit);
    kit_attempt(kit, AGENT_ATTEMPT_DONE, 1);
}

static void done_and_broken(struct kit *kit)
{
    done(kit);
    kit_attempt(kit, AGENT_OUTPUT_BROKEN, 1);
}

static void failed(struct kit *kit)
{
    running(kit);
    kit_attempt(kit, AGENT_ATTEMPT_FAILED, 1);
}

static void returned(struct kit *kit)
{
    nothing(kit);
    kit_start_map(kit, 9);
    kit_start_map(kit, 1); /* more than there are slots */
}

static void ending(struct kit *kit)
{
    done(kit);
    kit_heard(kit, 1, AGENT_REPORT_DONE);
}

static void ending_reduce(struct kit *kit)
{
    done_reduce(kit);
    kit_heard(kit, 1, AGENT_REPORT_DONE);
}

static void held(struct kit *kit)
{
    ending(kit);
    kit_attempt(kit, AGENT_ATTEMPT_ENDED, 1);
}

static void dying(struct kit *kit)
{
    running(kit);
    kit_master(kit, AGENT_KILL, 1);
}

static void gone(struct kit *kit)
{
    dying(kit);
    kit_attempt(kit, AGENT_ATTEMPT_ENDED, 1);
}

static void job_over(struct kit *kit)
{
    running(kit);
    kit_master(kit, AGENT_JOB_OVER, 0);
}

/*
 * What the events do, about that attempt and from the right master. '+': something, '-': stale.
 * In the order of enum agent_event_kind: start, run, kill, forget, job over, sources, heard (of
 * what is due, else done); fetched, done, failed, ended; output broken.
 */
static const struct {
    const char *name;
    void (*reach)(struct kit *kit);
    const char *effects;
} STATES[] = {
    /*                                  SRKFJsH fdxE B */
    {"nothing", nothing, "+---++------"},
    {"queued", queued, "--+-++------"},
    {"running", running, "--+-++--+++-"},
    {"fetching", fetching, "--+-++-+-++-"},
    {"waiting", waiting, "-++-+++--++-"},
    {"waiting_heard", waiting_heard, "-++-++---++-"},
    {"allowed", allowed, "--+-++---++-"},
    {"running_reduce", running_reduce, "--+-++--+++-"},
    {"done", done, "--+++++---++"},
    {"done_and_ended", done_and_ended, "--+++++----+"},
    {"done_reduce", done_reduce, "--+-+++---+-"},
    {"done_and_broken", done_and_broken, "--+++++---+-"},
    {"failed", failed, "--+-+++---+-"},
    {"returned", returned, "--+-+++-----"},
    {"ending", ending, "--++++----++"},
    {"ending_reduce", ending_reduce, "----++----+-"},
    {"held", held, "--++++-----+"},
    {"dying", dying, "----++----+-"},
    {"gone", gone, "----++------"},
    {"job_over", job_over, "----------+-"},
};

enum { STATE_COUNT = sizeof STATES / sizeof STATES[0] };

static struct agent_event fitting(const struct kit *kit, enum agent_event_kind kind)
{
    const struct agent_attempt *attempt = agent_attempt_of(kit->agent, 1);
    struct agent_event event = kit_message(kit, kind, 1);

    event.failure = ERR_RETRY;
    event.keeps_output = !attempt || attempt->keeps_output;
    event.fetches = !event.keeps_output;
    event.report = AGENT_REPORT_DONE;
    if (attempt && attempt->report != AGENT_REPORT_NONE)
        event.report = attempt->report;
    return event;
}

/* Whatever happened: when the processes end and the job is over, nothing is left. */
static void drive_to_end(struct kit *kit)
{
    const struct agent_attempt *attempts;
    size_t count;

    kit_master(kit, AGENT_JOB_OVER, 0);
    while (attempts = agent_attempts(kit->agent, &count), count > 0) {
        assert_true(attempts[0].has_process);
        kit_attempt(kit, AGENT_ATTEMPT_ENDED, attempts[0].id);
    }
    agent_held_outputs(kit->agent, &count);
    assert_int_equal(count, 0);
    assert_int_equal(agent_slots_used(kit->agent), 0);
}

static void each_cell_is_a_transition_or_is_counted(void **state)
{
    (void)state;
    for (int at = 0; at < STATE_COUNT; at++) {
        for (int kind = AGENT_START; kind <= AGENT_OUTPUT_BROKEN; kind++) {
            struct kit kit;
            struct agent_event event;
            uint64_t stale_count;
            bool did;

            STATES[at].reach(&kit);
            stale_count = agent_stale_count(kit.agent);
            event = fitting(&kit, (enum agent_event_kind)kind);
            kit_step(&kit, &event);
            did = agent_stale_count(kit.agent) == stale_count;
            if (did != (STATES[at].effects[kind - AGENT_START] == '+'))
                fail_msg("%s in %s: %s", agent_event_kind_name(event.kind), STATES[at].name,
                         did ? "did something" : "was stale");
            if (!did && kind != AGENT_START) /* which is answered */
                assert_int_equal(kit.out.action_count, 0);
            drive_to_end(&kit);
            kit_deinit(&kit);
        }
    }
}

/* Another connection, an older and a newer epoch, another incarnation. */
static void what_comes_from_elsewhere_changes_nothing(void **state)
{
    (void)state;
    for (int at = 0; at < STATE_COUNT; at++) {
        for (int kind = AGENT_CONNECTED; kind <= AGENT_HEARD; kind++) {
            struct kit kit;
            uint64_t stale_count;

            STATES[at].reach(&kit);
            stale_count = agent_stale_count(kit.agent);
            for (int i = 0; i < 5; i++) {
                struct agent_event event = fitting(&kit, (enum agent_event_kind)kind);

                event.connection += i == 0 ? 1 : 0;
                event.connection -= i == 1 ? 1 : 0;
                event.epoch += i == 2 ? 1 : 0;
                event.epoch -= i == 3 ? 1 : 0;
                event.incarnation += i == 4 ? 1 : 0;
                if (i > 1 && kind < AGENT_WELCOME)
                    continue; /* the connection is all that these name */
                kit_step(&kit, &event);
                assert_int_equal(kit.out.action_count, 0);
            }
            assert_int_equal(agent_stale_count(kit.agent) - stale_count,
                             kind < AGENT_WELCOME ? 2 : 5);
            drive_to_end(&kit);
            kit_deinit(&kit);
        }
    }
}

/* Before the welcome nobody may say anything, whatever state attempts are in. */
static void without_a_welcome_no_message_is_taken(void **state)
{
    (void)state;
    for (int at = 0; at < STATE_COUNT; at++) {
        for (int link = 0; link < 3; link++) { /* waiting, connecting, joining */
            struct kit kit;
            uint64_t stale_count;

            STATES[at].reach(&kit);
            kit_master(&kit, AGENT_DISCONNECTED, 0);
            if (link > 0)
                kit_wait_due(&kit);
            if (link > 1)
                kit_master(&kit, AGENT_CONNECTED, 0);
            stale_count = agent_stale_count(kit.agent);
            for (int kind = AGENT_START; kind <= AGENT_HEARD; kind++) {
                struct agent_event event = fitting(&kit, (enum agent_event_kind)kind);

                kit_step(&kit, &event);
                assert_int_equal(kit.out.action_count, 0);
            }
            assert_int_equal(agent_stale_count(kit.agent) - stale_count,
                             AGENT_HEARD - AGENT_START + 1);
            kit_deinit(&kit);
        }
    }
}

/* What attempts say counts without a master too, and is told when one is there. */
static void what_happens_while_it_is_cut_off_is_told_after_the_welcome(void **state)
{
    struct kit kit;

    (void)state;
    running(&kit);
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1);
    assert_null(kit_did(&kit, AGENT_SEND_REPORT, 0));
    kit_join(&kit);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->report, AGENT_REPORT_DONE);
    assert_int_equal(kit_did(&kit, AGENT_SEND_REPORT, 1)->connection, kit.connection);
    kit_deinit(&kit);
}

static void the_welcome_kills_forgets_and_ends_jobs(void **state)
{
    const uint64_t kill[] = {2, 77}, forget[] = {1, 78}, over[] = {6, 79};
    struct kit kit;
    struct agent_event welcome;

    (void)state;
    kit_init(&kit, 2);
    kit_join(&kit);
    kit_hold(&kit, 1);
    kit_start_map(&kit, 2);
    kit_start_of(&kit, 6, 3, false);
    kit_master(&kit, AGENT_DISCONNECTED, 0);
    kit_connect(&kit);
    welcome = kit_message(&kit, AGENT_WELCOME, 0);
    welcome.kill = kill;
    welcome.forget = forget;
    welcome.over_jobs = over;
    welcome.kill_count = welcome.forget_count = welcome.over_job_count = 2;
    kit_step(&kit, &welcome);
    assert_non_null(kit_did(&kit, AGENT_DELETE_OUTPUT, 1));
    assert_non_null(kit_did(&kit, AGENT_KILL_ATTEMPT, 2));
    assert_non_null(kit_did(&kit, AGENT_KILL_ATTEMPT, 3));
    assert_int_equal(kit_state(&kit, 2), AGENT_ATTEMPT_DYING);
    assert_false(agent_holds(kit.agent, 1));
    kit_deinit(&kit);
}

static void start_driver(struct kit *kit, uint64_t attempt_id)
{
    struct agent_event event = kit_message(kit, AGENT_START, attempt_id);

    event.job_id = 1;
    event.drives = true;
    kit_step(kit, &event);
}

/* Or it would wait for its own steps; and those that wait are bounded, too. */
static void drivers_take_no_slot_and_are_at_most_32(void **state)
{
    struct kit kit;

    (void)state;
    kit_init(&kit, 1);
    kit_join(&kit);
    for (uint64_t id = 1; id <= AGENT_DRIVER_COUNT_MAX; id++) {
        start_driver(&kit, id);
        assert_int_equal(kit_state(&kit, id), AGENT_ATTEMPT_RUNNING);
    }
    start_driver(&kit, 100);
    assert_int_equal(kit_state(&kit, 100), AGENT_ATTEMPT_OVER);
    kit_start_map(&kit, 200);
    assert_int_equal(kit_state(&kit, 200), AGENT_ATTEMPT_RUNNING);
    kit_attempt(&kit, AGENT_ATTEMPT_DONE, 1);
    assert_int_equal(kit_state(&kit, 1), AGENT_ATTEMPT_OVER);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_connects_at_once_and_names_each_connection),
        cmocka_unit_test(tries_come_later_and_later_with_jitter_up_to_a_limit),
        cmocka_unit_test(two_workers_do_not_come_back_in_one_moment),
        cmocka_unit_test(who_does_not_welcome_in_time_is_hung_up_on),
        cmocka_unit_test(a_master_of_an_older_epoch_is_hung_up_on),
        cmocka_unit_test(heartbeats_come_every_second_while_it_is_joined),
        cmocka_unit_test(each_cell_is_a_transition_or_is_counted),
        cmocka_unit_test(what_comes_from_elsewhere_changes_nothing),
        cmocka_unit_test(without_a_welcome_no_message_is_taken),
        cmocka_unit_test(what_happens_while_it_is_cut_off_is_told_after_the_welcome),
        cmocka_unit_test(the_welcome_kills_forgets_and_ends_jobs),
        cmocka_unit_test(drivers_take_no_slot_and_are_at_most_32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
