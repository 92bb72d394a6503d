#include "vm/record_lua.h"

#include "vm/kit.h"

/* The argument is the vm; keeps each of the globals' values in turn. */
static int keep_number(lua_State *L)
{
    struct vm *vm = lua_touserdata(L, 1);

    lua_pushinteger(L, 7);
    record_lua_keep(L, vm);
    lua_pushinteger(L, 8);
    record_lua_keep(L, vm);
    record_lua_push(L, vm);
    lua_pushinteger(L, lua_tointeger(L, -1) + 1);
    record_lua_keep(L, vm);
    return 0;
}

static int keep_function(lua_State *L)
{
    lua_pushcfunction(L, keep_function);
    record_lua_keep(L, lua_touserdata(L, 1));
    return 0;
}

static void the_last_value_kept_is_the_record(void **state)
{
    struct kit kit = {0};
    struct buf out = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = 'identity' }"), 0);
    assert_int_equal(vm_protected(kit.vm, keep_number, kit.vm, &kit.err), 0);
    assert_int_equal(vm_record_encode(kit.vm, &out, &kit.err), 0);
    assert_true(slice_equal(buf_slice(&out), slice_of("\x09", 1)));
    buf_deinit(&out);
    kit_close(&kit);
}

static void what_is_no_value_is_the_jobs_error(void **state)
{
    struct kit kit = {0};
    struct buf out = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = 'identity' }"), 0);
    assert_int_equal(vm_protected(kit.vm, keep_function, kit.vm, &kit.err), 0);
    assert_int_equal(vm_record_encode(kit.vm, &out, &kit.err), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_string_equal(kit.err.message, "value is a function");
    assert_int_equal(out.len, 0);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_value_kept_is_the_record),
        cmocka_unit_test(what_is_no_value_is_the_jobs_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
