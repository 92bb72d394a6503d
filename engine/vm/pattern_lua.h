/*
 * pattern_lua: string.find, match, gmatch and gsub over vm/pattern.h.
 *
 *     luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
 *     pattern_lua_install(L, -1);
 *
 * They answer and raise what Lua's own functions do, sooner. A pattern is compiled when it is seen
 * for the second time (a job may make a new one for each line) and kept, in a table with as many
 * as PATTERNS_KEPT_MAX. What is not compiled goes to Lua's own function, and so does a gsub whose
 * replacement has a % in it.
 *
 * Not for jobs with all libraries: os.setlocale would change what the classes mean.
 */
#ifndef VM_PATTERN_LUA_H
#define VM_PATTERN_LUA_H

#include "vm/word_table.h"

#include <lua.h>

/* Replaces the four functions in the table at `index`. `words` lives as long as the state; what
 * gmatch finds of a pattern that is one set repeated is pushed by it.         [-0, +0, m] */
void pattern_lua_install(lua_State *L, int index, struct word_table *words);

#endif
