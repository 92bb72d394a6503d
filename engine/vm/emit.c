#include "vm/state.h"

#include "record/key_print.h"
#include "vm/key_lua.h"

#include <lauxlib.h>

/* So that what comes now of the key at 1 comes after what waits of it. */
static int settle(lua_State *L, struct vm *vm, struct sink *sink, struct err *err)
{
    struct slice text;

    if (!sink->emit_ones || lua_type(L, 1) != LUA_TSTRING)
        return 0;
    text.ptr = lua_tolstring(L, 1, &text.len);
    return word_table_settle(vm->words, text, sink, err);
}

/* Hands the encoded record on. The sink may call back into Lua, on the state that is running. */
static int emit_record(lua_State *L, struct vm *vm, struct vm_frame *frame)
{
    lua_State *outer = vm->running;
    struct sink *sink = frame->sink;
    struct err err;
    int rc;

    err.kind = ERR_NONE;
    vm->running = L;
    rc = settle(L, vm, sink, &err);
    if (rc == 0)
        rc = sink->emit(sink, buf_slice(&frame->key), buf_slice(&frame->value), &err);
    vm->running = outer;
    return rc == 0 ? 0 : vm_raise_kept(L, &err);
}

/* Does what is at 1 and 2 go to the sink as it is, not encoded? Then *text and *number are it. */
static bool is_counted(lua_State *L, const struct vm_frame *frame, struct slice *text,
                       lua_Integer *number)
{
    if (!frame->sink->emit_counted || frame->has_only_key || lua_type(L, 1) != LUA_TSTRING)
        return false;
    *number = 1;
    if (!frame->counts) {
        if (!lua_isinteger(L, 2))
            return false;
        *number = lua_tointeger(L, 2);
    }
    text->ptr = lua_tolstring(L, 1, &text->len);
    return text->len < RECORD_KEY_BYTES_MAX;
}

static int hand_on(lua_State *L, struct vm *vm, struct sink *sink, struct slice text,
                   lua_Integer number, struct err *err)
{
    if (number == 1 && sink->emit_ones)
        return word_table_emit_one(vm->words, text, sink, err);
    if (settle(L, vm, sink, err) != 0)
        return -1;
    return sink->emit_counted(sink, text, number, err);
}

/* Hands the record on as it is. Like emit_record(). */
static int emit_counted(lua_State *L, struct vm *vm, struct vm_frame *frame, struct slice text,
                        lua_Integer number)
{
    lua_State *outer = vm->running;
    struct err err;
    int rc;

    err.kind = ERR_NONE;
    vm->running = L;
    rc = hand_on(L, vm, frame->sink, text, number, &err);
    vm->running = outer;
    return rc == 0 ? 0 : vm_raise_kept(L, &err);
}

static int refuse_key(lua_State *L, const struct vm_frame *frame)
{
    char given[KEY_PRINT_BYTES], emitted[KEY_PRINT_BYTES];

    return luaL_error(L, "emit: combine may emit only the key it was given, %s, not %s",
                      key_print(given, sizeof given, frame->only_key),
                      key_print(emitted, sizeof emitted, buf_slice(&frame->key)));
}

/*
 * It may raise, and a raise jumps over C frames, so it owns nothing: all it needs is in the
 * frame, which outlives the lua_pcall(). What the sink says is kept in vm->kept, so that a full
 * disk is not blamed on the job.
 */
int vm_emit(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct vm_frame *frame = vm_frame(vm);
    struct slice text;
    lua_Integer number;
    struct err err;

    if (memory_is_uneasy(&vm->memory))
        memory_safe_point(&vm->memory, L);
    if (vm->kept.kind != ERR_NONE)
        return vm_raise_kept(L, &vm->kept);
    if (!frame || !frame->sink)
        return luaL_error(L, "emit: called where nothing can be emitted: the function it was "
                             "given to has returned");
    if (is_counted(L, frame, &text, &number)) {
        vm_pulse(vm);
        return emit_counted(L, vm, frame, text, number);
    }
    lua_settop(L, 2); /* a missing value is nil, and refused as such */
    buf_clear(&frame->key);
    buf_clear(&frame->value);
    if (key_from_lua(L, 1, &frame->key, &err) != 0)
        return luaL_error(L, "emit: %s", err.message);
    if (frame->has_only_key && !slice_equal(buf_slice(&frame->key), frame->only_key))
        return refuse_key(L, frame);
    if (frame->counts)
        lua_pushinteger(L, 1);
    if (value_from_lua(L, -1, &vm->encoder, &frame->value, &err) != 0)
        return luaL_error(L, "emit: %s", err.message);
    vm_pulse(vm);
    return emit_record(L, vm, frame);
}

/* Where it may be called: in map and reduce, and in their cleanup.                      [v] */
static struct vm_frame *frame_of_emit_to(lua_State *L, struct vm *vm)
{
    struct vm_frame *frame = vm_frame(vm);

    if (frame && frame->has_only_key)
        luaL_error(L, "mr.emit_to: combine is called any number of times: emit to other outputs in "
                      "map or reduce");
    if (!frame || !frame->sink || !frame->sink->emit_to)
        luaL_error(L, "mr.emit_to: called where nothing can be emitted: map, reduce and cleanup "
                      "can");
    return frame;
}

/* Like vm_emit(), to another output; nothing waits, as the outputs know no order between them. */
int vm_emit_to(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct vm_frame *frame;
    lua_State *outer = vm->running;
    uint32_t output;
    struct err err;
    int rc;

    if (memory_is_uneasy(&vm->memory))
        memory_safe_point(&vm->memory, L);
    if (vm->kept.kind != ERR_NONE)
        return vm_raise_kept(L, &vm->kept);
    lua_settop(L, 3);
    lua_pushvalue(L, 1);
    lua_gettable(L, lua_upvalueindex(1)); /* raises for an output that the job has not */
    output = (uint32_t)lua_tointeger(L, -1);
    frame = frame_of_emit_to(L, vm);
    lua_settop(L, 3);
    buf_clear(&frame->key);
    buf_clear(&frame->value);
    if (key_from_lua(L, 2, &frame->key, &err) != 0 ||
        value_from_lua(L, 3, &vm->encoder, &frame->value, &err) != 0)
        return luaL_error(L, "mr.emit_to: %s", err.message);
    vm_pulse(vm);
    err.kind = ERR_NONE;
    vm->running = L;
    rc = frame->sink->emit_to(frame->sink, output, buf_slice(&frame->key), buf_slice(&frame->value),
                              &err);
    vm->running = outer;
    return rc == 0 ? 0 : vm_raise_kept(L, &err);
}
