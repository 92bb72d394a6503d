/*
 * Any pattern and subject: string.find, match, gmatch and gsub of vm/pattern_lua.h answer and raise
 * what Lua's own do, the first time (which is Lua's own) and when the pattern is compiled.
 *
 * The input: a byte for where the search begins, a byte for how long the pattern is, the pattern,
 * the subject. Matching takes time exponential in the repeats of the pattern, in Lua too, so many
 * repeats get a short subject.
 */
#include "fuzz.h"

#include "vm/pattern_lua.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATTERN_BYTES_MAX = 40 };

static const char compare[] =
    "local function pack(library, name, ...)\n"
    /* One line calls both, so that their errors name the same place and function. */
    "  return table.pack(pcall(function(...) local f = library[name] return f(...) end, ...))\n"
    "end\n"
    "local function walk(library, ...)\n"
    "  local all = { n = 0 }\n"
    "  local ok, message = pcall(function(...)\n"
    "    local next_match = library.gmatch(...)\n"
    "    for _ = 1, 400 do\n"
    "      local found = table.pack(next_match())\n"
    "      table.move(found, 1, found.n, all.n + 1, all)\n"
    "      all.n = all.n + found.n\n"
    "      if found[1] == nil then break end\n"
    "    end\n"
    "  end, ...)\n"
    "  all.n = all.n + 1\n"
    "  all[all.n] = ok or message\n"
    "  return all\n"
    "end\n"
    "local function same(a, b, name, subject, pattern, init)\n"
    "  local is_same = a.n == b.n\n"
    "  for i = 1, a.n do\n"
    "    is_same = is_same and (a[i] == b[i] and math.type(a[i]) == math.type(b[i])\n"
    "      or type(a[i]) == 'function' and type(b[i]) == 'function')\n"
    "  end\n"
    "  if not is_same then\n"
    "    error(('%s(%q, %q, %s)'):format(name, subject, pattern, init), 0)\n"
    "  end\n"
    "end\n"
    "local function upper(...)\n"
    "  local all = table.concat({...}, '-')\n"
    "  return #all % 3 == 0 and all:upper()\n"
    "end\n"
    "return function(subject, pattern, init)\n"
    "  for _, name in ipairs { 'find', 'match' } do\n"
    "    local want = pack(stock, name, subject, pattern, init)\n"
    "    for _ = 1, 2 do\n"
    "      same(want, pack(ours, name, subject, pattern, init), name, subject, pattern, init)\n"
    "    end\n"
    "  end\n"
    "  same(walk(stock, subject, pattern, init), walk(ours, subject, pattern, init), 'gmatch',\n"
    "    subject, pattern, init)\n"
    "  for _, by in ipairs { '<%0>', 'x', upper, { a = 'A', b = false } } do\n"
    "    same(pack(stock, 'gsub', subject, pattern, by), pack(ours, 'gsub', subject, pattern, "
    "by),\n"
    "      'gsub', subject, pattern, tostring(by))\n"
    "  end\n"
    "end\n";

static void must(lua_State *L, int rc)
{
    if (rc == LUA_OK)
        return;
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
}

/* A state with both libraries and the comparing function at 1, which lives as long as we do. */
static lua_State *open(void)
{
    static const char libraries[] =
        "stock, ours = string, {} for k, v in pairs(string) do ours[k] = v end";
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
    must(L, luaL_dostring(L, libraries));
    lua_getglobal(L, "ours");
    pattern_lua_install(L, -1, word_table_new());
    lua_pop(L, 1);
    must(L, luaL_dostring(L, compare));
    return L;
}

/* How much of the subject is searched, for a pattern that repeats so often. */
static size_t subject_bytes_max(const char *pattern, size_t len)
{
    size_t repeats = 0;

    for (size_t i = 0; i < len; i++)
        repeats += pattern[i] != '\0' && strchr("*+-?", pattern[i]) != NULL;
    return repeats <= 2 ? 400 : repeats <= 4 ? 40 : repeats <= 8 ? 16 : 6;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static lua_State *L;
    const char *pattern, *subject;
    size_t pattern_len, subject_len;
    lua_Integer init;

    if (!L)
        L = open();
    if (len < 2)
        return 0;
    init = (int8_t)data[0];
    pattern_len = data[1] % (PATTERN_BYTES_MAX + 1);
    if (pattern_len > len - 2)
        pattern_len = len - 2;
    pattern = (const char *)data + 2;
    subject = pattern + pattern_len;
    subject_len = len - 2 - pattern_len;
    if (subject_len > subject_bytes_max(pattern, pattern_len))
        subject_len = subject_bytes_max(pattern, pattern_len);
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, subject, subject_len);
    lua_pushlstring(L, pattern, pattern_len);
    lua_pushinteger(L, init);
    must(L, lua_pcall(L, 3, 0, 0));
    return 0;
}
