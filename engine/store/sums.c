#include "store/sums.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/io.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000LL

static const char ROW_MAGIC[4] = "MRC1";

void sums_encode(uint8_t out[SUMS_ROW_BYTES], const struct sums_row *row)
{
    const struct file_identity *identity = &row->state.identity;

    memcpy(out, ROW_MAGIC, sizeof ROW_MAGIC);
    put_u64le(out + 4, identity->size);
    put_u64le(out + 12, (uint64_t)identity->mtime_ns);
    put_u64le(out + 20, (uint64_t)row->state.ctime_ns);
    put_u64le(out + 28, identity->inode);
    put_u64le(out + 36, identity->device);
    put_u64le(out + 44, row->read_ns);
    memcpy(out + 52, row->sum, CONTENT_SUM_BYTES);
    put_u32le(out + 68, crc32c(0, out, 68));
}

bool sums_decode(const uint8_t in[SUMS_ROW_BYTES], struct sums_row *row)
{
    if (memcmp(in, ROW_MAGIC, sizeof ROW_MAGIC) != 0 || get_u32le(in + 68) != crc32c(0, in, 68))
        return false;
    *row = (struct sums_row){.state = {.identity = {.size = get_u64le(in + 4),
                                                    .mtime_ns = (int64_t)get_u64le(in + 12),
                                                    .inode = get_u64le(in + 28),
                                                    .device = get_u64le(in + 36)},
                                       .ctime_ns = (int64_t)get_u64le(in + 20)},
                             .read_ns = get_u64le(in + 44)};
    memcpy(row->sum, in + 52, CONTENT_SUM_BYTES);
    return true;
}

static bool is_older(int64_t time_ns, uint64_t than_ns)
{
    int64_t tick_ns = time_ns % NS_PER_SECOND != 0 ? SUMS_FINE_NS : SUMS_COARSE_NS;

    return time_ns < INT64_MAX - tick_ns && time_ns + tick_ns < (int64_t)than_ns;
}

bool sums_is_sure(const struct sums_row *row, const struct sums_state *state)
{
    const struct file_identity *was = &row->state.identity, *is = &state->identity;

    return was->size == is->size && was->mtime_ns == is->mtime_ns && was->inode == is->inode &&
           was->device == is->device && row->state.ctime_ns == state->ctime_ns &&
           is_older(is->mtime_ns, row->read_ns) && is_older(state->ctime_ns, row->read_ns);
}

/* ---- one file ---- */

static int look(int fd, const struct file *file, struct sums_state *state, struct err *err)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return err_set_errno(err, ERR_INPUT, "input %s", file->name);
    state->ctime_ns = (int64_t)status.st_ctim.tv_sec * NS_PER_SECOND + status.st_ctim.tv_nsec;
    return file_identify(fd, "input", file->name, &state->identity, err);
}

/* Reads it, and sees that it stays what it is meanwhile. */
static int read_content(int fd, const struct file *file, struct sums_row *row, struct err *err)
{
    struct sums_state after;

    if (content_sum(fd, file->name, row->sum, err) != 0 || look(fd, file, &after, err) != 0)
        return -1;
    if (after.identity.size != row->state.identity.size ||
        after.identity.mtime_ns != row->state.identity.mtime_ns ||
        after.ctime_ns != row->state.ctime_ns)
        return err_set(err, ERR_INPUT, "input %s changed while it was read", file->name);
    return 0;
}

static void row_path(const char *folder, const struct file *file, struct buf *out)
{
    uint64_t hash = hash64(slice_of_string(file->path));

    buf_printf(out, "%s/sums/%02x/%014" PRIx64, folder, (unsigned)(hash >> 56),
               hash & 0xffffffffffffff);
    buf_string(out);
}

/* That it was used is noted, so that it does not go as one of the oldest. */
static bool find_row(const char *path, struct sums_row *row)
{
    uint8_t bytes[SUMS_ROW_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool found = fd >= 0 && read(fd, bytes, sizeof bytes) == sizeof bytes &&
                 sums_decode(bytes, row) && futimens(fd, NULL) == 0;

    io_close(&fd);
    return found;
}

static int write_row(const char *folder, const char *path, const struct sums_row *row,
                     struct err *err)
{
    struct buf temp = {0};
    uint8_t bytes[SUMS_ROW_BYTES];
    int rc = -1, fd;

    sums_encode(bytes, row);
    buf_printf(&temp, "%s/tmp/sum-XXXXXX", folder);
    buf_string(&temp);
    fd = mkostemp(temp.ptr, O_CLOEXEC);
    if (fd < 0) {
        err_set_errno(err, ERR_DISK, "create %s", temp.ptr);
        goto out;
    }
    rc = io_write(fd, bytes, sizeof bytes, temp.ptr, ERR_DISK, err);
    if (rc == 0)
        rc = io_make_folders(path, 0700, err);
    if (rc == 0)
        rc = io_rename(temp.ptr, path, err);
    if (rc != 0)
        unlink(temp.ptr);
out:
    io_close(&fd);
    buf_deinit(&temp);
    return rc;
}

int sums_of_file(const char *folder, const struct file *file, uint64_t now_ns,
                 uint8_t sum[CONTENT_SUM_BYTES], struct err *err)
{
    bool is_remembered = strcmp(file->name, "-") != 0;
    struct sums_row row, found;
    struct err ignored; /* it is read again, then */
    struct buf path = {0};
    int fd = file_open_checked("input", file->name, file->path, &file->identity, err);
    int rc = -1;

    if (fd < 0)
        return -1;
    row_path(folder, file, &path);
    if (look(fd, file, &row.state, err) != 0)
        goto out;
    if (is_remembered && find_row(path.ptr, &found) && sums_is_sure(&found, &row.state)) {
        row = found;
    } else {
        row.read_ns = now_ns;
        if (read_content(fd, file, &row, err) != 0)
            goto out;
        if (is_remembered)
            write_row(folder, path.ptr, &row, &ignored);
    }
    memcpy(sum, row.sum, CONTENT_SUM_BYTES);
    rc = 0;
out:
    io_close(&fd);
    buf_deinit(&path);
    return rc;
}

int sums_still(const struct file *file, uint64_t since_ns, const uint8_t sum[CONTENT_SUM_BYTES],
               struct err *err)
{
    struct sums_row row;
    int fd = file_open_checked("input", file->name, file->path, &file->identity, err);
    int rc = -1;

    if (fd < 0)
        return 0; /* it has changed, or is gone */
    if (look(fd, file, &row.state, err) == 0) {
        if (is_older(row.state.identity.mtime_ns, since_ns) &&
            is_older(row.state.ctime_ns, since_ns))
            rc = 1;
        else if (file->identity.size > SUMS_AGAIN_BYTES_MAX)
            rc = 0;
        else if (read_content(fd, file, &row, err) == 0)
            rc = memcmp(row.sum, sum, CONTENT_SUM_BYTES) == 0;
    }
    io_close(&fd);
    return rc;
}
