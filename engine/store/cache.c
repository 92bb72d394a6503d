#include "store/cache.h"

#include "base/home.h"
#include "base/io.h"
#include "base/io_copy.h"
#include "base/mem.h"
#include "store/cache_note.h"
#include "store/temp.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *cache_folder(struct err *err)
{
    struct buf path = {0};

    if (!home_cache(&path))
        err_set(err, ERR_SETUP, "no folder for the cache: set XDG_CACHE_HOME or HOME");
    if (path.len > 0)
        buf_string(&path);
    return path.ptr;
}

int cache_make(const char *folder, struct err *err)
{
    static const char *const parts[] = {"files/", "sums/", "tmp/"};
    struct buf path = {0};
    int rc = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts && rc == 0; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", folder, parts[i]);
        rc = io_make_folders(buf_string(&path), 0700, err);
    }
    if (rc == 0 && access(path.ptr, W_OK) != 0)
        rc = err_set_errno(err, ERR_SETUP, "the cache in %s", folder);
    buf_deinit(&path);
    return rc;
}

static void entry_path(const char *folder, const char *name, struct buf *out)
{
    assert(strlen(name) >= CACHE_NAME_BYTES_MIN);
    buf_clear(out);
    buf_printf(out, "%s/files/%.2s/%s", folder, name, name);
    buf_string(out);
}

/* ---- notes ---- */

/* 1, 0: it is damaged, or -1. */
static int read_note(int entry, const char *what, struct buf *note, struct err *err)
{
    size_t len_max = CACHE_NOTE_HEAD_BYTES + CACHE_NOTE_BYTES_MAX + 1;
    struct buf bytes = {0};
    int fd = openat(entry, "note", O_RDONLY | O_CLOEXEC);
    ssize_t count = -1;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        err_set_errno(err, ERR_DISK, "open the note of %s", what);
    else
        count = io_read(fd, buf_reserve(&bytes, len_max), len_max, what, ERR_DISK, err);
    bytes.len = count > 0 ? (size_t)count : 0;
    if (count >= 0)
        count = cache_note_decode(buf_slice(&bytes), note) && futimens(fd, NULL) == 0;
    io_close(&fd);
    buf_deinit(&bytes);
    return (int)count;
}

/* ---- files ---- */

/* `to` becomes what `name` in `folder` is (AT_FDCWD and a path, too): a second name, or a copy.
 * 1, 0: there is no such file, or -1. */
static int take_file(int folder, const char *name, const char *to, struct err *err)
{
    struct stat status;
    int rc = -1, from_fd, to_fd = -1;

    if (linkat(folder, name, AT_FDCWD, to, 0) == 0)
        return 1;
    if (errno == EEXIST)
        return err_set_errno(err, ERR_DISK, "create %s", to);
    /* Another file system, one without links, or a limit of them: the copy works or says why. */
    from_fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (from_fd < 0 && errno == ENOENT)
        return 0;
    if (from_fd < 0 || fstat(from_fd, &status) != 0) {
        err_set_errno(err, ERR_DISK, "open what is to be %s", to);
        goto out;
    }
    to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to_fd < 0)
        err_set_errno(err, ERR_DISK, "create %s", to);
    else if (io_copy(from_fd, 0, to_fd, 0, (uint64_t)status.st_size, name, ERR_DISK, to, err) == 0)
        rc = 1;
    if (rc < 0 && to_fd >= 0)
        unlink(to);
out:
    io_close(&from_fd);
    io_close(&to_fd);
    return rc;
}

int cache_find(const char *folder, const char *name, const char *to, struct buf *note,
               struct err *err)
{
    struct buf path = {0};
    size_t note_len = note->len;
    int rc = -1, entry;

    entry_path(folder, name, &path);
    entry = open(path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (entry >= 0)
        rc = read_note(entry, path.ptr, note, err);
    else if (errno == ENOENT)
        rc = 0;
    else
        err_set_errno(err, ERR_DISK, "open %s", path.ptr);
    if (rc == 1)
        rc = take_file(entry, "file", to, err);
    if (rc == 0 && entry >= 0) /* or it goes just now */
        rc = cache_drop(folder, name, err);
    if (rc != 1)
        note->len = note_len;
    io_close(&entry);
    buf_deinit(&path);
    return rc;
}

/* ---- keeping ---- */

/* A folder in tmp/ that nobody else has. */
static int make_temp(const char *folder, struct buf *path, struct err *err)
{
    buf_printf(path, "%s/tmp/XXXXXX", folder);
    buf_string(path);
    if (!mkdtemp(path->ptr))
        return err_set_errno(err, ERR_DISK, "make %s", path->ptr);
    return 0;
}

static int write_note(const char *temp, struct slice note, struct err *err)
{
    struct buf path = {0}, bytes = {0};
    int rc = -1, fd;

    buf_printf(&path, "%s/note", temp);
    cache_note_encode(&bytes, note);
    fd = open(buf_string(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        err_set_errno(err, ERR_DISK, "create %s", path.ptr);
    else
        rc = io_write(fd, bytes.ptr, bytes.len, path.ptr, ERR_DISK, err);
    io_close(&fd);
    buf_deinit(&bytes);
    buf_deinit(&path);
    return rc;
}

static int fill_temp(const char *temp, const char *from, struct slice note, struct err *err)
{
    struct buf path = {0};
    int rc;

    buf_printf(&path, "%s/file", temp);
    rc = take_file(AT_FDCWD, from, buf_string(&path), err);
    buf_deinit(&path);
    if (rc == 0)
        return err_set(err, ERR_DISK, "keep %s: it is not there", from);
    return rc < 0 ? -1 : write_note(temp, note, err);
}

int cache_keep(const char *folder, const char *name, const char *path, struct slice note,
               struct err *err)
{
    struct buf temp = {0}, entry = {0};
    struct err ignored;
    int rc = -1;

    if (note.len > CACHE_NOTE_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "a note of %zu bytes, more than %d", note.len,
                       CACHE_NOTE_BYTES_MAX);
    entry_path(folder, name, &entry);
    if (make_temp(folder, &temp, err) != 0)
        goto out;
    if (fill_temp(temp.ptr, path, note, err) != 0 || io_make_folders(entry.ptr, 0700, err) != 0)
        goto drop;
    if (rename(temp.ptr, entry.ptr) == 0) {
        rc = 0;
        goto out;
    }
    if (errno == EEXIST || errno == ENOTEMPTY) /* somebody has made the same */
        rc = 0;
    else
        err_set_errno(err, ERR_DISK, "rename %s to %s", temp.ptr, entry.ptr);
drop:
    temp_remove_tree(temp.ptr, &ignored); /* else cache_trim() does */
out:
    buf_deinit(&temp);
    buf_deinit(&entry);
    return rc;
}

int cache_drop(const char *folder, const char *name, struct err *err)
{
    struct buf temp = {0}, entry = {0};
    int rc = -1;

    entry_path(folder, name, &entry);
    if (make_temp(folder, &temp, err) != 0)
        goto out;
    /* In one step, onto the empty folder: nobody finds half of it. */
    if (rename(entry.ptr, temp.ptr) == 0 || errno == ENOENT)
        rc = temp_remove_tree(temp.ptr, err);
    else
        err_set_errno(err, ERR_DISK, "rename %s to %s", entry.ptr, temp.ptr);
out:
    buf_deinit(&temp);
    buf_deinit(&entry);
    return rc;
}
