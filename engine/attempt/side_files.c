#include "attempt/side_files.h"

#include "attempt/feed.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/gcs_read.h"
#include "store/uri.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHECK_BYTES = 1024 * 1024 }; /* read at a time for a checksum */

Mrlua__SideFile *side_files_add(struct side_files *files, const Mrlua__SideFile *like)
{
    Mrlua__SideFile *item = &files->items[files->count];

    assert(files->count < CHILD_FILE_COUNT_MAX);
    files->list[files->count++] = item;
    if (like)
        *item = *like;
    else
        mrlua__side_file__init(item);
    return item;
}

static bool is_object(const Mrlua__SideFile *file)
{
    return file->generation != 0;
}

static bool is_blob(const Mrlua__SideFile *file)
{
    return file->hash.len > 0;
}

static bool is_pinned(const Mrlua__SideFile *file)
{
    return is_object(file) || file->inode != 0;
}

/* Begins the message. Always -1. */
static int prefix(const Mrlua__SideFile *file, struct err *err)
{
    return err_prefix(err, "side file %s", file->name);
}

/* ---- the plan ---- */

static int pin_plain(Mrlua__SideFile *file, struct err *err)
{
    struct file_identity identity;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc;

    if (fd < 0)
        return err_set_errno(err, ERR_SETUP, "side file %s: %s", file->name, file->path);
    rc = file_identify(fd, "file", file->path, &identity, err);
    io_close(&fd);
    if (rc != 0) {
        err->kind = ERR_SETUP;
        return prefix(file, err);
    }
    file->size = identity.size;
    file->mtime_ns = identity.mtime_ns;
    file->inode = identity.inode;
    file->device = identity.device;
    return 0;
}

static int check_object(const Mrlua__SideFile *file, const struct gcs_object *object,
                        struct err *err)
{
    if (!object->has_crc32c)
        return err_set(err, ERR_SETUP, "side file %s: %s: the store tells no checksum of it",
                       file->name, file->path);
    if (object->size > SIDE_FILE_BYTES_MAX)
        return err_set(err, ERR_SETUP,
                       "side file %s: %s has %llu MB, %llu are the most: what is that large is "
                       "an input",
                       file->name, file->path, (unsigned long long)(object->size >> 20),
                       (unsigned long long)(SIDE_FILE_BYTES_MAX >> 20));
    return 0;
}

static int pin_object(Mrlua__SideFile *file, struct gcs *gcs, struct err *err)
{
    struct gcs_object object = {0};
    struct uri uri;
    int rc;

    if (uri_parse(file->path, &uri, err) != 0)
        return prefix(file, err);
    rc = gcs_stat(gcs, uri.bucket, uri.object, 0, &object, err);
    uri_deinit(&uri);
    if (rc == 0)
        return err_set(err, ERR_SETUP, "side file %s: %s: no such object", file->name, file->path);
    if (rc < 0) {
        if (err->kind != ERR_RETRY) /* an answer that stays: nothing was started */
            err->kind = ERR_SETUP;
        return prefix(file, err);
    }
    rc = check_object(file, &object, err);
    file->size = object.size;
    file->generation = object.generation;
    file->crc32c = object.crc32c;
    gcs_object_deinit(&object);
    return rc;
}

int side_files_pin(const Mrlua__PlanRequest *request, struct side_files *out, struct err *err)
{
    struct gcs *gcs = NULL;
    int rc = 0;

    out->count = 0;
    if (request->n_files > CHILD_FILE_COUNT_MAX)
        return err_set(err, ERR_SETUP, "a job has %zu side files, %d are the most",
                       request->n_files, CHILD_FILE_COUNT_MAX);
    for (size_t i = 0; rc == 0 && i < request->n_files; i++) {
        Mrlua__SideFile *file = side_files_add(out, request->files[i]);

        if (is_blob(file) || is_pinned(file))
            continue;
        if (!uri_is_gs(file->path)) {
            rc = pin_plain(file, err);
            continue;
        }
        if (!gcs)
            gcs = gcs_open();
        rc = pin_object(file, gcs, err);
    }
    gcs_close(gcs);
    return rc;
}

/* ---- an attempt ---- */

bool side_files_need_store(const Mrlua__TaskStart *start)
{
    for (size_t i = 0; i < start->n_files; i++)
        if (is_object(start->files[i]))
            return true;
    return false;
}

/* Are the bytes behind `fd` those of the file? 1, 0, or -1 with ERR_DISK. */
static int check_bytes(int fd, const Mrlua__SideFile *file, struct err *err)
{
    uint64_t offset = 0;
    uint32_t crc = 0;
    char *bytes = mem_alloc(CHECK_BYTES);
    ssize_t count;

    while ((count = io_pread(fd, bytes, CHECK_BYTES, offset, file->copy, ERR_DISK, err)) > 0) {
        crc = crc32c(crc, bytes, (size_t)count);
        offset += (uint64_t)count;
    }
    free(bytes);
    if (count < 0)
        return -1;
    return offset == file->size && crc == file->crc32c;
}

/* The descriptor of the copy. -2: there is none, or it was damaged, and is none any more. -1. */
static int open_copy(const Mrlua__SideFile *file, struct err *err)
{
    int fd = open(file->copy, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return errno == ENOENT ? -2 : err_set_errno(err, ERR_DISK, "open %s", file->copy);
    rc = check_bytes(fd, file, err);
    if (rc == 1)
        return fd;
    io_close(&fd);
    if (rc == 0)
        unlink(file->copy);
    return rc == 0 ? -2 : -1;
}

/* The object's bytes to `to`, checked on the way. */
static int copy_object(const Mrlua__SideFile *file, int to, const char *name, struct err *err)
{
    struct gcs_span span = {
        .generation = file->generation,
        .length = file->size,
        .sure_bytes = file->size,
        .size = file->size,
        .crc32c = file->crc32c,
        .has_crc32c = true,
    };
    struct gcs *gcs;
    struct uri uri;
    int rc;

    if (uri_parse(file->path, &uri, err) != 0)
        return -1;
    span.bucket = uri.bucket;
    span.object = uri.object;
    gcs = gcs_open();
    rc = feed_copy_span(gcs, &span, to, name, err);
    gcs_close(gcs);
    uri_deinit(&uri);
    return rc;
}

/* Under another name first: what has the name of the copy is whole. */
static int make_copy(const Mrlua__SideFile *file, struct err *err)
{
    struct buf part = {0};
    int fd, rc = -1;

    buf_printf(&part, "%s.part", file->copy);
    fd = open(buf_string(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        err_set_errno(err, ERR_DISK, "create %s", buf_string(&part));
    else if (copy_object(file, fd, "the copy of an object", err) == 0)
        rc = io_rename(buf_string(&part), file->copy, err);
    io_close(&fd);
    if (rc != 0)
        unlink(buf_string(&part));
    buf_deinit(&part);
    return rc;
}

/* One attempt of this machine copies, the others wait until it has, or has ended. */
static int open_object(const Mrlua__SideFile *file, struct err *err)
{
    struct buf path = {0};
    int lock, fd;

    buf_printf(&path, "%s.lock", file->copy);
    lock = open(buf_string(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) != 0) {
        fd = err_set_errno(err, ERR_DISK, "lock %s", buf_string(&path));
    } else {
        fd = open_copy(file, err); /* somebody has copied it meanwhile */
        if (fd == -2 && make_copy(file, err) == 0)
            fd = open_copy(file, err);
        else if (fd == -2)
            fd = -1;
        if (fd == -2)
            fd = err_set(err, ERR_DISK, "%s: its copy %s was damaged at once", file->path,
                         file->copy);
    }
    io_close(&lock);
    buf_deinit(&path);
    return fd;
}

static int open_one(const Mrlua__SideFile *file, struct err *err)
{
    struct file_identity identity = {.size = file->size,
                                     .mtime_ns = file->mtime_ns,
                                     .inode = file->inode,
                                     .device = file->device};
    int fd;

    if (!is_blob(file) && !is_object(file))
        return file_open_checked("side file", file->name, file->path, &identity, err);
    fd = open_copy(file, err);
    if (fd == -2 && is_object(file))
        fd = open_object(file, err);
    else if (fd == -2)
        fd = err_set(err, ERR_RETRY,
                     "its copy on this machine was gone or damaged: it is fetched "
                     "again");
    return fd >= 0 ? fd : prefix(file, err);
}

/* A child is not told where files are, nor what it has no use for. */
static int tell(const Mrlua__SideFile *file, int fd, struct side_files *told, struct err *err)
{
    struct file_identity identity;
    Mrlua__SideFile *item;

    if (file_identify(fd, "side file", file->name, &identity, err) != 0)
        return -1;
    item = side_files_add(told, NULL);
    item->name = file->name;
    item->size = file->size;
    item->mtime_ns = is_blob(file) || is_object(file) ? identity.mtime_ns : file->mtime_ns;
    return 0;
}

int side_files_open(const Mrlua__TaskStart *start, int fds[CHILD_FILE_COUNT_MAX],
                    struct side_files *told, struct err *err)
{
    told->count = 0;
    if (start->n_files > CHILD_FILE_COUNT_MAX)
        return err_set(err, ERR_SETUP, "a task has %zu side files, %d are the most", start->n_files,
                       CHILD_FILE_COUNT_MAX);
    for (size_t i = 0; i < start->n_files; i++) {
        fds[i] = open_one(start->files[i], err);
        if (fds[i] < 0 || tell(start->files[i], fds[i], told, err) != 0)
            return -1;
    }
    return 0;
}
