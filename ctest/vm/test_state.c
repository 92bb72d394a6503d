/* What a hostile script tries from inside; scripts that do not end are ctest/attempt's. */
#include "vm/kit.h"

/* Each body emits what it got hold of; nothing means that there is no way. */
static void there_is_no_way_out_of_the_environment(void **state)
{
    static const char *const bodies[] = {
        "local mt = getmetatable('') if type(mt) == 'table' then emit('string metatable', 1) end",
        "if pcall(setmetatable, '', {}) then emit('set string metatable', 1) end",
        "if pcall(function() return mr.params.x.y.z end) then emit('params', 1) end",
        "if getmetatable(mr) then emit('mr metatable', 1) end",
        "for k, v in pairs(_G) do if v == os or k == 'os' then emit('os', 1) end end",
        "local env = load('return _ENV')() if env.io or env.os or env.debug then emit('load', 1) "
        "end",
        "local env = load('return _G', 'x', 'bt', nil) if env and pcall(env) then emit('nil', 1) "
        "end",
        "local f = load('\\27Lua', 'x', 'b') if f then emit('bytecode', 1) end",
        "local f = load(function() return nil end) f()",
        "if string.dump or ('').dump then emit('dump', 1) end",
        "for _, name in ipairs{'os', 'io', 'debug', 'package', 'mrlua.sandbox', 'mrlua.job', '_G'} "
        "do if pcall(require, name) then emit(name, 1) end end",
        "local ok, e = pcall(error) if e then emit('error', 1) end",
        "if pcall(setmetatable, {}, {__gc = function() end}) then emit('gc', 1) end",
        "local t = setmetatable({}, {__index = function(t, k) return rawget(_G, k) end}) "
        "if t.debug or t.os then emit('index', 1) end",
        "local co = coroutine.create(function() return _ENV end) local _, e = coroutine.resume(co) "
        "if e.os then emit('coroutine', 1) end",
        "string.format = nil string.rep = nil if pcall(function() return ('x'):rep(2) end) then "
        "emit('real string', 1) end",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct kit kit = {0};

        if (kit_run(&kit, bodies[i]) != 0)
            fail_msg("%s: %s", bodies[i], kit.err.message);
        assert_string_equal("", buf_string(&kit.output));
        kit_close(&kit);
    }
}

/* Hard on Lua itself, but honest C: an error, and a state that can be closed. */
static void abuse_ends_in_an_error(void **state)
{
    static const char *const bodies[] = {
        "table.concat({}, 'x', 1, 1 << 62)",
        "string.rep('x', -1) error('x')",
        "table.unpack({}, 1, 1e8)",
        "select(-1)",
        "table.sort({3, 1, 2, 5, 4, 9, 8}, function() return true end) error('x')",
        "local t = {} for i = 1, 300 do t = setmetatable({}, {__index = t, __newindex = t}) end "
        "error(t.x)",
        "utf8.char(-1)",
        "string.format('%99999d', 1)",
        "load(('('):rep(1000))() ",
        "local s = ('a'):rep(1000) s:find(('('):rep(40))",
        "require('lpeg').match(require('lpeg').P(function() error('in lpeg') end), 'x')",
        "local p = require('lpeg').P(1) p = require('lpeg').P{ require('lpeg').V(1) }",
        "require('cjson').encode({print})",
        "require('cjson').decode(('['):rep(100000))",
        "coroutine.wrap(function() coroutine.wrap(coroutine.running)() coroutine.yield() end)() "
        "coroutine.yield()",
        "emit(coroutine.create(print), 1)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct kit kit = {.options.memory_bytes_max = 64 * 1024 * 1024};

        if (kit_run(&kit, bodies[i]) == 0)
            fail_msg("%s", bodies[i]);
        assert_true(kit.err.kind == ERR_JOB || kit.err.kind == ERR_LIMIT);
        kit_close(&kit);
    }
}

static void a_limit_too_small_for_lua_itself_is_told(void **state)
{
    struct vm_options options = {.memory_bytes_max = 8 * 1024};
    struct err err = {0};

    (void)state;
    assert_null(vm_open(&options, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "memory limit of 8K"));
    vm_close(NULL);
}

static void says_which_lua_it_is(void **state)
{
    (void)state;
    assert_non_null(strstr(vm_lua_version(), "Lua 5.4."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_no_way_out_of_the_environment),
        cmocka_unit_test(abuse_ends_in_an_error),
        cmocka_unit_test(a_limit_too_small_for_lua_itself_is_told),
        cmocka_unit_test(says_which_lua_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
