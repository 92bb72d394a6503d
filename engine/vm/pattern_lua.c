#include "vm/pattern_lua.h"

#include "vm/pattern.h"

#include <lauxlib.h>

enum {
    PATTERNS_KEPT_MAX = 256, /* about 1.3 KB each; a job has a few, unless it makes them up */
    UPVALUE_KEPT = 1,        /* pattern -> what there is of it; 1 -> how many these are */
    UPVALUE_STOCK = 2,       /* Lua's own function */
    UPVALUE_ADD_PLACE = 3,   /* add_place() for that */
    UPVALUE_STRINGS = 4,     /* the table of word_table_open(); of next_run(), too */
    UPVALUE_WORDS = 5,
};

/* What the iterator of a gmatch knows; its upvalues are this, the subject and the pattern. */
struct gmatch {
    const struct pattern *pattern;
    const char *subject, *end, *at;
    const char *last_end; /* of the last match: an empty one there is none */
};

/*
 * The same where the pattern is_run, in blocks of bytes: what is in the set is found out at once,
 * and then runs of bits are looked for, which takes no branch for each byte.
 */
struct run {
    const struct pattern *pattern;
    struct word_table *words;
    const char *block, *at, *end; /* `at` is behind the block */
    const char *text_end;         /* the end, if the subject has 8 bytes; NULL: it has not */
    uint64_t bits;                /* of the block; those that were answered are taken out */
};

/* ---- patterns that are kept ---- */

/* Makes room for one more pattern.                                              [-0, +0, m] */
static void count_pattern(lua_State *L, int kept)
{
    lua_Integer count;

    lua_rawgeti(L, kept, 1);
    count = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (count == PATTERNS_KEPT_MAX) {
        for (lua_pushnil(L); lua_next(L, kept);) {
            lua_pop(L, 1);
            lua_pushvalue(L, -1);
            lua_pushnil(L);
            lua_rawset(L, kept);
        }
        count = 0;
    }
    lua_pushinteger(L, count + 1);
    lua_rawseti(L, kept, 1);
}

/* Keeps the value on top for the pattern at 2. */
static void keep(lua_State *L, int kept)
{
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, kept);
}

/* The pattern was seen once: compiles it, or notes (false) that it cannot be. */
static const struct pattern *compile(lua_State *L, int kept)
{
    struct pattern pattern, *copy;
    struct slice text;

    text.ptr = lua_tolstring(L, 2, &text.len);
    if (!pattern_compile(&pattern, text)) {
        lua_pushboolean(L, 0);
        keep(L, kept);
        return NULL;
    }
    copy = lua_newuserdatauv(L, sizeof pattern, 0);
    *copy = pattern;
    keep(L, kept);
    return copy;
}

/*
 * The compiled pattern of the string at 2, which it pushes so that it stays. NULL: Lua's own
 * function shall do it. `at_once`: even if it is seen for the first time.       [-0, +1, m]
 */
static const struct pattern *push_pattern(lua_State *L, bool at_once)
{
    int kept = lua_upvalueindex(UPVALUE_KEPT);

    lua_pushvalue(L, 2);
    switch (lua_rawget(L, kept)) {
    case LUA_TUSERDATA:
        return lua_touserdata(L, -1);
    case LUA_TNIL:
        count_pattern(L, kept);
        if (at_once)
            return compile(L, kept);
        lua_pushboolean(L, 1);
        keep(L, kept);
        return NULL;
    default:
        return lua_toboolean(L, -1) ? compile(L, kept) : NULL;
    }
}

/* ---- Lua's own functions ---- */

/*
 * The message handler of call_stock(); its upvalue is the function called there. That function's
 * own errors lack their place, as it was not Lua code that called it: they get that of our caller.
 */
static int add_place(lua_State *L)
{
    enum { LEVEL_RAISED = 1, LEVEL_CALLER = 3 }; /* 0 is this function, 2 is ours */
    lua_Debug raised;

    if (lua_type(L, 1) != LUA_TSTRING || !lua_getstack(L, LEVEL_RAISED, &raised))
        return 1;
    lua_getinfo(L, "f", &raised);
    if (!lua_rawequal(L, -1, lua_upvalueindex(1))) {
        lua_pop(L, 1); /* a function of the job that gsub called */
        return 1;
    }
    luaL_where(L, LEVEL_CALLER);
    lua_pushvalue(L, 1);
    lua_concat(L, 2);
    return 1;
}

/* Calls it with the first `count` values, and answers as it does. */
static int call_stock(lua_State *L, int count)
{
    lua_settop(L, count);
    lua_pushvalue(L, lua_upvalueindex(UPVALUE_ADD_PLACE));
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(UPVALUE_STOCK));
    lua_insert(L, 2);
    if (lua_pcall(L, count, LUA_MULTRET, 1) != LUA_OK)
        return lua_error(L);
    return lua_gettop(L) - 1;
}

/* ---- arguments ---- */

/* Where a search begins, counted from 0, of the argument at `index`. More than `len`: nowhere. */
static size_t check_init(lua_State *L, int index, size_t len)
{
    lua_Integer init = luaL_optinteger(L, index, 1);

    if (init > 0)
        return (size_t)init - 1;
    if (init == 0 || init < -(lua_Integer)len)
        return 0;
    return len + (size_t)init;
}

/*
 * The subject, the pattern and where the search begins, of the arguments at 1, 2 and 3. Answers
 * where that is in the subject, NULL: nowhere.
 */
static const char *check_search(lua_State *L, struct pattern_match *match)
{
    size_t len, init;

    match->subject = luaL_checklstring(L, 1, &len);
    match->end = match->subject + len;
    luaL_checkstring(L, 2);
    init = check_init(L, 3, len);
    return init <= len ? match->subject + init : NULL;
}

/* ---- captures ---- */

static void push_capture(lua_State *L, const struct pattern *pattern,
                         const struct pattern_match *match, uint32_t i)
{
    if (pattern->positions >> i & 1)
        lua_pushinteger(L, match->start[i] - match->subject + 1);
    else
        lua_pushlstring(L, match->start[i], (size_t)(match->stop[i] - match->start[i]));
}

/* The captures; the whole match, from `at` to `end`, when there are none. Answers how many. */
static int push_captures(lua_State *L, const struct pattern *pattern,
                         const struct pattern_match *match, const char *at, const char *end)
{
    if (pattern->capture_count == 0) {
        lua_pushlstring(L, at, (size_t)(end - at));
        return 1;
    }
    luaL_checkstack(L, pattern->capture_count, "too many captures");
    for (uint32_t i = 0; i < pattern->capture_count; i++)
        push_capture(L, pattern, match, i);
    return pattern->capture_count;
}

/* ---- find, match ---- */

static int find(lua_State *L)
{
    struct pattern_match match;
    const struct pattern *pattern;
    const char *at = check_search(L, &match), *end;

    lua_settop(L, 4);
    if (lua_toboolean(L, 4) || !(pattern = push_pattern(L, false)))
        return call_stock(L, 4);
    end = at ? pattern_search(pattern, &match, &at) : NULL;
    if (!end) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - match.subject + 1);
    lua_pushinteger(L, end - match.subject);
    if (pattern->capture_count == 0)
        return 2;
    return 2 + push_captures(L, pattern, &match, at, end);
}

static int find_captures(lua_State *L)
{
    struct pattern_match match;
    const struct pattern *pattern;
    const char *at = check_search(L, &match), *end;

    lua_settop(L, 3);
    pattern = push_pattern(L, false);
    if (!pattern)
        return call_stock(L, 3);
    end = at ? pattern_search(pattern, &match, &at) : NULL;
    if (end)
        return push_captures(L, pattern, &match, at, end);
    lua_pushnil(L);
    return 1;
}

/* ---- gmatch ---- */

static bool next_block(struct run *run)
{
    size_t left = (size_t)(run->end - run->at);

    if (left > 64)
        left = 64;
    run->bits = pattern_run_bits(run->pattern, run->at, left);
    run->block = run->at;
    run->at += left;
    return left > 0;
}

/* Where the run ends whose first bit is the lowest, which are both taken out. */
static const char *take_run(struct run *run)
{
    /* The carry goes through the bits of the run and stops behind it. */
    uint64_t rest = run->bits + (run->bits & -run->bits);
    unsigned behind;

    while (rest == 0) { /* or at the end of the block, and the run may go on in the next */
        if (!next_block(run))
            return run->end;
        if (!(run->bits & 1))
            return run->block;
        rest = run->bits + 1;
    }
    behind = (unsigned)__builtin_ctzll(rest);
    run->bits &= rest;
    return run->block + behind;
}

/* An end is never that of the match before it: a run is not empty. */
static int next_run(lua_State *L)
{
    struct run *run = lua_touserdata(L, lua_upvalueindex(1));
    const char *start, *end;

    while (run->bits == 0)
        if (!next_block(run))
            return 0;
    start = run->block + __builtin_ctzll(run->bits);
    end = take_run(run);
    word_table_push(L, lua_upvalueindex(UPVALUE_STRINGS), run->words,
                    slice_of(start, (size_t)(end - start)), run->text_end);
    return 1;
}

/* The iterator for a pattern that is_run, which is on top. `at` is NULL: no match.  [-0, +1, m] */
static int push_next_run(lua_State *L, const struct pattern *pattern,
                         const struct pattern_match *match, const char *at)
{
    struct run *run = lua_newuserdatauv(L, sizeof *run, 0);

    *run = (struct run){
        .pattern = pattern,
        .words = lua_touserdata(L, lua_upvalueindex(UPVALUE_WORDS)),
        .at = at ? at : match->end,
        .end = match->end,
        .text_end = match->end - match->subject >= 8 ? match->end : NULL,
    };
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, lua_upvalueindex(UPVALUE_STRINGS));
    lua_pushcclosure(L, next_run, 4);
    return 1;
}

static int next_match(lua_State *L)
{
    struct gmatch *gmatch = lua_touserdata(L, lua_upvalueindex(1));
    struct pattern_match match;
    const char *at = gmatch->at, *end;

    match.subject = gmatch->subject;
    match.end = gmatch->end;
    for (; at <= gmatch->end; at++) {
        end = pattern_search(gmatch->pattern, &match, &at);
        if (!end)
            break;
        if (end != gmatch->last_end) {
            gmatch->at = gmatch->last_end = end;
            return push_captures(L, gmatch->pattern, &match, at, end);
        }
    }
    gmatch->at = gmatch->end + 1;
    return 0;
}

static int gmatch(lua_State *L)
{
    struct pattern_match match;
    const char *at = check_search(L, &match);
    const struct pattern *pattern;
    struct gmatch *gmatch;

    lua_settop(L, 3);
    pattern = push_pattern(L, false);
    if (!pattern || pattern->is_anchored) /* there, ^ is a byte like others */
        return call_stock(L, 3);
    if (pattern->is_run)
        return push_next_run(L, pattern, &match, at);
    gmatch = lua_newuserdatauv(L, sizeof *gmatch, 0);
    *gmatch = (struct gmatch){
        .pattern = pattern,
        .subject = match.subject,
        .end = match.end,
        .at = at ? at : match.end + 1,
    };
    lua_replace(L, 3);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 4);
    lua_pushcclosure(L, next_match, 3);
    return 1;
}

/* ---- gsub ---- */

/* Adds what the match from `at` to `end` is replaced with. Is that another text than it was? */
static bool add_replacement(lua_State *L, luaL_Buffer *buffer, const struct pattern *pattern,
                            const struct pattern_match *match, const char *at, const char *end)
{
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, pattern, match, at, end), 1);
        break;
    case LUA_TTABLE:
        if (pattern->capture_count > 0)
            push_capture(L, pattern, match, 0);
        else
            lua_pushlstring(L, at, (size_t)(end - at));
        lua_gettable(L, 3);
        break;
    default:
        lua_pushvalue(L, 3);
        luaL_addvalue(buffer);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(buffer, at, (size_t)(end - at));
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(buffer);
    return true;
}

/* Does Lua's own function have to read the replacement, which is a string? */
static bool has_percent(lua_State *L, int index)
{
    size_t len;
    const char *text = lua_tolstring(L, index, &len);

    return memchr(text, '%', len);
}

/* The arguments are checked, and the pattern is on top. */
static int substitute(lua_State *L, const struct pattern *pattern, lua_Integer count_max)
{
    struct pattern_match match;
    const char *copied, *at, *last_end = NULL, *end;
    lua_Integer count = 0;
    bool is_changed = false;
    luaL_Buffer buffer;
    size_t len;

    match.subject = copied = at = lua_tolstring(L, 1, &len);
    match.end = match.subject + len;
    luaL_buffinit(L, &buffer);
    while (count < count_max && at <= match.end) {
        end = pattern_search(pattern, &match, &at);
        if (!end)
            break;
        if (end == last_end) {
            at++;
        } else {
            luaL_addlstring(&buffer, copied, (size_t)(at - copied));
            is_changed |= add_replacement(L, &buffer, pattern, &match, at, end);
            count++;
            copied = at = last_end = end;
        }
        if (pattern->is_anchored)
            break;
    }
    if (is_changed) {
        luaL_addlstring(&buffer, copied, (size_t)(match.end - copied));
        luaL_pushresult(&buffer);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, count);
    return 2;
}

static int gsub(lua_State *L)
{
    const struct pattern *pattern;
    lua_Integer count_max;
    bool calls_job;
    size_t len;
    int type;

    luaL_checklstring(L, 1, &len);
    luaL_checkstring(L, 2);
    type = lua_type(L, 3);
    count_max = luaL_optinteger(L, 4, (lua_Integer)len + 1);
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    lua_settop(L, 4);
    calls_job = type == LUA_TFUNCTION || type == LUA_TTABLE;
    pattern = push_pattern(L, calls_job);
    if (!pattern || (!calls_job && has_percent(L, 3)))
        return call_stock(L, 4);
    return substitute(L, pattern, count_max);
}

/* ---- installing ---- */

void pattern_lua_install(lua_State *L, int index, struct word_table *words)
{
    static const luaL_Reg functions[] = {
        {"find", find}, {"match", find_captures}, {"gmatch", gmatch}, {"gsub", gsub}, {NULL, NULL}};

    index = lua_absindex(L, index);
    lua_newtable(L);
    word_table_open(L);
    for (const luaL_Reg *function = functions; function->name; function++) {
        lua_pushvalue(L, -2);
        lua_getfield(L, index, function->name);
        lua_pushvalue(L, -1);
        lua_pushcclosure(L, add_place, 1);
        lua_pushvalue(L, -4);
        lua_pushlightuserdata(L, words);
        lua_pushcclosure(L, function->func, 5);
        lua_setfield(L, index, function->name);
    }
    lua_pop(L, 2);
}
