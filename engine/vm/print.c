#include "vm/state.h"

#include <lauxlib.h>

static void log_line(struct vm *vm, struct slice line)
{
    if (vm->options.log)
        vm->options.log(vm->options.log_context, line);
}

/* Joins its arguments by tabs, as Lua's own print does. Beyond PRINT_BYTES_MAX it is silent. */
int vm_print(lua_State *L)
{
    struct vm *vm = vm_of(L);
    int argument_count = lua_gettop(L);
    struct slice line;

    if (vm->print_bytes > PRINT_BYTES_MAX)
        return 0;
    lua_pushliteral(L, "");
    for (int i = 1; i <= argument_count; i++) {
        if (i > 1)
            lua_pushliteral(L, "\t");
        luaL_tolstring(L, i, NULL);
        lua_concat(L, i > 1 ? 3 : 2);
    }
    line.ptr = lua_tolstring(L, -1, &line.len);
    vm->print_bytes += line.len + 1;
    if (vm->print_bytes > PRINT_BYTES_MAX)
        line = slice_of_string("print: the rest of what this attempt prints is dropped");
    log_line(vm, line);
    return 0;
}
