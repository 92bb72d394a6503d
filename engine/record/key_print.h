/*
 * key_print: a key for people, in messages: as one would write it in Lua, "the", 17, {"a", 1.5}.
 *
 *     char text[KEY_PRINT_BYTES];
 *     err_set(err, ERR_JOB, "reduce of key %s", key_print(text, sizeof text, key));
 *
 * One line of printable ASCII; other bytes are \xhh.
 */
#ifndef RECORD_KEY_PRINT_H
#define RECORD_KEY_PRINT_H

#include "base/slice.h"

enum { KEY_PRINT_BYTES = 200 }; /* enough for a message; 8 at least */

/* Cut with "..." to what fits in `out`; returns `out`. Bytes that are no key are quoted as a
 * string of themselves. */
const char *key_print(char *out, size_t out_bytes, struct slice key);

/* The same of a key of `key_bytes` of which `head` is the beginning: as far as that can be read,
 * then "..." if there is more of it. */
const char *key_print_head(char *out, size_t out_bytes, struct slice head, size_t key_bytes);

#endif
