/*
 * path: where a path really leads.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>

/*
 * Is `path` the folder or below it, links and ".." resolved? Of a path that is not there yet (an
 * output folder, a glob) the nearest folder that is there counts, and the rest may have no "..".
 * A `folder` that is not there has nothing below it.
 */
bool path_is_below(const char *folder, const char *path);

/* `path` as one says it from elsewhere: below `folder`, unless it starts at the root. With an empty
 * `folder` it stays as it is. Release with free(). */
char *path_join(const char *folder, const char *path);

#endif
