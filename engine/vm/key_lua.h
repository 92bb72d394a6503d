/*
 * key_lua: Lua values as keys and back.
 *
 * key_from_lua() raises nothing: it answers what is wrong in words for the script, because who
 * calls it knows the function to blame. key_to_lua() may raise for want of memory.
 */
#ifndef VM_KEY_LUA_H
#define VM_KEY_LUA_H

#include "base/buf.h"
#include "base/err.h"
#include "record/key.h"

#include <lua.h>
#include <stdbool.h>

/*
 * Appends the key at stack index `index` to `out`.                              [-0, +0, -]
 * 0, or -1: err->message (ERR_JOB) says why it is none, and `out` is as it was.
 */
int key_from_lua(lua_State *L, int index, struct buf *out, struct err *err);

/*
 * Pushes what `key` means; `scratch` is for strings with NUL bytes in tuples.    [-0, +1, m]
 * 0, or -1 with nothing pushed: the bytes are not a key.
 */
int key_to_lua(lua_State *L, struct slice key, struct buf *scratch, struct err *err);

/* Pushes a token that is a value by itself. False: it is none, and nothing is pushed. [-0, +1, m]
 */
bool scalar_to_lua(lua_State *L, const struct datum *datum);

#endif
