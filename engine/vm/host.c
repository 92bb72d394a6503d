#include "vm/host.h"

#include "vm/modules.h"
#include "vm/value_lua.h"

#include <lauxlib.h>
#include <lualib.h>

enum { HOST_VALUE_BYTES_MAX = 1024 * 1024 * 1024 }; /* trusted, and inputs are many names */

struct vm_host {
    lua_State *main;
    lua_State *running; /* the coroutine that called a host function, or main */
    const struct host_function *functions;
    void *context;
    struct value_encoder encoder;
    int callbacks; /* reference of the table of engine.on() */
};

/* What a protected call is handed. */
struct host_call {
    struct vm_host *host;
    const char *name; /* module or callback */
    int argc;
    char **argv;
    struct slice arg;
    struct buf *result;
    int exit_code;
};

static struct vm_host *host_of(lua_State *L)
{
    return *(struct vm_host **)lua_getextraspace(L);
}

/* nil, message, kind: what a host function answers when it fails.              [-0, +3, m] */
static int push_failure(lua_State *L, const struct err *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->message);
    lua_pushstring(L, err_kind_name(err->kind));
    return 3;
}

/*
 * A field of mrlua.engine. The index of the function is its upvalue.          [-1, +1|3, m]
 * It owns two buffers while Lua has no memory: the state of the command line has no limit, and a
 * process without any memory ends in base/mem.h before.
 */
static int call_function(lua_State *L)
{
    struct vm_host *host = host_of(L);
    const struct host_function *function = &host->functions[lua_tointeger(L, lua_upvalueindex(1))];
    lua_State *outer = host->running;
    struct buf args = {0}, result = {0};
    struct err err = {0};
    int rc;

    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    rc = value_from_lua(L, 1, &host->encoder, &args, &err);
    if (rc == 0) {
        host->running = L;
        rc = function->call(host->context, host, buf_slice(&args), &result, &err);
        host->running = outer;
    }
    if (rc == 0 && result.len > 0)
        rc = value_to_lua(L, buf_slice(&result), &err);
    else if (rc == 0)
        lua_pushboolean(L, 1);
    buf_deinit(&args);
    buf_deinit(&result);
    return rc == 0 ? 1 : push_failure(L, &err);
}

/* engine.on(name, function or nil) */
static int register_callback(lua_State *L)
{
    struct vm_host *host = host_of(L);

    luaL_checktype(L, 1, LUA_TSTRING);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->callbacks);
    lua_insert(L, 1);
    lua_rawset(L, 1);
    return 0;
}

static int open_engine(lua_State *L)
{
    struct vm_host *host = host_of(L);

    lua_newtable(L);
    for (lua_Integer i = 0; host->functions[i].name; i++) {
        lua_pushinteger(L, i);
        lua_pushcclosure(L, call_function, 1);
        lua_setfield(L, -2, host->functions[i].name);
    }
    lua_pushcfunction(L, register_callback);
    lua_setfield(L, -2, "on");
    return 1;
}

static int add_traceback(lua_State *L)
{
    const char *message = lua_tostring(L, 1);

    luaL_traceback(L, L, message ? message : luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

/* Its argument is the struct host_call: runs the module.                                [v] */
static int run_module(lua_State *L)
{
    struct host_call *call = lua_touserdata(L, 1);

    modules_open(L, NULL);
    luaL_requiref(L, "mrlua.engine", open_engine, 0);
    lua_newtable(L);
    call->host->callbacks = luaL_ref(L, LUA_REGISTRYINDEX);
    modules_require(L, call->name);
    if (lua_istable(L, -1))
        lua_getfield(L, -1, "main");
    lua_createtable(L, call->argc, 0);
    for (int i = 1; i < call->argc; i++) {
        lua_pushstring(L, call->argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_call(L, 1, 1);
    call->exit_code = (int)luaL_optinteger(L, -1, 0);
    return 0;
}

/* Runs `function` on whatever is running; what it raises becomes *err, with a traceback. */
static int protected_call(struct vm_host *host, lua_CFunction function, struct host_call *call,
                          struct err *err)
{
    lua_State *L = host->running;
    int rc = 0, base = lua_gettop(L);

    luaL_checkstack(L, 8, "a call from C");
    lua_pushcfunction(L, add_traceback);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, call);
    if (lua_pcall(L, 1, 0, base + 1) != LUA_OK) {
        const char *message = lua_tostring(L, -1);

        rc = err_set(err, ERR_SETUP, "%s", message ? message : "an error that is no text");
    }
    host->running = L;
    lua_settop(L, base);
    return rc;
}

int vm_host_run(const char *module, int argc, char **argv, const struct host_function functions[],
                void *context, int *exit_code, struct err *err)
{
    struct vm_host host = {
        .functions = functions,
        .context = context,
        .encoder = {.bytes_max = HOST_VALUE_BYTES_MAX},
    };
    struct host_call call = {.host = &host, .name = module, .argc = argc, .argv = argv};
    int rc = -1;

    host.main = host.running = luaL_newstate();
    if (!host.main) {
        err_set(err, ERR_SETUP, "Lua: no memory for a state");
        goto out;
    }
    *(struct vm_host **)lua_getextraspace(host.main) = &host;
    rc = protected_call(&host, run_module, &call, err);
    if (rc == 0)
        *exit_code = call.exit_code;
    lua_close(host.main);
out:
    value_encoder_deinit(&host.encoder);
    return rc;
}

static int run_callback(lua_State *L)
{
    struct host_call *call = lua_touserdata(L, 1);
    struct err err;

    lua_rawgeti(L, LUA_REGISTRYINDEX, call->host->callbacks);
    if (lua_getfield(L, -1, call->name) != LUA_TFUNCTION)
        return 0;
    if (call->arg.len == 0)
        lua_pushnil(L);
    else if (value_to_lua(L, call->arg, &err) != 0)
        return luaL_error(L, "%s: %s", call->name, err.message);
    lua_call(L, 1, 1);
    if (call->result && !lua_isnil(L, -1) &&
        value_from_lua(L, -1, &call->host->encoder, call->result, &err) != 0)
        return luaL_error(L, "%s: %s", call->name, err.message);
    return 0;
}

int vm_host_call(struct vm_host *host, const char *name, struct slice arg, struct buf *result,
                 struct err *err)
{
    struct host_call call = {.host = host, .name = name, .arg = arg, .result = result};

    return protected_call(host, run_callback, &call, err);
}

static void raise_interrupt(lua_State *L, lua_Debug *where)
{
    (void)where;
    lua_sethook(L, NULL, 0, 0);
    luaL_error(L, "interrupted!");
}

void vm_host_interrupt(struct vm_host *host)
{
    const int all = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;

    lua_sethook(host->running, raise_interrupt, all, 1);
}
