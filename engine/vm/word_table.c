#include "vm/word_table.h"

#include "base/mem.h"

#include <stdlib.h>

struct word_table *word_table_new(void)
{
    return mem_alloc(sizeof(struct word_table));
}

void word_table_free(struct word_table *words)
{
    free(words);
}

void word_table_open(lua_State *L)
{
    lua_createtable(L, WORD_TABLE_COUNT, 0);
    for (lua_Integer place = 1; place <= WORD_TABLE_COUNT; place++) {
        lua_pushboolean(L, 0); /* so that no collection thinks it empty, and makes it small */
        lua_rawseti(L, -2, place);
    }
}

/* Is the place free now for another word? */
static bool give_up(struct word_table *words, struct word *word)
{
    word->uses /= 2;
    if (word->uses > 0)
        return false;
    if (word->waiting > 0) {
        if (words->replaced_count == WORD_TABLE_REPLACED_MAX)
            return false;
        words->replaced[words->replaced_count++] = *word;
    }
    return true;
}

void word_table_push_new(lua_State *L, int index, struct word_table *words, struct slice text,
                         struct word *word)
{
    const char *string = lua_pushlstring(L, text.ptr, text.len);

    if (!give_up(words, word))
        return;
    *word = (struct word){.head = text_head_with_length(text), .string = string, .uses = 1};
    words->last = word;
    lua_pushvalue(L, -1);
    lua_rawseti(L, index, word - words->places + 1);
}

/* ---- what waits ---- */

static int hand_over(struct word *word, struct sink *sink, struct err *err)
{
    uint32_t count = word->waiting;
    char text[TEXT_HEAD_BYTES];

    if (count == 0)
        return 0;
    word->waiting = 0;
    return sink->emit_ones(sink, text_head_write(word->head, text), count, err);
}

int word_table_flush_replaced(struct word_table *words, struct sink *sink, struct err *err)
{
    uint32_t count = words->replaced_count;

    words->replaced_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (hand_over(&words->replaced[i], sink, err) != 0)
            return -1;
    return 0;
}

int word_table_settle(struct word_table *words, struct slice text, struct sink *sink,
                      struct err *err)
{
    struct text_head head;
    struct word *word;

    if (!words->has_waiting || text.len >= TEXT_HEAD_BYTES)
        return 0;
    if (word_table_flush_replaced(words, sink, err) != 0)
        return -1;
    head = text_head_with_length(text);
    word = word_table_place(words, head);
    return text_head_equal(word->head, head) ? hand_over(word, sink, err) : 0;
}

int word_table_flush(struct word_table *words, struct sink *sink, struct err *err)
{
    int rc;

    if (!words->has_waiting)
        return 0;
    words->has_waiting = false;
    rc = word_table_flush_replaced(words, sink, err);
    for (size_t i = 0; i < WORD_TABLE_COUNT; i++) {
        if (rc == 0)
            rc = hand_over(&words->places[i], sink, err);
        words->places[i].waiting = 0;
    }
    return rc;
}
