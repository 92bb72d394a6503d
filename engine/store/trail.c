#include "store/trail.h"

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

void trail_init_at(struct trail *trail, const char *root, uint64_t number)
{
    *trail = (struct trail){.root = mem_strdup(root), .number = number};
}

void trail_deinit(struct trail *trail)
{
    free(trail->root);
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

void trail_path(const char *root, uint64_t number, struct buf *out)
{
    buf_printf(out, "%s/r%llu", root, (unsigned long long)number);
}

/* All but the newest, with room for one that comes. What cannot be removed is in nobody's way. */
static void remove_old(const char *root, const uint64_t *list, size_t count)
{
    struct buf path = {0};
    struct err ignored;

    for (size_t i = TRAIL_COUNT_MAX - 1; i < count; i++) {
        buf_clear(&path);
        trail_path(root, list[i], &path);
        temp_remove_tree(buf_string(&path), &ignored);
    }
    buf_deinit(&path);
}

/* That of its number; else the next one that nobody else takes at the same time. */
static int make(struct trail *trail, const char *root, uint64_t last, struct err *err)
{
    uint64_t number = trail->root ? trail->number : last;
    struct buf path = {0};
    int rc;

    do {
        if (!trail->root)
            number++;
        buf_clear(&path);
        trail_path(root, number, &path);
        rc = mkdir(buf_string(&path), 0700);
    } while (rc != 0 && errno == EEXIST && !trail->root);
    if (rc != 0 && errno != EEXIST) {
        rc = err_set_errno(err, err_kind_of_errno(errno, ERR_SETUP), "make %s", buf_string(&path));
        buf_deinit(&path);
        return rc;
    }
    snprintf(trail->id, sizeof trail->id, "r%llu", (unsigned long long)number);
    trail->path = path.ptr;
    return 0;
}

/* Is it there, made in an earlier life? Then nothing goes for it. */
static bool is_there(const struct trail *trail)
{
    struct buf path = {0};
    bool answer;

    if (!trail->root)
        return false;
    trail_path(trail->root, trail->number, &path);
    answer = access(buf_string(&path), F_OK) == 0;
    buf_deinit(&path);
    return answer;
}

static int make_folder(struct trail *trail, struct err *err)
{
    char *root = trail->root ? mem_strdup(trail->root) : trail_root(err);
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
        if (!is_there(trail))
            remove_old(root, list, count);
        rc = make(trail, root, count > 0 ? list[0] : 0, err);
        free(list);
    }
    buf_deinit(&inside);
    free(root);
    return rc;
}

int trail_begin(struct trail *trail, struct err *err)
{
    int rc = trail->is_broken || trail->path ? 0 : make_folder(trail, err);

    trail->is_broken = trail->is_broken || rc != 0;
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
    int rc;

    assert(!strchr(name, '/'));
    if (trail_begin(trail, err) != 0)
        return -1;
    if (trail->is_broken)
        return 0;
    buf_printf(&path, "%s/%s", trail->path, name);
    rc = appends ? put(buf_string(&path), O_APPEND, bytes, err)
                 : replace(buf_string(&path), bytes, err);
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

/* ---- what is there ---- */

struct entry {
    char *name;
    struct timespec written;
};

/* Files written in the same tick go by their numbers. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    if (left->written.tv_sec != right->written.tv_sec)
        return left->written.tv_sec < right->written.tv_sec ? -1 : 1;
    if (left->written.tv_nsec != right->written.tv_nsec)
        return left->written.tv_nsec < right->written.tv_nsec ? -1 : 1;
    return strverscmp(left->name, right->name);
}

static size_t read_entries(DIR *folder, struct entry **out)
{
    struct entry *list = mem_alloc_array(TRAIL_NAME_COUNT_MAX, sizeof *list);
    struct dirent *item;
    size_t count = 0;

    while (count < TRAIL_NAME_COUNT_MAX && (item = readdir(folder))) {
        struct stat status;

        if (fstatat(dirfd(folder), item->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            list[count++] = (struct entry){mem_strdup(item->d_name), status.st_mtim};
    }
    qsort(list, count, sizeof *list, compare_entries);
    *out = list;
    return count;
}

char **trail_names(const char *path, size_t *count)
{
    DIR *folder = opendir(path);
    struct entry *entries = NULL;
    char **names;

    *count = folder ? read_entries(folder, &entries) : 0;
    names = mem_alloc_array(*count + 1, sizeof *names);
    for (size_t i = 0; i < *count; i++)
        names[i] = entries[i].name;
    if (folder)
        closedir(folder);
    free(entries);
    return names;
}
