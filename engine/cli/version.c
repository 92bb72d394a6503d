#include "cli/version.h"

#include "vm/vm.h"

#include <stdio.h>

enum { LUA_RELEASE_GOOD = 8 }; /* 5.4.8 fixes what facts about older ones name */

static const char *lua_note(const char *lua)
{
    int release;

    if (sscanf(lua, "Lua 5.4.%d", &release) != 1 || release >= LUA_RELEASE_GOOD)
        return "";
    return " (known bugs, fixed in 5.4.8: chained coroutine.close crashes, bitwise operators on\n"
           "  constants may be wrong, use after free at the memory limit; jobs run in sandboxed\n"
           "  processes, so they cost an attempt and not the engine)";
}

static void print_options(void)
{
    bool is_plain = true;

#ifdef MRLUA_TINY
    printf("built with TINY: absurd limits, for tests only\n");
    is_plain = false;
#endif
#ifdef MRLUA_SANITIZE
    printf("built with SANITIZE: ASan, UBSan and LSan; no RLIMIT_AS, a wider system call list\n");
    is_plain = false;
#endif
#ifndef MRLUA_SANDBOX
    printf("built without SANDBOX: jobs are not confined, never for use\n");
    is_plain = false;
#endif
    if (is_plain)
        printf("built with SANDBOX\n");
}

void version_print(void)
{
    const char *lua = vm_lua_version();

    printf("mrlua %s\n%s%s\n", MRLUA_VERSION, lua, lua_note(lua));
    print_options();
}
