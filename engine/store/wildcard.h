/*
 * wildcard: does a path match a pattern whose part may be `**`? Pure: names in, an answer out.
 *
 *     wildcard_init(&wildcard, "src/" "**" "/[a-m]*.c", takes_hidden, &err)   -1: too many parts
 *     at = wildcard_start(&wildcard);
 *     at = wildcard_step(&wildcard, at, "src");      one name of the path after the other;
 *     at = wildcard_step(&wildcard, at, "a.c");      0: nothing below matches either
 *     wildcard_is_end(&wildcard, at)                 do the names so far match?
 *     wildcard_deinit(&wildcard);
 *
 * Between slashes * ? [ are those of fnmatch(3), and match no leading dot. A part that is `**`
 * (git's rule: `a**` is `a*`) stands for any number of folders, none as well; at the end, for all
 * that is below. It stands for no name that begins with "." or "_", unless `takes_hidden`.
 *
 * Why not glob(3): it knows no `**`. Why a set of places in the pattern and not one that moves back
 * as in fnmatch(3): what `**` may not stand for makes that wrong, and several make it slow. A step
 * costs at most one fnmatch() a part, whatever the pattern is.
 */
#ifndef STORE_WILDCARD_H
#define STORE_WILDCARD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WILDCARD_PART_COUNT_MAX = 63 }; /* a bit each, and one for the end */

struct wildcard {
    char *text; /* the pattern, its slashes replaced by ends of strings */
    const char *parts[WILDCARD_PART_COUNT_MAX];
    size_t part_count;
    bool takes_hidden;
};

/* On failure there is nothing to release. */
int wildcard_init(struct wildcard *wildcard, const char *pattern, bool takes_hidden,
                  struct err *err);
void wildcard_deinit(struct wildcard *wildcard);

uint64_t wildcard_start(const struct wildcard *wildcard);
uint64_t wildcard_step(const struct wildcard *wildcard, uint64_t at, const char *name);
bool wildcard_is_end(const struct wildcard *wildcard, uint64_t at);

/* Does `path` match, or a folder that it is in? Below such a folder, hidden names count only if
 * `takes_hidden`. */
bool wildcard_matches(const struct wildcard *wildcard, const char *path);

/* Has the text a character that makes it a pattern? */
bool wildcard_is_pattern(const char *text);

/* The first part of the pattern that is `**`; NULL: none is. */
const char *wildcard_find_any(const char *pattern);

/* Begins the name with "." or "_", as those that folders do not count as input? */
bool wildcard_is_hidden(const char *name);

#endif
