/*
 * trail: what a job leaves behind for whoever asks about it later: a folder of its own.
 *
 *     trail_init(&trail);                                   of a `mrlua run`; its number is the
 * next trail_init_at(&trail, root, number);                  of a master's job, which has a number
 *     rc = trail_write(&trail, "job.json", text, &err);     the first one makes the folder ...
 *     rc = trail_append(&trail, "log.jsonl", line, &err);
 *     puts(trail.id);                                       ... and its name, by which one asks
 *     trail_deinit(&trail);
 *
 * Folders of runs are $XDG_STATE_HOME/mrlua/runs/r1, r2, ... (base/home.h), for this user alone. A
 * number is taken by making the folder, so two runs never share one. The newest TRAIL_COUNT_MAX
 * stay: who makes a folder removes those before them, also of a run that goes on for so long; what
 * that still writes fails as on a full disk.
 *
 * A trail is a help, and a run goes on without it. So the first failure is told, and from then on
 * nothing is written and nothing told. Nothing is fsynced: a crash of the machine may tear it.
 *
 * Cost (ext4, 2026-11): 0.3 ms for the first file, when an old folder goes; 0.06 ms for another.
 */
#ifndef STORE_TRAIL_H
#define STORE_TRAIL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* One goes through the last runs by hand, and a hundred of them at a few KB each, some at
     * megabytes, are no burden to anybody's disk. */
    TRAIL_COUNT_MAX = 100,
    TRAIL_ID_BYTES = 24,
    TRAIL_NAME_COUNT_MAX = 1000, /* of files; who writes here bounds them far below that */
};

struct trail {
    char *root; /* of trail_init_at(), with its number; NULL: of this user's runs */
    uint64_t number;
    char id[TRAIL_ID_BYTES]; /* "r17"; "": nothing has been written */
    char *path;              /* of its folder; NULL: the same */
    bool is_broken;
};

void trail_init(struct trail *trail);
void trail_init_at(struct trail *trail, const char *root, uint64_t number);
void trail_deinit(struct trail *trail); /* what was written stays */

/* Makes the folder, so that it has its id, if it is not there. As trail_write(). */
int trail_begin(struct trail *trail, struct err *err);

/* The file `name` is these bytes, or what it was before. 0, or -1 (ERR_DISK, ERR_SETUP) once. */
int trail_write(struct trail *trail, const char *name, struct slice bytes, struct err *err);

/* They come behind what is in the file. The same. */
int trail_append(struct trail *trail, const char *name, struct slice bytes, struct err *err);

/* The folder that all are in; release with free(). NULL: the environment names none (ERR_SETUP). */
char *trail_root(struct err *err);

/* The numbers of those that are there, newest first; release with free(). None when there is no
 * such folder. */
uint64_t *trail_list(const char *root, size_t *count);

/* Appends the path of a folder. */
void trail_path(const char *root, uint64_t number, struct buf *out);

/* The names of files in the folder `path`, in the order in which they were last written, at most
 * TRAIL_NAME_COUNT_MAX; each, and the list, are released with free(). */
char **trail_names(const char *path, size_t *count);

#endif
