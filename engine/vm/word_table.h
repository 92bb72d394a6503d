/*
 * word_table: the short texts that a job takes out of its input again and again. Each has its Lua
 * string here, and how many emits of it and 1 are waiting.
 *
 *     words = word_table_new();
 *     word_table_open(L);                               pushes the table that holds the strings
 *     word_table_push(L, index, words, text, end);      like lua_pushlstring()
 *     word_table_emit_one(words, text, sink, &err);     emit(text, 1), now or later
 *     word_table_settle(words, text, sink, &err);       what waits of this text is handed over
 *     word_table_flush(words, sink, &err);              all that waits
 *     word_table_free(words);                           after lua_close()
 *
 * Words are Zipf's: a few of them are most of a text. For each, Lua hashes the bytes, looks for the
 * string, and makes one if the last was collected; then the sink hashes them again for a table that
 * is too large for the cache. Here a word has one place, by one hash. What is there is compared,
 * and replaced when others have asked for its place often enough.
 *
 * What waits goes to one sink, which offers emit_ones(), and is flushed before that ends. A word
 * that is replaced while it waits moves to `replaced`, as what pushes words cannot emit.
 */
#ifndef VM_WORD_TABLE_H
#define VM_WORD_TABLE_H

#include "record/record.h"
#include "record/text_head.h"

#include <lua.h>

enum {
    /* 128 KiB of places and as much of strings, for a second-level cache. Measured: with half as
     * many and with twice as many a word count takes as long. */
    WORD_TABLE_BITS = 12,
    WORD_TABLE_COUNT = 1 << WORD_TABLE_BITS,
    WORD_TABLE_REPLACED_MAX = 64, /* handed over at half of it; when full, words stay */
    WORD_TABLE_USES_MAX = 255,
};

struct word {
    struct text_head head; /* with its length; zeroed: a free place */
    const char *string;    /* Lua's bytes of it */
    uint32_t waiting;      /* emits of it and 1 */
    uint8_t uses;          /* halved whenever another word asks for the place */
};

struct word_table {
    struct word places[WORD_TABLE_COUNT];
    struct word *last; /* of the string that was pushed last; NULL: it has no place */
    struct word replaced[WORD_TABLE_REPLACED_MAX];
    uint32_t replaced_count;
    bool has_waiting;
};

struct word_table *word_table_new(void);
void word_table_free(struct word_table *words);

/* Once for a state, which keeps the table for as long as it lives.                [-0, +1, m] */
void word_table_open(lua_State *L);

/* Makes a string of a text that is not at its place, and may put it there.         [-0, +1, m] */
void word_table_push_new(lua_State *L, int index, struct word_table *words, struct slice text,
                         struct word *place);

static inline struct word *word_table_place(struct word_table *words, struct text_head head)
{
    return &words->places[text_head_hash(head) >> (32 - WORD_TABLE_BITS)];
}

/*
 * `index`: of the table that word_table_open() pushed. `end`: where the text ends that this one is
 * a part of, if that has 8 bytes or more; NULL: only this one can be read.        [-0, +1, m]
 */
static inline void word_table_push(lua_State *L, int index, struct word_table *words,
                                   struct slice text, const char *end)
{
    struct text_head head;
    struct word *word;

    words->last = NULL;
    if (text.len == 0 || text.len >= TEXT_HEAD_BYTES) {
        lua_pushlstring(L, text.ptr, text.len);
        return;
    }
    head = text_head_add_length(end ? text_head_within(text, end) : text_head(text), text.len);
    word = word_table_place(words, head);
    if (!text_head_equal(word->head, head)) {
        word_table_push_new(L, index, words, text, word);
        return;
    }
    words->last = word;
    if (word->uses < WORD_TABLE_USES_MAX)
        word->uses++;
    lua_rawgeti(L, index, word - words->places + 1);
}

/* 0, or what the sink says. */
int word_table_flush_replaced(struct word_table *words, struct sink *sink, struct err *err);

/* `text` is where Lua has it: the string that was pushed last is known by its address. 0, or what
 * the sink says. */
static inline int word_table_emit_one(struct word_table *words, struct slice text,
                                      struct sink *sink, struct err *err)
{
    struct word *last = words->last;

    if (!last || last->string != text.ptr || last->waiting == UINT32_MAX)
        return sink->emit_ones(sink, text, 1, err);
    last->waiting++;
    words->has_waiting = true;
    return words->replaced_count < WORD_TABLE_REPLACED_MAX / 2
               ? 0
               : word_table_flush_replaced(words, sink, err);
}

/* So that another number of the text comes after those that wait. 0, or what the sink says. */
int word_table_settle(struct word_table *words, struct slice text, struct sink *sink,
                      struct err *err);

/* 0, or what the sink says; then some may have been handed over, and none waits. */
int word_table_flush(struct word_table *words, struct sink *sink, struct err *err);

#endif
