#include "worker/storage.h"

#include "base/io.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 512, /* of st_blocks */
};

/* Calls `visit` with every name in the folder but "." and "..". What cannot be read is empty. */
static void for_each(const char *path,
                     void (*visit)(int folder, const char *folder_path, const char *name,
                                   void *context),
                     void *context)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit(dirfd(folder), path, entry->d_name, context);
    }
    closedir(folder);
}

/* ---- removing ---- */

static void remove_file(int folder, const char *folder_path, const char *name, void *context)
{
    (void)folder_path;
    (void)context;
    unlinkat(folder, name, 0);
}

static bool is_number(const char *name)
{
    return name[0] && name[strspn(name, "0123456789")] == '\0';
}

static void remove_job_folder(int folder, const char *folder_path, const char *name, void *context)
{
    struct buf path = {0};

    (void)context;
    if (!is_number(name))
        return;
    buf_printf(&path, "%s/%s", folder_path, name);
    for_each(buf_string(&path), remove_file, NULL);
    unlinkat(folder, name, AT_REMOVEDIR);
    buf_deinit(&path);
}

/* One that was not complete when the last life ended. */
static void remove_partial_blob(int folder, const char *folder_path, const char *name,
                                void *context)
{
    (void)folder_path;
    (void)context;
    if (strchr(name, '.'))
        unlinkat(folder, name, 0);
}

static void in_part(const struct storage *storage, const char *part,
                    void (*visit)(int, const char *, const char *, void *), void *context)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", storage->path, part);
    for_each(buf_string(&path), visit, context);
    buf_deinit(&path);
}

static void remove_leftovers(const struct storage *storage)
{
    in_part(storage, "runs", remove_job_folder, NULL);
    in_part(storage, "tmp", remove_file, NULL);
    in_part(storage, "blobs", remove_partial_blob, NULL);
}

void storage_remove_run(const struct storage *storage, uint64_t job, uint32_t task,
                        uint64_t attempt)
{
    struct buf path = {0};

    storage_run_path(storage, job, task, attempt, &path);
    unlink(buf_string(&path));
    buf_deinit(&path);
}

/* A file whose name begins so. */
static void remove_named(int folder, const char *folder_path, const char *name, void *context)
{
    (void)folder_path;
    if (strncmp(name, context, strlen(context)) == 0)
        unlinkat(folder, name, 0);
}

void storage_remove_job(const struct storage *storage, uint64_t job)
{
    struct buf path = {0};

    buf_printf(&path, "%s/runs/%llu", storage->path, (unsigned long long)job);
    for_each(buf_string(&path), remove_file, NULL);
    rmdir(buf_string(&path));
    buf_clear(&path);
    buf_printf(&path, "index-%llu-", (unsigned long long)job);
    in_part(storage, "tmp", remove_named, (void *)(uintptr_t)buf_string(&path));
    buf_deinit(&path);
}

/* ---- opening ---- */

static int make_folder(const char *path, enum err_kind kind, struct err *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_set_errno(err, kind, "create folder %s", path);
    return 0;
}

static int make_parts(struct storage *storage, struct err *err)
{
    static const char *const parts[] = {"runs", "blobs", "tmp"};
    struct buf path = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof parts / sizeof parts[0]; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", storage->path, parts[i]);
        rc = make_folder(buf_string(&path), ERR_SETUP, err);
    }
    if (rc == 0)
        storage->tmp_path = mem_strdup(buf_string(&path));
    buf_deinit(&path);
    return rc;
}

static int lock(struct storage *storage, struct err *err)
{
    struct buf path = {0};
    char pid[32];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    int rc = -1;

    buf_printf(&path, "%s/lock", storage->path);
    storage->lock_fd = open(buf_string(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (storage->lock_fd < 0)
        err_set_errno(err, ERR_SETUP, "open %s", buf_string(&path));
    else if (flock(storage->lock_fd, LOCK_EX | LOCK_NB) != 0)
        err_set(err, ERR_SETUP, "folder %s belongs to a worker that runs (--dir DIR: another)",
                storage->path);
    else if (ftruncate(storage->lock_fd, 0) != 0)
        err_set_errno(err, ERR_SETUP, "write %s", buf_string(&path));
    else
        rc = io_write(storage->lock_fd, pid, (size_t)len, buf_string(&path), ERR_SETUP, err);
    buf_deinit(&path);
    return rc;
}

int storage_init(struct storage *storage, const char *path, struct err *err)
{
    *storage = (struct storage){.lock_fd = -1};
    if (make_folder(path, ERR_SETUP, err) != 0)
        return -1;
    storage->path = realpath(path, NULL); /* jobs are told no relative paths */
    if (!storage->path)
        return err_set_errno(err, ERR_SETUP, "folder %s", path);
    if (lock(storage, err) != 0 || make_parts(storage, err) != 0) {
        io_close(&storage->lock_fd);
        free(storage->path);
        *storage = (struct storage){.lock_fd = -1};
        return -1;
    }
    remove_leftovers(storage);
    return 0;
}

void storage_deinit(struct storage *storage)
{
    if (storage->path)
        remove_leftovers(storage);
    io_close(&storage->lock_fd);
    free(storage->tmp_path);
    free(storage->path);
    *storage = (struct storage){.lock_fd = -1};
}

int storage_make_job(const struct storage *storage, uint64_t job, struct err *err)
{
    struct buf path = {0};
    int rc;

    buf_printf(&path, "%s/runs/%llu", storage->path, (unsigned long long)job);
    rc = make_folder(buf_string(&path), ERR_DISK, err);
    buf_deinit(&path);
    return rc;
}

void storage_run_path(const struct storage *storage, uint64_t job, uint32_t task, uint64_t attempt,
                      struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s/runs/%llu/%u.%llu", storage->path, (unsigned long long)job, task,
               (unsigned long long)attempt);
}

void storage_blob_path(const struct storage *storage, const char *hash, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s/blobs/%s", storage->path, hash);
}

/* ---- how much ---- */

static uint64_t allocated(const struct stat *status)
{
    return (uint64_t)status->st_blocks * BLOCK_BYTES;
}

static void add_file(int folder, const char *folder_path, const char *name, void *context)
{
    uint64_t *bytes = context;
    struct stat status;

    (void)folder_path;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
        *bytes += allocated(&status);
}

static void add_job_folder(int folder, const char *folder_path, const char *name, void *context)
{
    struct buf path = {0};

    (void)folder;
    buf_printf(&path, "%s/%s", folder_path, name);
    for_each(buf_string(&path), add_file, context);
    buf_deinit(&path);
}

uint64_t storage_bytes(const struct storage *storage)
{
    uint64_t bytes = 0;

    in_part(storage, "runs", add_job_folder, &bytes);
    in_part(storage, "blobs", add_file, &bytes);
    return bytes;
}

/* ---- blobs ---- */

void storage_touch_blob(const struct storage *storage, const char *hash)
{
    /* Not its mtime: who reads it takes that for a change. */
    const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
    struct buf path = {0};

    storage_blob_path(storage, hash, &path);
    utimensat(AT_FDCWD, buf_string(&path), times, 0);
    buf_deinit(&path);
}

struct blob {
    char *name;
    struct timespec used;
    uint64_t bytes;
};

struct blob_list {
    struct blob *items;
    size_t count;
    uint64_t bytes;
};

/* Those that are on their way have a dot in their names. */
static void list_blob(int folder, const char *folder_path, const char *name, void *context)
{
    struct blob_list *list = context;
    struct stat status;

    (void)folder_path;
    if (strchr(name, '.') || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode))
        return;
    list->items = mem_realloc_array(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = (struct blob){
        .name = mem_strdup(name), .used = status.st_atim, .bytes = allocated(&status)};
    list->bytes += allocated(&status);
}

static int compare_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct blob *)a)->used;
    const struct timespec *y = &((const struct blob *)b)->used;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec == y->tv_nsec ? 0 : x->tv_nsec < y->tv_nsec ? -1 : 1;
}

void storage_limit_blobs(const struct storage *storage, uint64_t bytes_max,
                         bool (*is_needed)(void *context, const char *hash), void *context)
{
    struct blob_list list = {0};
    struct buf path = {0};

    in_part(storage, "blobs", list_blob, &list);
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, compare_use);
    for (size_t i = 0; i < list.count; i++) {
        if (list.bytes > bytes_max && !is_needed(context, list.items[i].name)) {
            storage_blob_path(storage, list.items[i].name, &path);
            unlink(buf_string(&path));
            list.bytes -= list.items[i].bytes;
        }
        free(list.items[i].name);
    }
    free(list.items);
    buf_deinit(&path);
}

/* ---- scratch ---- */

struct scratch {
    dev_t device;
    uint64_t bytes;
};

static void add_scratch(int folder, const char *folder_path, const char *name, void *context)
{
    struct scratch *scratch = context;
    struct stat status;

    (void)folder_path;
    if (fstatat(folder, name, &status, 0) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0 &&
        status.st_dev == scratch->device)
        scratch->bytes += allocated(&status);
}

uint64_t storage_scratch_bytes(const struct storage *storage, pid_t pid)
{
    struct scratch scratch = {0};
    struct stat status;
    char path[64];

    if (stat(storage->tmp_path, &status) != 0)
        return 0;
    scratch.device = status.st_dev;
    snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    for_each(path, add_scratch, &scratch);
    return scratch.bytes;
}

uint64_t storage_free_bytes(const struct storage *storage)
{
    struct statvfs status;

    if (statvfs(storage->path, &status) != 0)
        return 0;
    return (uint64_t)status.f_bavail * status.f_frsize;
}
