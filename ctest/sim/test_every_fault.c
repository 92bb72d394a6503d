/*
 * Every crash and every loss in the life of a tiny job (cluster_setup_small): a crash of the master
 * or of a worker after each turn and in each turn, each single message lost, unheard or doubled,
 * and all pairs of these (under sanitizers, which are slow: a sample).
 */
#include "test.h"

#include "run.h"

#ifdef MRLUA_SANITIZE
#define IS_SLOW true
#else
#define IS_SLOW false
#endif

enum { CRASH_KINDS = CRASH_WORKER + 2, STRIKE_KINDS = STRIKE_DOUBLED + 1, PAIRS = 12000 };

/* Some of its records are bad, and may be set aside. */
static void set_up(struct cluster_setup *setup)
{
    struct job_plan *job = &setup->jobs[0];

    cluster_setup_small(setup, 1);
    job->rules.skip_bad = 3;
    job->bad.there[BAD_SLOT_DATA] = 2;
    job->bad.there[BAD_SLOT_DATA + job->map_count] = 1;
}

/* How long the job lives when all goes well. */
static void measure(uint64_t *turn_count, uint64_t *message_count)
{
    struct cluster_setup setup;
    struct cluster cluster;

    set_up(&setup);
    cluster_init(&cluster, &setup);
    while (!cluster.jobs[0].client_knows)
        cluster_turn(&cluster);
    *turn_count = cluster.turn_count;
    *message_count = cluster.net.message_count;
    cluster_deinit(&cluster);
    assert_true(*turn_count > 50);
    assert_true(*message_count > 50);
}

static void succeeds(const struct cluster_setup *setup)
{
    struct cluster cluster;

    run_to_end(&cluster, setup);
    if (cluster.jobs[0].end.status != JOB_SUCCEEDED)
        abort();
    cluster_deinit(&cluster);
}

static void succeeds_with(uint32_t crash, uint64_t crash_at, uint32_t strike, uint64_t strike_at)
{
    struct cluster_setup setup;

    set_up(&setup);
    setup.crash = crash;
    setup.crash_at = crash_at;
    setup.strike = (enum net_strike)strike;
    setup.strike_at = strike_at;
    succeeds(&setup);
}

/* Connections are TCP's: whoever doubles what was sent on one, it stays in order. */
static void a_doubled_message_overtakes_nothing(void **state)
{
    struct queue queue = {0};
    struct rand rand = {0};
    struct net net = {.queue = &queue,
                      .rand = &rand,
                      .delay_ns_max = 1,
                      .strike = STRIKE_DOUBLED,
                      .strike_at = 1};
    char order[8] = "";
    size_t count = 0;
    struct moment moment;
    uint64_t conn;

    (void)state;
    net_node_up(&net, NODE_MASTER);
    net_node_up(&net, NODE_WORKER);
    conn = net_connect(&net, NODE_WORKER, NODE_MASTER);
    net_send(&net, conn, NODE_MASTER, 1, "a", 1);
    net_send(&net, conn, NODE_MASTER, 1, "b", 1); /* due at the same time */
    while (queue_take(&queue, &moment))
        if (net_take(&net, &moment) && moment.kind == MOMENT_MESSAGE) {
            assert_true(count < sizeof order - 1);
            order[count++] = *(const char *)moment.bytes;
            free(moment.bytes);
        }
    assert_string_equal(order, "aab");
    net_deinit(&net);
    queue_deinit(&queue);
}

/* Two lists of sources were due at one time, and the older one, doubled, came behind the newer one:
 * the last reduce waited for ever for a worker that had crashed. */
static void sources_that_are_doubled_do_not_undo_newer_ones(void **state)
{
    struct cluster_setup setup;

    (void)state;
    cluster_setup_small(&setup, 1);
    setup.jobs[0].rules.skip_bad = 3;
    setup.jobs[0].bad.there[BAD_SLOT_DATA] = 1;
    setup.crash = CRASH_WORKER + 1;
    setup.crash_at = 111;
    setup.strike = STRIKE_DOUBLED;
    setup.strike_at = 66;
    succeeds(&setup);
}

static void job_succeeds_whatever_crashes_once(void **state)
{
    uint64_t turn_count, message_count;

    (void)state;
    measure(&turn_count, &message_count);
    for (uint32_t crash = CRASH_NONE; crash < CRASH_KINDS; crash++)
        for (uint64_t at = 1; at <= turn_count; at++)
            succeeds_with(crash, at, STRIKE_NONE, 0);
}

static void job_succeeds_whatever_message_is_lost_or_doubled(void **state)
{
    uint64_t turn_count, message_count;

    (void)state;
    measure(&turn_count, &message_count);
    for (uint32_t strike = STRIKE_LOST; strike < STRIKE_KINDS; strike++)
        for (uint64_t at = 1; at <= message_count; at++)
            succeeds_with(CRASH_NONE, 0, strike, at);
}

static void job_succeeds_whatever_crashes_when_a_message_is_lost(void **state)
{
    uint64_t turn_count, message_count, pair_count, step, done_count = 0;

    (void)state;
    measure(&turn_count, &message_count);
    pair_count = turn_count * message_count * (CRASH_KINDS - 1) * (STRIKE_KINDS - 1);
    step = IS_SLOW ? 1 + pair_count / PAIRS : 1;
    for (uint64_t pair = step / 2; pair < pair_count; pair += step, done_count++) {
        uint64_t rest = pair;
        uint32_t crash = 1 + (uint32_t)(rest % (CRASH_KINDS - 1));
        uint32_t strike = 1 + (uint32_t)((rest /= CRASH_KINDS - 1) % (STRIKE_KINDS - 1));
        uint64_t crash_at = 1 + (rest /= STRIKE_KINDS - 1) % turn_count;

        succeeds_with(crash, crash_at, strike, 1 + rest / turn_count);
    }
    printf("%llu turns, %llu messages, %llu of %llu pairs\n", (unsigned long long)turn_count,
           (unsigned long long)message_count, (unsigned long long)done_count,
           (unsigned long long)pair_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_doubled_message_overtakes_nothing),
        cmocka_unit_test(sources_that_are_doubled_do_not_undo_newer_ones),
        cmocka_unit_test(job_succeeds_whatever_crashes_once),
        cmocka_unit_test(job_succeeds_whatever_message_is_lost_or_doubled),
        cmocka_unit_test(job_succeeds_whatever_crashes_when_a_message_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
