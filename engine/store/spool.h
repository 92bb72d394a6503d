/*
 * spool: standard input as a file, so that it can be cut into splits and an attempt be repeated.
 *
 *     spool_input(STDIN_FILENO, temp.path, &list, &err);
 *
 * Copies `fd` to its end into "<folder>/stdin-<n>" (0600) and appends the entry {name "-", that
 * path} to the list. The file lives as long as the folder (temp.h); on failure it is removed.
 *
 * Every failure is ERR_SETUP, also a full disk: what was read of a pipe is gone, and a second try
 * would take the rest of it for all of it. For the same reason a copy that is there already (its
 * maker was killed) is an error.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include "store/file.h"

int spool_input(int fd, const char *folder, struct file_list *list, struct err *err);

#endif
