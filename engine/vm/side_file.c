#include "vm/state.h"

#include "base/io.h"
#include "vm/modules.h"

#include <assert.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * A file object of mr.open(). It reads through a window, which is its user value: memory of the
 * script's, like all that it keeps. So it owns nothing that a finalizer would have to release, and
 * the descriptor, which is the vm's, is used by any number of objects, each with its own position.
 */
struct side_file {
    const struct vm_file *file; /* NULL: closed */
    uint64_t position;          /* of the next byte to be read; may lie behind the end */
    char *window;               /* NULL: none yet */
    uint64_t window_offset;
    size_t window_len;
};

enum {
#ifdef MRLUA_TINY
    WINDOW_BYTES = 16,
#else
    WINDOW_BYTES = 32 * 1024, /* a read of so many costs as much as the call, 5 us */
#endif
    FORMAT_COUNT_MAX = 16, /* of one read() or lines() */
};

static const char TYPE_NAME[] = "side file"; /* __name */

/* The open file object at 1.                                                            [v] */
static struct side_file *file_at_1(lua_State *L)
{
    struct side_file *side = luaL_checkudata(L, 1, TYPE_NAME);

    if (!side->file)
        luaL_error(L, "attempt to use a closed side file");
    return side;
}

/* ---- bytes ---- */

/* Nobody may tell a job two things under one name: what was checked when the attempt began is what
 * it reads to its end. */
static int check_same(const struct vm_file *file, struct err *err)
{
    struct stat status;

    if (fstat(file->fd, &status) != 0)
        return err_set_errno(err, ERR_DISK, "side file %s", file->name);
    if ((uint64_t)status.st_size != file->bytes ||
        (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec != file->mtime_ns)
        return err_set(err, ERR_INPUT, "side file %s changed while the job ran", file->name);
    return 0;
}

/* `len` bytes that lie within the file. A failure is not the script's.                  [v] */
static void read_at(lua_State *L, const struct vm_file *file, uint64_t offset, char *to, size_t len)
{
    struct err err;
    ssize_t count = io_pread(file->fd, to, len, offset, file->name, ERR_DISK, &err);

    if (count < 0 || check_same(file, &err) != 0)
        vm_raise_kept(L, &err);
    if ((size_t)count != len) {
        err_set(&err, ERR_DISK, "side file %s: read: it ends too early", file->name);
        vm_raise_kept(L, &err);
    }
}

/* What the window has from the position on, after a read if it has nothing. Empty: the end. The
 * object is at 1.                                                                   [-0, +0, v] */
static struct slice ahead(lua_State *L, struct side_file *side)
{
    const struct vm_file *file = side->file;
    uint64_t into = side->position - side->window_offset;

    if (side->position >= file->bytes)
        return slice_of(NULL, 0);
    if (side->position < side->window_offset || into >= side->window_len) {
        uint64_t left = file->bytes - side->position;

        if (!side->window) {
            size_t bytes = file->bytes < WINDOW_BYTES ? (size_t)file->bytes : WINDOW_BYTES;

            side->window = lua_newuserdatauv(L, bytes, 0);
            lua_setiuservalue(L, 1, 1);
        }
        side->window_len = 0; /* should the read fail */
        read_at(L, file, side->position, side->window,
                left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES);
        side->window_offset = side->position;
        side->window_len = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
        into = 0;
    }
    return slice_of(side->window + into, side->window_len - (size_t)into);
}

/* ---- what read() and lines() push: a string, or nil at the end ---- */

static bool push_line(lua_State *L, struct side_file *side, bool keeps_newline)
{
    struct slice bytes = ahead(L, side);
    const char *newline = bytes.len ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
    luaL_Buffer line;
    size_t len;

    if (bytes.len == 0)
        return false;
    if (newline) { /* nearly always */
        len = (size_t)(newline - bytes.ptr);
        lua_pushlstring(L, bytes.ptr, len + keeps_newline);
        side->position += len + 1;
        return true;
    }
    luaL_buffinit(L, &line);
    while (bytes.len > 0 && !newline) {
        luaL_addlstring(&line, bytes.ptr, bytes.len);
        side->position += bytes.len;
        bytes = ahead(L, side);
        newline = bytes.len ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
    }
    len = newline ? (size_t)(newline - bytes.ptr) : 0;
    luaL_addlstring(&line, bytes.ptr, len + (newline && keeps_newline));
    side->position += len + (newline ? 1 : 0);
    luaL_pushresult(&line);
    return true;
}

/* At most so many bytes, as one string. Large ones do not go through the window. */
static void push_bytes(lua_State *L, struct side_file *side, uint64_t count)
{
    const struct vm_file *file = side->file;
    uint64_t left = side->position < file->bytes ? file->bytes - side->position : 0;
    struct slice bytes;
    luaL_Buffer all;

    if (count > left)
        count = left;
    bytes = count > 0 && count <= WINDOW_BYTES ? ahead(L, side) : slice_of(NULL, 0);
    if (count <= bytes.len) {
        lua_pushlstring(L, bytes.len ? bytes.ptr : "", (size_t)count);
    } else {
        read_at(L, file, side->position, luaL_buffinitsize(L, &all, (size_t)count), (size_t)count);
        luaL_pushresultsize(&all, (size_t)count);
    }
    side->position += count;
}

/* One format, at `index`. False: there was nothing more, and nothing is pushed. */
static bool push_format(lua_State *L, struct side_file *side, int index)
{
    bool is_at_end = side->position >= side->file->bytes;
    const char *format;

    if (lua_type(L, index) == LUA_TNUMBER) {
        lua_Integer count = luaL_checkinteger(L, index);

        luaL_argcheck(L, count >= 0, index, "a count of bytes cannot be negative");
        if (is_at_end)
            return false;
        push_bytes(L, side, (uint64_t)count);
        return true;
    }
    format = luaL_checkstring(L, index);
    format += *format == '*'; /* as before Lua 5.3 */
    switch (*format) {
    case 'l':
        return push_line(L, side, false);
    case 'L':
        return push_line(L, side, true);
    case 'a':
        push_bytes(L, side, UINT64_MAX);
        return true;
    default:
        return luaL_argerror(L, index, "a format is a count of bytes, \"l\", \"L\" or \"a\"");
    }
}

/* The formats from `first` to `last`; a line if there are none. What is not there any more is nil,
 * and ends them. Returns how many are pushed. */
static int push_formats(lua_State *L, struct side_file *side, int first, int last)
{
    int count = 0;
    bool is_there = true;

    luaL_checkstack(L, last - first + 1 + LUA_MINSTACK, "too many formats");
    if (last < first) {
        if (!push_line(L, side, false))
            lua_pushnil(L);
        return 1;
    }
    for (int i = first; is_there && i <= last; i++, count++) {
        is_there = push_format(L, side, i);
        if (!is_there)
            lua_pushnil(L);
    }
    return count;
}

/* ---- methods ---- */

static int file_read(lua_State *L)
{
    struct side_file *side = file_at_1(L);

    return push_formats(L, side, 2, lua_gettop(L));
}

/* The iterator of lines(): its upvalues are the object and the formats, whose count comes first. */
static int next_line(lua_State *L)
{
    int count = (int)lua_tointeger(L, lua_upvalueindex(2));

    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    for (int i = 0; i < count; i++)
        lua_pushvalue(L, lua_upvalueindex(3 + i));
    return push_formats(L, file_at_1(L), 2, 1 + count);
}

static int file_lines(lua_State *L)
{
    int count = lua_gettop(L) - 1;

    file_at_1(L);
    luaL_argcheck(L, count <= FORMAT_COUNT_MAX, FORMAT_COUNT_MAX + 2, "too many formats");
    lua_pushinteger(L, count);
    lua_insert(L, 2);
    lua_pushcclosure(L, next_line, 2 + count);
    return 1;
}

static int file_seek(lua_State *L)
{
    static const char *const names[] = {"set", "cur", "end", NULL};
    struct side_file *side = file_at_1(L);
    int whence = luaL_checkoption(L, 2, "cur", names);
    lua_Integer offset = luaL_optinteger(L, 3, 0), from;

    from = whence == 0   ? 0
           : whence == 1 ? (lua_Integer)side->position
                         : (lua_Integer)side->file->bytes;
    if (offset < -from || offset > LUA_MAXINTEGER - from) {
        lua_pushnil(L);
        lua_pushfstring(L, "side file %s: seek: no such place", side->file->name);
        return 2;
    }
    side->position = (uint64_t)(from + offset);
    lua_pushinteger(L, from + offset);
    return 1;
}

static void forget(lua_State *L, struct side_file *side)
{
    *side = (struct side_file){0};
    lua_pushnil(L);
    lua_setiuservalue(L, 1, 1);
}

static int file_close(lua_State *L)
{
    forget(L, file_at_1(L));
    lua_pushboolean(L, 1);
    return 1;
}

/* __close: it may have been closed before. */
static int file_leave(lua_State *L)
{
    forget(L, luaL_checkudata(L, 1, TYPE_NAME));
    return 0;
}

static int file_write(lua_State *L)
{
    return luaL_error(L, "side file %s is read only: what a job writes, it emits",
                      file_at_1(L)->file->name);
}

static int file_to_string(lua_State *L)
{
    const struct side_file *side = luaL_checkudata(L, 1, TYPE_NAME);

    if (side->file)
        lua_pushfstring(L, "side file (%s)", side->file->name);
    else
        lua_pushliteral(L, "side file (closed)");
    return 1;
}

/* Its methods are nobody's to change: objects of other functions have them, too. */
static void set_type(lua_State *L)
{
    static const luaL_Reg methods[] = {{"read", file_read},   {"lines", file_lines},
                                       {"seek", file_seek},   {"close", file_close},
                                       {"write", file_write}, {NULL, NULL}};

    if (luaL_newmetatable(L, TYPE_NAME)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, file_leave);
        lua_setfield(L, -2, "__close");
        lua_pushcfunction(L, file_to_string);
        lua_setfield(L, -2, "__tostring");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}

/* ---- mr.open ---- */

/* Its upvalue is the list of names.                                                     [v] */
static int refuse_name(lua_State *L)
{
    modules_require(L, "mrlua.files");
    lua_getfield(L, -1, "unknown");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 2, 1);
    return luaL_error(L, "mr.open: %s", lua_tostring(L, -1));
}

/* mr.open(name).                                                              [-n, +1, v] */
static int open_file(lua_State *L)
{
    const struct vm *vm = vm_of(L);
    const struct vm_file *file = NULL;
    struct side_file *side;
    const char *name;

    lua_settop(L, 1);
    if (lua_type(L, 1) != LUA_TSTRING)
        return luaL_error(L, "mr.open: a name must be a string, not a %s", luaL_typename(L, 1));
    if (vm->frame_count == 0 && !vm->drive)
        return luaL_error(L, "mr.open: called while the job file loads: open files in setup or "
                             "another of its functions");
    name = lua_tostring(L, 1);
    for (size_t i = 0; !file && i < vm->options.file_count; i++)
        if (strcmp(vm->options.files[i].name, name) == 0)
            file = &vm->options.files[i];
    if (!file)
        return refuse_name(L);
    side = lua_newuserdatauv(L, sizeof *side, 1);
    *side = (struct side_file){.file = file};
    set_type(L);
    return 1;
}

void vm_push_open(lua_State *L)
{
    const struct vm_options *options = &vm_of(L)->options;

    lua_createtable(L, (int)options->file_count, 0);
    for (size_t i = 0; i < options->file_count; i++) {
        lua_pushstring(L, options->files[i].name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushcclosure(L, open_file, 1);
}
