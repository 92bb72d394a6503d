#include "vm/scene.h"

#include "record/fields.h"
#include "record/group.h"
#include "record/value.h"
#include "vm/key_lua.h"
#include "vm/modules.h"

#include <lauxlib.h>
#include <lualib.h>

/* What gathering takes of Lua's memory, generously: a state that has less is not asked, as it would
 * die of that instead of what it raised. */
enum { GATHER_BYTES = 1024 * 1024 };

void scene_take(lua_State *L, struct vm *vm, struct vm_frame *frame, struct slice value,
                bool has_key)
{
    struct buf *taken = &frame->taken;
    size_t before = taken->len;
    struct err ignored;

    frame->taken_count++;
    if (frame->kept_count + 1 != frame->taken_count ||
        before + value.len > VM_TAKEN_BYTES_MAX) /* a gap would be no list of the first ones */
        return;
    buf_append(taken, value.ptr, value.len);
    if (has_key && value_from_lua(L, -1, &vm->encoder, taken, &ignored) != 0) {
        taken->len = before;
        return;
    }
    frame->kept_count++;
}

/* Pushes the list that lua/mrlua/frames.lua makes.                              [-0, +1, v] */
static void gather(lua_State *L)
{
    modules_require(L, "mrlua.frames");
    lua_getfield(L, -1, "gather");
    lua_pushcfunction(L, luaopen_debug); /* for it alone: nobody else gets the library */
    lua_call(L, 0, 1);
    lua_call(L, 1, 1);
}

static int keep_key(lua_State *L)
{
    struct vm *vm = lua_touserdata(L, 1);
    const struct vm_frame *frame = vm_frame(vm);
    struct buf encoded = {0};
    struct err err;

    if (key_to_lua(L, frame->group ? frame->group->key : frame->key_given, &vm->scratch, &err) != 0)
        return luaL_error(L, "%s", err.message);
    if (value_from_lua(L, -1, &vm->encoder, &encoded, &err) == 0)
        field_bytes(&vm->scene, "key", buf_slice(&encoded));
    buf_deinit(&encoded);
    return 0;
}

static int keep_frames(lua_State *L)
{
    struct vm *vm = lua_touserdata(L, 1);
    struct err err;

    gather(L);
    field_name(&vm->scene, "frames");
    if (value_from_lua(L, -1, &vm->encoder, &vm->scene, &err) != 0)
        return luaL_error(L, "%s", err.message);
    return 0;
}

/* What it cannot have it leaves out. */
static void keep(lua_State *L, struct vm *vm, lua_CFunction function)
{
    size_t before = vm->scene.len;

    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, vm);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return;
    vm->scene.len = before;
    lua_pop(L, 1);
}

static void keep_taken(struct buf *scene, const struct vm_frame *frame)
{
    struct buf list = {0};

    field_integer(scene, "taken", frame->taken_count);
    if (frame->kept_count == 0)
        return;
    value_write_list_begin(&list, frame->kept_count * (frame->gives_keys ? 2 : 1));
    buf_append(&list, frame->taken.ptr, frame->taken.len);
    field_bytes(scene, "values", buf_slice(&list));
    buf_deinit(&list);
}

static bool has_memory(const struct memory *memory)
{
    return !memory_is_uneasy(memory) &&
           (memory->bytes_max == 0 || memory->bytes + GATHER_BYTES <= memory->bytes_max);
}

void scene_keep(lua_State *L, struct vm *vm)
{
    const struct vm_frame *frame = vm_frame(vm);
    struct buf *scene = &vm->scene;

    buf_clear(scene);
    if (!has_memory(&vm->memory) || !lua_checkstack(L, FRAME_STACK_SLOTS))
        return;
    value_write_table_begin(scene);
    field_string(scene, "where",
                 frame       ? vm_field_name(frame->field)
                 : vm->drive ? "drive"
                             : "load");
    if (frame && (frame->group || frame->key_given.len > 0))
        keep(L, vm, keep_key);
    if (frame && frame->group)
        keep_taken(scene, frame);
    keep(L, vm, keep_frames);
    value_write_table_end(scene);
}

struct slice vm_scene(const struct vm *vm)
{
    return buf_slice(&vm->scene);
}
