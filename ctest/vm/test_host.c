/* A full state looks for modules in LUA_PATH too: that is how a test brings its own. */
#include "vm/kit.h"

#include "vm/embedded.h"
#include "vm/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    char folder[256], path[300];
};

static int open_world(void **state)
{
    static struct world world;
    const char *temp = getenv("TMPDIR");
    char lua_path[320];

    snprintf(world.folder, sizeof world.folder, "%s/mrlua-host-XXXXXX", temp ? temp : "/tmp");
    if (!mkdtemp(world.folder))
        return -1;
    snprintf(world.path, sizeof world.path, "%s/script.lua", world.folder);
    snprintf(lua_path, sizeof lua_path, "%s/?.lua", world.folder);
    setenv("LUA_PATH", lua_path, 1);
    *state = &world;
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;

    unlink(world->path);
    return rmdir(world->folder);
}

static int do_add(void *context, struct vm_host *host, struct slice args, struct buf *result,
                  struct err *err)
{
    (void)context;
    (void)host;
    (void)err;
    value_write_integer(result,
                        value_field_integer(args, "a", 0) + value_field_integer(args, "b", 0));
    return 0;
}

static int do_fail(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err)
{
    (void)context;
    (void)host;
    (void)args;
    (void)result;
    return err_set(err, ERR_INPUT, "open a.txt: No such file or directory");
}

static int do_nothing(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err)
{
    (void)context;
    (void)host;
    (void)args;
    (void)result;
    (void)err;
    return 0;
}

/* Calls "progress" three times with what it answered last, and answers the last. */
static int do_loop(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err)
{
    struct buf value = {0};
    int rc = 0;

    (void)context;
    value_write_integer(&value, value_field_integer(args, "from", 0));
    for (int i = 0; i < 3 && rc == 0; i++) {
        buf_clear(result);
        rc = vm_host_call(host, "progress", buf_slice(&value), result, err);
        buf_clear(&value);
        buf_append(&value, result->ptr, result->len);
    }
    buf_deinit(&value);
    return rc;
}

/* As a signal that comes now would. */
static int do_interrupt(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err)
{
    (void)context, (void)args, (void)result, (void)err;
    vm_host_interrupt(host);
    return 0;
}

static const struct host_function functions[] = {
    {"add", do_add},   {"fail", do_fail},           {"nothing", do_nothing},
    {"loop", do_loop}, {"interrupt", do_interrupt}, {NULL, NULL},
};

/* Runs `script` as the module "script" with two arguments. */
static int run(struct world *world, const char *script, int *exit_code, struct err *err)
{
    char name[] = "mrlua", first[] = "one", second[] = "two";
    char *argv[] = {name, first, second, NULL};
    FILE *file = fopen(world->path, "w");

    assert_non_null(file);
    fputs(script, file);
    fclose(file);
    return vm_host_run("script", 3, argv, functions, world, exit_code, err);
}

static void runs_a_function_or_main_with_the_arguments(void **state)
{
    struct err err = {0};
    int exit_code = -1;

    assert_int_equal(
        run(*state, "return function(argv) return #argv + #argv[2] end", &exit_code, &err), 0);
    assert_int_equal(exit_code, 5);
    assert_int_equal(run(*state, "return { main = function(argv) assert(argv[1] == 'one') end }",
                         &exit_code, &err),
                     0);
    assert_int_equal(exit_code, 0);
}

static void host_functions_take_and_answer_values(void **state)
{
    struct err err = {0};
    int exit_code = -1;

    if (run(*state,
            "local engine = require 'mrlua.engine'\n"
            "return function()\n"
            "  local _, message, kind = engine.fail()\n"
            "  assert(message == 'open a.txt: No such file or directory')\n"
            "  assert(kind == 'input')\n"
            "  assert(engine.nothing {} == true)\n"
            "  assert(not pcall(engine.add, 'text'))\n"
            "  local none, why = engine.add { a = print }\n"
            "  assert(none == nil and why == 'value contains a function at .a')\n"
            "  return engine.add { a = 40, b = 2 }\n"
            "end",
            &exit_code, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(exit_code, 42);
}

static void registered_functions_are_called_back(void **state)
{
    struct err err = {0};
    int exit_code = -1;

    if (run(*state,
            "local engine = require 'mrlua.engine'\n"
            "return function()\n"
            "  assert(engine.loop { from = 1 } == true)\n"
            "  engine.on('progress', function(n) return engine.add { a = n, b = n } end)\n"
            "  local n = coroutine.wrap(function() return engine.loop { from = 1 } end)()\n"
            "  engine.on('progress', function() error('in progress') end)\n"
            "  local none, message = engine.loop { from = 1 }\n"
            "  assert(none == nil and message:find('in progress', 1, true), message)\n"
            "  engine.on('progress', nil)\n"
            "  assert(engine.loop { from = 1 } == true)\n"
            "  return n\n"
            "end",
            &exit_code, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(exit_code, 8);
}

static void what_it_raises_is_told_with_its_place(void **state)
{
    struct err err = {0};
    int exit_code = -1;

    assert_int_equal(run(*state, "return function()\n error('broken')\nend", &exit_code, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "script.lua:2: broken"));
    assert_int_equal(run(*state, "syntax error", &exit_code, &err), -1);
    assert_int_equal(vm_host_run("no.such.module", 0, NULL, functions, NULL, &exit_code, &err), -1);
}

static void the_engines_modules_are_part_of_it(void **state)
{
    struct err err = {0};
    int exit_code = -1;

    assert_non_null(embedded_find("mrlua.job"));
    assert_null(embedded_find("mrlua.nothing"));
    if (run(*state,
            "local names = { 'argparse', 'lpeg', 'cjson', 'mrlua.job', 'mrlua.dryrun' }\n"
            "return function()\n"
            "  package.path, package.cpath = '', ''\n"
            "  for _, name in ipairs(names) do require(name) end\n"
            "end",
            &exit_code, &err) != 0)
        fail_msg("%s", err.message);
}

static void an_interrupt_raises_once_wherever_lua_is(void **state)
{
    struct err err = {0};
    int exit_code = -1;

    if (run(*state,
            "local engine = require 'mrlua.engine'\n"
            "return function()\n"
            "  local ok, message = pcall(function() engine.interrupt() while true do end end)\n"
            "  assert(not ok and message:find 'interrupted!$', message)\n"
            "  for i = 1, 1000 do ok = i end\n"
            "  return ok\n"
            "end",
            &exit_code, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(exit_code, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_a_function_or_main_with_the_arguments),
        cmocka_unit_test(host_functions_take_and_answer_values),
        cmocka_unit_test(registered_functions_are_called_back),
        cmocka_unit_test(an_interrupt_raises_once_wherever_lua_is),
        cmocka_unit_test(what_it_raises_is_told_with_its_place),
        cmocka_unit_test(the_engines_modules_are_part_of_it),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
