/*
 * cache_home: a temporary folder for each test, which is the user's cache folder meanwhile.
 *
 *     cmocka_unit_test_setup_teardown(test, cache_home_set_up, cache_home_tear_down)
 *     ... folder_path(&folder, "mrlua") ...
 */
#ifndef CTEST_CLI_CACHE_HOME_H
#define CTEST_CLI_CACHE_HOME_H

#include "folder_of_test.h"

#include <stdlib.h>

static char *cache_home_was;

static inline int cache_home_set_up(void **state)
{
    const char *was = getenv("XDG_CACHE_HOME");

    folder_set_up(state);
    cache_home_was = was ? strdup(was) : NULL;
    setenv("XDG_CACHE_HOME", folder.path, 1);
    return 0;
}

static inline int cache_home_tear_down(void **state)
{
    unsetenv("XDG_CACHE_HOME");
    if (cache_home_was)
        setenv("XDG_CACHE_HOME", cache_home_was, 1);
    free(cache_home_was);
    return folder_tear_down(state);
}

#endif
