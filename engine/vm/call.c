#include "vm/state.h"

#include "format/reader.h"
#include "record/group.h"
#include "vm/key_lua.h"
#include "vm/record_lua.h"
#include "vm/scene.h"

#include <assert.h>
#include <lauxlib.h>

/* What a protected call hands to its C function; which fields are used depends on that. */
struct call {
    struct vm *vm;
    enum vm_field field;
    struct slice key;          /* encoded */
    uint32_t count, partition; /* vm_partition: in, out */
};

/* The same for a call around many records or groups. */
struct loop {
    struct vm *vm;
    int (*next_record)(void *context, const struct reader_record **record, struct err *err);
    int (*next_group)(void *context, struct err *err);
    void *context;
    struct group *group;
    int rc; /* of the last next, with its err */
    struct err err;
};

/* Pushes a function of the job and makes room for its arguments.               [-0, +1, -] */
static void push_function(lua_State *L, const struct vm *vm, enum vm_field field)
{
    int reference = vm->functions[field];

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

static void push_record(lua_State *L, struct vm *vm, const struct reader_record *record)
{
    struct err err;

    if (record->form == RECORD_ENCODED)
        push_key(L, vm, record->key_bytes);
    else
        push_scalar(L, &record->key);
    if (record->form == RECORD_AS_READ)
        push_scalar(L, &record->value);
    else if (record->form == RECORD_IN_LUA)
        record_lua_push(L, vm);
    else if (value_to_lua(L, record->value_bytes, &err) != 0)
        vm_raise_kept(L, &err);
}

/* Where a loop keeps on the stack what it calls and hands over; at 1 is the struct loop. */
enum { LOOP_FUNCTION = 2, LOOP_EMIT, LOOP_VALUES };

/* What the last call has left behind: a failure that the script caught ends the loop, too. */
static bool may_go_on(const struct vm *vm)
{
    return vm->kept.kind == ERR_NONE && !vm->memory.is_dead;
}

/* What emit has let wait, before the frame ends.                                        [v] */
static void flush_words(lua_State *L, struct vm *vm)
{
    struct sink *sink = vm_frame(vm)->sink;
    struct err err = {0};

    if (may_go_on(vm) && sink->emit_ones && word_table_flush(vm->words, sink, &err) != 0)
        vm_raise_kept(L, &err);
}

static int call_map_all(lua_State *L)
{
    struct loop *loop = lua_touserdata(L, 1);
    struct vm *vm = loop->vm;
    const struct reader_record *record;

    push_function(L, vm, FIELD_MAP);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->emit);
    while (may_go_on(vm) &&
           (loop->rc = loop->next_record(loop->context, &record, &loop->err)) == 1) {
        vm_pulse(vm);
        lua_pushvalue(L, LOOP_FUNCTION);
        push_record(L, vm, record);
        lua_pushvalue(L, LOOP_EMIT);
        lua_call(L, 3, 0);
    }
    flush_words(L, vm);
    return 0;
}

static int call_reduce_all(lua_State *L)
{
    struct loop *loop = lua_touserdata(L, 1);
    struct vm *vm = loop->vm;

    push_function(L, vm, FIELD_REDUCE);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->emit);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->values);
    while (may_go_on(vm) && (loop->rc = loop->next_group(loop->context, &loop->err)) == 1) {
        vm_pulse(vm);
        vm_frame(vm)->group_has_ended = false;
        scene_take_none(vm_frame(vm));
        lua_pushvalue(L, LOOP_FUNCTION);
        push_key(L, vm, loop->group->key);
        lua_pushvalue(L, LOOP_VALUES);
        lua_pushvalue(L, LOOP_EMIT);
        lua_call(L, 3, 0);
    }
    return 0;
}

static int call_combine(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);

    push_function(L, call->vm, call->field);
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

    push_function(L, call->vm, call->field);
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

    push_function(L, call->vm, call->field);
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->vm->context);
    if (emits)
        lua_rawgeti(L, LUA_REGISTRYINDEX, call->vm->emit);
    lua_call(L, emits ? 2 : 1, 0);
    if (emits)
        flush_words(L, call->vm);
    return 0;
}

/* Calls `function` in a frame of its own. */
static int call_in_frame(struct vm *vm, lua_CFunction function, struct call *call,
                         const struct vm_frame *frame, struct err *err)
{
    int rc;

    if (vm_frame_push(vm, frame, err) != 0)
        return -1;
    vm_pulse(vm);
    rc = vm_protected(vm, function, call, err);
    vm_frame_pop(vm);
    return rc;
}

static int run_loop(struct vm *vm, lua_CFunction function, struct loop *loop,
                    const struct vm_frame *frame, struct err *err)
{
    int rc;

    if (vm_frame_push(vm, frame, err) != 0)
        return -1;
    rc = vm_protected(vm, function, loop, err);
    vm_frame_pop(vm);
    if (rc == 0 && loop->rc < 0) {
        *err = loop->err;
        return -1;
    }
    return rc;
}

int vm_map_all(struct vm *vm,
               int (*next)(void *context, const struct reader_record **record, struct err *err),
               void *context, struct sink *sink, struct err *err)
{
    struct loop loop = {.vm = vm, .next_record = next, .context = context};
    struct vm_frame frame = {.field = FIELD_MAP, .sink = sink, .counts = vm->counts};

    return run_loop(vm, call_map_all, &loop, &frame, err);
}

int vm_reduce_all(struct vm *vm, struct group *group, int (*next)(void *context, struct err *err),
                  void *context, struct sink *sink, struct err *err)
{
    struct loop loop = {.vm = vm, .next_group = next, .context = context, .group = group};
    struct vm_frame frame = {
        .field = FIELD_REDUCE, .sink = sink, .group = group, .gives_keys = vm->group_parts > 0};

    return run_loop(vm, call_reduce_all, &loop, &frame, err);
}

int vm_combine(struct vm *vm, struct slice key, struct group *group, struct sink *sink,
               struct err *err)
{
    struct call call = {.vm = vm, .field = FIELD_COMBINE, .key = key};
    struct vm_frame frame = {.field = FIELD_COMBINE,
                             .sink = sink,
                             .group = group,
                             .has_only_key = true,
                             .only_key = key};

    return call_in_frame(vm, call_combine, &call, &frame, err);
}

int vm_partition(struct vm *vm, struct slice key, uint32_t count, uint32_t *out, struct err *err)
{
    struct call call = {.vm = vm, .field = FIELD_PARTITION, .key = key, .count = count};
    struct vm_frame frame = {.field = FIELD_PARTITION, .key_given = key};

    if (call_in_frame(vm, call_partition, &call, &frame, err) != 0)
        return -1;
    *out = call.partition;
    return 0;
}

static int call_hook_if_any(struct vm *vm, enum vm_field field, struct sink *sink, struct err *err)
{
    struct call call = {.vm = vm, .field = field};
    struct vm_frame frame = {.field = field, .sink = sink, .counts = vm->counts && vm->is_map};

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
