/*
 * line_edit: a line of text from a terminal, edited where it stands. The only file that knows
 * libedit.
 *
 *     edit = line_edit_open(stdin, stdout, &err);
 *     line_edit_remember(edit, "an earlier line");            those that the arrow keys bring back
 *     rc = line_edit_read(edit, "> ", &events, &line, &err);
 *     line_edit_close(edit);
 *
 * While it reads, `events` may have text shown above the line, which stays as it is, with its
 * cursor: news (poll), or what Tab could mean (complete). Ctrl-C ends the reading, Ctrl-D on an
 * empty line too; Ctrl-Z stops the process as ever; the line follows the size of the terminal.
 * ~/.editrc is read, with "mrlua" as the program's name (man 5 editrc).
 *
 * A line of more rows than the terminal has shows its last rows only.
 *
 * Signals: while it reads, SIGINT, SIGTERM, SIGHUP, SIGTSTP and SIGWINCH are its own, and the
 * terminal is not in its usual mode. Afterwards both are as they were.
 *
 * The locale: bytes are read as UTF-8, whatever the environment says or does not say.
 */
#ifndef CLI_LINE_EDIT_H
#define CLI_LINE_EDIT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

enum {
    LINE_EDIT_POLL_MS = 100, /* news are there before one has looked up */
#ifdef MRLUA_TINY
    LINE_EDIT_CHARACTERS_MAX = 300,
#else
    LINE_EDIT_CHARACTERS_MAX = 4096, /* each that is typed costs a look at all of them */
#endif
};

struct line_edit;

struct line_completion {
    uint32_t erase;    /* so many characters before the cursor ... */
    struct buf insert; /* ... give way to this */
    struct buf list;   /* what it could be, in lines; shown above */
};

/* Each may be NULL. -1 with *err ends the reading. */
struct line_events {
    /* Every LINE_EDIT_POLL_MS: news are appended to `text`, in lines. */
    int (*poll)(void *context, struct buf *text, struct err *err);
    /* Tab: `position` bytes of the line are before the cursor. */
    int (*complete)(void *context, struct slice line, size_t position,
                    struct line_completion *completion, struct err *err);
    void *context;
};

enum line_end { LINE_READ, LINE_INTERRUPTED, LINE_ENDED, LINE_TOO_LONG };

/* Borrows both, which are one terminal. NULL with *err (ERR_SETUP). */
struct line_edit *line_edit_open(FILE *in, FILE *out, struct err *err);
void line_edit_close(struct line_edit *edit);

void line_edit_remember(struct line_edit *edit, const char *line);

/* An enum line_end; or 128 + n: signal n, which ends processes, has come; or -1 (ERR_SETUP).
 * `prompt`: ASCII. The line, without its newline, is appended to `line`. */
int line_edit_read(struct line_edit *edit, const char *prompt, const struct line_events *events,
                   struct buf *line, struct err *err);

/* How many rows below its first one the cursor stands behind these characters, as libedit writes
 * them on a terminal of so many columns. Pure, but for the locale. */
uint32_t line_edit_row(size_t prompt_columns, const wchar_t *begin, const wchar_t *end,
                       uint32_t columns);

#endif
