#include "vm/kit.h"

#include "base/mem.h"

#include <stdlib.h>

/* A field of what the job's function had in hand: an integer, or a string. */
static void field_is(const struct kit *kit, const char *name, const char *expected)
{
    struct datum value;
    struct buf text = {0};

    assert_true(value_field(vm_scene(kit->vm), name, &value));
    if (value.type == DATUM_INTEGER)
        buf_printf(&text, "%lld", (long long)value.integer);
    else
        buf_append(&text, value.string.ptr, value.string.len);
    assert_string_equal(buf_string(&text), expected);
    buf_deinit(&text);
}

/* The same of a value that is in a string, as kit_print_value() writes it. */
static void value_is(const struct kit *kit, const char *name, const char *expected)
{
    struct slice encoded = value_field_string(vm_scene(kit->vm), name, "");
    struct buf text = {0};
    struct err err;

    assert_int_equal(value_check(encoded, &err), 0);
    kit_print_value(&text, encoded);
    assert_string_equal(buf_string(&text), expected);
    buf_deinit(&text);
}

static bool mentions(const struct kit *kit, const char *text)
{
    struct slice scene = vm_scene(kit->vm);

    return memmem(scene.ptr, scene.len, text, strlen(text)) != NULL;
}

static void locals_and_upvalues_of_the_jobs_frames_are_told(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "local outer = { n = 1 }\n"
                                    "local function inner(word) local here = outer.n + 1\n"
                                    "  error('no ' .. word) end\n"
                                    "return { reduce = 'identity', map = function(key, line)\n"
                                    "  local size = #line\n"
                                    "  inner(line) end }"),
                     0);
    assert_int_equal(kit_map(&kit, 7, "to be"), -1);
    assert_int_equal(value_check(vm_scene(kit.vm), &kit.err), 0);
    field_is(&kit, "where", "map");
    assert_true(mentions(&kit, "word") && mentions(&kit, "\"to be\"") && mentions(&kit, "here"));
    assert_true(mentions(&kit, "outer") && mentions(&kit, "{n = 1}") && mentions(&kit, "size"));
    assert_true(mentions(&kit, "jobs/x.lua"));
    kit_close(&kit);
}

static void what_raised_nothing_has_no_scene(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "pcall(error, 'caught')"), 0);
    assert_int_equal(vm_scene(kit.vm).len, 0);
    kit_close(&kit);
}

static void a_reduce_tells_its_key_and_the_values_it_has_taken(void **state)
{
    static const struct record records[] = {
        {{"sa", 2}, {"\x01", 1}}, {{"sa", 2}, {"\x02", 1}}, {{"sa", 2}, {"\x03", 1}}};
    struct kit kit = {.options.stage = "reduce"};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = function(key, values)\n"
                                    "  values() error('at ' .. values()) end }"),
                     0);
    assert_int_equal(kit_reduce(&kit, records, 3), -1);
    field_is(&kit, "where", "reduce");
    value_is(&kit, "key", "'a'");
    field_is(&kit, "taken", "2");
    value_is(&kit, "values", "{1 1 2 2 }");
    kit_close(&kit);
}

static void each_group_begins_with_no_value(void **state)
{
    static const struct record records[] = {{{"sa", 2}, {"\x01", 1}}, {{"sb", 2}, {"\x02", 1}}};
    struct kit kit = {.options.stage = "reduce"};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = function(key, values)\n"
                                    "  values() assert(key ~= 'b', 'b') end }"),
                     0);
    assert_int_equal(kit_reduce(&kit, records, 2), -1);
    value_is(&kit, "key", "'b'");
    value_is(&kit, "values", "{1 2 }");
    kit_close(&kit);
}

static void of_a_job_with_group_keys_stand_behind_their_values(void **state)
{
    struct kit kit = {.options.stage = "reduce"};
    struct buf key = {0};
    struct record one = {.value = {"\x01", 1}};

    (void)state;
    assert_int_equal(key_encode_string(&key, slice_of_string("a"), &kit.err), 0);
    one.key = buf_slice(&key);
    assert_int_equal(
        kit_load(&kit, "return { map = 'identity', group = 1, reduce = function(key, values)\n"
                       "  values() error('x') end }"),
        0);
    assert_int_equal(kit_reduce(&kit, &one, 1), -1);
    value_is(&kit, "values", "{1 1 2 'a' }");
    buf_deinit(&key);
    kit_close(&kit);
}

/* Of values of 1 KiB as many as there is room for are kept, and all are counted. */
static void taken_values_have_a_limit(void **state)
{
    enum { COUNT = 100, BYTES = 1024 };
    static struct record records[COUNT];
    struct kit kit = {.options.stage = "reduce"};
    struct buf value = {0};
    char *text = mem_alloc(BYTES);
    struct slice values;

    (void)state;
    memset(text, 'x', BYTES);
    value_write_string(&value, slice_of(text, BYTES));
    for (size_t i = 0; i < COUNT; i++)
        records[i] = (struct record){{"sa", 2}, buf_slice(&value)};
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = function(key, values)\n"
                                    "  for _ in values do end error('x') end }"),
                     0);
    assert_int_equal(kit_reduce(&kit, records, COUNT), -1);
    field_is(&kit, "taken", "100");
    values = value_field_string(vm_scene(kit.vm), "values", "");
    assert_true(values.len > VM_TAKEN_BYTES_MAX - 2 * BYTES);
    assert_true(values.len <= VM_TAKEN_BYTES_MAX + 16);
    free(text);
    buf_deinit(&value);
    kit_close(&kit);
}

static void a_partition_tells_its_key(void **state)
{
    struct kit kit = {0};
    uint32_t part;

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = 'identity',\n"
                                    "  partition = function(key) error(key) end }"),
                     0);
    assert_int_equal(vm_partition(kit.vm, slice_of("sa", 2), 4, &part, &kit.err), -1);
    field_is(&kit, "where", "partition");
    value_is(&kit, "key", "'a'");
    kit_close(&kit);
}

/* The combine's, which a map was in the middle of. */
static void the_innermost_function_is_the_one_that_is_told(void **state)
{
    struct kit kit = {.combine_at = 1};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { reduce = 'sum', combine = function(key, values)\n"
                                    "  local mine = 1 error(key) end,\n"
                                    "  map = function(key, line, emit) emit(line, 1) end }"),
                     0);
    assert_int_equal(kit_map(&kit, 7, "to be"), -1);
    field_is(&kit, "where", "combine");
    value_is(&kit, "key", "'a'");
    assert_true(mentions(&kit, "mine"));
    kit_close(&kit);
}

/* Frames take memory, and a job is not to die of that. */
static void without_memory_there_are_no_frames_and_the_error_stays(void **state)
{
    struct kit kit = {.options.memory_bytes_max = 1 << 20};

    (void)state;
    assert_int_equal(kit_run(&kit, "error('mine')"), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_non_null(strstr(kit.err.message, "mine"));
    assert_int_equal(vm_scene(kit.vm).len, 0);
    kit_close(&kit);
}

/* Names, values and their number are the job's, and it may be hostile. */
static void hostile_locals_call_nothing_and_stay_small(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(
        kit_run(&kit,
                "local evil = setmetatable({}, {__index = function() print('i') end,\n"
                "  __tostring = function() print('t') end, __len = function() print('l') end,\n"
                "  __pairs = function() print('p') end, __name = '\\27[31m'})\n"
                "string.format = function() print('f') end\n"
                "string.gsub, string.sub, table.concat = nil, nil, nil\n"
                "local big = {}\n"
                "for i = 1, 1000 do big[i] = ('\\27\\n'):rep(1000) end\n"
                "local deep = {} for i = 1, 1000 do deep = {deep} end\n"
                "local own = {} own.own = own\n"
                "error('x')"),
        -1);
    assert_string_equal(buf_string(&kit.log), "");
    assert_true(mentions(&kit, "evil") && mentions(&kit, "own"));
    assert_false(mentions(&kit, "\x1b") || mentions(&kit, "\n"));
    assert_true(vm_scene(kit.vm).len < 8 * 1024);
    kit_close(&kit);
}

static void the_frames_of_a_deep_recursion_are_the_innermost(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "local function f(n) if n == 0 then error('x') end\n"
                                   "  local text = ('y'):rep(5000) return (f(n - 1)) end f(100)"),
                     -1);
    assert_int_equal(value_check(vm_scene(kit.vm), &kit.err), 0);
    assert_true(vm_scene(kit.vm).len < 32 * 1024);
    kit_close(&kit);
}

static void a_key_is_told_as_a_value(void **state)
{
    struct kit kit = {0};
    struct buf value = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, ""), 0);
    assert_int_equal(vm_key_as_value(kit.vm, slice_of("sa", 2), &value, &kit.err), 0);
    assert_int_equal(value.len, 2);
    assert_memory_equal(value.ptr,
                        "\x81"
                        "a",
                        2);
    assert_int_equal(vm_key_as_value(kit.vm, slice_of("\xff", 1), &value, &kit.err), -1);
    buf_deinit(&value);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locals_and_upvalues_of_the_jobs_frames_are_told),
        cmocka_unit_test(what_raised_nothing_has_no_scene),
        cmocka_unit_test(a_reduce_tells_its_key_and_the_values_it_has_taken),
        cmocka_unit_test(each_group_begins_with_no_value),
        cmocka_unit_test(of_a_job_with_group_keys_stand_behind_their_values),
        cmocka_unit_test(taken_values_have_a_limit),
        cmocka_unit_test(a_partition_tells_its_key),
        cmocka_unit_test(the_innermost_function_is_the_one_that_is_told),
        cmocka_unit_test(without_memory_there_are_no_frames_and_the_error_stays),
        cmocka_unit_test(hostile_locals_call_nothing_and_stay_small),
        cmocka_unit_test(the_frames_of_a_deep_recursion_are_the_innermost),
        cmocka_unit_test(a_key_is_told_as_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
