#include "master/job_log.h"
#include "master/master_kit.h"

static struct kit_peer *worker;
static Mrlua__AttemptStart *start;
static uint64_t job;

/* A job with one map that runs. */
static int set_up(void **state)
{
    struct kit_peer *user;

    master_kit_set_up(state);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    worker = master_kit_connect(&kit, ROLE_WORKER);
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    job = peer_submit_well(user, "key", "out");
    start = peer_await_start(worker);
    return 0;
}

static int tear_down(void **state)
{
    message_free(start);
    return master_kit_tear_down(state);
}

/* The map prints its lines from `begin` to before `end`. */
static void print_lines(unsigned begin, unsigned end)
{
    Mrlua__AttemptLog message = MRLUA__ATTEMPT_LOG__INIT;
    char text[32];

    message.attempt = start->start->attempt;
    message.text = text;
    for (unsigned i = begin; i < end; i++) {
        snprintf(text, sizeof text, "line %u", i);
        peer_send(worker, MESSAGE_ATTEMPT_LOG, 0, &message.base);
    }
}

static struct kit_peer *watch_from(uint64_t events_seen)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobWatch watch = MRLUA__JOB_WATCH__INIT;

    watch.job = job;
    watch.events_seen = events_seen;
    peer_send(user, MESSAGE_JOB_WATCH, 6, &watch.base);
    return user;
}

/* The next line that is told, or "" when the job has ended. */
static void next_line(struct kit_peer *user, char text[64], uint64_t *number)
{
    for (;;) {
        Mrlua__JobEvent *event = peer_await(user, MESSAGE_JOB_EVENT, &mrlua__job_event__descriptor);
        bool is_news = event->log[0] || event->ended;

        snprintf(text, 64, "%s", event->log);
        *number = event->number;
        message_free(event);
        if (is_news)
            return;
    }
}

/* Returns the number of the last one. */
static uint64_t expect_lines(struct kit_peer *user, unsigned begin, unsigned end)
{
    char text[64], expected[64];
    uint64_t number = 0;

    for (unsigned i = begin; i < end; i++) {
        next_line(user, text, &number);
        snprintf(expected, sizeof expected, "line %u", i);
        assert_string_equal(text, expected);
    }
    return number;
}

static void hang_up(struct kit_peer *user)
{
    conn_close(user->conn);
    user->is_closed = true;
}

static void who_was_away_gets_each_line_once(void **state)
{
    struct kit_peer *user = watch_from(0);
    uint64_t seen;

    (void)state;
    print_lines(0, 3);
    seen = expect_lines(user, 0, 3);
    hang_up(user);
    print_lines(3, 6);
    user = watch_from(seen);
    print_lines(6, 8);
    expect_lines(user, 3, 8);
}

static void lines_before_the_first_watch_are_told(void **state)
{
    (void)state;
    print_lines(0, 2);
    expect_lines(watch_from(0), 0, 2);
}

static void what_is_lost_is_counted(void **state)
{
    struct kit_peer *other = watch_from(0), *user;
    char text[64];
    uint64_t number, seen;

    (void)state;
    print_lines(0, 1);
    seen = expect_lines(other, 0, 1);
    for (unsigned i = 1; i < JOB_LOG_LINE_COUNT_MAX + 3; i += 100) { /* it can hear 512 at once */
        unsigned end = i + 100 < JOB_LOG_LINE_COUNT_MAX + 3 ? i + 100 : JOB_LOG_LINE_COUNT_MAX + 3;

        print_lines(i, end);
        expect_lines(other, i, end);
    }
    user = watch_from(seen);
    next_line(user, text, &number);
    assert_string_equal(text, "mrlua: 2 lines lost: the last 1000 are kept");
    next_line(user, text, &number);
    assert_string_equal(text, "line 3");
    hang_up(user);
}

static void a_job_that_ended_meanwhile_has_its_lines(void **state)
{
    struct kit_peer *user = watch_from(0), *other;
    Mrlua__JobCancel cancel = MRLUA__JOB_CANCEL__INIT;
    char text[64];
    uint64_t seen, number;

    (void)state;
    print_lines(0, 1);
    seen = expect_lines(user, 0, 1);
    print_lines(1, 4);
    hang_up(user);
    other = watch_from(seen);
    expect_lines(other, 1, 4); /* the master has them */
    cancel.job = job;
    peer_send(other, MESSAGE_JOB_CANCEL, 9, &cancel.base);
    message_free(peer_await_answer(other));
    user = watch_from(seen);
    expect_lines(user, 1, 4);
    next_line(user, text, &number);
    assert_string_equal(text, ""); /* it has ended */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(who_was_away_gets_each_line_once),
        TEST(lines_before_the_first_watch_are_told),
        TEST(what_is_lost_is_counted),
        TEST(a_job_that_ended_meanwhile_has_its_lines),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
