/*
 * The tool that compiles the engine's Lua (engine/vm/tool/embed.c), run on small modules. That what
 * it writes is C, the build of the engine shows.
 */
#include "test.h"

#include "command.h"
#include "folder.h"

#include <lauxlib.h>
#include <lualib.h>

static void write_text(const struct folder *folder, const char *name, const char *text)
{
    folder_write(folder, name, text, strlen(text));
}

/* Loads the array of that number from the C file: compiled code only. */
static void load_module(lua_State *L, const char *text, int number)
{
    char head[64];
    const char *at;
    char *end;
    luaL_Buffer code;

    snprintf(head, sizeof head, "static const unsigned char module_%d[] = {\n", number);
    at = strstr(text, head);
    assert_non_null(at);
    luaL_buffinit(L, &code);
    for (at += strlen(head); *at != '}'; at = end + strspn(end, ",\n")) {
        unsigned long byte = strtoul(at, &end, 10);

        assert_true(end > at && byte < 256);
        luaL_addchar(&code, (char)byte);
    }
    luaL_pushresult(&code);
    at = lua_tostring(L, -1);
    assert_int_equal(luaL_loadbufferx(L, at, lua_rawlen(L, -1), "other", "b"), LUA_OK);
}

static void modules_are_compiled_under_their_names(void **state)
{
    lua_State *L = luaL_newstate();
    struct folder folder;
    char *text;

    (void)state;
    luaL_openlibs(L);
    folder_make(&folder);
    write_text(&folder, "one.lua", "local name = ...\nreturn 'I am ' .. name");
    write_text(&folder, "two.lua", "-- fails in line 2\nerror 'so'");
    assert_int_equal(command_run("%s %s x.one=%s two=%s", PROGRAM, folder_path(&folder, "out.c"),
                                 folder_path(&folder, "one.lua"), folder_path(&folder, "two.lua")),
                     0);
    text = folder_read(&folder, "out.c");
    load_module(L, text, 0);
    lua_pushstring(L, "x.one");
    assert_int_equal(lua_pcall(L, 1, 1, 0), LUA_OK);
    assert_string_equal(lua_tostring(L, -1), "I am x.one");
    load_module(L, text, 1);
    assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_ERRRUN);
    assert_string_equal(lua_tostring(L, -1), "two:2: so");
    assert_string_equal(strstr(text, "\nconst struct"),
                        "\nconst struct embedded_module embedded_modules[] = {\n"
                        "    {\"x.one\", (const char *)module_0, sizeof module_0},\n"
                        "    {\"two\", (const char *)module_1, sizeof module_1},\n"
                        "    {0, 0, 0},\n};\n");
    free(text);
    folder_remove(&folder);
    lua_close(L);
}

/* Asks for two modules, of which the second, `word` below the folder, cannot be had. */
static void fails(struct folder *folder, const char *word, const char *message)
{
    char *text;

    assert_int_equal(
        command_run("cd %s && %s out.c good=good.lua %s 2>err", folder->path, PROGRAM, word), 1);
    text = folder_read(folder, "err");
    assert_string_equal(text, message);
    free(text);
    assert_false(folder_has(folder, "out.c"));
}

static void nothing_is_left_of_an_output_that_fails(void **state)
{
    struct folder folder;

    (void)state;
    folder_make(&folder);
    folder_mkdir(&folder, "folder");
    write_text(&folder, "good.lua", "return 1");
    write_text(&folder, "bad.lua", "return\n= 1");
    fails(&folder, "bad=bad.lua", "embed: bad:2: unexpected symbol near '='\n");
    fails(&folder, "gone=gone.lua", "embed: cannot open gone.lua\n");
    fails(&folder, "bad=folder", "embed: cannot read folder\n");
    fails(&folder, "good.lua", "embed: 'good.lua' is not NAME=PATH\n");
    assert_int_equal(symlink("/dev/full", folder_path(&folder, "out.c")), 0);
    fails(&folder, "two=good.lua", "embed: cannot write out.c\n");
    assert_int_equal(command_run("%s 2>/dev/null", PROGRAM), 1);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_are_compiled_under_their_names),
        cmocka_unit_test(nothing_is_left_of_an_output_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
