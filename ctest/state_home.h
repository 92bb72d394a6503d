/*
 * state_home: a temporary folder for each test, which is the user's state folder meanwhile.
 *
 *     cmocka_unit_test_setup_teardown(test, state_home_set_up, state_home_tear_down)
 *     ... folder_path(&folder, "mrlua/runs") ...
 */
#ifndef CTEST_STATE_HOME_H
#define CTEST_STATE_HOME_H

#include "folder_of_test.h"

#include <stdlib.h>

static char *state_home_was;

static inline int state_home_set_up(void **state)
{
    const char *was = getenv("XDG_STATE_HOME");

    folder_set_up(state);
    state_home_was = was ? strdup(was) : NULL;
    setenv("XDG_STATE_HOME", folder.path, 1);
    return 0;
}

static inline int state_home_tear_down(void **state)
{
    unsetenv("XDG_STATE_HOME");
    if (state_home_was)
        setenv("XDG_STATE_HOME", state_home_was, 1);
    free(state_home_was);
    return folder_tear_down(state);
}

#endif
