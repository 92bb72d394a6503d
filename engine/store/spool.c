#include "store/spool.h"

#include "base/buf.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPOOL_BUFFER_BYTES = 256 * 1024 };

/* To the first end of file: a terminal has another one behind it, for which the user would have to
 * press Ctrl-D again. */
static int copy(int from, int to, struct err *err)
{
    char *block = malloc(SPOOL_BUFFER_BYTES);
    ssize_t count;
    int rc = 0;

    if (!block)
        return err_set_errno(err, ERR_SETUP, "standard input");
    do {
        count = io_read(from, block, SPOOL_BUFFER_BYTES, "standard input", ERR_INPUT, err);
        rc = count < 0 ? -1
                       : io_write(to, block, (size_t)count,
                                  "a copy of standard input (--tmp DIR: elsewhere)", ERR_DISK, err);
    } while (rc == 0 && count == SPOOL_BUFFER_BYTES);
    free(block);
    return rc;
}

int spool_input(int fd, const char *folder, struct file_list *list, struct err *err)
{
    struct buf path = {0};
    struct file_identity identity;
    int rc = -1;
    int to;

    buf_printf(&path, "%s/stdin-%zu", folder, list->count);
    to = open(buf_string(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0) {
        err_set_errno(err, ERR_SETUP, "copy standard input to %s", path.ptr);
        goto out;
    }
    if (copy(fd, to, err) == 0 && file_identify(to, "input", "-", &identity, err) == 0) {
        file_list_append(list, "-", buf_string(&path), &identity);
        rc = 0;
    } else {
        err->kind = ERR_SETUP;
        unlink(path.ptr);
    }
out:
    io_close(&to);
    buf_deinit(&path);
    return rc;
}
