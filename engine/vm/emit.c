#include "vm/state.h"

#include "vm/key_lua.h"

#include <lauxlib.h>

/* Hands the encoded record on. The sink may call back into Lua, on the state that is running. */
static int emit_record(lua_State *L, struct vm *vm, struct vm_frame *frame)
{
    struct err err = {0};
    lua_State *outer = vm->running;
    int rc;

    vm->running = L;
    rc = frame->sink->emit(frame->sink, buf_slice(&frame->key), buf_slice(&frame->value), &err);
    vm->running = outer;
    return rc == 0 ? 0 : vm_raise_kept(L, &err);
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
    struct err err;

    if (memory_is_uneasy(&vm->memory))
        memory_safe_point(&vm->memory, L);
    if (vm->kept.kind != ERR_NONE)
        return vm_raise_kept(L, &vm->kept);
    if (!frame || !frame->sink)
        return luaL_error(L, "emit: called where nothing can be emitted: the function it was "
                             "given to has returned");
    lua_settop(L, 2); /* a missing value is nil, and refused as such */
    buf_clear(&frame->key);
    buf_clear(&frame->value);
    if (key_from_lua(L, 1, &frame->key, &err) != 0)
        return luaL_error(L, "emit: %s", err.message);
    if (frame->has_only_key && !slice_equal(buf_slice(&frame->key), frame->only_key))
        return luaL_error(L, "emit: combine may emit only the key it was given");
    if (frame->counts)
        lua_pushinteger(L, 1);
    if (value_from_lua(L, -1, &vm->encoder, &frame->value, &err) != 0)
        return luaL_error(L, "emit: %s", err.message);
    vm_pulse(vm);
    return emit_record(L, vm, frame);
}
