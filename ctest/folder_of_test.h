/*
 * folder_of_test: a temporary folder for each test of a program.
 *
 *     cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)
 *     ... folder_path(&folder, "a.txt") ...
 */
#ifndef CTEST_FOLDER_OF_TEST_H
#define CTEST_FOLDER_OF_TEST_H

#include "folder.h"

static struct folder folder;

static inline int folder_set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static inline int folder_tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

#endif
