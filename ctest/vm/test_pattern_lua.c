/*
 * The functions of vm/pattern_lua.h against those that Lua has: the same answers and the same
 * messages, for random patterns and subjects and for a list of odd ones. The comparison is Lua
 * code: `stock` and `ours` are two string libraries.
 */
#include "test.h"

#include "vm/pattern_lua.h"

#include "seed.h"

#include <lauxlib.h>
#include <lualib.h>

static const char compare[] =
    /* One line calls both, so that their errors name the same place and function. */
    "local function answer(library, name, ...)\n"
    "  return table.pack(pcall(function(...) local f = library[name] return f(...) end, ...))\n"
    "end\n"
    "local function walk(library, limit, ...)\n"
    "  local all = {}\n"
    "  local ok, message = pcall(function(...)\n"
    "    local next_match = library.gmatch(...)\n"
    "    for i = 1, limit do\n"
    "      local found = table.pack(next_match())\n"
    "      table.move(found, 1, found.n, #all + 1, all)\n"
    "      all[#all + 1] = '/' .. found.n\n" /* goes on after the end, too */
    "    end\n"
    "  end, ...)\n"
    "  all[#all + 1] = ok or message\n"
    "  all.n = #all\n"
    "  return all\n"
    "end\n"
    "local function text(list)\n"
    "  local out = {}\n"
    "  for i = 1, list.n do\n"
    "    local value = list[i]\n"
    "    out[i] = type(value) == 'string' and ('%q'):format(value) or math.type(value) and\n"
    "      math.type(value) .. tostring(value) or type(value) == 'function' and 'function' or\n"
    "      tostring(value)\n"
    "  end\n"
    "  return table.concat(out, ' ')\n"
    "end\n"
    "local function same(a, b, ...)\n"
    "  a, b = text(a), text(b)\n"
    "  if a ~= b then\n"
    "    error(('%s\\nstock %s\\nours  %s'):format(text(table.pack(...)), a, b), 0)\n"
    "  end\n"
    "end\n"
    "function check(name, ...)\n"
    "  local want = answer(stock, name, ...)\n"
    "  same(want, answer(ours, name, ...), name, 'first', ...)\n"
    "  same(want, answer(ours, name, ...), name, 'compiled', ...)\n"
    "  if name == 'gmatch' then\n"
    "    same(walk(stock, 12, ...), walk(ours, 12, ...), 'gmatch iterator', ...)\n"
    "  end\n"
    "end\n"
    "local function upper(...)\n"
    "  local all = table.concat({...}, '-')\n"
    "  return #all % 3 == 0 and all:upper()\n" /* false keeps what was there */
    "end\n"
    "local replacements = { '', 'xy', '%0%0', '<%1>', 7, upper, { a = 'A', ab = 1, b = false } }\n"
    "function check_all(subject, pattern, init)\n"
    "  check('find', subject, pattern, init)\n"
    "  check('match', subject, pattern, init)\n"
    "  check('gmatch', subject, pattern, init)\n"
    "  check('find', subject, pattern, init, true)\n"
    "  for _, replacement in ipairs(replacements) do\n"
    "    check('gsub', subject, pattern, replacement, init)\n"
    "  end\n"
    "end\n";

static const char random_ones[] =
    "local parts = { 'a', 'b', '.', '%a', '%A', '%d', '%s', '%w', '%S', '%p', '%.', '%%', '%-',\n"
    "  '[ab]', '[^a]', '[a-c]', '[%w_]', '[^%s,]', '[]]', '[^]a]', '[a-]', '[%a-z]', '[a%]b]',\n"
    "  '[-a]', '[^%a]', '-', ',', ' ', '\\0', '[%z]', '%z', '\\xff', '[\\x80-\\xff]' }\n"
    "local repeats = { '', '', '', '*', '+', '-', '?', '+', '+' }\n"
    "local odd = { '%b()', '%bxy', '%f[%a]', '%f[^ab]', '%f', '%1', '%2', '%0', '()', '(', ')',\n"
    "  '^', '$', '[', ']', '%', '[^', '[a', '[%', '*', '%b', '%bx', '%f[a' }\n"
    "local bytes = { 'a', 'a', 'b', 'c', '1', ' ', ',', '(', ')', '.', '-', '\\0', '\\xff', 'Z', "
    "'%',\n"
    "  ']', 'ab', 'x', 'y', '_', '\\n' }\n"
    "local function pick(list) return list[math.random(#list)] end\n"
    "local function make_pattern()\n"
    "  local out, open = {}, 0\n"
    "  if math.random(6) == 1 then out[1] = '^' end\n"
    "  for i = 1, math.random(0, 5) do\n"
    "    local dice = math.random(24)\n"
    "    if dice == 1 then out[#out + 1] = pick(odd)\n"
    "    elseif dice <= 5 then out[#out + 1] = '(' open = open + 1\n"
    "    elseif dice <= 8 and open > 0 then out[#out + 1] = ')' open = open - 1\n"
    "    else out[#out + 1] = pick(parts) .. pick(repeats) end\n"
    "  end\n"
    "  if math.random(20) > 1 then out[#out + 1] = (')'):rep(open) end\n"
    "  if math.random(8) == 1 then out[#out + 1] = '$' end\n"
    "  return table.concat(out)\n"
    "end\n"
    "local function make_subject()\n"
    "  local out = {}\n"
    "  for i = 1, math.random(0, 14) do out[i] = pick(bytes) end\n"
    "  return table.concat(out)\n"
    "end\n"
    "local seed, count = ...\n"
    "math.randomseed(seed)\n"
    "for i = 1, count do\n"
    "  local pattern = make_pattern()\n"
    "  for j = 1, 3 do\n"
    "    check_all(make_subject(), pattern, j > 1 and math.random(-16, 17) or nil)\n"
    "  end\n"
    "end\n";

static const char hand_made[] =
    "local huge, nan = math.maxinteger, 0 / 0\n"
    "for _, subject in ipairs { '', 'a', 'hello, big world', 'k=v; x = 10', 'THE (quick) fox',\n"
    "  ('ab '):rep(50), 12345, 1.5, '\\0a\\0', 'a.b.c', 'f(a(b)c)d)', '  trim me  ', '%d' } do\n"
    "  for _, pattern in ipairs { '', '%a+', '(%a+)', '%S+', '[^,]+', \"[%w']+\", "
    "'(%w+)%s*=%s*(%w+)',\n"
    "    '^%s*(.-)%s*$', '^', '$', '^$', '()', '()()', '(()%a+())', '%b()', '%f[%w]%w+%f[%W]',\n"
    "    '(.)%1', '(%a)(%a)%2%1', '.-', 'a-', 'a*', '.*', '.+$', '^.-$', 'x*', '^a', '[^%s]+', "
    "'%d',\n"
    "    12, 1.5, '%', '[', '[]', '[^]', '[a', '(', ')', '(()', '%1', '(%1)', '%0', '%f', '%b',\n"
    "    '%bx', 'a.b', '.', '%.', 'a%', 'z[', 'h[', '(a', '()(a', '(h', '[%', '[a-%%]', '[%a-z]', "
    "'$a',\n"
    "    'a$', 'a^', '%q', '[%q]', ('a?'):rep(20) .. ('a'):rep(20), ('.?'):rep(250),\n"
    "    ('(a)'):rep(33), ('()'):rep(33), ('()'):rep(32), ('(a'):rep(40), ('[ab]'):rep(33),\n"
    "    ('%w'):rep(32), ('a'):rep(63) .. '+', ('a'):rep(62) .. '+', ('ab '):rep(21) .. '.' } do\n"
    "    for _, init in ipairs { false, 1, 2, -1, 0, -100, 100, huge, math.mininteger, '2', 3.0 } "
    "do\n"
    "      check_all(subject, pattern, init or nil)\n"
    "    end\n"
    "  end\n"
    "end\n"
    /* Wrong arguments, in each place. */
    "local values = { 'a', 1, {}, print, true, 1.5, '1.5', 'x', nan, huge }\n"
    "for _, name in ipairs { 'find', 'match', 'gmatch', 'gsub' } do\n"
    "  check(name)\n"
    "  for place = 1, 4 do\n"
    "    for i = 1, #values + 1 do\n"
    "      local arguments = { 'a', 'a', name == 'gsub' and 'b' or 1, 1 }\n"
    "      check(name, table.unpack(arguments, 1, place - 1))\n"
    "      arguments[place] = values[i]\n"
    "      check(name, table.unpack(arguments, 1, place))\n"
    "      check(name, table.unpack(arguments, 1, 4))\n"
    "    end\n"
    "  end\n"
    "end\n"
    /* What gsub's function does and raises is its own; with a pattern that stays Lua's, too. */
    "for _, pattern in ipairs { '%a', '%a' .. ('.?'):rep(70), '(%a)(.?)%2', '%a%z?', '(%a' } do\n"
    "  check('gsub', 'abc', pattern, function() error('x', 0) end)\n"
    "  check('gsub', 'abc', pattern, function() error('x') end)\n"
    "  check('gsub', 'abc', pattern, function() error() end)\n"
    "  check('gsub', 'abc', pattern, function() return nil + 1 end)\n"
    "  check('gsub', 'abc', pattern, function() return {} end)\n"
    "  check('gsub', 'abc', pattern, function() return ours.find('x', '[') end)\n"
    "  check('gsub', 'abc', pattern, function() return stock.find('x', '[') end)\n"
    "  check('gsub', 'abc', pattern, function() coroutine.yield() end)\n"
    "  check('gsub', 'abc', pattern, setmetatable({}, { __index = function(_, k) return k .. k end "
    "}))\n"
    "  check('gsub', 'abc', pattern, { a = {} })\n"
    "  check('gsub', 'abc', pattern, { a = true })\n"
    "end\n"
    /* A pattern that is forgotten while it is used. */
    "check('gsub', ('abc'):rep(40), '%a+b', function(all)\n"
    "  for i = 1, 600 do ours.find('x', '%d' .. i % 300 .. all) end collectgarbage() return 'y' "
    "end)\n"
    "local words = ours.gmatch(('abc '):rep(40), '%a+')\n"
    "for i = 1, 3000 do ours.find('x', '%d' .. i % 300) end\n"
    "collectgarbage()\n"
    "local count = 0\n"
    "for word in words do count = count + 1 assert(word == 'abc') end\n"
    "assert(count == 40)\n";

/* The name in a message is that of the call; for a call by pcall(), that of the library. */
static const char names[] =
    "local metatable = getmetatable ''\n"
    "local function messages(library)\n"
    "  metatable.__index, string, package.loaded.string = library, library, library\n"
    "  local _, a = pcall(function() return ('x'):gmatch({}) end)\n"
    "  local _, b = pcall(function() return string.find() end)\n"
    "  local _, c = pcall(string.gsub)\n"
    "  local _, d = pcall(string.match, 'x', '[')\n"
    "  local _, e = pcall(function() return string.gmatch('x', '[')() end)\n"
    "  local _, f = pcall(function() return (1):find('x') end)\n"
    "  local _, g = pcall(function() return ('x'):gsub('x', '%2') end)\n"
    "  local _, h = pcall(coroutine.wrap(string.match), 'x', '[')\n"
    "  local text = table.concat({ a, b, c, d, e, f, g, h }, '\\n')\n"
    "  metatable.__index, string, package.loaded.string = stock, stock, stock\n"
    "  return text\n"
    "end\n"
    "local want = messages(stock)\n"
    "for i = 1, 2 do\n"
    "  local got = messages(ours)\n"
    "  assert(want == got, '\\nstock ' .. want .. '\\nours  ' .. got)\n"
    "end\n";

/* What is kept for a pattern: upvalue 1 of the functions. */
static const char kept[] =
    "local _, kept = debug.getupvalue(ours.find, 1)\n"
    "for _, case in ipairs { { '%u+', true, 'userdata' }, { '%z', true, 'boolean' } } do\n"
    "  assert(kept[case[1]] == nil)\n"
    "  ours.find('x', case[1])\n"
    "  assert(kept[case[1]] == case[2])\n"
    "  ours.match('x', case[1])\n"
    "  assert(type(kept[case[1]]) == case[3])\n"
    "end\n"
    "assert(kept['%z'] == false)\n"
    "ours.gsub('x', '%l', function() end)\n" /* so as not to go through Lua's own */
    "assert(type(kept['%l']) == 'userdata')\n"
    "local most = 0\n"
    "for i = 1, 1000 do\n"
    "  ours.find('x', '%d' .. i)\n"
    "  local count = -1\n" /* kept[1] is no pattern */
    "  for _ in pairs(kept) do count = count + 1 end\n"
    "  most = math.max(most, count)\n"
    "end\n"
    "assert(most == 256, most)\n";

/* Runs of one set in subjects of some blocks: each length, at each place in a block, and again. */
static const char long_runs[] =
    "local seed, count = ...\n"
    "math.randomseed(seed)\n"
    "local function all(library, subject, pattern, init)\n"
    "  local out = {}\n"
    "  for word in library.gmatch(subject, pattern, init) do out[#out + 1] = word end\n"
    "  return table.concat(out, '|')\n"
    "end\n"
    "local patterns = { '%a+', '([^ ]+)', '[%w_]+', '%S+', '%s+', '[^\\0]+' }\n"
    "local gaps = { ' ', '  ', ', ', '\\0', '\\n', ('.'):rep(70) }\n"
    "local function make_word()\n"
    "  local length = math.random(8) > 1 and math.random(0, 20) or math.random(50, 200)\n"
    "  return ('abcdefgh'):rep(26):sub(math.random(8)):sub(1, length)\n"
    "end\n"
    "for i = 1, count do\n"
    "  local parts = {}\n"
    "  for j = 1, math.random(0, 30) do\n"
    "    parts[2 * j - 1] = make_word()\n"
    "    parts[2 * j] = gaps[math.random(#gaps)]\n"
    "  end\n"
    "  local subject = table.concat(parts)\n"
    "  local init = math.random(4) == 1 and math.random(-80, 80) or nil\n"
    "  for _, pattern in ipairs(patterns) do\n"
    "    local want, got = all(stock, subject, pattern, init), all(ours, subject, pattern, init)\n"
    "    if want ~= got then\n"
    "      error(('%q %q %s\\nstock %q\\nours  %q'):format(subject, pattern, init, want, got))\n"
    "    end\n"
    "  end\n"
    "end\n";

static void run(lua_State *L, const char *chunk, int argument_count)
{
    if (luaL_loadstring(L, chunk) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    lua_insert(L, -argument_count - 1);
    if (lua_pcall(L, argument_count, 0, 0) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
}

static struct word_table *words;

static void close(lua_State *L)
{
    lua_close(L);
    word_table_free(words);
}

static lua_State *open(void)
{
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
    run(L, "stock, ours = string, {} for k, v in pairs(string) do ours[k] = v end", 0);
    lua_getglobal(L, "ours");
    words = word_table_new();
    pattern_lua_install(L, -1, words);
    lua_pop(L, 1);
    run(L, compare, 0);
    return L;
}

static void random_patterns_mean_what_lua_says(void **state)
{
    struct rand rand = seed_rand();
    lua_State *L = open();

    (void)state;
    lua_pushinteger(L, (lua_Integer)rand_below(&rand, UINT32_MAX));
    lua_pushinteger(L, 4000);
    run(L, random_ones, 2);
    close(L);
}

static void long_runs_are_cut_as_lua_does(void **state)
{
    struct rand rand = seed_rand();
    lua_State *L = open();

    (void)state;
    lua_pushinteger(L, (lua_Integer)rand_below(&rand, UINT32_MAX));
    lua_pushinteger(L, 3000);
    run(L, long_runs, 2);
    close(L);
}

static void odd_patterns_and_arguments_too(void **state)
{
    lua_State *L = open();

    (void)state;
    run(L, hand_made, 0);
    close(L);
}

static void patterns_seen_twice_are_compiled_and_256_kept(void **state)
{
    lua_State *L = open();

    (void)state;
    run(L, kept, 0);
    close(L);
}

static void errors_name_the_function(void **state)
{
    lua_State *L = open();

    (void)state;
    run(L, names, 0);
    close(L);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_patterns_mean_what_lua_says),
        cmocka_unit_test(long_runs_are_cut_as_lua_does),
        cmocka_unit_test(odd_patterns_and_arguments_too),
        cmocka_unit_test(patterns_seen_twice_are_compiled_and_256_kept),
        cmocka_unit_test(errors_name_the_function),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
