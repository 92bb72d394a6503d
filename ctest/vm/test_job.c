#include "vm/kit.h"

static void the_view_is_plain_data_with_defaults(void **state)
{
    struct kit kit = {0};
    struct slice view, limits, params;

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = print, combine = 'sum', reduce = 'sum',\n"
                                    "limits = { seconds = 2 }, params = { n = 3 }, group = 2,\n"
                                    "partition = function() return 0 end }"),
                     0);
    view = buf_slice(&kit.view);
    assert_true(value_field_boolean(view, "map", false));
    assert_true(slice_equal(value_field_string(view, "combine", ""), slice_of_string("sum")));
    assert_true(slice_equal(value_field_string(view, "name", ""), slice_of_string("x")));
    assert_true(slice_equal(value_field_string(view, "input", ""), slice_of_string("lines")));
    assert_int_equal(value_field_integer(view, "group", 0), 2);
    assert_int_equal(value_field_integer(view, "attempts", 0), 4);
    assert_true(value_field_table(view, "limits", &limits));
    assert_int_equal(value_field_integer(limits, "memory", 0), 512 * 1024 * 1024);
    assert_true(value_field_number(limits, "seconds", 0) == 2.0);
    assert_true(value_field_number(limits, "seconds_per_record", 0) == 60.0);
    assert_true(value_field_table(view, "params", &params));
    assert_int_equal(value_field_integer(params, "n", 0), 3);
    assert_true(vm_has(kit.vm, "map") && vm_has(kit.vm, "combine") && vm_has(kit.vm, "partition"));
    assert_false(vm_has(kit.vm, "setup"));
    assert_int_equal(vm_builtin(kit.vm, "reduce"), BUILTIN_SUM);
    assert_int_equal(vm_builtin(kit.vm, "map"), BUILTIN_NONE);
    kit_close(&kit);
}

static void a_wrong_field_is_a_setup_error_that_names_it(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = print, reducer = print }"), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_string_equal(kit.err.message,
                        "jobs/x.lua: unknown job field 'reducer': did you mean 'reduce'?");
    kit_close(&kit);
}

static void what_the_file_raises_is_told_with_its_line(void **state)
{
    static const struct {
        const char *source, *message;
        bool has_frame; /* a file that does not compile has run nothing */
    } cases[] = {
        {"\nlocal x = = 1", "jobs/x.lua:2: unexpected symbol near '='", false},
        {"\nlocal x = nil + 1", "jobs/x.lua:2: attempt to perform arithmetic on a nil value", true},
        {"\x1bLua", "attempt to load a binary chunk", false},
        {"\n\nos.execute('ls')", "jobs/x.lua:3: attempt to index a nil value (global 'os')", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit kit = {0};

        assert_int_equal(kit_load(&kit, cases[i].source), -1);
        assert_int_equal(kit.err.kind, ERR_JOB);
        if (!strstr(kit.err.message, cases[i].message))
            fail_msg("%s", kit.err.message);
        assert_null(strstr(vm_traceback(kit.vm), "mrlua."));
        assert_int_equal(vm_traceback(kit.vm)[0] != '\0', cases[i].has_frame);
        kit_close(&kit);
    }
}

static void params_are_what_the_command_line_says(void **state)
{
    struct buf params = {0};
    struct kit kit = {0};
    struct slice of_view;

    (void)state;
    value_write_table_begin(&params);
    kit_string(&params, "n");
    kit_string(&params, "12");
    value_write_table_end(&params);
    kit.options.params = buf_slice(&params);
    assert_int_equal(kit_load(&kit, "return { params = { n = 3, s = 'x' }, reduce = 'sum',\n"
                                    "map = function(k, v, emit) emit(mr.params.n, mr.params.s)\n"
                                    "  emit(pcall(function() mr.params.n = 4 end), 1) end }"),
                     0);
    assert_int_equal(kit_map(&kit, 0, ""), 0);
    assert_string_equal(buf_string(&kit.output), "12='x';false=1;");

    /* What the view says is taken back as it is: an attempt is given that. */
    assert_true(value_field_table(buf_slice(&kit.view), "params", &of_view));
    buf_clear(&params);
    buf_append(&params, of_view.ptr, of_view.len);
    kit_close(&kit);
    kit.options.params = buf_slice(&params);
    assert_int_equal(kit_load(&kit, "return { params = { n = 3, s = 'x' }, reduce = 'sum',\n"
                                    "map = function(k, v, emit) emit(mr.params.n, 1) end }"),
                     0);
    assert_int_equal(kit_map(&kit, 0, ""), 0);
    assert_string_equal(buf_string(&kit.output), "12=1;");
    kit_close(&kit);
    kit.options.params = buf_slice(&params);
    assert_int_equal(kit_load(&kit, "return { params = { m = 3 }, reduce = 'sum', map = print }"),
                     -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_string_equal(kit.err.message, "jobs/x.lua: unknown param 'n': did you mean 'm'?");
    kit_close(&kit);
    buf_deinit(&params);
}

static void modules_beside_the_job_are_found(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load_with(&kit,
                                   "local m, lpeg, cjson = require 'm', require 'lpeg', "
                                   "require 'cjson'\n"
                                   "return { reduce = 'sum', map = function(k, v, emit)\n"
                                   "  emit(m.twice(2), require 'm' == m)\n"
                                   "  emit(lpeg.match(lpeg.C(lpeg.R('az') ^ 1), v), 1)\n"
                                   "  emit(cjson.decode('[7]'), cjson.encode({1}))\n"
                                   "  print(select(2, pcall(require, 'socket')))\n"
                                   "end }",
                                   "local name = ...\n"
                                   "return { name = name, twice = function(x) return x * 2 end }"),
                     0);
    assert_int_equal(kit_map(&kit, 0, "word 1"), 0);
    assert_string_equal(buf_string(&kit.output), "4=true;\"word\"=1;{7}='[1]';");
    assert_non_null(strstr(buf_string(&kit.log), "module 'socket' is not there"));
    kit_close(&kit);
}

/* The map of an input, its name in mr, and the built-ins in Lua. */
static void an_input_is_used_by_its_name(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit,
                              "local function tell(k, v, emit) emit(v, tostring(mr.input)) end\n"
                              "return { map = tell, inputs = { a = {}, b = { map = 'grep' },\n"
                              "  c = { map = 'identity' } }, params = { pattern = 'x+' } }"),
                     0);
    assert_int_equal(kit_map(&kit, 0, "0"), 0); /* no input is chosen: what is there for all */
    assert_int_equal(vm_use_input(kit.vm, "a", &kit.err), 0);
    assert_int_equal(kit_map(&kit, 0, "1"), 0);
    assert_int_equal(vm_use_input(kit.vm, "b", &kit.err), 0);
    assert_int_equal(kit_map(&kit, 2, "xx"), 0);
    assert_int_equal(vm_use_input(kit.vm, "a", &kit.err), 0);
    assert_int_equal(kit_map(&kit, 0, "3"), 0);
    assert_string_equal(buf_string(&kit.output), "\"0\"='nil';\"1\"='a';2='xx';\"3\"='a';");
    assert_int_equal(vm_use_input(kit.vm, "c", &kit.err), 0);
    assert_int_equal(vm_builtin(kit.vm, "map"), BUILTIN_IDENTITY);
    kit_close(&kit);
}

static void random_numbers_follow_the_seed(void **state)
{
    static const char body[] = "emit(math.random(1 << 40), math.random(1 << 40))";
    struct kit a = {.options.seed = 1}, b = {.options.seed = 1}, c = {.options.seed = 2};

    (void)state;
    assert_int_equal(kit_run(&a, body), 0);
    assert_int_equal(kit_run(&b, body), 0);
    assert_int_equal(kit_run(&c, body), 0);
    assert_string_equal(buf_string(&a.output), buf_string(&b.output));
    assert_string_not_equal(buf_string(&a.output), buf_string(&c.output));
    kit_close(&a);
    kit_close(&b);
    kit_close(&c);
}

static void an_unsafe_job_has_all_of_lua(void **state)
{
    struct kit kit = {.options.unsafe = true};

    (void)state;
    assert_int_equal(kit_run(&kit, "emit(type(os.getpid or os.time), type(io.open)) "
                                   "emit(type(debug), type(require 'cjson'))"),
                     0);
    assert_string_equal(buf_string(&kit.output), "\"function\"='function';\"table\"='table';");
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_view_is_plain_data_with_defaults),
        cmocka_unit_test(a_wrong_field_is_a_setup_error_that_names_it),
        cmocka_unit_test(what_the_file_raises_is_told_with_its_line),
        cmocka_unit_test(params_are_what_the_command_line_says),
        cmocka_unit_test(modules_beside_the_job_are_found),
        cmocka_unit_test(an_input_is_used_by_its_name),
        cmocka_unit_test(random_numbers_follow_the_seed),
        cmocka_unit_test(an_unsafe_job_has_all_of_lua),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
