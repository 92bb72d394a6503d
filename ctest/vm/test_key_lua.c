/*
 * Keys against Lua's own comparison. The scripts make the keys, in Lua, from a seed; the engine
 * encodes them; the order of the bytes must be the order that Lua's `<` gives.
 */
#include "vm/kit.h"

#include <inttypes.h>
#include <stdlib.h>

enum { KEY_COUNT = 400 };

/* Keeps the keys it is given, and the values, which say what Lua thinks. */
struct keeper {
    struct sink sink;
    struct buf keys[KEY_COUNT];
    uint32_t count;
};

static int keep(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct keeper *keeper = (struct keeper *)sink;

    (void)value;
    if (keeper->count == KEY_COUNT)
        return err_set(err, ERR_SETUP, "more keys than planned");
    buf_append(&keeper->keys[keeper->count++], key.ptr, key.len);
    return 0;
}

static uint64_t seed_of_test(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20260101;

    print_message("SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* Sorts numbers by `<` of Lua and emits them in that order. */
static const char numbers[] =
    "local edge = { 0, 1, -1, 2^53, 2^53 + 1, -2^53, math.maxinteger, math.mininteger,\n"
    "  math.maxinteger - 1, math.mininteger + 1, 2^63, -2^63, 2^64, 1e308, -1e308, 5e-324, 0.5,\n"
    "  math.huge, -math.huge, (1 << 53) + 1, -(1 << 53) - 1, 9007199254740993 }\n"
    "local function number()\n"
    "  local kind = math.random(5)\n"
    "  if kind == 1 then return math.random(0)\n"
    "  elseif kind == 2 then return (math.random() - 0.5) * 10 ^ math.random(-30, 30)\n"
    "  elseif kind == 3 then return math.random(-300, 300) / 2\n"
    "  elseif kind == 4 then return edge[math.random(#edge)] end\n"
    "  local n = edge[math.random(#edge)]\n"
    "  return math.type(n) == 'integer' and n + math.random(-3, 3) or n * (1 + 2.0 ^ -52)\n"
    "end\n"
    "return { reduce = 'identity', map = function(k, v, emit)\n"
    "  local list = {}\n"
    "  for i = 1, 400 do list[i] = number() end\n"
    "  table.sort(list)\n"
    "  for i = 1, 400 do emit(list[i], i == 1 or list[i - 1] < list[i]) end\n"
    "end }\n";

static void numbers_have_the_order_of_lua(void **state)
{
    struct keeper keeper = {.sink.emit = keep};
    struct datum nothing = {.type = DATUM_INTEGER};
    struct kit kit = {.options.seed = seed_of_test()};

    (void)state;
    for (int round = 0; round < 50; round++) {
        assert_int_equal(kit_load(&kit, numbers), 0);
        assert_int_equal(kit_map_scalars(&kit, &nothing, &nothing, &keeper.sink), 0);
        assert_int_equal(keeper.count, KEY_COUNT);
        for (uint32_t i = 1; i < KEY_COUNT; i++)
            assert_true(slice_compare(buf_slice(&keeper.keys[i - 1]), buf_slice(&keeper.keys[i])) <=
                        0);
        for (uint32_t i = 0; i < KEY_COUNT; i++)
            buf_clear(&keeper.keys[i]);
        keeper.count = 0;
        struct vm_options options = kit.options;

        kit_close(&kit);
        kit.options.seed = options.seed + 1;
    }
    for (uint32_t i = 0; i < KEY_COUNT; i++)
        buf_deinit(&keeper.keys[i]);
}

/* A reduce that is given what map emitted sees equal keys: as `==` and as a table's key. */
static void keys_come_back_as_they_were(void **state)
{
    static const char *const keys[] = {
        "0",
        "-1",
        "2^53",
        "1.5",
        "math.huge",
        "math.mininteger",
        "math.maxinteger",
        "''",
        "'a\\0b'",
        "true",
        "false",
        "1e300",
        "-2^63",
        "2^63",
        "'\\xff\\xfe'",
    };

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct keeper keeper = {.sink.emit = keep};
        struct datum nothing = {.type = DATUM_INTEGER};
        struct buf source = {0};
        struct record record = {.value = {"\x01", 1}};
        struct kit kit = {0};

        buf_printf(
            &source,
            "local want = %s\n"
            "return { map = function(_, _, emit) emit(want, 1) emit({want, {want}}, 1) end,\n"
            "reduce = function(key, _, emit)\n"
            "  local got = key if type(key) == 'table' then got = key[2][1] end\n"
            "  emit(got == want and ({[want] = true})[got] or got, 1) end }",
            keys[i]);
        assert_int_equal(kit_load(&kit, buf_string(&source)), 0);
        assert_int_equal(kit_map_scalars(&kit, &nothing, &nothing, &keeper.sink), 0);
        for (uint32_t k = 0; k < 2; k++) {
            record.key = buf_slice(&keeper.keys[k]);
            assert_int_equal(kit_reduce(&kit, &record, 1), 0);
        }
        assert_string_equal(buf_string(&kit.output), "true=1;true=1;");
        buf_deinit(&keeper.keys[0]);
        buf_deinit(&keeper.keys[1]);
        buf_deinit(&source);
        kit_close(&kit);
    }
}

static void equal_numbers_are_one_key(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "emit(1.0, 1) emit(-0.0, 1) emit({2^53, -0.0}, 1)"), 0);
    assert_string_equal(buf_string(&kit.output), "1=1;0=1;{9007199254740992, 0}=1;");
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_the_order_of_lua),
        cmocka_unit_test(keys_come_back_as_they_were),
        cmocka_unit_test(equal_numbers_are_one_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
