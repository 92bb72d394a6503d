#include "cli/version.h"

#include "base/buf.h"
#include "test.h"

#include <string.h>

static void a_version_says_which_lua_and_how_it_was_built(void **state)
{
    struct buf text = {0};
    const char *string;

    (void)state;
    version_text(&text);
    string = buf_string(&text);
    assert_ptr_equal(strstr(string, "mrlua " MRLUA_VERSION "\nLua 5.4."), string);
#if defined(MRLUA_TINY)
    assert_non_null(strstr(string, "\nbuilt with TINY"));
#elif defined(MRLUA_SANITIZE)
    assert_non_null(strstr(string, "\nbuilt with SANITIZE"));
#elif defined(MRLUA_SANDBOX)
    assert_non_null(strstr(string, "\nbuilt with SANDBOX\n"));
#else
    assert_non_null(strstr(string, "\nbuilt without SANDBOX"));
#endif
    assert_int_equal(text.ptr[text.len - 1], '\n');
    buf_deinit(&text);
}

static void a_version_is_told_as_json(void **state)
{
    struct buf text = {0};

    (void)state;
    version_json(&text);
#if defined(MRLUA_SANDBOX) && !defined(MRLUA_TINY) && !defined(MRLUA_SANITIZE)
    assert_ptr_equal(strstr(buf_string(&text), "{\"built_with\":[\"SANDBOX\""), buf_string(&text));
#endif
    assert_non_null(strstr(buf_string(&text), "],\"lua\":\"Lua 5.4."));
    assert_non_null(strstr(buf_string(&text), "\"version\":\"" MRLUA_VERSION "\"}\n"));
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_says_which_lua_and_how_it_was_built),
        cmocka_unit_test(a_version_is_told_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
