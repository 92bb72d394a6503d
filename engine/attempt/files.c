#include "attempt/files.h"

#include "base/buf.h"
#include "base/io.h"
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    COPY_BYTES = 256 * 1024,
    FILE_MODE = 0666, /* less the umask; the folder of runs is private */
};

/* For file systems without O_TMPFILE: made and unlinked. */
static int named_scratch(const char *folder, struct err *err)
{
    struct buf path = {0};
    int fd;

    buf_printf(&path, "%s/scratch-XXXXXX", folder);
    buf_string(&path);
    fd = mkostemp(path.ptr, O_CLOEXEC);
    if (fd < 0)
        err_set_errno(err, ERR_DISK, "create a scratch file in %s", folder);
    else
        unlink(path.ptr);
    buf_deinit(&path);
    return fd;
}

int files_scratch(const char *folder, struct err *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
        return named_scratch(folder, err);
    return err_set_errno(err, ERR_DISK, "create a scratch file in %s", folder);
}

int files_result(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

    if (fd < 0)
        return err_set_errno(err, ERR_DISK, "create %s", path);
    return fd;
}

int files_input(const Mrlua__Piece *piece, struct err *err)
{
    struct file_identity identity = {
        .size = piece->size,
        .mtime_ns = piece->mtime_ns,
        .inode = piece->inode,
        .device = piece->device,
    };

    return file_open_checked("input", piece->name, piece->path, &identity, err);
}

static int copy_by_hand(int from, uint64_t offset, int to, uint64_t to_offset, uint64_t bytes,
                        const char *what, enum err_kind kind, struct err *err)
{
    struct buf buf = {0};
    char *through = buf_reserve(&buf, COPY_BYTES);
    int rc = -1;

    while (bytes > 0) {
        size_t len = bytes < COPY_BYTES ? (size_t)bytes : COPY_BYTES;
        ssize_t count = io_pread(from, through, len, offset, what, kind, err);

        if (count < 0)
            goto out;
        if (count == 0) {
            err_set(err, kind, "read %s: it ends too early", what);
            goto out;
        }
        if (io_pwrite(to, through, (size_t)count, to_offset, "a scratch file", err) != 0)
            goto out;
        offset += (uint64_t)count;
        to_offset += (uint64_t)count;
        bytes -= (uint64_t)count;
    }
    rc = 0;
out:
    buf_deinit(&buf);
    return rc;
}

int files_copy(int from, uint64_t offset, int to, uint64_t to_offset, uint64_t bytes,
               const char *what, enum err_kind kind, struct err *err)
{
    off64_t in = (off64_t)offset, out = (off64_t)to_offset;

    while (bytes > 0) {
        ssize_t count = copy_file_range(from, &in, to, &out, bytes, 0);

        if (count < 0 && errno == EINTR)
            continue;
        /* Other file systems, old kernels, errors: the plain way works or says what is wrong. */
        if (count <= 0)
            return copy_by_hand(from, (uint64_t)in, to, (uint64_t)out, bytes, what, kind, err);
        bytes -= (uint64_t)count;
    }
    return 0;
}
