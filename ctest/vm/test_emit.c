#include "vm/kit.h"

static void emits_scalars_tuples_and_tables(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "emit(line, key) emit(1, 1.5) emit(2.0, true) emit(false, '') "
                                   "emit({'a', {1, 2.5}}, {1, {b = 2, a = 1}, x = 3})"),
                     0);
    assert_string_equal(buf_string(&kit.output),
                        "\"to be\"=7;1=1.5f;2=true;false='';"
                        "{\"a\", {1, 2.5}}={1 1 2 {'a' 1 'b' 2 } 'x' 3 };");
    kit_close(&kit);
}

static void wrong_types_are_named(void **state)
{
    static const struct {
        const char *body, *message;
    } cases[] = {
        {"emit(nil, 1)", "jobs/x.lua:2: emit: a key must be a string, number, boolean or a list of "
                         "those, not nil"},
        {"emit(print, 1)", "jobs/x.lua:2: emit: a key must be a string, number, boolean or a list "
                           "of those, not a function"},
        {"emit({x = 1}, 1)", "jobs/x.lua:2: emit: a key must be a string, number, boolean or a "
                             "list of those, not a table with field 'x'"},
        {"emit({{}, {1, nil, 2}}, 1)", "with a number as index or a hole"},
        {"emit(0/0, 1)", "NaN"},
        {"emit(('x'):rep(70000), 1)", "emit: "},
        {"emit('a')", "emit: value is nil"},
        {"emit('a', print)", "emit: value is a function"},
        {"emit('a', {user = {1, 2, print}})", "emit: value contains a function at .user[3]"},
        {"emit('a', {[{}] = 1})", "emit: value contains a table with a table as key"},
        {"local t = {} t.t = t emit('a', t)", "contains itself"},
        {"local t = {} for i = 1, 100 do t = {t} end emit('a', t)", "64 tables"},
        {"emit('a', ('x'):rep(17 * 1024 * 1024))", "longer than"},
        {"local s = ('x'):rep(1e6) local t = {} for i = 1, 20 do t[i] = s end emit('a', t)",
         "longer than"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit kit = {0};

        assert_int_equal(kit_run(&kit, cases[i].body), -1);
        if (!strstr(kit.err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].body, kit.err.message);
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_int_equal(kit.emit_count, 0);
        kit_close(&kit);
    }
}

/* The attempt is the disk's failure, not the job's, whatever the script does about it. */
static void sink_failure_ends_the_call_even_when_caught(void **state)
{
    struct kit kit = {.fail_at = 2};

    (void)state;
    assert_int_equal(kit_run(&kit, "for i = 1, 9 do print(i, pcall(emit, i, i)) end"), -1);
    assert_int_equal(kit.err.kind, ERR_DISK);
    assert_string_equal(kit.err.message, "write scratch: No space left on device");
    assert_int_equal(kit.emit_count, 2); /* the sink was not asked again */
    assert_int_equal(kit_map(&kit, 0, "more"), -1);
    assert_int_equal(kit.err.kind, ERR_DISK);
    kit_close(&kit);
}

static void emit_after_its_call_is_an_error(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "local kept\n"
                                    "return { map = function(_, _, emit) kept = emit end,\n"
                                    "  reduce = 'identity', setup = function()\n"
                                    "    if kept then kept(1, 1) end end }"),
                     0);
    assert_int_equal(vm_setup(kit.vm, &kit.err), 0);
    assert_int_equal(kit_map(&kit, 0, ""), 0);
    assert_int_equal(vm_setup(kit.vm, &kit.err), -1);
    assert_non_null(strstr(kit.err.message, "jobs/x.lua:4: emit: called where nothing"));
    kit_close(&kit);
}

static void emits_from_coroutines(void **state)
{
    struct kit kit = {.combine_at = 2};

    (void)state;
    assert_int_equal(kit_load(&kit, "local function map(key, line, emit)\n"
                                    "  local co = coroutine.wrap(function()\n"
                                    "    emit('x', 1) coroutine.yield() emit('y', 2)\n"
                                    "  end)\n"
                                    "  co() co() emit('z', 3)\n"
                                    "end\n"
                                    "local function sum(key, values, emit)\n"
                                    "  local n = 0 for v in values do n = n + v end emit(key, n)\n"
                                    "end\n"
                                    "return { map = map, combine = sum, reduce = sum }"),
                     0);
    assert_int_equal(kit_map(&kit, 0, ""), 0);
    assert_string_equal(buf_string(&kit.output), "\"x\"=1;\"a\"=3;\"y\"=2;\"z\"=3;");
    kit_close(&kit);
}

static void counting_replaces_values_by_one(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { combine = 'count', reduce = 'count',\n"
                                    "map = function(k, v, emit) emit(v, 'any') emit(v, {}) end }"),
                     0);
    assert_true(vm_counts(kit.vm));
    assert_int_equal(vm_builtin(kit.vm, "combine"), BUILTIN_SUM);
    assert_int_equal(vm_builtin(kit.vm, "reduce"), BUILTIN_SUM);
    assert_int_equal(kit_map(&kit, 0, "w"), 0);
    assert_string_equal(buf_string(&kit.output), "\"w\"=1;\"w\"=1;");
    kit_close(&kit);
}

/* Goal: a sink that counts gets strings with integers as they are, and all else encoded. */
static void a_counting_sink_gets_texts_and_integers_as_they_are(void **state)
{
    struct kit kit = {.sink.emit_counted = kit_emit_counted};

    (void)state;
    assert_int_equal(kit_run(&kit, "emit(line, key) emit('', math.mininteger) emit('a', 1.0)\n"
                                   "emit(1, 1) emit('a', '1') emit({'a'}, 1) emit('b', 2, 3)"),
                     0);
    assert_string_equal(buf_string(&kit.output), "<to be=7><=-9223372036854775808>\"a\"=1f;1=1;"
                                                 "\"a\"='1';{\"a\"}=1;<b=2>");
    kit_close(&kit);
    kit.sink.emit_counted = kit_emit_counted;
    assert_int_equal(kit_run(&kit, "emit(('x'):rep(65535), 1)"), 0);
    assert_int_equal(kit.output.len, 65535 + 4);
    kit_close(&kit);
    kit.sink.emit_counted = kit_emit_counted;
    assert_int_equal(kit_run(&kit, "emit(('x'):rep(65536), 1)"), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    kit_close(&kit);
    kit.sink.emit_counted = kit_emit_counted;
    assert_int_equal(kit_run(&kit, "emit('a')"), -1);
    assert_non_null(strstr(kit.err.message, "emit: value is nil"));
    kit_close(&kit);
}

static void a_counting_sink_counts_and_fails_as_the_other(void **state)
{
    struct kit kit = {.sink.emit_counted = kit_emit_counted};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { combine = 'count', reduce = 'count',\n"
                                    "map = function(k, v, emit) emit(v, {}) emit(v) end }"),
                     0);
    assert_int_equal(kit_map(&kit, 0, "w"), 0);
    assert_string_equal(buf_string(&kit.output), "<w=1><w=1>");
    kit_close(&kit);
    kit.sink.emit_counted = kit_emit_counted;
    kit.fail_at = 2;
    assert_int_equal(kit_run(&kit, "emit('a', 1) pcall(emit, 'b', 2) pcall(emit, 'c', 3)"), -1);
    assert_int_equal(kit.err.kind, ERR_DISK);
    assert_int_equal(kit.emit_count, 2);
    kit_close(&kit);
}

/* A sink that adds up, and a word that has its place: it was seen before. */
#define WORDS "return { map = function(_, line, emit) for w in line:gmatch('%a+') do "
#define END   " end end, reduce = 'sum' }"

static struct kit adding_kit(void)
{
    return (struct kit){.sink.emit_counted = kit_emit_counted, .sink.emit_ones = kit_emit_ones};
}

static void assert_maps(const char *job, const char *line, const char *output)
{
    struct kit kit = adding_kit();

    assert_int_equal(kit_load(&kit, job), 0);
    kit_map(&kit, 0, "w"); /* so that the pattern is compiled */
    kit.output.len = 0;
    assert_int_equal(kit_map(&kit, 0, line), 0);
    assert_string_equal(buf_string(&kit.output), output);
    kit_close(&kit);
}

/* Goal: ones are told together, before the call ends and before what comes after them. */
static void ones_wait_for_each_other_and_for_nothing_else(void **state)
{
    (void)state;
    assert_maps(WORDS "emit(w, 1)" END, "a a a", "<a=3>");
    assert_maps(WORDS "emit(w, 1) emit(w, 1)" END, "a", "<a=2>");
    assert_maps(WORDS "emit(w, 1) emit(w, 2) emit(w, 1)" END, "a a", "<a=1><a=2><a=2><a=2><a=1>");
    assert_maps(WORDS "emit(w, 1) emit(w, 0.5)" END, "a a", "<a=1>\"a\"=0.5f;<a=1>\"a\"=0.5f;");
    assert_maps(WORDS "emit(w, 1) emit(w, 'x')" END, "a", "<a=1>\"a\"='x';");
    assert_maps(WORDS "emit('b', 1) emit(w, 1)" END, "a a", "<b=1><b=1><a=2>");
    assert_maps(WORDS "emit(w, 1) emit('b', 2) emit({w}, 1)" END, "a a",
                "<b=2>{\"a\"}=1;<b=2>{\"a\"}=1;<a=2>");
}

/* Goal: of a job without end, what waits is lost with it; of a sink without room, too. */
static void ones_that_wait_do_not_outlive_a_failure(void **state)
{
    struct kit kit = adding_kit();

    (void)state;
    assert_int_equal(kit_load(&kit, WORDS "emit(w, 1) if w == 'x' then error('stop') end" END), 0);
    kit_map(&kit, 0, "w");
    kit.output.len = 0;
    assert_int_equal(kit_map(&kit, 0, "a x"), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_int_equal(kit.output.len, 0);
    kit_close(&kit);
    kit = adding_kit();
    assert_int_equal(kit_load(&kit, WORDS "emit(w, 1)" END), 0);
    kit_map(&kit, 0, "w");
    kit.fail_at = kit.emit_count + 2;
    assert_int_equal(kit_map(&kit, 0, "a b c"), -1);
    assert_int_equal(kit.err.kind, ERR_DISK);
    assert_int_equal(kit.emit_count, kit.fail_at);
    kit_close(&kit);
}

static void every_emit_is_a_pulse(void **state)
{
    _Atomic uint64_t pulse = 0;
    struct kit kit = {.options.pulse = &pulse};
    uint64_t before;

    (void)state;
    assert_int_equal(kit_run(&kit, ""), 0);
    before = pulse;
    assert_int_equal(kit_map(&kit, 0, ""), 0);
    assert_int_equal(pulse - before, 1);
    kit_close(&kit);
    assert_int_equal(kit_run(&kit, ""), 0);
    kit_close(&kit);
    kit.options.pulse = &pulse;
    assert_int_equal(kit_run(&kit, "for i = 1, 5 do emit(i, i) end"), 0);
    before = pulse;
    assert_int_equal(kit_map(&kit, 0, ""), 0);
    assert_int_equal(pulse - before, 6);
    kit_close(&kit);
}

/* Runs the body as map of a job with outputs e_first and errors; *setup as its setup. */
static int run_with_outputs(struct kit *kit, const char *body, const char *setup)
{
    struct buf job = {0};
    int rc;

    buf_printf(&job,
               "return { outputs = { errors = 'tsv', e_first = 'csv' }, reduce = 'identity',\n"
               "map = function(key, line, emit) %s end,\n"
               "setup = function(mr2) %s end,\n"
               "combine = function(key, values, emit) mr.emit_to('errors', 1, 2) end,\n"
               "cleanup = function(mr2, emit) mr2.emit_to('errors', 'end', true) end }",
               body, setup);
    rc = kit_load(kit, buf_string(&job));
    kit->sink.emit_to = kit_emit_to;
    buf_deinit(&job);
    if (rc == 0)
        rc = vm_setup(kit->vm, &kit->err);
    return rc == 0 ? kit_map(kit, 7, "a line") : rc;
}

static void emit_to_reaches_the_output_by_its_number(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(run_with_outputs(&kit,
                                      "mr.emit_to('errors', {line, 1}, {n = 1}) emit(1, 2) "
                                      "coroutine.wrap(function() mr.emit_to('e_first', key, "
                                      "line) end)()",
                                      ""),
                     0);
    assert_int_equal(vm_cleanup(kit.vm, &kit.sink, &kit.err), 0);
    assert_string_equal(buf_string(&kit.output),
                        "#1:{\"a line\", 1}={'n' 1 };1=2;#0:7='a line';#1:\"end\"=true;");
    kit_close(&kit);
}

static void emit_to_says_what_it_was_given(void **state)
{
    static const struct {
        const char *body, *setup, *message;
    } cases[] = {
        {"mr.emit_to('erorrs', 1, 1)", "",
         "jobs/x.lua:2: mr.emit_to: the job has no output 'erorrs': did you mean 'errors'?"},
        {"mr.emit_to('main', 1, 1)", "",
         "mr.emit_to: the job has no output 'main': there are e_first, errors"},
        {"mr.emit_to(nil, 1, 1)", "", "mr.emit_to: the job has no output 'nil'"},
        {"mr.emit_to('errors', nil, 1)", "", "jobs/x.lua:2: mr.emit_to: a key must be"},
        {"mr.emit_to('errors', 1)", "", "jobs/x.lua:2: mr.emit_to: value is nil"},
        {"", "mr.emit_to('errors', 1, 1)", "jobs/x.lua:3: mr.emit_to: called where nothing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit kit = {0};

        assert_int_equal(run_with_outputs(&kit, cases[i].body, cases[i].setup), -1);
        if (!strstr(kit.err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].body, kit.err.message);
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_int_equal(kit.emit_count, 0);
        kit_close(&kit);
    }
}

/* What combine says is thrown away or said twice, wherever the sort buffer happens to be full. */
static void combine_emits_to_no_other_output(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(run_with_outputs(&kit, "", ""), 0);
    assert_int_equal(kit_combine(&kit, kit_ones, 2), -1);
    assert_non_null(strstr(kit.err.message, "mr.emit_to: combine is called any number of times"));
    kit_close(&kit);
}

static void a_job_without_outputs_has_none_to_emit_to(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit, "mr.emit_to('errors', 1, 1)"), -1);
    assert_non_null(strstr(kit.err.message, "its field 'outputs' is missing"));
    kit_close(&kit);
}

static void a_failure_of_an_output_is_not_the_jobs(void **state)
{
    struct kit kit = {.fail_at = 1};

    (void)state;
    assert_int_equal(run_with_outputs(&kit, "pcall(mr.emit_to, 'errors', 1, 1) emit(1, 1)", ""),
                     -1);
    assert_int_equal(kit.err.kind, ERR_DISK);
    assert_int_equal(kit.emit_count, 1);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emits_scalars_tuples_and_tables),
        cmocka_unit_test(wrong_types_are_named),
        cmocka_unit_test(sink_failure_ends_the_call_even_when_caught),
        cmocka_unit_test(emit_after_its_call_is_an_error),
        cmocka_unit_test(emits_from_coroutines),
        cmocka_unit_test(counting_replaces_values_by_one),
        cmocka_unit_test(a_counting_sink_gets_texts_and_integers_as_they_are),
        cmocka_unit_test(a_counting_sink_counts_and_fails_as_the_other),
        cmocka_unit_test(ones_wait_for_each_other_and_for_nothing_else),
        cmocka_unit_test(ones_that_wait_do_not_outlive_a_failure),
        cmocka_unit_test(every_emit_is_a_pulse),
        cmocka_unit_test(emit_to_reaches_the_output_by_its_number),
        cmocka_unit_test(emit_to_says_what_it_was_given),
        cmocka_unit_test(combine_emits_to_no_other_output),
        cmocka_unit_test(a_job_without_outputs_has_none_to_emit_to),
        cmocka_unit_test(a_failure_of_an_output_is_not_the_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
