/*
 * version: what `mrlua --version` prints: which mrlua, which Lua, and how it was built.
 */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

struct buf;

/* Appends the text, some lines. */
void version_text(struct buf *out);

#endif
