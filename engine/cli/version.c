#include "cli/version.h"

#include "base/buf.h"
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

static void add_options(struct buf *out)
{
    bool is_plain = true;

#ifdef MRLUA_TINY
    buf_append_string(out, "built with TINY: absurd limits, for tests only\n");
    is_plain = false;
#endif
#ifdef MRLUA_SANITIZE
    buf_append_string(out, "built with SANITIZE: ASan, UBSan and LSan; no RLIMIT_AS, a wider "
                           "system call list\n");
    is_plain = false;
#endif
#ifndef MRLUA_SANDBOX
    buf_append_string(out, "built without SANDBOX: jobs are not confined, never for use\n");
    is_plain = false;
#endif
    if (is_plain)
        buf_append_string(out, "built with SANDBOX\n");
#ifdef MRLUA_SHARED
    buf_append_string(out, "built with SHARED: no library is part of the executable\n");
#endif
}

/* Options have names of letters: nothing is to be escaped. */
void version_json(struct buf *out)
{
    static const char *const options[] = {
#ifdef MRLUA_TINY
        "TINY",
#endif
#ifdef MRLUA_SANITIZE
        "SANITIZE",
#endif
#ifdef MRLUA_SANDBOX
        "SANDBOX",
#endif
#ifdef MRLUA_SHARED
        "SHARED",
#endif
        NULL,
    };

    buf_append_string(out, "{\"built_with\":[");
    for (size_t i = 0; options[i]; i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", options[i]);
    buf_printf(out, "],\"lua\":\"%s\",\"version\":\"%s\"}\n", vm_lua_version(), MRLUA_VERSION);
}

void version_text(struct buf *out)
{
    const char *lua = vm_lua_version();

    buf_printf(out, "mrlua %s\n%s%s\n", MRLUA_VERSION, lua, lua_note(lua));
    add_options(out);
}
