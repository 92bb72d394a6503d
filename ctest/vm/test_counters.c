#include "vm/kit.h"

static uint64_t sum_of(const struct kit *kit, const char *name)
{
    const struct vm_counter *counters;
    uint32_t count = vm_counters(kit->vm, &counters);

    for (uint32_t i = 0; i < count; i++)
        if (strcmp(counters[i].name, name) == 0)
            return counters[i].value;
    return UINT64_MAX;
}

static uint32_t count_of(const struct kit *kit)
{
    const struct vm_counter *counters;

    return vm_counters(kit->vm, &counters);
}

static void calls_add_up_by_name(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "mr.count('a') mr.count('b.c-d_9', 7) mr.count('a', 0) "
                                   "mr.count('a', 2.0) mr.count('zero', 0)"),
                     0);
    assert_int_equal(count_of(&kit), 3);
    assert_int_equal(sum_of(&kit, "a"), 3);
    assert_int_equal(sum_of(&kit, "b.c-d_9"), 7);
    assert_int_equal(sum_of(&kit, "zero"), 0);
    kit_close(&kit);
}

static void every_function_of_a_job_counts(void **state)
{
    static const struct record record = {{"sa", 2}, {"\x01", 1}};
    struct kit kit = {0};
    uint32_t partition;

    (void)state;
    assert_int_equal(
        kit_load(&kit, "local count = mr.count\n"
                       "return { map = function() count('map') end,\n"
                       "setup = function(ctx) ctx.count('setup') end,\n"
                       "cleanup = function(ctx) ctx.count('cleanup') end,\n"
                       "partition = function() mr.count('partition') return 0 end,\n"
                       "combine = function(k, v) mr.count('combine') end,\n"
                       "reduce = function() coroutine.wrap(function() mr.count('reduce') end)() "
                       "end }"),
        0);
    assert_int_equal(vm_setup(kit.vm, &kit.err), 0);
    assert_int_equal(kit_map(&kit, 0, "a"), 0);
    assert_int_equal(vm_partition(kit.vm, record.key, 2, &partition, &kit.err), 0);
    assert_int_equal(kit_combine(&kit, &record, 1), 0);
    assert_int_equal(kit_reduce(&kit, &record, 1), 0);
    assert_int_equal(vm_cleanup(kit.vm, &kit.sink, &kit.err), 0);
    assert_int_equal(count_of(&kit), 6);
    assert_int_equal(sum_of(&kit, "setup") + sum_of(&kit, "map") + sum_of(&kit, "partition") +
                         sum_of(&kit, "combine") + sum_of(&kit, "reduce") + sum_of(&kit, "cleanup"),
                     6);
    kit_close(&kit);
}

static void wrong_arguments_are_the_jobs_error(void **state)
{
    static const struct {
        const char *body, *message;
    } cases[] = {
        {"mr.count()", "jobs/x.lua:2: mr.count: a name must be a string, not a nil"},
        {"mr.count(7)", "mr.count: a name must be a string, not a number"},
        {"mr.count('')", "jobs/x.lua:2: mr.count: a name must be 1 to 64 letters"},
        {"mr.count('a b')", "mr.count: a name must be"},
        {"mr.count('a\\0')", "mr.count: a name must be"},
        {"mr.count('(others)')", "mr.count: a name must be"},
        {"mr.count(('x'):rep(65))", "mr.count: a name must be"},
        {"mr.count('a', -1)", "jobs/x.lua:2: mr.count: a counter goes up by an integer from 0 to "
                              "2^53, not by -1"},
        {"mr.count('a', 1.5)", "not by 1.5"},
        {"mr.count('a', '3')", "not by 3"},
        {"mr.count('a', {})", "not by table: "},
        {"mr.count('a', 2^53 + 2)", "not by 9.007"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit kit = {0};

        assert_int_equal(kit_run(&kit, cases[i].body), -1);
        if (!strstr(kit.err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].body, kit.err.message);
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_int_equal(count_of(&kit), 0);
        kit_close(&kit);
    }
}

static void there_are_64_names_of_64_bytes_and_no_more(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "for i = 1, 64 do mr.count(('%064d'):format(i), i) end\n"
                                   "mr.count(('%064d'):format(64))\n"
                                   "local ok, why = pcall(mr.count, 'one')\n"
                                   "assert(not ok) print(why)"),
                     0);
    assert_int_equal(count_of(&kit), 64);
    assert_int_equal(
        sum_of(&kit, "0000000000000000000000000000000000000000000000000000000000000064"), 65);
    assert_non_null(strstr(buf_string(&kit.log), "'one' would be more than 64 names in one "
                                                 "attempt"));
    kit_close(&kit);
}

static void a_sum_stops_at_the_largest_integer(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "for i = 1, 1023 do mr.count('a', 2^53) end "
                                   "mr.count('a', 2^53 - 1)"),
                     0);
    assert_int_equal(sum_of(&kit, "a"), INT64_MAX);
    assert_int_equal(kit_map(&kit, 0, ""), 0);
    assert_int_equal(sum_of(&kit, "a"), INT64_MAX);
    kit_close(&kit);
}

/* The client loads the file once more: what it counted there would be nobody's. */
static void a_file_that_loads_counts_nothing(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "mr.count('a') return { map = 'identity', reduce = 'sum' }"),
                     -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_string_equal(kit.err.message, "jobs/x.lua:1: mr.count: called while the job file loads: "
                                         "count in its functions");
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_add_up_by_name),
        cmocka_unit_test(every_function_of_a_job_counts),
        cmocka_unit_test(wrong_arguments_are_the_jobs_error),
        cmocka_unit_test(there_are_64_names_of_64_bytes_and_no_more),
        cmocka_unit_test(a_sum_stops_at_the_largest_integer),
        cmocka_unit_test(a_file_that_loads_counts_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
