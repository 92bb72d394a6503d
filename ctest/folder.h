/*
 * folder: a temporary folder for a test, and files in it.
 *
 *     struct folder folder;
 *     folder_make(&folder);                             below $TMPDIR, else /tmp
 *     folder_write(&folder, "a.txt", "text", 4);
 *     path = folder_path(&folder, "a.txt");             good until the eighth call after this
 *     folder_remove(&folder);
 */
#ifndef CTEST_FOLDER_H
#define CTEST_FOLDER_H

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_PATH_BYTES = 4096 };

struct folder {
    char path[FOLDER_PATH_BYTES];
};

static inline void folder_make(struct folder *folder)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(folder->path, sizeof folder->path, "%s/mrlua-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder->path));
}

static inline const char *folder_path(const struct folder *folder, const char *name)
{
    static char paths[8][2 * FOLDER_PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", folder->path, name);
    return path;
}

static inline void folder_write(const struct folder *folder, const char *name, const void *bytes,
                                size_t len)
{
    FILE *file = fopen(folder_path(folder, name), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline void folder_mkdir(const struct folder *folder, const char *name)
{
    assert_int_equal(mkdir(folder_path(folder, name), 0777), 0);
}

static inline bool folder_has(const struct folder *folder, const char *name)
{
    struct stat status;

    return lstat(folder_path(folder, name), &status) == 0;
}

/* The contents as a string; free() them. */
static inline char *folder_read(const struct folder *folder, const char *name)
{
    FILE *file = fopen(folder_path(folder, name), "rb");
    char *text = calloc(1, 1 << 16);

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) < (1 << 16) - 1);
    fclose(file);
    return text;
}

static inline int folder_remove_one(const char *path, const struct stat *status, int type,
                                    struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void folder_remove(const struct folder *folder)
{
    assert_int_equal(nftw(folder->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int folder_counted;

static inline int folder_count_one(const char *path, const struct stat *status, int type,
                                   struct FTW *walk)
{
    (void)path;
    (void)status;
    (void)type;
    folder_counted += walk->level > 0;
    return 0;
}

/* Files and folders below it, hidden ones too. */
static inline int folder_count(const struct folder *folder)
{
    folder_counted = 0;
    assert_int_equal(nftw(folder->path, folder_count_one, 16, FTW_PHYS), 0);
    return folder_counted;
}

#endif
