#include "store/trail.h"

#include "base/buf.h"
#include "base/home.h"
#include "base/io.h"
#include "base/mem.h"
#include "store/temp.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void trail_init(struct trail *trail)
{
    *trail = (struct trail){0};
}

void trail_deinit(struct trail *trail)
{
    free(trail->path);
    *trail = (struct trail){0};
}

char *trail_root(struct err *err)
{
    struct buf path = {0};

    if (!home_state(&path)) {
        err_set(err, ERR_SETUP, "no folder for what runs leave: set XDG_STATE_HOME or HOME");
        return NULL;
    }
    buf_append_string(&path, "/runs");
    buf_string(&path);
    return path.ptr;
}

/* ---- the folders ---- */

/* 0: it is the name of none. */
static uint64_t number_of(const char *name)
{
    char again[TRAIL_ID_BYTES];
    uint64_t number = name[0] == 'r' ? strtoull(name + 1, NULL, 10) : 0;

    snprintf(again, sizeof again, "r%llu", (unsigned long long)number);
    return strcmp(name, again) == 0 ? number : 0;
}

static int compare_newest_first(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? 1 : left > right ? -1 : 0;
}

uint64_t *trail_list(const char *root, size_t *count)
{
    DIR *folder = opendir(root);
    struct dirent *entry;
    uint64_t *list = NULL;

    *count = 0;
    while (folder && (entry = readdir(folder))) {
        uint64_t number = number_of(entry->d_name);

        if (number == 0)
            continue;
        list = mem_realloc_array(list, *count + 1, sizeof *list);
        list[(*count)++] = number;
    }
    if (folder)
        closedir(folder);
    if (*count > 1)
        qsort(list, *count, sizeof *list, compare_newest_first);
    return list;
}

/* All but the newest, with room for one that comes. What cannot be removed is in nobody's way. */
static void remove_old(const char *root, const uint64_t *list, size_t count)
{
    struct buf path = {0};
    struct err ignored;

    for (size_t i = TRAIL_COUNT_MAX - 1; i < count; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/r%llu", root, (unsigned long long)list[i]);
        temp_remove_tree(buf_string(&path), &ignored);
    }
    buf_deinit(&path);
}

/* The next number that nobody else takes at the same time. */
static int make_next(struct trail *trail, const char *root, uint64_t number, struct err *err)
{
    struct buf path = {0};
    int rc;

    do {
        snprintf(trail->id, sizeof trail->id, "r%llu", (unsigned long long)++number);
        buf_clear(&path);
        buf_printf(&path, "%s/%s", root, trail->id);
        rc = mkdir(buf_string(&path), 0700);
    } while (rc != 0 && errno == EEXIST);
    if (rc != 0) {
        trail->id[0] = '\0';
        rc = err_set_errno(err, err_kind_of_errno(errno, ERR_SETUP), "make %s", buf_string(&path));
        buf_deinit(&path);
        return rc;
    }
    trail->path = path.ptr;
    return 0;
}

static int make_folder(struct trail *trail, struct err *err)
{
    char *root = trail_root(err);
    struct buf inside = {0};
    uint64_t *list;
    size_t count;
    int rc;

    if (!root)
        return -1;
    buf_printf(&inside, "%s/", root);
    rc = io_make_folders(buf_string(&inside), 0700, err);
    if (rc == 0) {
        list = trail_list(root, &count);
        remove_old(root, list, count);
        rc = make_next(trail, root, count > 0 ? list[0] : 0, err);
        free(list);
    }
    buf_deinit(&inside);
    free(root);
    return rc;
}

/* ---- files ---- */

static int put(const char *path, int flags, struct slice bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    int rc;

    if (fd < 0)
        return err_set_errno(err, err_kind_of_errno(errno, ERR_SETUP), "create %s", path);
    rc = io_write(fd, bytes.ptr, bytes.len, path, ERR_DISK, err);
    io_close(&fd);
    return rc;
}

/* Under another name first, so that who reads it meanwhile reads all or nothing of it. */
static int replace(const char *path, struct slice bytes, struct err *err)
{
    struct buf beside = {0};
    int rc;

    buf_printf(&beside, "%s.new", path);
    rc = put(buf_string(&beside), O_TRUNC, bytes, err);
    if (rc == 0)
        rc = io_rename(buf_string(&beside), path, err);
    if (rc != 0)
        unlink(buf_string(&beside));
    buf_deinit(&beside);
    return rc;
}

static int keep(struct trail *trail, const char *name, bool appends, struct slice bytes,
                struct err *err)
{
    struct buf path = {0};
    int rc = 0;

    assert(!strchr(name, '/'));
    if (trail->is_broken)
        return 0;
    if (!trail->path)
        rc = make_folder(trail, err);
    if (rc == 0) {
        buf_printf(&path, "%s/%s", trail->path, name);
        rc = appends ? put(buf_string(&path), O_APPEND, bytes, err)
                     : replace(buf_string(&path), bytes, err);
    }
    buf_deinit(&path);
    trail->is_broken = rc != 0;
    return rc;
}

int trail_write(struct trail *trail, const char *name, struct slice bytes, struct err *err)
{
    return keep(trail, name, false, bytes, err);
}

int trail_append(struct trail *trail, const char *name, struct slice bytes, struct err *err)
{
    return keep(trail, name, true, bytes, err);
}
