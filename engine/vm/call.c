#include "vm/state.h"

#include "vm/key_lua.h"

#include <assert.h>
#include <lauxlib.h>

/* What a protected call hands to its C function; which fields are used depends on that. */
struct call {
    struct vm *vm;
    enum vm_field field;
    const struct datum *key_datum, *value_datum; /* vm_map */
    struct slice key, value;                     /* encoded */
    uint32_t count, partition;                   /* vm_partition: in, out */
};

/* Pushes a function of the job and makes room for its arguments.               [-0, +1, -] */
static void push_function(lua_State *L, const struct call *call)
{
    int reference = call->vm->functions[call->field];

    assert(reference != LUA_NOREF); /* vm_has() and vm_builtin() were asked */
    lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
}

/* What a reader answers that is no scalar is nil. */
static void push_scalar(lua_State *L, const struct datum *datum)
{
    if (!scalar_to_lua(L, datum))
        lua_pushnil(L);
}

static void push_key(lua_State *L, struct vm *vm, struct slice key)
{
    struct err err;

    if (key_to_lua(L, key, &vm->scratch, &err) != 0)
        vm_raise_kept(L, &err);
}

static int call_map(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);

    push_function(L, call);
    push_scalar(L, call->key_datum);
    push_scalar(L, call->value_datum);
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->vm->emit);
    lua_call(L, 3, 0);
    return 0;
}

static int call_map_encoded(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    struct err err;

    push_function(L, call);
    push_key(L, call->vm, call->key);
    if (value_to_lua(L, call->value, &err) != 0)
        return vm_raise_kept(L, &err);
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->vm->emit);
    lua_call(L, 3, 0);
    return 0;
}

/* reduce and combine. */
static int call_fold(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);

    push_function(L, call);
    push_key(L, call->vm, call->key);
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->vm->values);
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->vm->emit);
    lua_call(L, 3, 0);
    return 0;
}

static int call_partition(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    lua_Integer answer;
    int is_integer;

    push_function(L, call);
    push_key(L, call->vm, call->key);
    lua_pushinteger(L, (lua_Integer)call->count);
    lua_call(L, 2, 1);
    answer = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || lua_type(L, -1) != LUA_TNUMBER)
        return luaL_error(L, "partition must return an integer from 0 to %d, not a %s",
                          (int)call->count - 1, luaL_typename(L, -1));
    if (answer < 0 || answer >= (lua_Integer)call->count)
        return luaL_error(L, "partition must return an integer from 0 to %d, not %I",
                          (int)call->count - 1, (LUAI_UACINT)answer);
    call->partition = (uint32_t)answer;
    return 0;
}

/* setup(mr), cleanup(mr, emit). */
static int call_hook(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    bool emits = call->field == FIELD_CLEANUP;

    push_function(L, call);
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->vm->context);
    if (emits)
        lua_rawgeti(L, LUA_REGISTRYINDEX, call->vm->emit);
    lua_call(L, emits ? 2 : 1, 0);
    return 0;
}

/* Calls `function` in a frame of its own. */
static int call_in_frame(struct vm *vm, lua_CFunction function, struct call *call,
                         const struct vm_frame *frame, struct err *err)
{
    int rc;

    if (vm_frame_push(vm, frame, err) != 0)
        return -1;
    rc = vm_protected(vm, function, call, err);
    vm_frame_pop(vm);
    return rc;
}

int vm_map(struct vm *vm, const struct datum *key, const struct datum *value, struct sink *sink,
           struct err *err)
{
    struct call call = {.vm = vm, .field = FIELD_MAP, .key_datum = key, .value_datum = value};
    struct vm_frame frame = {.sink = sink, .counts = vm->counts};

    return call_in_frame(vm, call_map, &call, &frame, err);
}

int vm_map_encoded(struct vm *vm, struct slice key, struct slice value, struct sink *sink,
                   struct err *err)
{
    struct call call = {.vm = vm, .field = FIELD_MAP, .key = key, .value = value};
    struct vm_frame frame = {.sink = sink, .counts = vm->counts};

    return call_in_frame(vm, call_map_encoded, &call, &frame, err);
}

int vm_reduce(struct vm *vm, struct slice key, struct group *group, struct sink *sink,
              struct err *err)
{
    struct call call = {.vm = vm, .field = FIELD_REDUCE, .key = key};
    struct vm_frame frame = {.sink = sink, .group = group, .gives_keys = vm->group_parts > 0};

    return call_in_frame(vm, call_fold, &call, &frame, err);
}

int vm_combine(struct vm *vm, struct slice key, struct group *group, struct sink *sink,
               struct err *err)
{
    struct call call = {.vm = vm, .field = FIELD_COMBINE, .key = key};
    struct vm_frame frame = {.sink = sink, .group = group, .has_only_key = true, .only_key = key};

    return call_in_frame(vm, call_fold, &call, &frame, err);
}

int vm_partition(struct vm *vm, struct slice key, uint32_t count, uint32_t *out, struct err *err)
{
    struct call call = {.vm = vm, .field = FIELD_PARTITION, .key = key, .count = count};
    struct vm_frame frame = {0};

    if (call_in_frame(vm, call_partition, &call, &frame, err) != 0)
        return -1;
    *out = call.partition;
    return 0;
}

static int call_hook_if_any(struct vm *vm, enum vm_field field, struct sink *sink, struct err *err)
{
    struct call call = {.vm = vm, .field = field};
    struct vm_frame frame = {.sink = sink, .counts = vm->counts && vm->is_map};

    if (vm->functions[field] == LUA_NOREF)
        return 0;
    return call_in_frame(vm, call_hook, &call, &frame, err);
}

int vm_setup(struct vm *vm, struct err *err)
{
    return call_hook_if_any(vm, FIELD_SETUP, NULL, err);
}

int vm_cleanup(struct vm *vm, struct sink *sink, struct err *err)
{
    return call_hook_if_any(vm, FIELD_CLEANUP, sink, err);
}
