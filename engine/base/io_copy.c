#include "base/io_copy.h"

#include "base/buf.h"
#include "base/io.h"

#include <errno.h>
#include <unistd.h>

enum { COPY_BYTES = 256 * 1024 };

static int copy_by_hand(int from, uint64_t offset, int to, uint64_t to_offset, uint64_t bytes,
                        const char *what, enum err_kind kind, const char *to_what, struct err *err)
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
        if (io_pwrite(to, through, (size_t)count, to_offset, to_what, err) != 0)
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

int io_copy(int from, uint64_t offset, int to, uint64_t to_offset, uint64_t bytes, const char *what,
            enum err_kind kind, const char *to_what, struct err *err)
{
    off64_t in = (off64_t)offset, out = (off64_t)to_offset;

    while (bytes > 0) {
        ssize_t count = copy_file_range(from, &in, to, &out, bytes, 0);

        if (count < 0 && errno == EINTR)
            continue;
        /* Other file systems, old kernels, errors: the plain way works or says what is wrong. */
        if (count <= 0)
            return copy_by_hand(from, (uint64_t)in, to, (uint64_t)out, bytes, what, kind, to_what,
                                err);
        bytes -= (uint64_t)count;
    }
    return 0;
}
