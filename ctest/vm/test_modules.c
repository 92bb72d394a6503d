#include "test.h"

#include "vm/embedded.h"
#include "vm/modules.h"

#include <lauxlib.h>
#include <string.h>

static void every_module_is_found_by_its_name(void **state)
{
    uint32_t count = 0;

    (void)state;
    for (const struct embedded_module *module = embedded_modules; module->name; module++) {
        assert_ptr_equal(embedded_find(module->name), module);
        assert_true(module->bytes > strlen(LUA_SIGNATURE)); /* compiled by the build */
        assert_memory_equal(module->code, LUA_SIGNATURE, strlen(LUA_SIGNATURE));
        count++;
    }
    assert_true(count > 3);
    assert_non_null(embedded_find("argparse"));
    assert_non_null(embedded_find("mrlua.sandbox"));
}

static void other_names_are_not_found(void **state)
{
    (void)state;
    assert_null(embedded_find("mrlua"));
    assert_null(embedded_find(""));
    assert_null(embedded_find("os"));
}

/* Ours are closures, Lua's are not. */
static bool has_our_functions(bool full)
{
    static const char *const names[] = {"find", "match", "gmatch", "gsub"};
    struct word_table *words = word_table_new();
    lua_State *L = luaL_newstate();
    int count = 0;

    modules_open(L, full ? NULL : words);
    lua_getglobal(L, "string");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        lua_getfield(L, -1, names[i]);
        if (lua_getupvalue(L, -1, 1)) {
            lua_pop(L, 1);
            count++;
        }
        lua_pop(L, 1);
    }
    lua_close(L);
    word_table_free(words);
    assert_true(count == 0 || count == sizeof names / sizeof *names);
    return count > 0;
}

/* With os.setlocale() there the classes could change. */
static void string_functions_are_ours_where_nothing_sets_a_locale(void **state)
{
    (void)state;
    assert_true(has_our_functions(false));
    assert_false(has_our_functions(true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_module_is_found_by_its_name),
        cmocka_unit_test(other_names_are_not_found),
        cmocka_unit_test(string_functions_are_ours_where_nothing_sets_a_locale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
