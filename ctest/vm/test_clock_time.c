#include "vm/kit.h"

#include <time.h>

/* In this order: freezing has no way back. */
static void time_is_real_and_then_frozen(void **state)
{
    struct timespec now;
    time_t told;

    (void)state;
    clock_gettime(CLOCK_REALTIME, &now);
    assert_in_range(time(&told), now.tv_sec, now.tv_sec + 5);
    assert_in_range(told, now.tv_sec, now.tv_sec + 5);
    vm_freeze_time();
    assert_int_equal(time(&told), 0);
    assert_int_equal(told, 0);
}

/* liblua is another object: the executable's time() must be the one it finds. */
static void lua_asks_this_time(void **state)
{
    struct kit kit = {.options.unsafe = true};

    (void)state;
    assert_int_equal(kit_run(&kit, "emit(os.time(), 1)"), 0);
    assert_string_equal(buf_string(&kit.output), "0=1;");
    kit_close(&kit);
}

static void pairs_gives_the_same_order_in_two_states(void **state)
{
    static const char body[] = "local t = {} for i = 1, 50 do t['key' .. i] = i end "
                               "for k in pairs(t) do emit(k, 1) end";
    struct kit a = {0}, b = {0};

    (void)state;
    assert_int_equal(kit_run(&a, body), 0);
    buf_append(&b.log, a.output.ptr, a.output.len);
    kit_close(&a);
    assert_int_equal(kit_run(&b, body), 0);
    assert_string_equal(buf_string(&b.log), buf_string(&b.output));
    kit_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_real_and_then_frozen),
        cmocka_unit_test(lua_asks_this_time),
        cmocka_unit_test(pairs_gives_the_same_order_in_two_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
