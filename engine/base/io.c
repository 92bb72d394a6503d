#include "base/io.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t io_read(int fd, void *to, size_t len, const char *what, enum err_kind kind, struct err *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t count = read(fd, (char *)to + done, len - done);

        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            return err_set_errno(err, kind, "read %s", what);
        if (count > 0)
            done += (size_t)count;
    }
    return (ssize_t)done;
}

ssize_t io_pread(int fd, void *to, size_t len, uint64_t offset, const char *what,
                 enum err_kind kind, struct err *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t count = pread(fd, (char *)to + done, len - done, (off_t)(offset + done));

        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            return err_set_errno(err, kind, "read %s", what);
        if (count > 0)
            done += (size_t)count;
    }
    return (ssize_t)done;
}

int io_write(int fd, const void *from, size_t len, const char *what, enum err_kind kind,
             struct err *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t count = write(fd, (const char *)from + done, len - done);

        if (count < 0 && errno != EINTR)
            return err_set_errno(err, err_kind_of_errno(errno, kind), "write %s", what);
        if (count > 0)
            done += (size_t)count;
    }
    return 0;
}

int io_pwrite(int fd, const void *from, size_t len, uint64_t offset, const char *what,
              struct err *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t count = pwrite(fd, (const char *)from + done, len - done, (off_t)(offset + done));

        if (count < 0 && errno != EINTR)
            return err_set_errno(err, ERR_DISK, "write %s", what);
        if (count > 0)
            done += (size_t)count;
    }
    return 0;
}

int io_fsync(int fd, const char *what, struct err *err)
{
    /* A failed fsync means the data is lost, and asking again would lie: never retried. */
    if (fsync(fd) != 0)
        return err_set_errno(err, ERR_DISK, "fsync %s", what);
    return 0;
}

int io_fsync_folder(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return err_set_errno(err, ERR_DISK, "open %s", path);
    rc = io_fsync(fd, path, err);
    close(fd);
    return rc;
}

int io_make_folders(const char *path, mode_t mode, struct err *err)
{
    struct buf folder = {0};
    int rc = 0;

    for (const char *slash = strchr(path + 1, '/'); slash && rc == 0;
         slash = strchr(slash + 1, '/')) {
        buf_clear(&folder);
        buf_append(&folder, path, (size_t)(slash - path));
        if (mkdir(buf_string(&folder), mode) != 0 && errno != EEXIST)
            rc = err_set_errno(err, ERR_SETUP, "make folder %s", buf_string(&folder));
    }
    buf_deinit(&folder);
    return rc;
}

int io_rename(const char *from, const char *to, struct err *err)
{
    if (rename(from, to) != 0)
        return err_set_errno(err, ERR_DISK, "rename %s to %s", from, to);
    return 0;
}

int io_read_file(const char *path, size_t bytes_max, struct buf *out, enum err_kind kind,
                 struct err *err)
{
    ssize_t count = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set_errno(err, kind, "open %s", path);
    count = io_read(fd, buf_reserve(out, bytes_max + 1), bytes_max + 1, path, kind, err);
    io_close(&fd);
    if (count < 0)
        return -1;
    if ((size_t)count > bytes_max)
        return err_set(err, kind, "read %s: larger than %zu bytes", path, bytes_max);
    out->len += (size_t)count;
    return 0;
}

void io_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
