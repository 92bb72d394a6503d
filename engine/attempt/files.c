#include "attempt/files.h"

#include "base/buf.h"
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MODE = 0666 }; /* less the umask; the folder of runs is private */

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
