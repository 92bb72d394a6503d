#include "vm/state.h"

#include "vm/modules.h"

#include <assert.h>
#include <lauxlib.h>
#include <string.h>

static const char *const field_names[FIELD_COUNT] = {
    [FIELD_MAP] = "map",     [FIELD_COMBINE] = "combine",     [FIELD_REDUCE] = "reduce",
    [FIELD_SETUP] = "setup", [FIELD_PARTITION] = "partition", [FIELD_CLEANUP] = "cleanup",
    [FIELD_DRIVE] = "drive",
};

/* What load_job() is given and answers beside what it puts into the vm. */
struct load {
    struct vm *vm;
    struct buf *view;
    struct err refused; /* ERR_SETUP: a field or param is wrong */
};

const char *vm_field_name(enum vm_field field)
{
    return field_names[field];
}

/* `name` is that of a field that is a function. */
static enum vm_field field_of(const char *name)
{
    int i = 0;

    while (i < FIELD_COUNT && strcmp(field_names[i], name) != 0)
        i++;
    assert(i < FIELD_COUNT);
    return (enum vm_field)i;
}

/* t[name] = the integer, for the table on top. */
static void set_integer(lua_State *L, const char *name, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

/* t[name] = the decoded table, an empty one for no bytes, for the table on top. */
static void set_value(lua_State *L, const char *name, struct slice value)
{
    struct err err;

    if (value.len == 0)
        lua_newtable(L);
    else if (value_to_lua(L, value, &err) != 0)
        luaL_error(L, "%s: %s", name, err.message);
    lua_setfield(L, -2, name);
}

/* mr.emit_to, for the context on top of the settings, which get the table that job.load fills:
 * output_numbers, name -> number.                                             [-0, +1, m] */
static void push_emit_to(lua_State *L)
{
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "output_numbers");
    lua_pushcclosure(L, vm_emit_to, 1);
}

/* The argument of job.load, as lua/mrlua/job.lua says.                          [-0, +1, m] */
static void push_settings(lua_State *L, struct vm *vm)
{
    const struct vm_options *options = &vm->options;

    lua_newtable(L);
    set_value(L, "bundle", options->bundle);
    set_value(L, "params", options->params);
    if (options->call.len > 0)
        set_value(L, "call", options->call);
    lua_pushboolean(L, options->unsafe);
    lua_setfield(L, -2, "unsafe");
    lua_pushcfunction(L, vm_print);
    lua_setfield(L, -2, "print");
    lua_newtable(L);
    lua_pushstring(L, options->stage ? options->stage : "load");
    lua_setfield(L, -2, "stage");
    set_integer(L, "job", options->job);
    set_integer(L, "task", options->task);
    set_integer(L, "attempt", options->attempt);
    set_integer(L, "worker", options->worker);
    lua_newtable(L);
    lua_pushcclosure(L, vm_count, 1);
    lua_setfield(L, -2, "count");
    vm_push_open(L);
    lua_setfield(L, -2, "open");
    push_emit_to(L);
    lua_setfield(L, -2, "emit_to");
    lua_setfield(L, -2, "context");
}

/* Keeps the function or the name of a built-in on top as that field.            [-1, +0, m] */
static void keep_function(lua_State *L, struct vm *vm, enum vm_field field)
{
    struct slice name;

    luaL_unref(L, LUA_REGISTRYINDEX, vm->functions[field]);
    vm->functions[field] = LUA_NOREF;
    vm->builtins[field] = BUILTIN_NONE;
    if (lua_type(L, -1) == LUA_TFUNCTION) {
        vm->functions[field] = luaL_ref(L, LUA_REGISTRYINDEX);
        return;
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        name.ptr = lua_tolstring(L, -1, &name.len);
        vm->builtins[field] = builtin_by_name(name);
    }
    lua_pop(L, 1);
}

/* Keeps the functions and built-ins of the job table at `index`, but its map.  [-0, +0, m] */
static void keep_functions(lua_State *L, int index, struct vm *vm)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (i == FIELD_MAP)
            continue;
        lua_pushstring(L, field_names[i]);
        lua_rawget(L, index);
        keep_function(L, vm, (enum vm_field)i);
    }
    vm->counts = vm->builtins[FIELD_COMBINE] == BUILTIN_COUNT;
    if (vm->counts)
        vm->builtins[FIELD_COMBINE] = vm->builtins[FIELD_REDUCE] = BUILTIN_SUM;
}

/* Keeps the field of the table on top, or of none, instead of what is kept.     [-0, +0, m] */
static void keep_field(lua_State *L, const char *name, int *reference)
{
    luaL_unref(L, LUA_REGISTRYINDEX, *reference);
    *reference = LUA_NOREF;
    if (!lua_istable(L, -1))
        return;
    if (lua_getfield(L, -1, name) != LUA_TNIL)
        *reference = luaL_ref(L, LUA_REGISTRYINDEX);
    else
        lua_pop(L, 1);
}

/* Keeps the grammar on top, if it is one.                                       [-1, +0, m] */
static void keep_grammar(lua_State *L, struct vm *vm)
{
    keep_field(L, "match", &vm->grammar.match);
    keep_field(L, "record", &vm->grammar.record);
    keep_field(L, "search", &vm->grammar.search);
    lua_pop(L, 1);
}

/* What maps call and read from now on. `name` NULL: a job without `inputs`.     [-0, +0, e] */
static void use_input(lua_State *L, struct vm *vm, const char *name)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->use);
    lua_pushstring(L, name); /* NULL: nil */
    lua_call(L, 1, 2);
    keep_grammar(L, vm);
    keep_function(L, vm, FIELD_MAP);
}

/* Runs the job file. Its argument is the struct load. */
static int load_job(lua_State *L)
{
    struct load *load = lua_touserdata(L, 1);
    struct vm *vm = load->vm;
    struct err err;

    modules_require(L, "mrlua.job");
    lua_getfield(L, -1, "load");
    push_settings(L, vm);
    lua_call(L, 1, 4); /* job table, view, mr, use; or nil, message */
    if (lua_isnil(L, -4)) {
        err_set(&load->refused, ERR_SETUP, "%s", lua_tostring(L, -3));
        return 0;
    }
    vm->use = luaL_ref(L, LUA_REGISTRYINDEX);
    vm->context = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getfield(L, -1, "group");
    vm->group_parts = (uint32_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (load->view && value_from_lua(L, -1, &vm->encoder, load->view, &err) != 0)
        return luaL_error(L, "job: %s", err.message);
    keep_functions(L, lua_absindex(L, -2), vm);
    use_input(L, vm, NULL);
    return 0;
}

int vm_load_job(struct vm *vm, struct buf *view, struct err *err)
{
    struct load load = {.vm = vm, .view = view};

    vm_pulse(vm);
    if (vm_protected(vm, load_job, &load, err) != 0)
        return -1;
    if (load.refused.kind != ERR_NONE) {
        *err = load.refused;
        return -1;
    }
    return 0;
}

/* Its arguments are the vm and the input's name. */
struct use {
    struct vm *vm;
    const char *name;
};

static int call_use(lua_State *L)
{
    struct use *use = lua_touserdata(L, 1);

    use_input(L, use->vm, use->name);
    return 0;
}

int vm_use_input(struct vm *vm, const char *name, struct err *err)
{
    struct use use = {.vm = vm, .name = name};

    vm_pulse(vm);
    return vm_protected(vm, call_use, &use, err);
}

bool vm_has(const struct vm *vm, const char *field)
{
    enum vm_field at = field_of(field);

    return vm->functions[at] != LUA_NOREF || vm->builtins[at] != BUILTIN_NONE;
}

enum builtin vm_builtin(const struct vm *vm, const char *field)
{
    return vm->builtins[field_of(field)];
}

bool vm_counts(const struct vm *vm)
{
    return vm->counts;
}
