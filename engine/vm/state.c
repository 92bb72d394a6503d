#include "vm/state.h"

#include "base/mem.h"
#include "vm/drive.h"
#include "vm/modules.h"
#include "vm/scene.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* The message handler of every call: keeps where it happened, and answers what was raised. */
static int keep_traceback(lua_State *L)
{
    struct vm *vm = vm_of(L);

    /* A kept failure has its own traceback; a dead state has no memory for one. */
    if (vm->kept.kind == ERR_NONE && !vm->memory.is_dead) {
        luaL_traceback(L, L, NULL, 1);
        buf_clear(&vm->traceback);
        buf_append_string(&vm->traceback, lua_tostring(L, -1));
        lua_pop(L, 1);
        scene_keep(L, vm);
    }
    return 1;
}

/* An error object as text. It runs the job's __tostring, so it is itself called protected. */
static int describe(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TTABLE && luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL)
        lua_pushliteral(L, "error(): a table without __tostring was raised");
    else if (lua_isnil(L, 1))
        lua_pushliteral(L, "error(): nil was raised");
    else
        luaL_tolstring(L, 1, NULL);
    return 1;
}

/* What was raised is on top of the stack; it is popped. */
static int raised_err(lua_State *L, struct err *err)
{
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_pushcfunction(L, describe);
        lua_insert(L, -2);
        if (lua_pcall(L, 1, 1, 0) != LUA_OK && lua_type(L, -1) != LUA_TSTRING) {
            lua_pop(L, 1);
            return err_set(err, ERR_JOB, "error(): its __tostring raised another error");
        }
    }
    err_set(err, ERR_JOB, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    return -1;
}

/* Why the vm cannot go on, if that is so. */
static int check_alive(const struct vm *vm, struct err *err)
{
    if (vm->memory.is_dead)
        return memory_err(&vm->memory, err);
    if (vm->kept.kind != ERR_NONE) {
        *err = vm->kept;
        return -1;
    }
    return 0;
}

int vm_protected(struct vm *vm, lua_CFunction function, void *argument, struct err *err)
{
    lua_State *L = vm->running;
    int rc, failed = 0, base = lua_gettop(L);

    if (!lua_checkstack(L, FRAME_STACK_SLOTS))
        return err_set(err, ERR_LIMIT, "script: no room on Lua's stack");
    lua_pushcfunction(L, keep_traceback);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, argument);
    rc = lua_pcall(L, 1, 0, base + 1);
    vm->running = L;
    if (check_alive(vm, err) != 0)
        failed = -1;
    else if (rc != LUA_OK)
        failed = raised_err(L, err);
    if (vm->memory.is_dead)
        check_alive(vm, err); /* describing it may have taken the last memory */
    lua_settop(L, base);
    return failed;
}

int vm_raise_kept(lua_State *L, const struct err *err)
{
    struct vm *vm = vm_of(L);

    if (vm->kept.kind == ERR_NONE && err->kind == ERR_NONE)
        err_set(&vm->kept, ERR_RETRY, "emit: failed without saying why");
    else if (vm->kept.kind == ERR_NONE)
        vm->kept = *err;
    return luaL_error(L, "%s", vm->kept.message);
}

void vm_go_on(struct vm *vm)
{
    if (vm->kept.kind == ERR_JOB)
        vm->kept = (struct err){0};
}

int vm_frame_push(struct vm *vm, const struct vm_frame *wanted, struct err *err)
{
    struct vm_frame *frame;
    struct buf key, value, taken;

    if (check_alive(vm, err) != 0)
        return -1;
    assert(vm->frame_count < FRAME_COUNT_MAX);
    frame = &vm->frames[vm->frame_count++];
    key = frame->key;
    value = frame->value;
    taken = frame->taken;
    *frame = *wanted;
    frame->key = key;
    frame->value = value;
    frame->taken = taken;
    scene_take_none(frame);
    return 0;
}

void vm_frame_pop(struct vm *vm)
{
    assert(vm->frame_count > 0);
    vm->frame_count--;
}

/* What every state gets before the job is loaded. Its argument is the vm. */
static int open_state(lua_State *L)
{
    struct vm *vm = lua_touserdata(L, 1);

    modules_open(L, vm->options.unsafe ? NULL : vm->words);
    lua_pushcfunction(L, vm_emit);
    vm->emit = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, vm_values_next);
    vm->values = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getglobal(L, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, (lua_Integer)vm->options.seed);
    lua_call(L, 1, 0);
    return 0;
}

struct vm *vm_open(const struct vm_options *options, struct err *err)
{
    struct vm *vm = mem_alloc(sizeof *vm);

    vm->options = *options;
    vm->is_map = options->stage && strcmp(options->stage, "map") == 0;
    vm->words = word_table_new();
    vm->encoder.bytes_max = RECORD_VALUE_BYTES_MAX;
    for (int i = 0; i < FIELD_COUNT; i++)
        vm->functions[i] = LUA_NOREF;
    vm->record = vm->grammar.match = vm->grammar.record = vm->grammar.search = LUA_NOREF;
    memory_init(&vm->memory, options->memory_bytes_max);
    vm->main = vm->running = lua_newstate(memory_alloc, &vm->memory);
    if (!vm->main) {
        err_set(err, ERR_SETUP, "Lua: no memory for a state");
        vm_close(vm);
        return NULL;
    }
    *(struct vm **)lua_getextraspace(vm->main) = vm;
    memory_watch(&vm->memory, vm->main);
    if (vm_protected(vm, open_state, vm, err) != 0) {
        err->kind = ERR_SETUP;
        err_prefix(err, "Lua: open libraries");
        vm_close(vm);
        return NULL;
    }
    return vm;
}

void vm_close(struct vm *vm)
{
    if (!vm)
        return;
    if (vm->main)
        lua_close(vm->main);
    drive_free(vm->drive);
    memory_deinit(&vm->memory);
    word_table_free(vm->words);
    for (int i = 0; i < FRAME_COUNT_MAX; i++) {
        buf_deinit(&vm->frames[i].key);
        buf_deinit(&vm->frames[i].value);
        buf_deinit(&vm->frames[i].taken);
    }
    value_encoder_deinit(&vm->encoder);
    buf_deinit(&vm->scratch);
    buf_deinit(&vm->traceback);
    buf_deinit(&vm->scene);
    free(vm);
}

/* Is this line of a traceback ours, and no help to who wrote the job? */
static bool is_own_frame(const char *line, size_t len)
{
    static const char module[] = "\tmrlua.", native[] = "\t[C]: in ?";

    return (len >= sizeof module - 1 && memcmp(line, module, sizeof module - 1) == 0) ||
           (len == sizeof native - 1 && memcmp(line, native, len) == 0);
}

static bool is_native_frame(const char *line, size_t len)
{
    static const char native[] = "\t[C]";

    return len >= sizeof native - 1 && memcmp(line, native, sizeof native - 1) == 0;
}

/* It begins where the job's own code is: error(), emit() and the like raise at that line, and the
 * message says what they are. Without a frame of the job's own (its file did not compile) there is
 * nothing to tell. */
const char *vm_traceback(struct vm *vm)
{
    struct buf *text = &vm->traceback;
    bool has_frame = false;
    size_t kept = 0;

    for (size_t at = 0, len; at < text->len; at += len) {
        const char *newline = memchr(text->ptr + at, '\n', text->len - at);

        const char *line = text->ptr + at;

        len = newline ? (size_t)(newline - line) + 1 : text->len - at;
        if (is_own_frame(line, len - (newline ? 1 : 0)) ||
            (!has_frame && is_native_frame(line, len)))
            continue;
        has_frame = has_frame || line[0] == '\t';
        memmove(text->ptr + kept, text->ptr + at, len);
        kept += len;
    }
    text->len = has_frame ? kept : 0;
    while (text->len > 0 && text->ptr[text->len - 1] == '\n')
        text->len--;
    return buf_string(text);
}

const char *vm_lua_version(void)
{
    return LUA_RELEASE;
}
