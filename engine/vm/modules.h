/*
 * modules: what `require` finds in our own Lua states: the embedded modules, lpeg and cjson. A
 * job's own `require` is lua/mrlua/sandbox.lua's; it asks this one for lpeg and cjson only.
 */
#ifndef VM_MODULES_H
#define VM_MODULES_H

#include "vm/word_table.h"

#include <lua.h>

/*
 * Opens the libraries and sets the global `require`. Without `words` all that Lua has, its own
 * `require` knowing ours too. With them no io, os, debug and package, nothing that opens files,
 * and vm/pattern_lua.h, which they are for.                                                 [v]
 */
void modules_open(lua_State *L, struct word_table *words);

/* Pushes what `require(name)` answers.                                      [-0, +1, v] */
void modules_require(lua_State *L, const char *name);

/* Pushes a cjson with settings of its own.                                  [-0, +1, v] */
void modules_new_json(lua_State *L);

#endif
