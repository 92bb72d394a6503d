#include "store/retry.h"

#include "base/clock.h"
#include "test.h"

enum { SEED_COUNT = 200 };

static enum retry_verdict judge(enum retry_operation operation, int status,
                                enum retry_failure failure)
{
    struct retry_answer answer = {.status = status, .failure = failure};
    struct retry retry;
    uint64_t delay_ns;

    retry_init(&retry, &RETRY_POLICY, 1);
    return retry_judge(&retry, operation, &answer, &delay_ns);
}

/* What the documents and the clients of Google say of each answer, for reads and for changes with
 * and without a precondition. */
static const struct {
    int status;
    enum retry_failure failure;
    enum retry_verdict always, conditional, never;
} table[] = {
    {200, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {204, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {206, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {304, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {308, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {400, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {401, RETRY_ANSWERED, RETRY_REFRESH, RETRY_REFRESH, RETRY_REFRESH},
    {403, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {404, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {408, RETRY_ANSWERED, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {409, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {410, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {412, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {416, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {429, RETRY_ANSWERED, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {499, RETRY_ANSWERED, RETRY_DONE, RETRY_DONE, RETRY_DONE},
    {500, RETRY_ANSWERED, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {502, RETRY_ANSWERED, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {503, RETRY_ANSWERED, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {504, RETRY_ANSWERED, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {599, RETRY_ANSWERED, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {0, RETRY_UNREACHED, RETRY_AGAIN, RETRY_AGAIN, RETRY_AGAIN},
    {0, RETRY_BROKEN, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {206, RETRY_BROKEN, RETRY_AGAIN, RETRY_AGAIN, RETRY_GIVE_UP},
    {0, RETRY_UNTRUSTED, RETRY_GIVE_UP, RETRY_GIVE_UP, RETRY_GIVE_UP},
    {0, RETRY_IMPOSSIBLE, RETRY_GIVE_UP, RETRY_GIVE_UP, RETRY_GIVE_UP},
};

static void every_answer_is_judged_as_the_conformance_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(judge(RETRY_ALWAYS, table[i].status, table[i].failure), table[i].always);
        assert_int_equal(judge(RETRY_CONDITIONAL, table[i].status, table[i].failure),
                         table[i].conditional);
        assert_int_equal(judge(RETRY_NEVER, table[i].status, table[i].failure), table[i].never);
    }
}

/* S5, S6 of the conformance tests: [503, 400] and [503, 401 for good] end. */
static void a_final_answer_ends_it_also_after_a_transient_one(void **state)
{
    const struct retry_answer busy = {.status = 503}, bad = {.status = 400},
                              denied = {.status = 401};
    struct retry retry;
    uint64_t delay_ns;

    (void)state;
    retry_init(&retry, &RETRY_POLICY, 1);
    assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &busy, &delay_ns), RETRY_AGAIN);
    assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &bad, &delay_ns), RETRY_DONE);
    retry_init(&retry, &RETRY_POLICY, 1);
    assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &busy, &delay_ns), RETRY_AGAIN);
    assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &denied, &delay_ns), RETRY_REFRESH);
    assert_int_equal(delay_ns, 0);
    assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &denied, &delay_ns), RETRY_DONE);
}

static void a_token_that_expires_again_after_progress_is_replaced_again(void **state)
{
    const struct retry_answer denied = {.status = 401};
    struct retry retry;
    uint64_t delay_ns;

    (void)state;
    retry_init(&retry, &RETRY_POLICY, 1);
    assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &denied, &delay_ns), RETRY_REFRESH);
    retry_progress(&retry);
    assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &denied, &delay_ns), RETRY_REFRESH);
}

static void waits_are_a_random_part_of_a_doubling_bound(void **state)
{
    const struct retry_answer busy = {.status = 503};
    uint64_t longest_ns[16] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        struct retry retry;
        uint64_t delay_ns, bound_ns = RETRY_POLICY.delay_ns_min;

        retry_init(&retry, &RETRY_POLICY, seed);
        for (uint32_t i = 0; i < RETRY_POLICY.try_count_max - 1; i++) {
            assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &busy, &delay_ns), RETRY_AGAIN);
            assert_true(delay_ns <= bound_ns);
            if (delay_ns > longest_ns[i])
                longest_ns[i] = delay_ns;
            bound_ns =
                bound_ns * 2 < RETRY_POLICY.delay_ns_max ? bound_ns * 2 : RETRY_POLICY.delay_ns_max;
        }
        assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &busy, &delay_ns), RETRY_GIVE_UP);
    }
    /* Of 200 seeds one comes near each bound: the jitter is full. */
    assert_true(longest_ns[0] > RETRY_POLICY.delay_ns_min / 10 * 9);
    assert_true(longest_ns[RETRY_POLICY.try_count_max - 2] > RETRY_POLICY.delay_ns_max / 10 * 9);
}

static void the_same_seed_waits_the_same(void **state)
{
    const struct retry_answer busy = {.status = 503};
    struct retry one, other;
    uint64_t one_ns, other_ns;

    (void)state;
    retry_init(&one, &RETRY_POLICY, 7);
    retry_init(&other, &RETRY_POLICY, 7);
    for (int i = 0; i < 5; i++) {
        retry_judge(&one, RETRY_ALWAYS, &busy, &one_ns);
        retry_judge(&other, RETRY_ALWAYS, &busy, &other_ns);
        assert_int_equal(one_ns, other_ns);
    }
}

static void progress_makes_the_budget_whole_again(void **state)
{
    const struct retry_answer broken = {.status = 206, .failure = RETRY_BROKEN};
    struct retry retry;
    uint64_t delay_ns;

    (void)state;
    retry_init(&retry, &RETRY_POLICY, 1);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(retry_judge(&retry, RETRY_ALWAYS, &broken, &delay_ns), RETRY_AGAIN);
        assert_true(delay_ns <= RETRY_POLICY.delay_ns_min);
        retry_progress(&retry);
    }
}

static void retry_after_is_waited_for_and_bounded(void **state)
{
    struct retry_answer busy = {.status = 429, .retry_after_s = 7};
    struct retry retry;
    uint64_t delay_ns;

    (void)state;
    retry_init(&retry, &RETRY_POLICY, 1);
    retry_judge(&retry, RETRY_ALWAYS, &busy, &delay_ns);
    assert_true(delay_ns >= 7 * NS_PER_S);
    assert_true(delay_ns <= 7 * NS_PER_S + RETRY_POLICY.delay_ns_min);
    busy.retry_after_s = UINT32_MAX;
    retry_init(&retry, &RETRY_POLICY, 1);
    retry_judge(&retry, RETRY_ALWAYS, &busy, &delay_ns);
    assert_true(delay_ns >= RETRY_AFTER_S_MAX * NS_PER_S);
    assert_true(delay_ns <= RETRY_AFTER_S_MAX * NS_PER_S + RETRY_POLICY.delay_ns_min);
}

static void a_ramp_begins_low_and_doubles_in_a_round_of_successes(void **state)
{
    struct ramp ramp;

    (void)state;
    ramp_init(&ramp, 64);
    assert_int_equal(ramp.count, RAMP_START_COUNT);
    for (int i = 0; i < RAMP_START_COUNT; i++)
        ramp_success(&ramp);
    assert_int_equal(ramp.count, 2 * RAMP_START_COUNT);
    for (int i = 0; i < 1000; i++)
        ramp_success(&ramp);
    assert_int_equal(ramp.count, 64);
    ramp_init(&ramp, 1);
    assert_int_equal(ramp.count, 1);
}

static void an_overload_halves_the_ramp_once_a_second_and_it_grows_slowly_then(void **state)
{
    struct ramp ramp;
    uint64_t now_ns = 5 * NS_PER_S;

    (void)state;
    ramp_init(&ramp, 64);
    for (int i = 0; i < 1000; i++)
        ramp_success(&ramp);
    for (int i = 0; i < 10; i++)
        ramp_overload(&ramp, now_ns + (uint64_t)i);
    assert_int_equal(ramp.count, 32);
    ramp_overload(&ramp, now_ns + RAMP_CUT_NS_MIN);
    assert_int_equal(ramp.count, 16);
    for (int i = 0; i < 16; i++)
        ramp_success(&ramp);
    assert_int_equal(ramp.count, 17);
    for (uint64_t i = 2; i < 20; i++)
        ramp_overload(&ramp, now_ns + i * RAMP_CUT_NS_MIN);
    assert_int_equal(ramp.count, 1); /* never none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_judged_as_the_conformance_table_says),
        cmocka_unit_test(a_final_answer_ends_it_also_after_a_transient_one),
        cmocka_unit_test(a_token_that_expires_again_after_progress_is_replaced_again),
        cmocka_unit_test(waits_are_a_random_part_of_a_doubling_bound),
        cmocka_unit_test(the_same_seed_waits_the_same),
        cmocka_unit_test(progress_makes_the_budget_whole_again),
        cmocka_unit_test(retry_after_is_waited_for_and_bounded),
        cmocka_unit_test(a_ramp_begins_low_and_doubles_in_a_round_of_successes),
        cmocka_unit_test(an_overload_halves_the_ramp_once_a_second_and_it_grows_slowly_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
