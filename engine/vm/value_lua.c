#include "vm/value_lua.h"

#include "record/value.h"
#include "vm/key_lua.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>

enum { LIST_ROOM_MAX = 1024 * 1024 }; /* items made room for before they are there */

struct key_slot {
    size_t offset, len;
};

void value_encoder_deinit(struct value_encoder *encoder)
{
    buf_deinit(&encoder->keys);
    buf_deinit(&encoder->slots);
    buf_deinit(&encoder->path);
}

/* Puts one step before the path to the problem. */
static void path_prepend(struct value_encoder *encoder, const char *step, size_t len)
{
    struct buf *path = &encoder->path;

    buf_reserve(path, len);
    memmove(path->ptr + len, path->ptr, path->len);
    memcpy(path->ptr, step, len);
    path->len += len;
}

/* Names the table field whose key is at `index`. */
static void path_name(lua_State *L, int index, struct value_encoder *encoder)
{
    char step[64];

    if (lua_isinteger(L, index))
        snprintf(step, sizeof step, "[%lld]", (long long)lua_tointeger(L, index));
    else if (lua_type(L, index) == LUA_TSTRING)
        snprintf(step, sizeof step, ".%s", lua_tostring(L, index));
    else
        snprintf(step, sizeof step, "[%s]", luaL_typename(L, index));
    path_prepend(encoder, step, strlen(step));
}

static int check_size(const struct value_encoder *encoder, const struct buf *out, size_t more,
                      struct err *err)
{
    size_t bytes = out->len - encoder->start;

    if (bytes <= encoder->bytes_max && more <= encoder->bytes_max - bytes)
        return 0;
    return err_set(err, ERR_JOB, "value is longer than %zu bytes", encoder->bytes_max);
}

static int write_any(lua_State *L, int index, struct value_encoder *encoder, uint32_t depth,
                     struct buf *out, struct err *err);

/* Writes the value on top of the stack and pops it. */
static int write_item(lua_State *L, struct value_encoder *encoder, uint32_t depth, struct buf *out,
                      struct err *err)
{
    int rc = write_any(L, lua_gettop(L), encoder, depth, out, err);

    lua_pop(L, 1);
    return rc;
}

static int write_items(lua_State *L, int index, lua_Integer item_count, bool is_list,
                       struct value_encoder *encoder, uint32_t depth, struct buf *out,
                       struct err *err)
{
    for (lua_Integer i = 1; i <= item_count; i++) {
        if (!is_list)
            value_write_integer(out, i);
        lua_rawgeti(L, index, i);
        if (write_item(L, encoder, depth, out, err) != 0) {
            lua_pushinteger(L, i);
            path_name(L, -1, encoder);
            lua_pop(L, 1);
            return -1;
        }
    }
    return 0;
}

static bool comes_before(const struct key_slot *a, const struct key_slot *b, const char *keys)
{
    return slice_compare(slice_of(keys + a->offset, a->len), slice_of(keys + b->offset, b->len)) <
           0;
}

/* Lets the slot at `at` sink in the heap of `count` slots whose root is the last key. */
static void sink_slot(struct key_slot *slots, size_t at, size_t count, const char *keys)
{
    struct key_slot slot = slots[at];

    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && comes_before(&slots[child], &slots[child + 1], keys))
            child++;
        if (!comes_before(&slot, &slots[child], keys))
            break;
        slots[at] = slots[child];
    }
    slots[at] = slot;
}

/*
 * Heap sort: no two keys are equal. Not qsort(): glibc's asks the kernel how much memory there is,
 * by a call that is not on the sandbox's list.
 */
static void sort_slots(struct key_slot *slots, size_t count, const char *keys)
{
    struct key_slot last;

    for (size_t at = count / 2; at-- > 0;)
        sink_slot(slots, at, count, keys);
    for (size_t end = count; end > 1; end--) {
        last = slots[end - 1];
        slots[end - 1] = slots[0];
        slots[0] = last;
        sink_slot(slots, 0, end - 1, keys);
    }
}

/* Appends to encoder->slots the keys that are not 1 ... item_count, sorted. */
static int collect_keys(lua_State *L, int index, lua_Integer item_count,
                        struct value_encoder *encoder, struct err *err)
{
    size_t first = encoder->slots.len;
    struct key_slot slot;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= item_count)
            continue;
        slot.offset = encoder->keys.len;
        if (lua_type(L, -2) == LUA_TTABLE || key_from_lua(L, -2, &encoder->keys, err) != 0) {
            err_set(err, ERR_JOB, "value contains a table with a %s as key%s", luaL_typename(L, -2),
                    lua_isstring(L, -2) ? " that is too long" : "");
            lua_pop(L, 2);
            return -1;
        }
        slot.len = encoder->keys.len - slot.offset;
        buf_append(&encoder->slots, &slot, sizeof slot);
    }
    /* Whole slots only are in there, so this is where one starts. */
    if (encoder->slots.len > first)
        sort_slots((struct key_slot *)(void *)(encoder->slots.ptr + first),
                   (encoder->slots.len - first) / sizeof slot, encoder->keys.ptr);
    return 0;
}

/* Writes key and value of the field whose key is in slot `at` of encoder->slots. */
static int write_field(lua_State *L, int index, size_t at, struct value_encoder *encoder,
                       uint32_t depth, struct buf *out, struct err *err)
{
    struct key_slot slot;
    int rc;

    memcpy(&slot, encoder->slots.ptr + at, sizeof slot);
    rc = key_to_lua(L, slice_of(encoder->keys.ptr + slot.offset, slot.len), NULL, err);
    assert(rc == 0); /* it was made by key_from_lua */
    rc = write_any(L, lua_gettop(L), encoder, depth, out, err);
    if (rc == 0) {
        lua_pushvalue(L, -1);
        lua_rawget(L, index);
        rc = write_item(L, encoder, depth, out, err);
        if (rc != 0)
            path_name(L, -1, encoder);
    }
    lua_pop(L, 1);
    return rc;
}

static int write_table(lua_State *L, int index, struct value_encoder *encoder, uint32_t depth,
                       struct buf *out, struct err *err)
{
    size_t keys_len = encoder->keys.len, first = encoder->slots.len, last;
    lua_Integer item_count = 0;
    int rc;

    if (depth > VALUE_DEPTH_MAX || !lua_checkstack(L, 8))
        return err_set(err, ERR_JOB, "value has more than %d tables in tables, or contains itself",
                       VALUE_DEPTH_MAX);
    while (lua_rawgeti(L, index, item_count + 1) != LUA_TNIL) {
        lua_pop(L, 1);
        item_count++;
    }
    lua_pop(L, 1);
    rc = collect_keys(L, index, item_count, encoder, err);
    last = encoder->slots.len;
    if (rc == 0 && item_count > 0 && last == first) {
        value_write_list_begin(out, (uint64_t)item_count);
        rc = write_items(L, index, item_count, true, encoder, depth, out, err);
    } else if (rc == 0) {
        value_write_table_begin(out);
        rc = write_items(L, index, item_count, false, encoder, depth, out, err);
        for (size_t at = first; rc == 0 && at < last; at += sizeof(struct key_slot))
            rc = write_field(L, index, at, encoder, depth, out, err);
        value_write_table_end(out);
    }
    encoder->keys.len = keys_len;
    encoder->slots.len = first;
    return rc;
}

static int write_any(lua_State *L, int index, struct value_encoder *encoder, uint32_t depth,
                     struct buf *out, struct err *err)
{
    struct slice text;

    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        value_write_boolean(out, lua_toboolean(L, index));
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            value_write_integer(out, lua_tointeger(L, index));
        else
            value_write_number(out, lua_tonumber(L, index));
        break;
    case LUA_TSTRING:
        text.ptr = lua_tolstring(L, index, &text.len);
        if (check_size(encoder, out, text.len, err) != 0)
            return -1;
        value_write_string(out, text);
        break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index))
            return err_set(err, ERR_JOB, "value %s a userdata", depth ? "contains" : "is");
        value_write_null(out); /* cjson.null */
        break;
    case LUA_TTABLE:
        if (write_table(L, index, encoder, depth + 1, out, err) != 0)
            return -1;
        break;
    default:
        return err_set(err, ERR_JOB, "value %s %s%s", depth ? "contains" : "is",
                       lua_isnil(L, index) ? "" : "a ", luaL_typename(L, index));
    }
    return check_size(encoder, out, 0, err);
}

int value_from_lua(lua_State *L, int index, struct value_encoder *encoder, struct buf *out,
                   struct err *err)
{
    encoder->start = out->len;
    buf_clear(&encoder->keys);
    buf_clear(&encoder->slots);
    buf_clear(&encoder->path);
    if (write_any(L, lua_absindex(L, index), encoder, 0, out, err) == 0)
        return 0;
    out->len = encoder->start;
    if (encoder->path.len > 0 && encoder->path.len < ERR_MESSAGE_BYTES / 2) {
        struct err cause = *err;

        err_set(err, cause.kind, "%s at %s", cause.message, buf_string(&encoder->path));
    }
    return -1;
}

static int push_datum(lua_State *L, struct value_reader *reader, const struct datum *datum,
                      struct err *err);

/* Pushes the table whose beginning was read. */
static int push_table(lua_State *L, struct value_reader *reader, int64_t item_count,
                      struct err *err)
{
    struct datum part;
    int rc;

    luaL_checkstack(L, 4, "a value");
    lua_createtable(L, (int)(item_count < LIST_ROOM_MAX ? item_count : LIST_ROOM_MAX), 0);
    while ((rc = value_read(reader, &part, err)) == 1) {
        if (part.type == DATUM_TABLE_END)
            return 0;
        if (push_datum(L, reader, &part, err) != 0)
            break;
        if (value_read(reader, &part, err) != 1 || push_datum(L, reader, &part, err) != 0) {
            lua_pop(L, 1);
            break;
        }
        lua_rawset(L, -3);
    }
    lua_pop(L, 1);
    return -1;
}

static int push_datum(lua_State *L, struct value_reader *reader, const struct datum *datum,
                      struct err *err)
{
    if (scalar_to_lua(L, datum))
        return 0;
    if (datum->type == DATUM_TABLE_BEGIN)
        return push_table(L, reader, datum->integer, err);
    return err_set(err, ERR_INPUT, "a value with a token that values do not have");
}

int value_to_lua(lua_State *L, struct slice value, struct err *err)
{
    struct value_reader reader;
    struct datum datum;

    value_reader_init(&reader, value);
    if (value_read(&reader, &datum, err) != 1 || push_datum(L, &reader, &datum, err) != 0)
        return -1;
    if (value_read(&reader, &datum, err) != 0) {
        lua_pop(L, 1);
        return -1;
    }
    return 0;
}
