#include "vm/kit.h"

#include "fault/fault.h"

#include <errno.h>

enum { CAP_BYTES = 8 * 1024 * 1024 };

static const char over[] = "jobs/x.lua:2: script exceeded its memory limit of 8M (limits.memory)";

static void filling_memory_is_a_limit_with_its_place(void **state)
{
    struct kit kit = {.options.memory_bytes_max = CAP_BYTES};

    (void)state;
    assert_int_equal(kit_run(&kit, "local t = {} for i = 1, 1e9 do t[i] = 'x' .. i end"), -1);
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    assert_string_equal(over, kit.err.message);
    assert_int_equal(kit_map(&kit, 0, "again"), -1);
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    kit_close(&kit);
}

/* The scripts of facts/lua.md: pcall() around it, and going on, forever. */
static void catching_the_failure_does_not_help(void **state)
{
    static const char *const bodies[] = {
        "local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) end",
        "pcall(string.rep, 'x', 1e9) emit('still', 'here')",
        "local function f() local ok = pcall(string.rep, 'x', 2^30) return f() end pcall(f)",
        "xpcall(string.rep, function(m) return m end, 'x', 1e9) while true do end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "keep = {} local t = setmetatable({}, {__mode = 'v', __newindex = function(_, k, v) "
        "keep[k] = v .. k end}) local i = 0 while true do i = i + 1 t[i] = ('x'):rep(1e4) end",
        "local co = coroutine.wrap(function() local t = {} while true do t[#t + 1] = {} end end) "
        "while true do pcall(co) end",
        "table.concat(setmetatable({}, {__len = function() return 1e9 end, __index = function() "
        "return ('x'):rep(1000) end}))",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct kit kit = {.options.memory_bytes_max = CAP_BYTES};

        if (kit_run(&kit, bodies[i]) == 0)
            fail_msg("%s", bodies[i]);
        if (kit.err.kind != ERR_LIMIT || !strstr(kit.err.message, "memory limit of 8M"))
            fail_msg("%s: %s", bodies[i], kit.err.message);
        assert_int_equal(kit.emit_count, 0);
        kit_close(&kit);
    }
}

/* Garbage is no reason to die: 100 times the limit passes through, with 5 MB of it held. */
static void garbage_does_not_count(void **state)
{
    struct kit kit = {.options.memory_bytes_max = CAP_BYTES};

    (void)state;
    assert_int_equal(kit_run(&kit, "local held = {} for i = 1, 5 do held[i] = "
                                   "('x'):rep(1000000) .. i end "
                                   "for i = 1, 1600 do local s = ('y'):rep(500000) .. i end "
                                   "local t = {} for i = 1, 1e6 do t = {t[1], i} end "
                                   "for i = 1, 2000 do emit(i, ('z'):rep(300000)) end"),
                     0);
    assert_int_equal(kit.emit_count, 2000);
    kit_close(&kit);
}

static void a_coroutine_that_emits_is_collected(void **state)
{
    struct kit kit = {.options.memory_bytes_max = CAP_BYTES};

    (void)state;
    assert_int_equal(kit_run(&kit, "local held = ('x'):rep(5000000) coroutine.wrap(function() "
                                   "for i = 1, 2000 do emit(i, ('z'):rep(300000)) end end)() "
                                   "emit('held', #held)"),
                     0);
    kit_close(&kit);
}

static void no_limit_is_no_limit(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "emit(#('x'):rep(30000000), 1)"), 0);
    kit_close(&kit);
}

/* Goal: whatever allocation fails, the answer is ERR_LIMIT or ERR_SETUP, and nothing leaks or
 * crashes. Method: fail each allocation of one record, from the first one on. base/mem.h ends the
 * process when its own fail, so a first record has given the buffers their size. Small blocks are
 * the pool's, and cannot fail until it is full, as it is here. */
static void every_failed_allocation_is_reported(void **state)
{
    uint32_t nth, fired = 0;

    (void)state;
    for (nth = 0;; nth++) {
        struct kit kit = {0};
        int rc;

        rc = kit_load(&kit, "local held = {} for i = 1, 1e5 do held[i] = {} end\n"
                            "return { reduce = 'sum', map = function(k, v, emit)\n"
                            "for i = 1, 10 do emit(v .. i, { { v }, i }) end held[1] = k end }");
        assert_int_equal(rc, 0);
        assert_int_equal(kit_map(&kit, 0, "line"), 0);
        buf_clear(&kit.output);
        fault_arm(FAULT_ALLOC, nth, ENOMEM);
        rc = kit_map(&kit, 0, "line");
        if (!fault_disarm()) {
            assert_int_equal(rc, 0);
            kit_close(&kit);
            break;
        }
        fired++;
        assert_int_equal(rc, -1);
        assert_int_equal(kit.err.kind, ERR_LIMIT);
        assert_non_null(strstr(kit.err.message, "the system has no more memory"));
        kit_close(&kit);
    }
    assert_true(fired > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filling_memory_is_a_limit_with_its_place),
        cmocka_unit_test(catching_the_failure_does_not_help),
        cmocka_unit_test(garbage_does_not_count),
        cmocka_unit_test(a_coroutine_that_emits_is_collected),
        cmocka_unit_test(no_limit_is_no_limit),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
