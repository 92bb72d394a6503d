#include "vm/kit.h"

static const struct record records[] = {
    {{"sa", 2}, {"\x01", 1}}, {{"sa", 2}, {"\x02", 1}}, {{"sb", 2}, {"\x03", 1}},
    {{"sb", 2}, {"\x04", 1}}, {{"sc", 2}, {"\x05", 1}},
};

static void values_are_read_once_and_then_nil_for_ever(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = function(k, vs, emit)\n"
                                    "  local n = 0 for v in vs do n = n * 10 + v end\n"
                                    "  emit(k, n) emit(k, vs() == nil and vs() == nil)\n"
                                    "end }"),
                     0);
    assert_int_equal(kit_reduce(&kit, records, 5), 0);
    assert_string_equal(buf_string(&kit.output),
                        "\"a\"=12;\"a\"=true;\"b\"=34;\"b\"=true;\"c\"=5;\"c\"=true;");
    kit_close(&kit);
}

static void values_that_are_left_are_skipped(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = function(k, vs, emit)\n"
                                    "  if k ~= 'b' then emit(k, vs()) end end }"),
                     0);
    assert_int_equal(kit_reduce(&kit, records, 5), 0);
    assert_string_equal(buf_string(&kit.output), "\"a\"=1;\"c\"=5;");
    kit_close(&kit);
}

static void grouped_values_come_with_their_keys(void **state)
{
    static const struct record tuples[] = {
        {{"tsa\0\x61\x01", 6}, {"\x05", 1}},
        {{"tsa\0\x61\x02", 6}, {"\x06", 1}},
    };
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', group = 1,\n"
                                    "reduce = function(k, vs, emit)\n"
                                    "  for v, key in vs do emit({ k[2], key[1], key[2] }, v) end\n"
                                    "end }"),
                     0);
    assert_int_equal(kit_reduce_records(&kit, tuples, 2, 1, false), 0);
    assert_string_equal(buf_string(&kit.output), "{1, \"a\", 1}=5;{1, \"a\", 2}=6;");
    kit_close(&kit);
}

/* A segment that is broken is the map's fault, not this script's. */
static void cursor_failure_ends_the_call_even_when_caught(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = function(k, vs, emit)\n"
                                    "  for i = 1, 9 do pcall(vs) end pcall(emit, k, 1) end }"),
                     0);
    assert_int_equal(kit_reduce_records(&kit, records, 2, 0, true), -1);
    assert_int_equal(kit.err.kind, ERR_PEER);
    assert_string_equal(kit.err.message, "segment of map 3: checksum");
    assert_int_equal(kit.emit_count, 0);
    kit_close(&kit);
}

static void values_after_their_call_are_an_error(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "local kept\n"
                                    "return { map = 'identity', reduce = function(k, vs)\n"
                                    "  kept = vs end, cleanup = function() kept() end }"),
                     0);
    assert_int_equal(kit_reduce(&kit, records, 2), 0);
    assert_int_equal(vm_cleanup(kit.vm, &kit.sink, &kit.err), -1);
    assert_non_null(strstr(kit.err.message, "jobs/x.lua:3: values: read after"));
    kit_close(&kit);
}

static void combine_emits_its_own_key_only(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', reduce = 'sum',\n"
                                    "combine = function(k, vs, emit) emit('a', vs()) end }"),
                     0);
    assert_int_equal(kit_combine(&kit, records, 5), -1);
    assert_string_equal(kit.err.message,
                        "jobs/x.lua:2: emit: combine may emit only the key it was given, \"b\", "
                        "not \"a\"");
    assert_string_equal(buf_string(&kit.output), "\"a\"=1;");
    kit_close(&kit);
}

/* The error of the inner call is the one that is told, with its own traceback. */
static void an_error_in_combine_ends_the_map_that_emitted(void **state)
{
    struct kit kit = {.combine_at = 1};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { reduce = 'sum',\n"
                                    "map = function(k, v, emit) pcall(emit, 'x', 1) end,\n"
                                    "combine = function(k, vs, emit) local y = nil; y() end }"),
                     0);
    assert_int_equal(kit_map(&kit, 0, ""), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_string_equal(kit.err.message, "jobs/x.lua:3: attempt to call a nil value (local 'y')");
    assert_non_null(strstr(vm_traceback(kit.vm), "jobs/x.lua:3: in function <jobs/x.lua:3>"));
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_once_and_then_nil_for_ever),
        cmocka_unit_test(values_that_are_left_are_skipped),
        cmocka_unit_test(grouped_values_come_with_their_keys),
        cmocka_unit_test(cursor_failure_ends_the_call_even_when_caught),
        cmocka_unit_test(values_after_their_call_are_an_error),
        cmocka_unit_test(combine_emits_its_own_key_only),
        cmocka_unit_test(an_error_in_combine_ends_the_map_that_emitted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
