/*
 * line_history: what was typed at a prompt, kept in a file for the next time.
 *
 *     line_history_load(path, &lines, &err);       the last LINE_HISTORY_COUNT_MAX, oldest first
 *     line_history_append(path, "a line", &err);   each when it is entered
 *
 * A line of the file is one that was typed. The file has mode 0600: passwords are typed anywhere.
 * Lines are appended whole, so several prompts share it. A load that finds more than it answers
 * writes the file anew, with what it answers; what another prompt appends in that moment is lost.
 */
#ifndef CLI_LINE_HISTORY_H
#define CLI_LINE_HISTORY_H

#include "base/buf.h"
#include "base/err.h"

enum {
    LINE_HISTORY_COUNT_MAX = 1000,            /* nobody looks further back */
    LINE_HISTORY_BYTES_MAX = 4 * 1024 * 1024, /* of the file's end; lines are a screen at most */
};

/* Appends the lines to `lines`, each with its newline. No file: none. 0 or -1 (ERR_SETUP). */
int line_history_load(const char *path, struct buf *lines, struct err *err);

/* Makes the file and its folders, too. Only the text before a newline is kept, nothing of an empty
 * line. 0 or -1. */
int line_history_append(const char *path, const char *line, struct err *err);

#endif
