#include "vm/key_lua.h"

#include <assert.h>
#include <lauxlib.h>

/* A tuple is a list: parts 1 to n and nothing else. Tells a field that is not one of them. */
static int refuse_field(lua_State *L, struct err *err)
{
    if (lua_type(L, -2) == LUA_TSTRING)
        return err_set(err, ERR_JOB,
                       "a key must be a string, number, boolean or a list of those, not a table "
                       "with field '%s'",
                       lua_tostring(L, -2));
    return err_set(err, ERR_JOB,
                   "a key must be a string, number, boolean or a list of those, not a table with "
                   "a %s as index or a hole in the list",
                   lua_typename(L, lua_type(L, -2)));
}

/* 0: the table at `index` has exactly the keys 1 to n. */
static int check_list(lua_State *L, int index, lua_Unsigned *part_count, struct err *err)
{
    lua_Unsigned count = 0, found = 0;
    int is_integer;
    lua_Integer at;

    while (lua_rawgeti(L, index, (lua_Integer)count + 1) != LUA_TNIL) {
        lua_pop(L, 1);
        count++;
    }
    lua_pop(L, 1);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), found++) {
        at = lua_isinteger(L, -2) ? lua_tointegerx(L, -2, &is_integer) : 0;
        if (at < 1 || (lua_Unsigned)at > count) {
            refuse_field(L, err);
            lua_pop(L, 2);
            return -1;
        }
    }
    assert(found == count);
    *part_count = count;
    return 0;
}

static int write_any(lua_State *L, int index, struct key_writer *writer, struct err *err);

static int write_tuple(lua_State *L, int index, struct key_writer *writer, struct err *err)
{
    lua_Unsigned part_count;
    int rc = 0;

    if (!lua_checkstack(L, 4))
        return err_set(err, ERR_JOB, "a key is nested too deep");
    if (check_list(L, index, &part_count, err) != 0)
        return -1;
    key_write_tuple_begin(writer);
    for (lua_Unsigned i = 1; i <= part_count && rc == 0 && !key_writer_failed(writer); i++) {
        lua_rawgeti(L, index, (lua_Integer)i);
        rc = write_any(L, lua_gettop(L), writer, err);
        lua_pop(L, 1);
    }
    if (rc == 0 && !key_writer_failed(writer))
        key_write_tuple_end(writer);
    return rc;
}

static int write_any(lua_State *L, int index, struct key_writer *writer, struct err *err)
{
    struct slice text;

    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        key_write_boolean(writer, lua_toboolean(L, index));
        return 0;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            key_write_integer(writer, lua_tointeger(L, index));
        else
            key_write_number(writer, lua_tonumber(L, index));
        return 0;
    case LUA_TSTRING:
        text.ptr = lua_tolstring(L, index, &text.len);
        key_write_string(writer, text);
        return 0;
    case LUA_TTABLE:
        return write_tuple(L, index, writer, err);
    default:
        return err_set(err, ERR_JOB,
                       "a key must be a string, number, boolean or a list of those, "
                       "not %s%s",
                       lua_isnil(L, index) ? "" : "a ", luaL_typename(L, index));
    }
}

int key_from_lua(lua_State *L, int index, struct buf *out, struct err *err)
{
    struct key_writer writer;
    struct slice text;
    size_t start = out->len;

    if (lua_type(L, index) == LUA_TSTRING) {
        text.ptr = lua_tolstring(L, index, &text.len);
        return key_encode_string(out, text, err);
    }
    if (lua_isinteger(L, index)) {
        key_encode_integer(out, lua_tointeger(L, index));
        return 0;
    }
    key_writer_init(&writer, out);
    if (write_any(L, lua_absindex(L, index), &writer, err) != 0) {
        out->len = start;
        return -1;
    }
    return key_writer_end(&writer, err);
}

bool scalar_to_lua(lua_State *L, const struct datum *datum)
{
    switch (datum->type) {
    case DATUM_FALSE:
    case DATUM_TRUE:
        lua_pushboolean(L, datum->type == DATUM_TRUE);
        return true;
    case DATUM_INTEGER:
        lua_pushinteger(L, datum->integer);
        return true;
    case DATUM_FLOAT:
        lua_pushnumber(L, datum->number);
        return true;
    case DATUM_STRING:
        lua_pushlstring(L, datum->string.len ? datum->string.ptr : "", datum->string.len);
        return true;
    case DATUM_NULL:
        lua_pushlightuserdata(L, NULL); /* cjson.null */
        return true;
    default:
        return false;
    }
}

/* Pushes the token; for a tuple that has begun, everything up to its end. */
static int push_datum(lua_State *L, struct key_reader *reader, const struct datum *datum,
                      struct err *err)
{
    struct datum part;
    int rc;

    if (scalar_to_lua(L, datum))
        return 0;
    if (datum->type != DATUM_TUPLE_BEGIN)
        return err_set(err, ERR_INPUT, "a key with a token that keys do not have");
    luaL_checkstack(L, 3, "a key");
    lua_newtable(L);
    for (lua_Integer i = 1; (rc = key_read(reader, &part, err)) == 1; i++) {
        if (part.type == DATUM_TUPLE_END)
            return 0;
        if (push_datum(L, reader, &part, err) != 0)
            break;
        lua_rawseti(L, -2, i);
    }
    lua_pop(L, 1);
    return rc == 0 ? err_set(err, ERR_INPUT, "a key that ends inside a tuple") : -1;
}

int key_to_lua(lua_State *L, struct slice key, struct buf *scratch, struct err *err)
{
    struct key_reader reader;
    struct slice text;
    struct datum datum;
    int64_t integer;

    if (key_string(key, &text)) {
        lua_pushlstring(L, text.len ? text.ptr : "", text.len);
        return 0;
    }
    if (key_integer(key, &integer)) {
        lua_pushinteger(L, integer);
        return 0;
    }
    key_reader_init(&reader, key, scratch);
    if (key_read(&reader, &datum, err) != 1 || push_datum(L, &reader, &datum, err) != 0)
        return -1;
    if (key_read(&reader, &datum, err) != 0) {
        lua_pop(L, 1);
        return -1;
    }
    return 0;
}
