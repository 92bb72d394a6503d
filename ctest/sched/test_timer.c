#include <stdlib.h>

#include "test.h"

#include "base/rand.h"
#include "sched/timer.h"

enum { TIMERS = 300, MOVES = 20000 };

/* Against the obvious: look through all of them. */
static const struct timer *earliest(const struct timer *timers)
{
    const struct timer *best = NULL;

    for (int i = 0; i < TIMERS; i++)
        if (timer_is_armed(&timers[i]) && (!best || timers[i].due_ns < best->due_ns))
            best = &timers[i];
    return best;
}

static void first_due_is_the_earliest_after_any_moves(void **state)
{
    struct timer timers[TIMERS] = {0};
    struct timer_heap heap = {0};
    struct rand rand;

    (void)state;
    rand_init(&rand, 1);
    for (int i = 0; i < MOVES; i++) {
        struct timer *timer = &timers[rand_below(&rand, TIMERS)];
        const struct timer *best;

        if (rand_below(&rand, 3))
            timer_arm(&heap, timer, rand_below(&rand, 1000));
        else
            timer_disarm(&heap, timer);
        if (i % 64 == 0)
            timer_heap_check(&heap);
        best = earliest(timers);
        assert_int_equal(timer_next_due_ns(&heap), best ? best->due_ns : UINT64_MAX);
        if (best && best->due_ns > 0)
            assert_null(timer_first_due(&heap, best->due_ns - 1));
        if (best)
            assert_int_equal(timer_first_due(&heap, best->due_ns)->due_ns, best->due_ns);
    }
    timer_heap_deinit(&heap);
}

static void empty_heap_is_never_due(void **state)
{
    struct timer_heap heap = {0};
    struct timer timer = {0};

    (void)state;
    assert_null(timer_first_due(&heap, UINT64_MAX));
    assert_int_equal(timer_next_due_ns(&heap), UINT64_MAX);
    timer_disarm(&heap, &timer); /* was not armed */
    timer_heap_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_due_is_the_earliest_after_any_moves),
        cmocka_unit_test(empty_heap_is_never_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
