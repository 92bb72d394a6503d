#include "vm/drive.h"

#include "base/mem.h"
#include "vm/key_lua.h"
#include "vm/state.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>

/* step:output(), as a userdata: where it stands. */
struct output {
    struct drive *drive; /* NULL: it is at its end */
    uint32_t step, next_part;
    bool is_open;
    struct drive_part part;
};

static const char OUTPUT_TYPE[] = "mrlua.output";

/* Lives as long as the vm, because what the script has kept of it does. */
struct drive {
    struct vm *vm;
    struct driving driving;
    struct buf request, answer;
    uint32_t open_count;
};

static struct drive *drive_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* call(request) -> answer.                                                      [-1, +1, v] */
static int call_step(lua_State *L)
{
    struct drive *drive = drive_of(L);
    struct vm *vm = drive->vm;
    struct err err = {0};

    if (vm->kept.kind != ERR_NONE)
        return vm_raise_kept(L, &vm->kept);
    buf_clear(&drive->request);
    buf_clear(&drive->answer);
    if (value_from_lua(L, 1, &vm->encoder, &drive->request, &err) != 0)
        return luaL_error(L, "mr.run: %s", err.message);
    vm_pulse(vm);
    if (drive->driving.call(drive->driving.context, buf_slice(&drive->request), &drive->answer,
                            &err) != 0)
        return vm_raise_kept(L, &err);
    if (value_to_lua(L, buf_slice(&drive->answer), &err) != 0)
        return vm_raise_kept(L, &err);
    return 1;
}

/* ---- step:output() ---- */

static void close_part(struct output *output)
{
    if (!output->is_open)
        return;
    output->is_open = false;
    output->drive->open_count--;
    output->drive->driving.close(output->drive->driving.context, &output->part);
}

static int collect_output(lua_State *L)
{
    close_part(lua_touserdata(L, 1));
    return 0;
}

/* 1: a part is open. 0: there is none any more. */
static int open_next(lua_State *L, struct output *output)
{
    const struct driving *driving = &output->drive->driving;
    struct err err = {0};
    int rc;

    if (output->drive->open_count == DRIVE_OUTPUT_COUNT_MAX) {
        lua_gc(L, LUA_GCCOLLECT, 0); /* who broke out of a loop has left one behind */
        if (output->drive->open_count == DRIVE_OUTPUT_COUNT_MAX)
            return luaL_error(L, "step:output(): %d of them are read at a time already",
                              DRIVE_OUTPUT_COUNT_MAX);
    }
    rc = driving->open(driving->context, output->step, output->next_part, &output->part, &err);
    if (rc < 0)
        return vm_raise_kept(L, &err);
    output->next_part++;
    output->is_open = rc == 1;
    output->drive->open_count += output->is_open;
    return rc;
}

static int push_next(lua_State *L, struct vm *vm, const struct reader_record *record)
{
    struct err err;

    assert(record->form == RECORD_ENCODED);
    vm_pulse(vm);
    if (memory_is_uneasy(&vm->memory))
        memory_safe_point(&vm->memory, L);
    if (key_to_lua(L, record->key_bytes, &vm->scratch, &err) != 0 ||
        value_to_lua(L, record->value_bytes, &err) != 0)
        return vm_raise_kept(L, &err);
    return 2;
}

/* The iterator: key, value, or nil.                                             [-0, +2, v] */
static int output_next(lua_State *L)
{
    struct output *output = lua_touserdata(L, lua_upvalueindex(1));
    struct reader_record record;
    struct err err = {0};
    int rc;

    while (output->drive) {
        struct vm *vm = output->drive->vm;

        if (vm->kept.kind != ERR_NONE)
            return vm_raise_kept(L, &vm->kept);
        if (!output->is_open && open_next(L, output) == 0) {
            output->drive = NULL;
            break;
        }
        rc = reader_next(output->part.reader, &record, &err);
        if (rc < 0)
            return vm_raise_kept(L, &err);
        if (rc == 1)
            return push_next(L, vm, &record);
        close_part(output);
    }
    lua_pushnil(L);
    return 1;
}

/* output(number) -> iterator.                                                   [-1, +1, v] */
static int new_output(lua_State *L)
{
    lua_Integer step = luaL_checkinteger(L, 1);
    struct output *output;

    luaL_argcheck(L, step > 0 && step <= UINT32_MAX, 1, "no step has this number");
    output = lua_newuserdatauv(L, sizeof *output, 0);
    *output = (struct output){.drive = drive_of(L), .step = (uint32_t)step};
    luaL_setmetatable(L, OUTPUT_TYPE);
    lua_pushcclosure(L, output_next, 1);
    return 1;
}

/* where(function or pattern) -> text.                                           [-1, +1, m] */
static int tell_where(lua_State *L)
{
    lua_Debug debug;

    if (!lua_isfunction(L, 1) || lua_iscfunction(L, 1)) {
        lua_pushliteral(L, "");
        return 1;
    }
    lua_pushvalue(L, 1);
    lua_getinfo(L, ">S", &debug);
    lua_pushfstring(L, " (it begins at %s:%d)", debug.short_src, debug.linedefined);
    return 1;
}

/* Its argument is the struct drive. */
static int run_drive(lua_State *L)
{
    static const lua_CFunction functions[] = {call_step, new_output, tell_where};
    struct drive *drive = lua_touserdata(L, 1);

    if (luaL_newmetatable(L, OUTPUT_TYPE)) {
        lua_pushcfunction(L, collect_output);
        lua_setfield(L, -2, "__gc");
    }
    lua_pop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, drive->vm->functions[FIELD_DRIVE]);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_pushlightuserdata(L, drive);
        lua_pushcclosure(L, functions[i], 1);
    }
    lua_call(L, 3, 0);
    return 0;
}

int vm_drive(struct vm *vm, const struct driving *driving, struct err *err)
{
    if (vm->functions[FIELD_DRIVE] == LUA_NOREF)
        return err_set(err, ERR_SETUP, "the job has no drive and no steps");
    assert(!vm->drive);
    vm->drive = mem_alloc(sizeof *vm->drive);
    *vm->drive = (struct drive){.vm = vm, .driving = *driving};
    return vm_protected(vm, run_drive, vm->drive, err);
}

void drive_free(struct drive *drive)
{
    if (!drive)
        return;
    buf_deinit(&drive->request);
    buf_deinit(&drive->answer);
    free(drive);
}
