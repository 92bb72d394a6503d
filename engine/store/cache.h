/*
 * cache: files that are kept from one job to the next, each with a note, by name.
 *
 *     folder = cache_folder(&err);                     $XDG_CACHE_HOME/mrlua, else ~/.cache/mrlua
 *     rc = cache_make(folder, &err);
 *     if (cache_find(folder, name, to, &note, &err) == 1)       a second name of the file, or a
 * copy
 *         ... if it turns out to be damaged: cache_drop(folder, name, &err) ...
 *     else
 *         ... make it ... cache_keep(folder, name, path, note, &err);
 *
 * What is in the folder:
 *
 *     files/NN/NAME/file     what was kept; NN: the first two characters of its name
 *     files/NN/NAME/note     cache_note.h
 *     sums/NN/...            store/sums.h
 *     tmp/...                on their way in or out
 *
 * An entry is a folder, made in tmp/ and renamed: it is there whole or not at all, with file and
 * note of the same keeper, whoever dies or does the same at the same time. Who comes second leaves
 * what is there. A file is taken by its entry's descriptor, so it is that of the note even when the
 * entry is replaced meanwhile. Entries are not fsynced: what a crash of the machine tore is
 * damaged, which the note's checksum finds, and of the file its reader.
 *
 * Where the file system allows it a kept file is a second name of the one given, and a found one of
 * the one kept: so none is written after it was kept. Otherwise it is copied.
 *
 * The note's modification time is when the entry was last found; the rest is in cache_list.h.
 */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { CACHE_NAME_BYTES_MIN = 8 }; /* of hexadecimal digits */

/* Of this user; release with free(). NULL: ERR_SETUP, the environment names none. */
char *cache_folder(struct err *err);

/* Makes the folders that are missing, for this user alone. 0 or -1 (ERR_SETUP). */
int cache_make(const char *folder, struct err *err);

/* 1: `to`, which must not exist, is the file, and its note is appended. 0: there is none, or a
 * damaged one, which is dropped. -1: `to` could not be made, or an entry not read. */
int cache_find(const char *folder, const char *name, const char *to, struct buf *note,
               struct err *err);

/* Keeps the file `path`. 0, also when there is one of that name; or -1, and nothing is kept. */
int cache_keep(const char *folder, const char *name, const char *path, struct slice note,
               struct err *err);

/* It is not found any more. 0, also when it was not there; or -1. */
int cache_drop(const char *folder, const char *name, struct err *err);

#endif
