/*
 * What record/ computes without Lua, computed by Lua: the order of keys, sum, min and max. Here,
 * not in ctest/record, because only vm/ knows Lua.
 */
#include "test.h"

#include "record/builtin.h"
#include "record/key.h"
#include "vm/key_lua.h"

#include "seed.h"

#include <lauxlib.h>
#include <lua.h>
#include <math.h>

static void push_number(lua_State *L, struct rand *rand)
{
    static const double edges[] = {0.0, -0.0, 0.5, INFINITY, -INFINITY, 0x1p63, -0x1p63, 1e300};
    uint64_t edge = (UINT64_C(1) << rand_below(rand, 64)) + rand_below(rand, 5) - 2;
    int64_t integer = (int64_t)(rand_below(rand, 2) ? edge : -edge);

    switch (rand_below(rand, 4)) {
    case 0:
        lua_pushnumber(L, edges[rand_below(rand, 8)]);
        return;
    case 1:
        lua_pushnumber(L, nextafter((double)integer, rand_below(rand, 2) ? 0 : INFINITY));
        return;
    case 2:
        lua_pushnumber(L, (double)integer);
        return;
    default:
        lua_pushinteger(L, integer);
    }
}

static void push_string(lua_State *L, struct rand *rand)
{
    static const char bytes[] = {0, 1, 'F', 'a', 't', (char)0xff};
    char text[4];
    size_t len = rand_below(rand, sizeof text + 1);

    for (size_t i = 0; i < len; i++)
        text[i] = bytes[rand_below(rand, sizeof bytes)];
    lua_pushlstring(L, text, len);
}

/* <0, 0, >0 as Lua says of the two values on top. */
static int lua_order(lua_State *L)
{
    return lua_compare(L, -1, -2, LUA_OPLT) - lua_compare(L, -2, -1, LUA_OPLT);
}

static void keys_are_ordered_as_lua_orders_values(void **state)
{
    struct rand rand = seed_rand();
    lua_State *L = luaL_newstate();
    struct buf a = {0}, b = {0};

    (void)state;
    for (int i = 0; i < 200000; i++) {
        void (*push)(lua_State *, struct rand *) = i % 2 ? push_number : push_string;
        struct err err;
        int order;

        push(L, &rand);
        push(L, &rand);
        buf_clear(&a);
        buf_clear(&b);
        assert_int_equal(key_from_lua(L, -2, &a, &err), 0);
        assert_int_equal(key_from_lua(L, -1, &b, &err), 0);
        order = slice_compare(buf_slice(&a), buf_slice(&b));
        assert_int_equal((order > 0) - (order < 0), lua_order(L));
        lua_pop(L, 2);
    }
    buf_deinit(&a);
    buf_deinit(&b);
    lua_close(L);
}

/* Goal: a key reads back as what pairs() would answer for it, 1 for 1.0. */
static void keys_read_back_as_table_keys_do(void **state)
{
    struct rand rand = seed_rand();
    lua_State *L = luaL_newstate();
    struct buf key = {0}, scratch = {0};
    struct err err;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        lua_newtable(L);
        push_number(L, &rand);
        buf_clear(&key);
        assert_int_equal(key_from_lua(L, -1, &key, &err), 0);
        lua_pushboolean(L, 1);
        lua_settable(L, -3);
        lua_pushnil(L);
        assert_int_equal(lua_next(L, -2), 1); /* table, its key, true */
        lua_pop(L, 1);
        assert_int_equal(key_to_lua(L, buf_slice(&key), &scratch, &err), 0);
        assert_true(lua_rawequal(L, -1, -2));
        assert_int_equal(lua_isinteger(L, -1), lua_isinteger(L, -2));
        lua_settop(L, 0);
    }
    buf_deinit(&key);
    buf_deinit(&scratch);
    lua_close(L);
}

static void write_top(lua_State *L, struct buf *out)
{
    buf_clear(out);
    if (lua_isinteger(L, -1))
        value_write_integer(out, lua_tointeger(L, -1));
    else if (lua_isnumber(L, -1) && isnan(lua_tonumber(L, -1)))
        value_write_number(out, NAN); /* its sign is the processor's */
    else
        value_write_number(out, lua_tonumber(L, -1));
}

/* The accumulator is at -2, the next value at -1: pops the value. */
static void lua_step(lua_State *L, enum builtin builtin, bool is_first)
{
    if (builtin == BUILTIN_SUM) {
        lua_arith(L, LUA_OPADD);
        return;
    }
    if (is_first || (builtin == BUILTIN_MIN ? lua_compare(L, -1, -2, LUA_OPLT)
                                            : lua_compare(L, -2, -1, LUA_OPLT)))
        lua_replace(L, -2);
    else
        lua_pop(L, 1);
}

static void normalise_nan(struct buf *value)
{
    struct fold_number number;

    assert_true(fold_number_decode(buf_slice(value), &number));
    if (number.is_float && isnan(number.number)) {
        buf_clear(value);
        value_write_number(value, NAN);
    }
}

static void folds_are_luas_own_loops(void **state)
{
    struct rand rand = seed_rand();
    lua_State *L = luaL_newstate();
    struct buf value = {0}, got = {0}, want = {0};
    struct fold fold = {0};

    (void)state;
    for (int i = 0; i < 60000; i++) {
        enum builtin builtin = (enum builtin[]){BUILTIN_SUM, BUILTIN_MIN, BUILTIN_MAX}[i % 3];
        uint64_t count = 1 + rand_below(&rand, 5);
        struct err err;

        lua_pushinteger(L, 0); /* where sum starts; min and max replace it */
        fold_begin(&fold, builtin);
        for (uint64_t v = 0; v < count; v++) {
            if (rand_below(&rand, 20) == 0)
                lua_pushnumber(L, NAN);
            else
                push_number(L, &rand);
            write_top(L, &value);
            assert_int_equal(fold_add(&fold, slice_of("F", 1), buf_slice(&value), &err), 0);
            lua_step(L, builtin, v == 0);
        }
        buf_clear(&got);
        fold_result(&fold, &got);
        normalise_nan(&got);
        write_top(L, &want);
        assert_true(slice_equal(buf_slice(&got), buf_slice(&want)));
        lua_settop(L, 0);
    }
    fold_deinit(&fold);
    buf_deinit(&value);
    buf_deinit(&got);
    buf_deinit(&want);
    lua_close(L);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_ordered_as_lua_orders_values),
        cmocka_unit_test(keys_read_back_as_table_keys_do),
        cmocka_unit_test(folds_are_luas_own_loops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
