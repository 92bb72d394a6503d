/*
 * version: what `mrlua --version` prints: which mrlua, which Lua, and how it was built.
 */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

void version_print(void);

#endif
