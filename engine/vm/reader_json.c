#include "vm/reader_json.h"

#include "base/mem.h"
#include "record/value.h"
#include "vm/modules.h"
#include "vm/record_lua.h"

#include <assert.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

static const char first_big[] = "9007199254740992"; /* 2^53 */

struct json {
    struct reader base;
    struct vm *vm;
    struct reader *lines;
    const char *name;
    int decode;     /* in the registry */
    bool takes_big; /* integers beyond 2^53 as floats */
    bool has_big;   /* the value at hand has a number of 2^53 or more */
    struct slice line;
    char problem[128]; /* "": it is JSON */
};

static struct json *json_of(struct reader *reader)
{
    return (struct json *)reader;
}

/* ---- numbers: lua-cjson makes floats of all ---- */

/* Replaces the float on top by the integer that it is.                         [-1, +1, -] */
static bool narrow(lua_State *L, struct json *json)
{
    double number = lua_tonumber(L, -1);

    if (fabs(number) >= 0x1p53) {
        json->has_big = true;
        return false;
    }
    if (number != floor(number))
        return false;
    lua_pop(L, 1);
    lua_pushinteger(L, (lua_Integer)number);
    return true;
}

/* The numbers in the table on top. It is as deep as the decoder lets it be.    [-0, +0, m] */
static void narrow_all(lua_State *L, struct json *json)
{
    luaL_checkstack(L, 4, "JSON");
    for (lua_pushnil(L); lua_next(L, -2);) {
        if (lua_type(L, -1) == LUA_TTABLE)
            narrow_all(L, json);
        if (lua_type(L, -1) == LUA_TNUMBER && narrow(L, json)) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -4); /* a field that is there: the traversal may go on */
        } else {
            lua_pop(L, 1);
        }
    }
}

static size_t skip_string(struct slice line, size_t at)
{
    for (at++; at < line.len && line.ptr[at] != '"'; at++)
        if (line.ptr[at] == '\\')
            at++;
    return at + 1;
}

/* Is the number of `len` bytes at `at` an integer from 2^53 on? */
static bool is_big_integer(const char *at, size_t len)
{
    size_t digits = sizeof first_big - 1;

    if (*at == '-')
        at++, len--;
    for (size_t i = 0; i < len; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    return len > digits || (len == digits && memcmp(at, first_big, digits) >= 0);
}

/* Where in valid JSON such an integer is; SIZE_MAX: nowhere. */
static size_t find_big_integer(struct slice line)
{
    for (size_t at = 0, len; at < line.len; at += len) {
        len = 0;
        if (line.ptr[at] == '"') {
            len = skip_string(line, at) - at;
            continue;
        }
        while (at + len < line.len && memchr("+-.0123456789eE", line.ptr[at + len], 15))
            len++;
        if (len > 0 && is_big_integer(line.ptr + at, len))
            return at;
        len = len > 0 ? len : 1;
    }
    return SIZE_MAX;
}

/* ---- one line ---- */

static int tell_big_integer(struct json *json)
{
    size_t at = find_big_integer(json->line);

    if (at == SIZE_MAX)
        return 0;
    snprintf(json->problem, sizeof json->problem,
             "has an integer beyond 2^53 at its byte %zu, which would lose digits; the job can say "
             "big_integers = \"float\"",
             at);
    return -1;
}

/* Decodes the line and keeps it. Its argument is the struct json. */
static int decode_line(lua_State *L)
{
    struct json *json = lua_touserdata(L, 1);

    if (memory_is_uneasy(&json->vm->memory))
        memory_safe_point(&json->vm->memory, L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, json->decode);
    lua_pushlstring(L, json->line.ptr, json->line.len);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        if (json->vm->memory.is_dead)
            return lua_error(L);
        snprintf(json->problem, sizeof json->problem, "is no JSON: %s", lua_tostring(L, -1));
        return 0;
    }
    json->has_big = false;
    if (lua_type(L, -1) == LUA_TTABLE)
        narrow_all(L, json);
    else if (lua_type(L, -1) == LUA_TNUMBER)
        narrow(L, json);
    if (json->has_big && !json->takes_big && tell_big_integer(json) != 0)
        return 0;
    record_lua_keep(L, json->vm);
    return 0;
}

static bool is_blank(struct slice line)
{
    for (size_t i = 0; i < line.len; i++)
        if (!memchr(" \t\r", line.ptr[i], 3))
            return false;
    return true;
}

static void skip_byte_order_mark(struct reader_record *record)
{
    struct slice *line = &record->value.string;

    if (record->offset == 0 && line->len >= 3 && memcmp(line->ptr, "\xef\xbb\xbf", 3) == 0)
        *line = slice_of(line->ptr + 3, line->len - 3);
}

static int json_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct json *json = json_of(reader);
    int rc;

    do {
        rc = reader_next(json->lines, record, err);
        if (rc != 1)
            return rc;
        skip_byte_order_mark(record);
    } while (is_blank(record->value.string));
    json->line = record->value.string;
    json->problem[0] = '\0';
    if (vm_protected(json->vm, decode_line, json, err) != 0)
        return -1;
    if (json->problem[0])
        return err_set(err, ERR_INPUT, "input %s: the line at byte %" PRIu64 " %s", json->name,
                       record->offset, json->problem);
    record->form = RECORD_IN_LUA;
    return 1;
}

/* ---- open, close ---- */

static uint64_t json_bytes_read(const struct reader *reader)
{
    return reader_bytes_read(((const struct json *)reader)->lines);
}

static void json_close(struct reader *reader)
{
    struct json *json = json_of(reader);

    if (!json->vm->memory.is_dead)
        luaL_unref(json->vm->running, LUA_REGISTRYINDEX, json->decode);
    reader_close(json->lines);
    free(json);
}

static const struct reader_ops json_ops = {
    .next = json_next,
    .bytes_read = json_bytes_read,
    .close = json_close,
};

/* A decoder of our own: the job may set up the one that it requires. */
static int make_decoder(lua_State *L)
{
    struct json *json = lua_touserdata(L, 1);

    modules_new_json(L);
    lua_getfield(L, -1, "decode_max_depth");
    lua_pushinteger(L, VALUE_DEPTH_MAX);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode_invalid_numbers");
    lua_pushboolean(L, false);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode");
    json->decode = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

struct reader *reader_json_open(struct vm *vm, const struct source_input *input,
                                struct slice options, struct err *err)
{
    struct json *json = mem_alloc(sizeof *json);

    json->base.ops = &json_ops;
    json->vm = vm;
    json->name = input->name;
    json->decode = LUA_NOREF;
    json->takes_big =
        slice_equal(value_field_string(options, "big_integers", ""), slice_of_string("float"));
    json->lines = reader_open(READER_LINES, input, READER_DEFAULTS, err);
    if (json->lines && vm_protected(vm, make_decoder, json, err) == 0)
        return &json->base;
    json_close(&json->base);
    return NULL;
}
