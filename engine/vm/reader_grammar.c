#include "vm/reader_grammar.h"

#include "base/log.h"
#include "base/mem.h"
#include "record/value.h"
#include "vm/record_lua.h"

#include <assert.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <stdlib.h>

enum {
    BYTES_MAX = 64 * 1024, /* the default of a record: lua/mrlua/formats.lua */
    QUOTE_BYTES = 40,      /* of what does not match */
    QUOTED_BYTES = 4 * QUOTE_BYTES + 8,
};

#define NOWHERE UINT64_MAX

struct grammar {
    struct reader base;
    struct vm *vm;
    struct source *source;
    const char *name;
    size_t bytes_max;
    char *window; /* of the input, from window_offset on */
    size_t len, capacity;
    uint64_t window_offset;
    int subject;   /* the window as a Lua string, in the registry */
    bool is_fresh; /* the string is the window */
    bool is_ended; /* the input has no more */
    uint64_t next; /* offset of the next record */
    uint64_t stop; /* records that start here or later are another piece's */
    bool is_cut;   /* `next` may lie inside a record */
    bool is_done;
    /* Of one match. */
    size_t from;  /* in the window */
    int pattern;  /* in the registry */
    uint64_t end; /* where the match ends, or what was found; NOWHERE: no match */
};

static struct grammar *grammar_of(struct reader *reader)
{
    return (struct grammar *)reader;
}

/* ---- the window ---- */

static int read_more(struct grammar *grammar, struct err *err)
{
    while (grammar->len < grammar->capacity && !grammar->is_ended) {
        ssize_t count = source_read(grammar->source, grammar->window + grammar->len,
                                    grammar->capacity - grammar->len, err);

        if (count < 0)
            return -1;
        grammar->is_ended = count == 0;
        grammar->len += (size_t)count;
        grammar->is_fresh = false;
    }
    return 0;
}

/* Makes sure that bytes_max bytes from `offset` on, or all there are, can be seen, and what
 * patterns look back at. Earlier bytes may go. */
static int show(struct grammar *grammar, uint64_t offset, struct err *err)
{
    uint64_t keep =
        offset - (offset < READER_LOOK_BEHIND_BYTES ? offset : READER_LOOK_BEHIND_BYTES);
    size_t used;

    assert(offset >= grammar->window_offset);
    if (grammar->is_ended || offset - grammar->window_offset + grammar->bytes_max <= grammar->len)
        return 0;
    if (keep > grammar->window_offset) {
        used = (size_t)(keep - grammar->window_offset);
        if (used > grammar->len)
            used = grammar->len;
        memmove(grammar->window, grammar->window + used, grammar->len - used);
        grammar->len -= used;
        grammar->window_offset += used;
        grammar->is_fresh = false;
    }
    return read_more(grammar, err);
}

static uint64_t window_end(const struct grammar *grammar)
{
    return grammar->window_offset + grammar->len;
}

/* ---- matching ---- */

/* Calls match(pattern, subject, from).                                         [-0, +n, v] */
static void match(lua_State *L, struct grammar *grammar)
{
    struct vm *vm = grammar->vm;

    if (memory_is_uneasy(&vm->memory))
        memory_safe_point(&vm->memory, L);
    if (!grammar->is_fresh) {
        lua_pushboolean(L, false); /* the old one may go before there is a new one */
        lua_rawseti(L, LUA_REGISTRYINDEX, grammar->subject);
        lua_pushlstring(L, grammar->window, grammar->len);
        lua_rawseti(L, LUA_REGISTRYINDEX, grammar->subject);
        grammar->is_fresh = true;
    }
    vm_pulse(vm);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->grammar.match);
    lua_rawgeti(L, LUA_REGISTRYINDEX, grammar->pattern);
    lua_rawgeti(L, LUA_REGISTRYINDEX, grammar->subject);
    lua_pushinteger(L, (lua_Integer)grammar->from + 1);
    lua_call(L, 3, LUA_MULTRET);
}

/* Where the match has ended: the last that it answers.                         [-1, +0, -] */
static void take_end(lua_State *L, struct grammar *grammar)
{
    int is_integer;
    lua_Integer end = lua_tointegerx(L, -1, &is_integer);

    grammar->end = is_integer ? grammar->window_offset + (uint64_t)end - 1 : NOWHERE;
    lua_pop(L, 1);
}

/* Matches a record and keeps its value. Its argument is the struct grammar. */
static int match_record(lua_State *L)
{
    struct grammar *grammar = lua_touserdata(L, 1);
    int captures;

    match(L, grammar);
    take_end(L, grammar);
    captures = lua_gettop(L) - 1;
    if (grammar->end == NOWHERE)
        return 0;
    if (captures == 0) {
        lua_pushlstring(L, grammar->window + grammar->from,
                        (size_t)(grammar->end - grammar->window_offset) - grammar->from);
    } else if (captures == 1 && lua_isnil(L, -1)) {
        return luaL_error(L, "the only capture is nil");
    } else if (captures > 1) {
        lua_createtable(L, captures, 0);
        lua_insert(L, 2);
        for (int i = captures; i > 0; i--)
            lua_rawseti(L, 2, i);
    }
    record_lua_keep(L, grammar->vm);
    return 0;
}

/* Its argument is the struct grammar. */
static int match_search(lua_State *L)
{
    struct grammar *grammar = lua_touserdata(L, 1);

    match(L, grammar);
    take_end(L, grammar);
    return 0;
}

static int run_match(struct grammar *grammar, lua_CFunction function, uint64_t offset,
                     struct err *err)
{
    if (show(grammar, offset, err) != 0)
        return -1;
    grammar->from = (size_t)(offset - grammar->window_offset);
    if (vm_protected(grammar->vm, function, grammar, err) == 0)
        return 0;
    if (err->kind == ERR_JOB)
        err_prefix(err, "input %s: the record at byte %" PRIu64, grammar->name, offset);
    return -1;
}

/* The first place from `offset` on, before `limit`, where resync matches: *found, or NOWHERE. */
static int search(struct grammar *grammar, uint64_t offset, uint64_t limit, uint64_t *found,
                  struct err *err)
{
    *found = NOWHERE;
    grammar->pattern = grammar->vm->grammar.search;
    while (offset < limit) {
        uint64_t decided;

        if (run_match(grammar, match_search, offset, err) != 0)
            return -1;
        if (grammar->is_ended && offset >= window_end(grammar))
            return 0;
        /* Nearer to the window's end the pattern may not have seen enough. */
        decided =
            grammar->is_ended ? window_end(grammar) : window_end(grammar) - grammar->bytes_max + 1;
        if (grammar->end != NOWHERE && grammar->end < decided) {
            *found = grammar->end < limit ? grammar->end : NOWHERE;
            return 0;
        }
        if (grammar->is_ended)
            return 0;
        offset = decided;
    }
    return 0;
}

/* ---- one record ---- */

static int no_match(const struct grammar *grammar, struct err *err)
{
    size_t at = (size_t)(grammar->next - grammar->window_offset), len = grammar->len - at;
    char quoted[QUOTED_BYTES];

    log_quote(quoted, sizeof quoted,
              slice_of(grammar->window + at, len < QUOTE_BYTES ? len : QUOTE_BYTES));
    return err_set(err, ERR_INPUT, "input %s: what begins at byte %" PRIu64 " is no record: %s",
                   grammar->name, grammar->next, quoted);
}

/* At the end of the piece: the piece behind begins with the same record, if there is one. */
static int check_end(struct grammar *grammar, struct err *err)
{
    uint64_t found, next = grammar->next;

    if (search(grammar, grammar->stop, next + 1, &found, err) != 0)
        return -1;
    if (found == next)
        return 0;
    if (found != NOWHERE)
        return err_set(err, ERR_INPUT,
                       "input %s: resync matches at byte %" PRIu64
                       ", inside a record (the next one "
                       "begins at byte %" PRIu64 ")",
                       grammar->name, found, next);
    if (show(grammar, next, err) != 0)
        return -1;
    if (next == window_end(grammar)) /* and the input */
        return 0;
    return err_set(err, ERR_INPUT,
                   "input %s: a record begins at byte %" PRIu64 ", and resync does not match there",
                   grammar->name, next);
}

/* Goes to the first record of the piece. 1, or 0: there is none. */
static int begin(struct grammar *grammar, struct err *err)
{
    uint64_t found;

    if (!grammar->is_cut)
        return 1;
    grammar->is_cut = false;
    if (search(grammar, grammar->next, grammar->stop, &found, err) != 0)
        return -1;
    if (found == NOWHERE)
        return 0;
    grammar->next = found;
    return 1;
}

/* The end of the piece, or of the input. */
static int end(struct grammar *grammar, struct err *err)
{
    grammar->is_done = true;
    if (grammar->next < grammar->stop || grammar->stop == UINT64_MAX)
        return 0;
    return check_end(grammar, err);
}

static int grammar_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct grammar *grammar = grammar_of(reader);
    uint64_t start;
    int rc;

    if (grammar->is_done)
        return 0;
    rc = begin(grammar, err);
    if (rc != 1) {
        grammar->is_done = true;
        return rc;
    }
    start = grammar->next;
    if (start >= grammar->stop)
        return end(grammar, err);
    if (show(grammar, start, err) != 0)
        return -1;
    if (start == window_end(grammar))
        return end(grammar, err);
    grammar->pattern = grammar->vm->grammar.record;
    if (run_match(grammar, match_record, start, err) != 0)
        return -1;
    if (grammar->end == NOWHERE)
        return no_match(grammar, err);
    if (grammar->end == start)
        return err_set(err, ERR_INPUT, "input %s: the record at byte %" PRIu64 " has no bytes",
                       grammar->name, start);
    if (grammar->end - start > grammar->bytes_max)
        return err_set(err, ERR_INPUT,
                       "input %s: the record at byte %" PRIu64 " is longer than bytes_max = %zu",
                       grammar->name, start, grammar->bytes_max);
    *record = (struct reader_record){
        .form = RECORD_IN_LUA,
        .key = {.type = DATUM_INTEGER, .integer = (int64_t)start},
        .text = slice_of(grammar->window + grammar->from, (size_t)(grammar->end - start)),
        .offset = start,
    };
    grammar->next = grammar->end;
    return 1;
}

/* ---- open, close ---- */

static uint64_t grammar_bytes_read(const struct reader *reader)
{
    return source_bytes_read(((const struct grammar *)reader)->source);
}

static void grammar_close(struct reader *reader)
{
    struct grammar *grammar = grammar_of(reader);

    if (!grammar->vm->memory.is_dead)
        luaL_unref(grammar->vm->running, LUA_REGISTRYINDEX, grammar->subject);
    source_close(grammar->source);
    free(grammar->window);
    free(grammar);
}

static const struct reader_ops grammar_ops = {
    .next = grammar_next,
    .bytes_read = grammar_bytes_read,
    .close = grammar_close,
};

/* Its argument is the struct grammar. */
static int make_subject(lua_State *L)
{
    struct grammar *grammar = lua_touserdata(L, 1);

    lua_pushboolean(L, false);
    grammar->subject = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static void place(struct grammar *grammar, const struct source_input *input)
{
    grammar->next = grammar->window_offset = input->offset;
    grammar->stop = UINT64_MAX;
    if (source_input_kind(input) != SOURCE_PLAIN || grammar->vm->grammar.search == LUA_NOREF)
        return;
    if (input->length < UINT64_MAX - input->offset && input->offset + input->length < input->size)
        grammar->stop = input->offset + input->length;
    if (input->offset > 0) {
        grammar->is_cut = true;
        grammar->window_offset = reader_start(READER_GRAMMAR, input->offset);
        source_seek(grammar->source, grammar->window_offset);
    }
}

struct reader *reader_grammar_open(struct vm *vm, const struct source_input *input,
                                   struct slice options, struct err *err)
{
    struct grammar *grammar = mem_alloc(sizeof *grammar);

    assert(vm->grammar.record != LUA_NOREF);
    grammar->base.ops = &grammar_ops;
    grammar->vm = vm;
    grammar->name = input->name;
    grammar->subject = LUA_NOREF;
    grammar->bytes_max = (size_t)value_field_integer(options, "bytes_max", BYTES_MAX);
    grammar->capacity = 2 * (grammar->bytes_max + READER_LOOK_BEHIND_BYTES);
    if (grammar->capacity < READER_BUFFER_BYTES)
        grammar->capacity = READER_BUFFER_BYTES;
    grammar->window = malloc(grammar->capacity);
    grammar->source = source_open(input, err);
    if (grammar->source && !grammar->window)
        err_set(err, ERR_SETUP, "input %s: not enough memory to read it", input->name);
    if (!grammar->source || !grammar->window || vm_protected(vm, make_subject, grammar, err) != 0) {
        grammar_close(&grammar->base);
        return NULL;
    }
    place(grammar, input);
    return &grammar->base;
}
