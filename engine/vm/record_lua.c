#include "vm/record_lua.h"

#include "vm/key_lua.h"

#include <lauxlib.h>

void record_lua_keep(lua_State *L, struct vm *vm)
{
    if (vm->record == LUA_NOREF) {
        lua_pushboolean(L, false); /* a reference to nil would be another one each time */
        vm->record = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawseti(L, LUA_REGISTRYINDEX, vm->record);
}

void record_lua_push(lua_State *L, const struct vm *vm)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->record);
}

struct encoding {
    struct vm *vm;
    struct buf *out;
};

static int encode(lua_State *L)
{
    struct encoding *encoding = lua_touserdata(L, 1);
    struct err err;

    record_lua_push(L, encoding->vm);
    if (value_from_lua(L, -1, &encoding->vm->encoder, encoding->out, &err) != 0)
        return luaL_error(L, "%s", err.message);
    return 0;
}

struct key_encoding {
    struct vm *vm;
    struct slice key;
    struct buf *out;
};

static int encode_key(lua_State *L)
{
    struct key_encoding *encoding = lua_touserdata(L, 1);
    struct vm *vm = encoding->vm;
    struct err err;

    if (key_to_lua(L, encoding->key, &vm->scratch, &err) != 0 ||
        value_from_lua(L, -1, &vm->encoder, encoding->out, &err) != 0)
        return luaL_error(L, "%s", err.message);
    return 0;
}

int vm_key_as_value(struct vm *vm, struct slice key, struct buf *out, struct err *err)
{
    return vm_protected(vm, encode_key, &(struct key_encoding){vm, key, out}, err);
}

int vm_record_encode(struct vm *vm, struct buf *out, struct err *err)
{
    return vm_protected(vm, encode, &(struct encoding){vm, out}, err);
}
