/*
 * line: a line of text from the user, as host functions (vm/host.h) for lua/mrlua/repl/prompt.lua.
 *
 *     engine.line_open{history}            -> {is_terminal, edits, warning}
 *                                             `history`: a file (line_history.h)
 *     engine.line_read{prompt, polls}      -> {line}, or {is_interrupted = true}: Ctrl-C, or
 *                                             {is_ended = true}: Ctrl-D, or {signal = 15}, or
 *                                             {characters_max}: it is too long; warning
 *     engine.line_paths{prefix}            -> a list of the paths that begin so, folders with a "/"
 *     engine.line_close()
 *
 * `edits` is false where there is no terminal to edit on: nothing is open then, and the caller
 * reads standard input as it is. From open to close SIGINT raises "interrupted!" in whatever Lua
 * runs. `warning`: the history does not work, for this reason; it is told once, and all goes on
 * without.
 *
 * While line_read waits, it calls what engine.on() has registered as
 *
 *     line_poll()                          -> news to show above the line; with `polls`
 *     line_complete{line, position}        -> {erase, insert, list}: line_edit.h
 */
#ifndef CLI_LINE_H
#define CLI_LINE_H

#include "vm/host.h"

enum { LINE_PATHS_MAX = 1000 }; /* more are no help to choose from */

struct line;

/* The context of all is the struct functions. */
int line_open(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err);
int line_read(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err);
int line_paths(void *context, struct vm_host *host, struct slice args, struct buf *result,
               struct err *err);
int line_pause(void *context, struct vm_host *host, struct slice args, struct buf *result,
               struct err *err);
int line_close(void *context, struct vm_host *host, struct slice args, struct buf *result,
               struct err *err);

/* What a Lua error has left open. */
void line_release(struct line *line);

#endif
