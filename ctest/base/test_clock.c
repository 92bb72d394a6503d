#include "base/clock.h"

#include "test.h"

#include <time.h>

static void monotonic_never_goes_back(void **state)
{
    uint64_t last = clock_monotonic_ns();

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_monotonic_ns();

        assert_true(now >= last);
        last = now;
    }
}

static void realtime_counts_nanoseconds_since_1970(void **state)
{
    uint64_t before = (uint64_t)time(NULL), now = clock_realtime_ns() / NS_PER_S;
    uint64_t after = (uint64_t)time(NULL);

    (void)state;
    /* time() may lag the fine clock by a tick */
    assert_in_range(now, before, after + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_never_goes_back),
        cmocka_unit_test(realtime_counts_nanoseconds_since_1970),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
