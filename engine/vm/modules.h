/*
 * modules: what `require` finds in our own Lua states: the embedded modules, lpeg and cjson. A
 * job's own `require` is lua/mrlua/sandbox.lua's; it asks this one for lpeg and cjson only.
 */
#ifndef VM_MODULES_H
#define VM_MODULES_H

#include <lua.h>
#include <stdbool.h>

/*
 * Opens the libraries and sets the global `require`. `full`: all that Lua has, its own `require`
 * knowing ours too. Else no io, os, debug and package, and nothing that opens files.   [v]
 */
void modules_open(lua_State *L, bool full);

/* Pushes what `require(name)` answers.                                      [-0, +1, v] */
void modules_require(lua_State *L, const char *name);

#endif
