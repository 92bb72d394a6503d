#include "vm/state.h"

#include <lauxlib.h>
#include <string.h>

/* More than 2^53 is no number of JSON that every reader keeps exactly. */
static const lua_Integer STEP_MAX = (lua_Integer)1 << 53;

static bool is_name(const char *name, size_t bytes)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_.-";

    return bytes > 0 && bytes <= VM_COUNTER_NAME_BYTES_MAX && strspn(name, allowed) == bytes;
}

/* Of the name at 1, which is not known yet; from now on it is.                          [v] */
static struct vm_counter *add_counter(lua_State *L, struct vm *vm)
{
    struct vm_counter *counter = &vm->counters[vm->counter_count];
    size_t bytes;
    const char *name;

    if (lua_type(L, 1) != LUA_TSTRING)
        luaL_error(L, "mr.count: a name must be a string, not a %s", luaL_typename(L, 1));
    name = lua_tolstring(L, 1, &bytes);
    if (!is_name(name, bytes))
        luaL_error(L,
                   "mr.count: a name must be 1 to %d letters, digits, '_', '.' and '-': what is "
                   "counted is for emit",
                   VM_COUNTER_NAME_BYTES_MAX);
    if (vm->counter_count == VM_COUNTER_COUNT_MAX)
        luaL_error(L,
                   "mr.count: '%s' would be more than %d names in one attempt: names are for the "
                   "job's own few, what comes from the input is for emit",
                   name, VM_COUNTER_COUNT_MAX);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, vm->counter_count);
    lua_rawset(L, lua_upvalueindex(1)); /* the last that may raise: no memory */
    memcpy(counter->name, name, bytes + 1);
    vm->counter_count++;
    return counter;
}

/* The argument at 2, or 1.                                                              [v] */
static uint64_t step_of(lua_State *L)
{
    int is_integer = 0;
    lua_Integer step;

    if (lua_isnoneornil(L, 2))
        return 1;
    step = lua_tointegerx(L, 2, &is_integer);
    if (!is_integer || lua_type(L, 2) != LUA_TNUMBER || step < 0 || step > STEP_MAX)
        luaL_error(L, "mr.count: a counter goes up by an integer from 0 to 2^53, not by %s",
                   luaL_tolstring(L, 2, NULL));
    return (uint64_t)step;
}

int vm_count(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct vm_counter *counter;
    uint64_t step = step_of(L);

    if (vm->drive)
        return luaL_error(L, "mr.count: called in drive, which is told what its steps have "
                             "counted: count in their functions");
    if (vm->frame_count == 0)
        return luaL_error(L, "mr.count: called while the job file loads: count in its functions");
    lua_settop(L, 1); /* a missing name is nil, and refused as such */
    lua_pushvalue(L, 1);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNUMBER)
        counter = &vm->counters[lua_tointeger(L, -1)];
    else
        counter = add_counter(L, vm);
    counter->value += step;
    if (counter->value > INT64_MAX)
        counter->value = INT64_MAX;
    return 0;
}

uint32_t vm_counters(const struct vm *vm, const struct vm_counter **counters)
{
    *counters = vm->counters;
    return vm->counter_count;
}
