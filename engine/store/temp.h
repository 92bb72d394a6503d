/*
 * temp: a private folder for spills, runs and spooled input.
 *
 *     const char *parent = temp_choose(flag);        --tmp, else $TMPDIR, else /var/tmp
 *     if (temp_is_memory(parent)) warn;
 *     temp_sweep(parent);                            what killed processes left behind
 *     temp_init(&temp, parent, &err);                mkdir <parent>/mrlua-XXXXXX, mode 0700
 *     ... temp.path ...
 *     temp_deinit(&temp);                            removes it and all that is in it
 *
 * The folder holds a file "lock" with the pid, locked (flock) as long as this process, or a
 * child that inherited the descriptor, lives. temp_sweep() removes the folders of this user whose
 * lock nobody holds: after a kill -9 the next run cleans up.
 */
#ifndef STORE_TEMP_H
#define STORE_TEMP_H

#include "base/err.h"

#include <stdbool.h>

struct temp {
    char *path;  /* NULL: not open */
    int lock_fd; /* close-on-exec; a forked child keeps the folder alive */
};

/* `flag` if it is not NULL or empty, else $TMPDIR, else /var/tmp. Borrowed. */
const char *temp_choose(const char *flag);

/* True when what is written there is held in memory (tmpfs, ramfs). */
bool temp_is_memory(const char *path);

/* ERR_SETUP: the folder `parent` is not there or not writable. */
int temp_init(struct temp *temp, const char *parent, struct err *err);

/* Removes the folder, as far as that works. Safe on a zeroed struct. */
void temp_deinit(struct temp *temp);

/* Forgets the folder without removing it: for a forked child, whose parent owns it. */
void temp_forget(struct temp *temp);

void temp_sweep(const char *parent);

/* Removes `path` and everything below it; follows no symbolic link. It being gone is fine. */
int temp_remove_tree(const char *path, struct err *err);

#endif
