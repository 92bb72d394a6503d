/*
 * version: what `mrlua --version` prints: which mrlua, which Lua, and how it was built; and
 * `mrlua --version --json`.
 */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

struct buf;

/* Appends the text, some lines. */
void version_text(struct buf *out);

/* Appends {"built_with":["SANDBOX"],"lua":"Lua 5.4.6","version":"0.1.0"} and a newline. */
void version_json(struct buf *out);

#endif
