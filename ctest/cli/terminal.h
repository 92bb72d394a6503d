/*
 * terminal: both ends of a terminal in one process, for tests of what edits lines.
 *
 *     terminal_open(&terminal);            80 columns, 24 rows; TERM is xterm
 *     ... terminal.in, terminal.out ...    the program's end
 *     terminal_type(&terminal, "1 + 1\r");
 *     terminal_shown(&terminal)            all that was written there, until now
 *     terminal_close(&terminal);
 */
#ifndef CTEST_CLI_TERMINAL_H
#define CTEST_CLI_TERMINAL_H

#include "test.h"

#include "base/buf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct terminal {
    int user_fd;
    FILE *in, *out;
    struct buf shown;
};

static inline void terminal_resize(struct terminal *terminal, unsigned short columns)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};

    assert_int_equal(ioctl(terminal->user_fd, TIOCSWINSZ, &size), 0);
}

static inline void terminal_open(struct terminal *terminal)
{
    int fd;

    *terminal = (struct terminal){.user_fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)};
    assert_true(terminal->user_fd >= 0);
    assert_int_equal(grantpt(terminal->user_fd), 0);
    assert_int_equal(unlockpt(terminal->user_fd), 0);
    fd = open(ptsname(terminal->user_fd), O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    terminal->in = fdopen(fd, "r");
    terminal->out = fdopen(dup(fd), "w");
    assert_non_null(terminal->in);
    assert_non_null(terminal->out);
    terminal_resize(terminal, 80);
    setenv("TERM", "xterm", 1);
}

static inline void terminal_type(struct terminal *terminal, const char *text)
{
    assert_int_equal(write(terminal->user_fd, text, strlen(text)), strlen(text));
}

static inline const char *terminal_shown(struct terminal *terminal)
{
    ssize_t count;

    fflush(terminal->out);
    do {
        char *to = buf_reserve(&terminal->shown, 4096);

        count = read(terminal->user_fd, to, 4096);
        terminal->shown.len += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    return buf_string(&terminal->shown);
}

static inline void terminal_close(struct terminal *terminal)
{
    fclose(terminal->in);
    fclose(terminal->out);
    close(terminal->user_fd);
    buf_deinit(&terminal->shown);
}

#endif
