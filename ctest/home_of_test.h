/*
 * home_of_test: a temporary folder for each test, where the user's state and cache are meanwhile.
 *
 *     cmocka_unit_test_setup_teardown(test, home_set_up, home_tear_down)
 *     ... folder_path(&folder, "mrlua/runs") ...
 */
#ifndef CTEST_HOME_OF_TEST_H
#define CTEST_HOME_OF_TEST_H

#include "folder_of_test.h"

#include <stdlib.h>

static const char *const home_names[] = {"XDG_STATE_HOME", "XDG_CACHE_HOME"};
static char *home_was[2];

static inline int home_set_up(void **state)
{
    folder_set_up(state);
    for (int i = 0; i < 2; i++) {
        const char *was = getenv(home_names[i]);

        home_was[i] = was ? strdup(was) : NULL;
        setenv(home_names[i], folder.path, 1);
    }
    return 0;
}

static inline int home_tear_down(void **state)
{
    for (int i = 0; i < 2; i++) {
        if (home_was[i])
            setenv(home_names[i], home_was[i], 1);
        else
            unsetenv(home_names[i]);
        free(home_was[i]);
    }
    return folder_tear_down(state);
}

#endif
