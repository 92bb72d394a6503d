#include "vm/kit.h"

#include <stdio.h>

static void map_gets_key_and_value(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "emit(line:upper(), math.type(key))"), 0);
    assert_string_equal(buf_string(&kit.output), "\"TO BE\"='integer';");
    kit_close(&kit);
}

static void map_gets_records_of_run_files(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "if key ~= 7 then emit(key[1], line.x) end"), 0);
    assert_int_equal(kit_map_encoded(&kit, slice_of("tsa\0", 4), slice_of("\xc6\x81x\x05\xc7", 5)),
                     0);
    assert_string_equal(buf_string(&kit.output), "\"a\"=5;");
    kit_close(&kit);
}

static void broken_bytes_of_a_run_file_are_not_the_jobs_fault(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, ""), 0);
    assert_int_equal(kit_map_encoded(&kit, slice_of("sa", 2), slice_of("\xc6", 1)), -1);
    assert_int_equal(kit.err.kind, ERR_INPUT);
    kit_close(&kit);
}

static void an_error_has_file_line_and_traceback(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "local function inner(y)\n"
                                    "  return y.field\n"
                                    "end\n"
                                    "return { reduce = 'sum', map = function(k, v, emit)\n"
                                    "  local z = inner(nil) emit(z, 1)\n"
                                    "end }"),
                     0);
    assert_string_equal(vm_traceback(kit.vm), "");
    assert_int_equal(kit_map(&kit, 0, "x"), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_string_equal(kit.err.message, "jobs/x.lua:2: attempt to index a nil value (local 'y')");
    assert_string_equal(vm_traceback(kit.vm), "stack traceback:\n"
                                              "\tjobs/x.lua:2: in upvalue 'inner'\n"
                                              "\tjobs/x.lua:5: in function <jobs/x.lua:4>");
    kit_close(&kit);
}

/* Who raises it in C, or in our own Lua, is no line that its reader can look at. */
static void a_traceback_begins_at_the_line_of_the_job(void **state)
{
    static const char *const calls[] = {
        "error('no')",           "emit(nil)",    "mr.count(7)", "mr.open('x')",
        "mr.emit_to('x', 1, 2)", "string.rep()",
    };

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct kit kit = {0};
        char source[128];

        snprintf(source, sizeof source, "return { map = function(k, v, emit)\n%s\nend }", calls[i]);
        assert_int_equal(kit_load(&kit, source), 0);
        assert_int_equal(kit_map(&kit, 0, "x"), -1);
        assert_int_equal(strncmp(kit.err.message, "jobs/x.lua:2: ", 14), 0);
        assert_string_equal(vm_traceback(kit.vm),
                            "stack traceback:\n\tjobs/x.lua:2: in function <jobs/x.lua:1>");
        kit_close(&kit);
    }
}

/* What is between is told: pcall(), or a sort that calls back. */
static void a_traceback_keeps_what_the_job_has_called(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = function(k, v, emit)\n"
                                    "table.sort({2, 1}, function() error('no') end)\n"
                                    "end }"),
                     0);
    assert_int_equal(kit_map(&kit, 0, "x"), -1);
    assert_string_equal(vm_traceback(kit.vm), "stack traceback:\n"
                                              "\tjobs/x.lua:2: in function <jobs/x.lua:2>\n"
                                              "\t[C]: in function 'table.sort'\n"
                                              "\tjobs/x.lua:2: in function <jobs/x.lua:1>");
    kit_close(&kit);
}

static void error_objects_are_described(void **state)
{
    static const struct {
        const char *body, *message;
    } cases[] = {
        {"error('plain', 0)", "plain"},
        {"error('two\\nlines', 0)", "two lines"},
        {"error()", "error(): nil was raised"},
        {"error(42)", "42"},
        {"error({code = 1})", "error(): a table without __tostring was raised"},
        {"error(setmetatable({}, {__tostring = function() return 'text' end}))", "text"},
        {"error(setmetatable({}, {__tostring = function() error({}) end}))",
         "error(): its __tostring raised another error"},
        {"error(setmetatable({}, {__tostring = function() return {} end}))",
         "'__tostring' must return a string"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit kit = {0};

        assert_int_equal(kit_run(&kit, cases[i].body), -1);
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_string_equal(cases[i].message, kit.err.message);
        kit_close(&kit);
    }
}

static void a_job_that_raised_can_be_called_again(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "if line == 'bad' then error('x') end emit(line, 1)"), 0);
    assert_int_equal(kit_map(&kit, 0, "bad"), -1);
    assert_int_equal(kit_map(&kit, 0, "good"), 0);
    assert_string_equal(buf_string(&kit.output), "\"to be\"=1;\"good\"=1;");
    kit_close(&kit);
}

/* Lines for vm_map_all; it counts those that were asked for, and fails after the last if told. */
struct lines {
    const char *const *texts;
    size_t count, next;
    bool fails;
    struct reader_record record;
};

static int next_line(void *context, const struct reader_record **record, struct err *err)
{
    struct lines *lines = context;

    if (lines->next == lines->count && lines->fails)
        return err_set(err, ERR_RETRY, "read: Input/output error");
    if (lines->next == lines->count)
        return 0;
    lines->record = (struct reader_record){
        .key = {.type = DATUM_INTEGER, .integer = (int64_t)lines->next},
        .value = {.type = DATUM_STRING, .string = slice_of_string(lines->texts[lines->next])},
    };
    lines->next++;
    *record = &lines->record;
    return 1;
}

static const char *const three[] = {"a", "b", "c"};

/* Answers how many lines were asked for; kit->err says why not all. */
static size_t map_three(struct kit *kit, const char *body, bool fails, int want)
{
    struct lines lines = {.texts = three, .count = 3, .fails = fails};
    struct buf source = {0};

    buf_printf(&source, "return { reduce = 'identity', map = function(key, line, emit)\n%s\nend }",
               body);
    assert_int_equal(kit_load(kit, buf_string(&source)), 0);
    buf_deinit(&source);
    assert_int_equal(vm_map_all(kit->vm, next_line, &lines, &kit->sink, &kit->err), want);
    return lines.next;
}

static void many_records_are_mapped_in_one_call(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(map_three(&kit, "emit(line, key)", false, 0), 3);
    assert_string_equal(buf_string(&kit.output), "\"a\"=0;\"b\"=1;\"c\"=2;");
    kit_close(&kit);
}

/* The record that ended the loop is the last that was asked for. */
static void the_loop_ends_at_the_record_that_is_wrong(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(map_three(&kit, "if line == 'b' then error('x') end", false, -1), 2);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_string_equal(kit.err.message, "jobs/x.lua:2: x");
    kit_close(&kit);
    kit.fail_at = 2;
    assert_int_equal(map_three(&kit, "pcall(emit, line, 1)", false, -1), 2);
    assert_int_equal(kit.err.kind, ERR_DISK);
    kit_close(&kit);
    kit.options.memory_bytes_max = 8 * 1024 * 1024;
    assert_int_equal(
        map_three(&kit, "if line == 'b' then pcall(string.rep, 'x', 1e9) end", false, -1), 2);
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    kit_close(&kit);
}

static void a_failing_input_keeps_its_kind(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(map_three(&kit, "emit(line, 1)", true, -1), 3);
    assert_int_equal(kit.err.kind, ERR_RETRY);
    assert_string_equal(kit.err.message, "read: Input/output error");
    assert_int_equal(kit.emit_count, 3);
    assert_int_equal(kit_map(&kit, 0, "d"), 0); /* the job has done nothing wrong */
    kit_close(&kit);
}

static int partition_of_a(struct kit *kit, const char *expression, uint32_t *out)
{
    struct buf source = {0};
    int rc;

    buf_printf(&source,
               "return { map = 'identity', reduce = 'sum', partition = function(key, count)\n"
               "return %s end }",
               expression);
    rc = kit_load(kit, buf_string(&source));
    buf_deinit(&source);
    assert_int_equal(rc, 0);
    return vm_partition(kit->vm, slice_of("sa", 2), 10, out, &kit->err);
}

static void partition_answers_zero_to_count_less_one(void **state)
{
    static const char *const wrong[] = {"10", "-1", "1.5", "'1'", "nil", "count"};
    struct kit kit = {0};
    uint32_t out;

    (void)state;
    assert_int_equal(partition_of_a(&kit, "(#key + count) % count", &out), 0);
    assert_int_equal(out, 1);
    kit_close(&kit);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(partition_of_a(&kit, wrong[i], &out), -1);
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_non_null(strstr(kit.err.message, "partition must return an integer from 0 to 9"));
        kit_close(&kit);
    }
}

static void setup_and_cleanup_see_the_attempt(void **state)
{
    /* As large as ids of attempts are: more than a double tells apart. */
    struct kit kit = {.options = {.stage = "reduce",
                                  .job = 5,
                                  .task = 6,
                                  .attempt = ((uint64_t)1 << 60) + 1,
                                  .worker = 8}};

    (void)state;
    assert_int_equal(kit_load(&kit, "local seen\n"
                                    "return { map = 'identity', reduce = 'sum',\n"
                                    "setup = function(ctx) seen = { ctx.stage, ctx.job, ctx.task,\n"
                                    "  ctx.attempt, ctx.worker, mr == ctx } end,\n"
                                    "cleanup = function(ctx, emit) emit('seen', seen) end }"),
                     0);
    assert_int_equal(vm_setup(kit.vm, &kit.err), 0);
    assert_int_equal(vm_cleanup(kit.vm, &kit.sink, &kit.err), 0);
    assert_string_equal(buf_string(&kit.output),
                        "\"seen\"={1 'reduce' 2 5 3 6 4 1152921504606846977 5 8 6 true };");
    kit_close(&kit);
    assert_int_equal(kit_run(&kit, ""), 0);
    assert_int_equal(vm_setup(kit.vm, &kit.err), 0); /* it has none */
    assert_int_equal(vm_cleanup(kit.vm, &kit.sink, &kit.err), 0);
    kit_close(&kit);
}

/* Lua's own limit of nested C calls, and the length of its stack. */
static void deep_recursion_is_the_jobs_error(void **state)
{
    static const char *const bodies[] = {
        "local function f() return 1 + f() end f()",
        "local function f() local ok, m = pcall(f) if not ok then error(m, 0) end end f()",
        "string.gsub('x', 'x', function() error('inside gsub') end)",
        "local m = {} m.__index = function(t, k) return t[k] end return setmetatable({}, m).x",
        "coroutine.wrap(function() error('in a coroutine') end)()",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct kit kit = {0};

        if (kit_run(&kit, bodies[i]) == 0)
            fail_msg("%s", bodies[i]);
        assert_int_equal(kit.err.kind, ERR_JOB);
        kit_close(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_gets_key_and_value),
        cmocka_unit_test(map_gets_records_of_run_files),
        cmocka_unit_test(broken_bytes_of_a_run_file_are_not_the_jobs_fault),
        cmocka_unit_test(an_error_has_file_line_and_traceback),
        cmocka_unit_test(a_traceback_begins_at_the_line_of_the_job),
        cmocka_unit_test(a_traceback_keeps_what_the_job_has_called),
        cmocka_unit_test(error_objects_are_described),
        cmocka_unit_test(a_job_that_raised_can_be_called_again),
        cmocka_unit_test(many_records_are_mapped_in_one_call),
        cmocka_unit_test(the_loop_ends_at_the_record_that_is_wrong),
        cmocka_unit_test(a_failing_input_keeps_its_kind),
        cmocka_unit_test(partition_answers_zero_to_count_less_one),
        cmocka_unit_test(setup_and_cleanup_see_the_attempt),
        cmocka_unit_test(deep_recursion_is_the_jobs_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
