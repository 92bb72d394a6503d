/*
 * command: runs a program that was built, PROGRAM, as a shell would.
 *
 *     assert_int_equal(command_run("%s --version >%s", PROGRAM, folder_path(&folder, "out")), 0);
 */
#ifndef CTEST_COMMAND_H
#define CTEST_COMMAND_H

#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* The exit code of the shell's command that the format says; 128 + n: a signal. */
__attribute__((format(printf, 1, 2))) static inline int command_run(const char *format, ...)
{
    char command[1 << 14];
    va_list args;
    int len, status;

    va_start(args, format);
    len = vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_true(len > 0 && (size_t)len < sizeof command);
    status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#endif
