#include "test.h"

#include "base/home.h"

#include <stdlib.h>

static void expect(bool (*home)(struct buf *), const char *expected)
{
    struct buf path = {0};

    assert_true(home(&path));
    assert_string_equal(buf_string(&path), expected);
    buf_deinit(&path);
}

static void a_variable_names_the_folder(void **state)
{
    (void)state;
    setenv("HOME", "/home/x", 1);
    setenv("XDG_STATE_HOME", "/var/s", 1);
    setenv("XDG_CACHE_HOME", "/var/c", 1);
    expect(home_state, "/var/s/mrlua");
    expect(home_cache, "/var/c/mrlua");
}

static void without_it_or_with_a_relative_one_it_is_below_home(void **state)
{
    (void)state;
    setenv("HOME", "/home/x", 1);
    unsetenv("XDG_STATE_HOME");
    setenv("XDG_CACHE_HOME", "relative", 1);
    expect(home_state, "/home/x/.local/state/mrlua");
    expect(home_cache, "/home/x/.cache/mrlua");
}

static void without_a_home_there_is_none(void **state)
{
    struct buf path = {0};

    (void)state;
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_false(home_state(&path));
    setenv("HOME", "relative", 1);
    assert_false(home_state(&path));
    assert_int_equal(path.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_names_the_folder),
        cmocka_unit_test(without_it_or_with_a_relative_one_it_is_below_home),
        cmocka_unit_test(without_a_home_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
