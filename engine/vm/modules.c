#include "vm/modules.h"

#include "vm/embedded.h"
#include "vm/pattern_lua.h"

#include <lauxlib.h>
#include <lua-cjson.h>
#include <lua-lpeg.h>
#include <lualib.h>
#include <string.h>

static const luaL_Reg native_modules[] = {
    {"lpeg", luaopen_lpeg},
    {"cjson", luaopen_cjson},
    {NULL, NULL},
};

static const luaL_Reg safe_libraries[] = {
    {LUA_GNAME, luaopen_base},
    {LUA_COLIBNAME, luaopen_coroutine},
    {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string},
    {LUA_MATHLIBNAME, luaopen_math},
    {LUA_UTF8LIBNAME, luaopen_utf8},
    {NULL, NULL},
};

const struct embedded_module *embedded_find(const char *name)
{
    for (const struct embedded_module *module = embedded_modules; module->name; module++)
        if (strcmp(module->name, name) == 0)
            return module;
    return NULL;
}

/* The loader of an embedded module: its first argument is the name. Answers what it returns. */
static int load_embedded(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct embedded_module *module = embedded_find(name);

    if (!module)
        return luaL_error(L, "module '%s' is not part of mrlua", name);
    if (luaL_loadbufferx(L, module->code, module->bytes, name, "b") != LUA_OK)
        return lua_error(L);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* `require` where there is no package library. */
static int require_ours(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const luaL_Reg *native = native_modules;

    while (native->name && strcmp(native->name, name) != 0)
        native++;
    luaL_requiref(L, name, native->name ? native->func : load_embedded, 0);
    return 1;
}

static void open_full(lua_State *L)
{
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    for (const luaL_Reg *native = native_modules; native->name; native++) {
        lua_pushcfunction(L, native->func);
        lua_setfield(L, -2, native->name);
    }
    for (const struct embedded_module *module = embedded_modules; module->name; module++) {
        lua_pushcfunction(L, load_embedded);
        lua_setfield(L, -2, module->name);
    }
    lua_pop(L, 1);
}

void modules_open(lua_State *L, struct word_table *words)
{
    if (!words) {
        open_full(L);
        return;
    }
    for (const luaL_Reg *library = safe_libraries; library->name; library++) {
        luaL_requiref(L, library->name, library->func, 1);
        lua_pop(L, 1);
    }
    lua_getglobal(L, LUA_STRLIBNAME);
    pattern_lua_install(L, -1, words);
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_setglobal(L, "dofile");
    lua_pushnil(L);
    lua_setglobal(L, "loadfile");
    lua_pushcfunction(L, require_ours);
    lua_setglobal(L, "require");
}

void modules_require(lua_State *L, const char *name)
{
    lua_getglobal(L, "require");
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
}

void modules_new_json(lua_State *L)
{
    lua_pushcfunction(L, luaopen_cjson);
    lua_call(L, 0, 1);
}
