/* Words against what they stand for: lua_pushlstring(), and a sink that is told of each emit. */
#include "test.h"

#include "vm/word_table.h"

#include "seed.h"

#include <lauxlib.h>

enum { TEXT_COUNT = 3 * WORD_TABLE_COUNT, TEXT_BYTES = TEXT_HEAD_BYTES + 2 };

/* A sink that counts, by what the text says it is. */
struct tally {
    struct sink sink; /* first: the sink is the tally */
    uint64_t counts[TEXT_COUNT];
    uint64_t call_count, fail_at; /* 0: it does not fail */
};

static int tally_ones(struct sink *sink, struct slice text, uint64_t count, struct err *err)
{
    struct tally *tally = (struct tally *)sink;
    char digits[TEXT_BYTES + 1];

    assert_true(count > 0 && text.len < sizeof digits);
    if (++tally->call_count == tally->fail_at)
        return err_set(err, ERR_DISK, "no room");
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    tally->counts[atoi(digits)] += count;
    return 0;
}

static struct tally *new_tally(void)
{
    struct tally *tally = calloc(1, sizeof *tally);

    assert_non_null(tally);
    tally->sink.emit_ones = tally_ones;
    return tally;
}

/* Text number i: its digits, and for some so many blanks before them that it is long. */
static struct slice text_of(uint32_t i, char out[TEXT_BYTES + 1])
{
    return slice_of(out,
                    (size_t)sprintf(out, "%*u", i % 7 == 0 ? TEXT_HEAD_BYTES - 2 + i % 4 : 0, i));
}

/* Few of them often, most of them seldom. */
static uint32_t draw(struct rand *rand)
{
    return (uint32_t)rand_below(rand, 1 + rand_below(rand, 1 + rand_below(rand, TEXT_COUNT)));
}

struct kit {
    lua_State *L;
    struct word_table *words;
    int index;
};

static struct kit open(void)
{
    struct kit kit = {.L = luaL_newstate(), .words = word_table_new()};

    word_table_open(kit.L);
    kit.index = lua_gettop(kit.L);
    return kit;
}

static void close(struct kit *kit)
{
    lua_close(kit->L);
    word_table_free(kit->words);
}

/* Pushes the text, asserts that Lua's string of it is the same one, and answers that. */
static struct slice push(struct kit *kit, struct slice text)
{
    struct slice string;

    word_table_push(kit->L, kit->index, kit->words, text, NULL);
    lua_pushlstring(kit->L, text.ptr, text.len);
    assert_true(lua_rawequal(kit->L, -1, -2));
    lua_pop(kit->L, 1);
    string.ptr = lua_tolstring(kit->L, -1, &string.len);
    assert_true(slice_equal(string, text));
    return string;
}

static void words_are_the_strings_that_lua_makes(void **state)
{
    struct rand rand = seed_rand();
    struct kit kit = open();
    char bytes[TEXT_BYTES + 1];

    (void)state;
    for (int n = 0; n < 200000; n++) {
        push(&kit, text_of(draw(&rand), bytes));
        lua_settop(kit.L, kit.index);
        if (n % 20000 == 0)
            lua_gc(kit.L, LUA_GCCOLLECT);
    }
    close(&kit);
}

/* Goal: whatever waits and is replaced, each emit comes once. */
static void every_emit_comes_once(void **state)
{
    struct rand rand = seed_rand();
    struct kit kit = open();
    struct tally *tally = new_tally(), *wanted = new_tally();
    char bytes[TEXT_BYTES + 1];
    struct err err;

    (void)state;
    for (int n = 0; n < 300000; n++) {
        uint32_t i = draw(&rand);
        struct slice string = push(&kit, text_of(i, bytes));

        if (rand_below(&rand, 10) > 0) {
            assert_int_equal(word_table_emit_one(kit.words, string, &tally->sink, &err), 0);
            wanted->counts[i]++;
        }
        lua_settop(kit.L, kit.index);
        if (n % 100000 == 0)
            assert_int_equal(word_table_flush(kit.words, &tally->sink, &err), 0);
    }
    assert_true(tally->call_count < 150000); /* or nothing would have waited */
    assert_int_equal(word_table_flush(kit.words, &tally->sink, &err), 0);
    assert_memory_equal(tally->counts, wanted->counts, sizeof wanted->counts);
    free(tally);
    free(wanted);
    close(&kit);
}

static void only_the_last_string_waits(void **state)
{
    struct kit kit = open();
    struct tally *tally = new_tally();
    struct slice one, two;
    struct err err;

    (void)state;
    one = push(&kit, slice_of_string("1"));
    two = push(&kit, slice_of_string("2"));
    assert_int_equal(word_table_emit_one(kit.words, one, &tally->sink, &err), 0);
    assert_int_equal(tally->counts[1], 1);
    assert_int_equal(word_table_emit_one(kit.words, two, &tally->sink, &err), 0);
    assert_int_equal(tally->counts[2], 0);
    assert_int_equal(word_table_settle(kit.words, one, &tally->sink, &err), 0);
    assert_int_equal(tally->call_count, 1);
    assert_int_equal(word_table_settle(kit.words, two, &tally->sink, &err), 0);
    assert_int_equal(tally->counts[2], 1);
    assert_int_equal(word_table_settle(kit.words, two, &tally->sink, &err), 0);
    assert_int_equal(word_table_flush(kit.words, &tally->sink, &err), 0);
    assert_int_equal(tally->call_count, 2);
    free(tally);
    close(&kit);
}

static void no_more_wait_than_can_be_counted(void **state)
{
    struct kit kit = open();
    struct tally *tally = new_tally();
    struct slice string = push(&kit, slice_of_string("1"));
    struct err err;

    (void)state;
    assert_int_equal(word_table_emit_one(kit.words, string, &tally->sink, &err), 0);
    kit.words->last->waiting = UINT32_MAX - 1;
    assert_int_equal(word_table_emit_one(kit.words, string, &tally->sink, &err), 0);
    assert_int_equal(tally->call_count, 0);
    assert_int_equal(word_table_emit_one(kit.words, string, &tally->sink, &err), 0);
    assert_int_equal(tally->counts[1], 1);
    assert_int_equal(word_table_flush(kit.words, &tally->sink, &err), 0);
    assert_int_equal(tally->counts[1], (uint64_t)UINT32_MAX + 1);
    free(tally);
    close(&kit);
}

/* Goal: words that wait are replaced until no more of them can be kept, and then stay. */
static void words_stay_when_no_more_can_be_replaced(void **state)
{
    enum { EMIT_COUNT = WORD_TABLE_COUNT / 4 };
    struct kit kit = open();
    struct tally *tally = new_tally();
    char bytes[TEXT_BYTES + 1];
    struct err err;
    uint64_t call_count;

    (void)state;
    for (uint32_t i = 0; i < EMIT_COUNT; i++) {
        struct slice string = push(&kit, text_of(i, bytes));

        assert_int_equal(word_table_emit_one(kit.words, string, &tally->sink, &err), 0);
        lua_settop(kit.L, kit.index);
    }
    call_count = tally->call_count;
    for (uint32_t i = 0; i < 3 * TEXT_COUNT; i++) { /* and nobody emits */
        push(&kit, text_of(i % TEXT_COUNT, bytes));
        lua_settop(kit.L, kit.index);
    }
    assert_int_equal(kit.words->replaced_count, WORD_TABLE_REPLACED_MAX);
    assert_int_equal(tally->call_count, call_count);
    assert_int_equal(word_table_flush(kit.words, &tally->sink, &err), 0);
    assert_true(tally->call_count > call_count + WORD_TABLE_REPLACED_MAX);
    for (uint32_t i = 0; i < TEXT_COUNT; i++)
        assert_int_equal(tally->counts[i], i < EMIT_COUNT);
    free(tally);
    close(&kit);
}

/* Goal: a sink that fails is asked no more, and what waited is forgotten. */
static void a_failure_ends_a_flush(void **state)
{
    struct kit kit = open();
    struct tally *tally = new_tally();
    char bytes[TEXT_BYTES + 1];
    struct err err;

    (void)state;
    for (uint32_t i = 1; i < 7; i++)
        assert_int_equal(
            word_table_emit_one(kit.words, push(&kit, text_of(i, bytes)), &tally->sink, &err), 0);
    tally->fail_at = 3;
    assert_int_equal(word_table_flush(kit.words, &tally->sink, &err), -1);
    assert_int_equal(err.kind, ERR_DISK);
    assert_int_equal(word_table_flush(kit.words, &tally->sink, &err), 0);
    assert_int_equal(tally->call_count, 3);
    free(tally);
    close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_the_strings_that_lua_makes),
        cmocka_unit_test(every_emit_comes_once),
        cmocka_unit_test(only_the_last_string_waits),
        cmocka_unit_test(no_more_wait_than_can_be_counted),
        cmocka_unit_test(words_stay_when_no_more_can_be_replaced),
        cmocka_unit_test(a_failure_ends_a_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
