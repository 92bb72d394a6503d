#include "test.h"

#include "attempt/watch.h"
#include "base/clock.h"

#define SECOND NS_PER_S

/* Looks every second from `from` to `to`; the first verdict other than "goes on", and when. */
static enum watch_verdict look_until(struct watch *watch, uint64_t pulse, bool in_user_code,
                                     uint64_t *now, uint64_t to)
{
    enum watch_verdict verdict = WATCH_GOES_ON;

    while (verdict == WATCH_GOES_ON && *now < to)
        verdict = watch_look(watch, pulse, in_user_code, *now += SECOND);
    return verdict;
}

static void test_still_in_user_code(void **state)
{
    struct watch watch;
    uint64_t now = 100 * SECOND;

    (void)state;
    watch_init(&watch, 600 * SECOND, 60 * SECOND, now);
    assert_int_equal(look_until(&watch, 0, true, &now, 1000 * SECOND), WATCH_RECORD_TOO_LONG);
    assert_true(now == 161 * SECOND); /* the first look beyond 60 s */
}

static void test_still_elsewhere(void **state)
{
    struct watch watch;
    uint64_t now = 0;

    (void)state;
    watch_init(&watch, 600 * SECOND, 60 * SECOND, now);
    assert_int_equal(look_until(&watch, 0, false, &now, 1000 * SECOND), WATCH_NO_PROGRESS);
    assert_true(now == 601 * SECOND);
}

/* The shorter of the two holds in user code. */
static void test_progress_is_shorter(void **state)
{
    struct watch watch;
    uint64_t now = 0;

    (void)state;
    watch_init(&watch, 10 * SECOND, 60 * SECOND, now);
    assert_int_equal(look_until(&watch, 0, true, &now, 1000 * SECOND), WATCH_NO_PROGRESS);
    assert_true(now == 11 * SECOND);
}

static void test_pulse_restarts(void **state)
{
    struct watch watch;
    uint64_t now = 0;

    (void)state;
    watch_init(&watch, 600 * SECOND, 5 * SECOND, now);
    for (uint64_t pulse = 1; pulse < 100; pulse++)
        assert_int_equal(look_until(&watch, pulse, true, &now, now + 5 * SECOND), WATCH_GOES_ON);
    assert_int_equal(look_until(&watch, 99, true, &now, 1000 * SECOND), WATCH_RECORD_TOO_LONG);
}

/* The watcher slept: that time is not the child's. */
static void test_overslept(void **state)
{
    struct watch watch;
    uint64_t now = 0;

    (void)state;
    watch_init(&watch, 600 * SECOND, 5 * SECOND, now);
    assert_int_equal(watch_look(&watch, 0, true, now += 4 * SECOND), WATCH_GOES_ON);
    assert_int_equal(watch_look(&watch, 0, true, now += 1000 * SECOND), WATCH_GOES_ON);
    assert_int_equal(look_until(&watch, 0, true, &now, now + 5 * SECOND), WATCH_GOES_ON);
    assert_int_equal(look_until(&watch, 0, true, &now, now + SECOND), WATCH_RECORD_TOO_LONG);
}

static void test_no_limits(void **state)
{
    struct watch watch;
    uint64_t now = 0;

    (void)state;
    watch_init(&watch, 0, 0, now);
    assert_int_equal(look_until(&watch, 0, true, &now, 10000 * SECOND), WATCH_GOES_ON);
}

static void test_moved(void **state)
{
    struct watch watch;

    (void)state;
    watch_init(&watch, 0, 0, 0);
    assert_false(watch_moved(&watch));
    watch_look(&watch, 3, false, SECOND);
    watch_look(&watch, 3, false, 2 * SECOND);
    assert_true(watch_moved(&watch));
    assert_false(watch_moved(&watch));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_still_in_user_code),
        cmocka_unit_test(test_still_elsewhere),
        cmocka_unit_test(test_progress_is_shorter),
        cmocka_unit_test(test_pulse_restarts),
        cmocka_unit_test(test_overslept),
        cmocka_unit_test(test_no_limits),
        cmocka_unit_test(test_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
