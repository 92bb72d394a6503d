/*
 * record_lua: the value of the record in hand, where a reader has made it in Lua.
 *
 *     lua_...; record_lua_keep(L, vm);             the reader, per record
 *     record_lua_push(L, vm);                      map is called
 *     rc = vm_record_encode(vm, &buf, &err);       vm.h: without map, it is encoded
 *
 * There is one, in the registry: a reader's record is good until its next.
 */
#ifndef VM_RECORD_LUA_H
#define VM_RECORD_LUA_H

#include "vm/state.h"

/* Pops the value and keeps it.                                                 [-1, +0, m] */
void record_lua_keep(lua_State *L, struct vm *vm);

/*                                                                              [-0, +1, -] */
void record_lua_push(lua_State *L, const struct vm *vm);

#endif
