/*
 * said: what a function writes to standard error, as text.
 */
#ifndef CTEST_SAID_H
#define CTEST_SAID_H

#include "test.h"

#include <fcntl.h>
#include <unistd.h>

enum { SAID_BYTES = 32 * 1024 }; /* less than a pipe takes */

static inline const char *said(void (*speak)(void), char out[static SAID_BYTES])
{
    int fds[2], was = dup(STDERR_FILENO);
    ssize_t len;

    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    dup2(fds[1], STDERR_FILENO);
    speak();
    dup2(was, STDERR_FILENO);
    close(fds[1]);
    len = read(fds[0], out, SAID_BYTES - 1);
    assert_true(len >= 0);
    out[len] = '\0';
    close(fds[0]);
    close(was);
    return out;
}

#endif
