/*
 * value_lua: Lua values as bytes of the value codec and back.
 *
 *     struct value_encoder encoder = {.bytes_max = RECORD_VALUE_BYTES_MAX};
 *     rc = value_from_lua(L, index, &encoder, &buf, &err);
 *     value_encoder_deinit(&encoder);
 *
 * Equal tables give equal bytes: a list as a list, any other table as its items 1 ... n and then
 * the other keys in the order of key.h, whatever the order in which the table was filled.
 * Metatables are not looked at. cjson.null is a value, too.
 */
#ifndef VM_VALUE_LUA_H
#define VM_VALUE_LUA_H

#include "base/buf.h"
#include "base/err.h"

#include <lua.h>

/* Room that is kept from value to value. Zeroed but for bytes_max it is ready. */
struct value_encoder {
    size_t bytes_max; /* a longer value is refused */
    /* Below is value_lua.c's own. */
    size_t start;     /* of this value in the output */
    struct buf keys;  /* keys to sort, of all tables on the way down */
    struct buf slots; /* struct key_slot: where they are in `keys` */
    struct buf path;  /* ".user[3]": where in the value the problem is */
};

void value_encoder_deinit(struct value_encoder *encoder);

/*
 * Appends the value at `index` to `out`.                                        [-0, +0, -]
 * 0, or -1 with `out` as it was: err->message (ERR_JOB) says what is wrong and where in the
 * value: "value contains a function at .user[3]".
 */
int value_from_lua(lua_State *L, int index, struct value_encoder *encoder, struct buf *out,
                   struct err *err);

/* Pushes the value. 0, or -1 with nothing pushed: not a value.                   [-0, +1, m] */
int value_to_lua(lua_State *L, struct slice value, struct err *err);

#endif
