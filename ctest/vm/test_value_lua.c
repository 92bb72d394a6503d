#include "vm/kit.h"

/* Emits one value, and hands its bytes to `reduce`, which checks what it gets. */
static int round_trip(struct kit *kit, const char *value, const char *check)
{
    struct buf source = {0};
    int rc;

    buf_printf(&source,
               "local function make() %s end\n"
               "local function check(v) %s end\n"
               "return { reduce = 'sum', map = function(key, v, emit)\n"
               "  if key == 0 then emit('v', make()) else emit(check(v), 1) end\n"
               "end }",
               value, check);
    rc = kit_load(kit, buf_string(&source));
    buf_deinit(&source);
    return rc;
}

struct copy {
    struct sink sink;
    struct buf value;
};

static int copy_value(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct copy *copy = (struct copy *)sink;

    (void)key;
    (void)err;
    buf_clear(&copy->value);
    buf_append(&copy->value, value.ptr, value.len);
    return 0;
}

static void values_come_back_as_they_were(void **state)
{
    static const struct {
        const char *make, *check;
    } cases[] = {
        {"return 1.0", "return math.type(v) == 'float' and v == 1"},
        {"return 1", "return math.type(v) == 'integer' and v == 1"},
        {"return math.mininteger", "return v == math.mininteger"},
        {"return 0/0", "return v ~= v"},
        {"return -0.0", "return 1/v == -math.huge"},
        {"return ''", "return v == ''"},
        {"return ('\\0x'):rep(100000)", "return v == ('\\0x'):rep(100000)"},
        {"return require 'cjson'.null", "return v == require 'cjson'.null"},
        {"return {1, require 'cjson'.null, {x = require 'cjson'.null}}",
         "local null = require 'cjson'.null return #v == 3 and v[2] == null and v[3].x == null"},
        {"return {}", "return type(v) == 'table' and next(v) == nil"},
        {"return {1, {2, {3}}, 'x'}", "return #v == 3 and v[2][2][1] == 3 and v[3] == 'x'"},
        {"return {1, nil, 3}", "return v[1] == 1 and v[2] == nil and v[3] == 3"},
        {"return {[true] = 1, [false] = 2, [1.5] = 3, [-1] = 4, a = {b = 5}, ['\\0'] = 6}",
         "return v[true] == 1 and v[false] == 2 and v[1.5] == 3 and v[-1] == 4 and v.a.b == 5 "
         "and v['\\0'] == 6"},
        {"local t = {} for i = 1, 1000 do t[i] = i end return t", "return #v == 1000"},
        {"local t = {} for i = 1, 62 do t = {t} end return t",
         "local n = 0 while v do v, n = v[1], n + 1 end return n == 63"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct copy copy = {.sink.emit = copy_value};
        struct datum zero = {.type = DATUM_INTEGER};
        struct kit kit = {0};

        assert_int_equal(round_trip(&kit, cases[i].make, cases[i].check), 0);
        if (kit_map_scalars(&kit, &zero, &zero, &copy.sink) != 0)
            fail_msg("%s: %s", cases[i].make, kit.err.message);
        assert_int_equal(kit_map_encoded(&kit, slice_of("sv", 2), buf_slice(&copy.value)), 0);
        if (strcmp(buf_string(&kit.output), "true=1;") != 0)
            fail_msg("%s: %s", cases[i].make, buf_string(&kit.output));
        buf_deinit(&copy.value);
        kit_close(&kit);
    }
}

/* Goal: a table's bytes do not depend on how it was filled. Method: the same fields in other
 * orders, with others removed in between, must be one and the same string. */
static void equal_tables_give_equal_bytes(void **state)
{
    struct copy copy = {.sink.emit = copy_value};
    struct datum seed = {.type = DATUM_INTEGER};
    struct buf first = {0};
    struct kit kit = {0};

    (void)state;
    assert_int_equal(
        kit_load(&kit, "return { reduce = 'sum', map = function(seed, v, emit)\n"
                       "  math.randomseed(seed)\n"
                       "  local names, t = {}, {}\n"
                       "  for i = 1, 60 do names[i] = i % 3 == 0 and 'k' .. i or i % 7 == 0 and\n"
                       "    i + 0.5 or i end\n"
                       "  for i = 60, 2, -1 do local j = math.random(i)\n"
                       "    names[i], names[j] = names[j], names[i] end\n"
                       "  for i = 1, 60 do t['gone' .. i] = 1 t[names[i]] = i * 0 .. names[i]\n"
                       "    t['gone' .. i] = nil end\n"
                       "  emit('t', t)\n"
                       "end }"),
        0);
    for (seed.integer = 1; seed.integer <= 100; seed.integer++) {
        assert_int_equal(kit_map_scalars(&kit, &seed, &seed, &copy.sink), 0);
        if (seed.integer == 1)
            buf_append(&first, copy.value.ptr, copy.value.len);
        assert_true(slice_equal(buf_slice(&first), buf_slice(&copy.value)));
    }
    buf_deinit(&first);
    buf_deinit(&copy.value);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(equal_tables_give_equal_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
