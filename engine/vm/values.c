#include "vm/state.h"

#include "record/group.h"
#include "vm/key_lua.h"
#include "vm/scene.h"

#include <lauxlib.h>

/* Reads the next record of the group. 1, 0 at its end; a failure is raised. */
static int next_record(lua_State *L, struct vm *vm, struct vm_frame *frame, struct slice *value,
                       struct slice *key)
{
    lua_State *outer = vm->running;
    struct err err;
    int rc;

    err.kind = ERR_NONE; /* no more of it: it is large, and this is called for each value */
    vm->running = L;
    rc = group_value(frame->group, value, key, &err);
    vm->running = outer;
    return rc >= 0 ? rc : vm_raise_kept(L, &err);
}

int vm_values_next(lua_State *L)
{
    struct vm *vm = vm_of(L);
    struct vm_frame *frame = vm_frame(vm);
    struct slice value, key;
    struct err err;

    if (memory_is_uneasy(&vm->memory))
        memory_safe_point(&vm->memory, L);
    if (vm->kept.kind != ERR_NONE)
        return vm_raise_kept(L, &vm->kept);
    if (!frame || !frame->group)
        return luaL_error(L, "values: read after the function they were given to has returned");
    vm_pulse(vm);
    if (frame->group_has_ended || next_record(L, vm, frame, &value, &key) == 0) {
        frame->group_has_ended = true;
        lua_pushnil(L);
        return 1;
    }
    if (value_to_lua(L, value, &err) != 0)
        return vm_raise_kept(L, &err);
    if (frame->gives_keys && key_to_lua(L, key, &vm->scratch, &err) != 0)
        return vm_raise_kept(L, &err);
    scene_take(L, vm, frame, value, frame->gives_keys);
    return frame->gives_keys ? 2 : 1;
}
