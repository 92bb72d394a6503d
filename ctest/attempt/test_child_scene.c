/* What attempts tell when the job's functions fail: real ones, in their sandbox. */
#include "attempt/capsule.h"
#include "attempt/kit.h"

static struct kit kit;

static int set_up(void **state)
{
    (void)state;
    kit_open(&kit);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static struct slice table_in(struct slice table, const char *name)
{
    struct slice found;

    assert_true(value_field_table(table, name, &found));
    return found;
}

/* Of the last attempt's part. */
static struct slice scene_table(const char *name)
{
    assert_int_equal(value_check(buf_slice(&kit.capsule), &kit.err), 0);
    return table_in(table_in(buf_slice(&kit.capsule), "scene"), name);
}

static void field_is(struct slice table, const char *name, const char *expected)
{
    struct slice found = value_field_string(table, name, "");
    char text[256];

    snprintf(text, sizeof text, "%.*s", (int)found.len, found.ptr);
    assert_string_equal(text, expected);
}

static void fail_map(const char *source, const char *text)
{
    kit_job(&kit, source);
    assert_null(kit_map(&kit, 0, kit_file(&kit, "x.txt", text)));
}

static void a_map_tells_its_record(void **state)
{
    (void)state;
    fail_map("return { reduce = 'sum', map = function(key, line) assert(line ~= 'b', 'no') end }",
             "a\nb\nc\n");
    assert_int_equal(value_field_integer(scene_table("record"), "number", 0), 2);
    assert_int_equal(value_field_integer(scene_table("record"), "offset", 0), 2);
    field_is(scene_table("record"), "key", "\x02");
    field_is(scene_table("record"), "value",
             "\x81"
             "b");
    field_is(scene_table("hand"), "where", "map");
    assert_non_null(memmem(kit.capsule.ptr, kit.capsule.len, "frames", 6));
    field_is(buf_slice(&kit.capsule), "stage", "map");
    assert_int_equal(value_field_integer(table_in(buf_slice(&kit.capsule), "mark"), "record", 0),
                     2);
}

/* A record of 300 KB is cut, and told how long it was. */
static void a_long_record_is_cut(void **state)
{
    enum { BYTES = 300 * 1024 };
    char *text = malloc(BYTES + 2);

    (void)state;
    memset(text, 'x', BYTES);
    strcpy(text + BYTES, "\n");
    fail_map("return { reduce = 'sum', map = function(key, line) error('no') end }", text);
    free(text);
    assert_int_equal(value_field_integer(scene_table("record"), "value_bytes", 0), BYTES);
    assert_in_range(value_field_string(scene_table("record"), "value", "").len,
                    CAPSULE_RECORD_BYTES_MAX, CAPSULE_RECORD_BYTES_MAX + 8);
    assert_true(kit.capsule.len <= CAPSULE_PART_BYTES_MAX);
}

static void a_record_made_in_lua_is_told_as_a_value(void **state)
{
    (void)state;
    kit.start.input = "jsonl";
    fail_map("return { input = 'jsonl', reduce = 'sum', map = function() error('no') end }",
             "{\"a\": 1}\n");
    field_is(scene_table("record"), "value",
             "\xc6\x81"
             "a\x01\xc7");
    field_is(scene_table("record"), "text", "{\"a\": 1}");
}

static void the_first_bad_record_is_the_one_that_is_told(void **state)
{
    (void)state;
    kit_skip(&kit, NULL, 0, 5);
    fail_map("return { reduce = 'sum', skip_bad = 5,\n"
             "  map = function(key, line) local mine = line error('no') end }",
             "a\nb\nc\n");
    assert_int_equal(value_field_integer(scene_table("record"), "number", 0), 1);
    assert_non_null(memmem(kit.capsule.ptr, kit.capsule.len, "\"a\"", 3));
    assert_null(memmem(kit.capsule.ptr, kit.capsule.len, "\"b\"", 3));
}

static void setup_has_a_hand_and_no_record(void **state)
{
    struct slice found;

    (void)state;
    fail_map("return { reduce = 'sum', map = 'identity', setup = function() error('no') end }",
             "a\n");
    field_is(scene_table("hand"), "where", "setup");
    assert_false(value_field_table(table_in(buf_slice(&kit.capsule), "scene"), "record", &found));
}

static void a_reduce_tells_its_key_and_values(void **state)
{
    (void)state;
    kit_job(&kit, "return { map = function(key, line, emit) emit(line, key) end,\n"
                  "  reduce = function(key, values) values() error('no') end }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "x.txt", "a\na\n")));
    assert_null(kit_reduce(&kit, 0));
    field_is(scene_table("hand"), "where", "reduce");
    field_is(scene_table("hand"), "key",
             "\x81"
             "a");
    assert_int_equal(value_field_integer(scene_table("hand"), "taken", 0), 1);
}

/* It says nothing any more: what is in the page has to do. */
static void a_killed_child_leaves_the_mark(void **state)
{
    struct slice found;

    (void)state;
    kit.limits.record_ms = 200;
    fail_map("return { reduce = 'sum', map = function(key, line)\n"
             "  if line == 'b' then while true do end end end }",
             "a\nb\n");
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    assert_int_equal(value_check(buf_slice(&kit.capsule), &kit.err), 0);
    assert_false(value_field_table(buf_slice(&kit.capsule), "scene", &found));
    assert_int_equal(value_field_integer(table_in(buf_slice(&kit.capsule), "mark"), "record", 0),
                     2);
    assert_int_equal(value_field_integer(table_in(buf_slice(&kit.capsule), "mark"), "offset", 0),
                     2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_map_tells_its_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_record_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_made_in_lua_is_told_as_a_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_bad_record_is_the_one_that_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(setup_has_a_hand_and_no_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reduce_tells_its_key_and_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_killed_child_leaves_the_mark, set_up, tear_down),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
