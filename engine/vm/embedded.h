/*
 * embedded: the Lua modules that are part of the executable, by module name. Generated from
 * lua/mrlua/ and argparse by vm/tool/embed.c; the array ends with a null name.
 */
#ifndef VM_EMBEDDED_H
#define VM_EMBEDDED_H

#include <stddef.h>

struct embedded_module {
    const char *name; /* "mrlua.job" */
    const char *code; /* compiled, of `bytes` bytes; "=mrlua.job" is the name of its chunk */
    size_t bytes;
};

extern const struct embedded_module embedded_modules[];

/* The module called `name`, or NULL. */
const struct embedded_module *embedded_find(const char *name);

#endif
