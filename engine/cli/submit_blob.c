#include "cli/submit_blob.h"

#include "base/io.h"

#include <assert.h>
#include <fcntl.h>

void submit_blob_init(struct submit_blob *blob, struct slice bytes)
{
    *blob = (struct submit_blob){.bytes = bytes, .fd = -1, .total_bytes = bytes.len};
    blob_hash(bytes, blob->hash);
}

static int read_hash(struct submit_blob *blob, struct err *err)
{
    const Mrlua__SideFile *file = blob->file;

    if (file_identify(blob->fd, "file", file->path, &blob->identity, err) != 0)
        return -1;
    if (blob->identity.size > BLOB_BYTES_MAX)
        return err_set(err, ERR_SETUP,
                       "%s has %llu MB, and %d MB are the most that a master hands on: put it into "
                       "a bucket and name it gs://BUCKET/OBJECT (--file %s=gs://...)",
                       file->path, (unsigned long long)(blob->identity.size >> 20),
                       BLOB_BYTES_MAX >> 20, file->name);
    return blob_hash_file(blob->fd, file->path, ERR_SETUP, blob->hash, &blob->crc32c,
                          &blob->total_bytes, err);
}

int submit_blob_open(struct submit_blob *blob, const Mrlua__SideFile *file, struct err *err)
{
    *blob = (struct submit_blob){
        .file = file, .fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (blob->fd < 0)
        return err_set_errno(err, ERR_SETUP, "side file %s: %s", file->name, file->path);
    if (read_hash(blob, err) == 0)
        return 0;
    err->kind = ERR_SETUP;
    return err_prefix(err, "side file %s", file->name);
}

static int read_piece(struct submit_blob *blob, uint64_t offset, size_t len, struct err *err)
{
    struct file_identity now;

    buf_clear(&blob->piece);
    if (io_pread(blob->fd, buf_reserve(&blob->piece, len), len, offset, blob->file->path, ERR_SETUP,
                 err) < 0 ||
        file_identify(blob->fd, "file", blob->file->path, &now, err) != 0)
        return -1;
    if (now.size != blob->identity.size || now.mtime_ns != blob->identity.mtime_ns)
        return err_set(err, ERR_SETUP, "%s changed while it was sent", blob->file->path);
    blob->piece.len = len;
    return 0;
}

int submit_blob_piece(struct submit_blob *blob, uint64_t offset, struct slice *out, struct err *err)
{
    uint64_t left = blob->total_bytes - offset;
    size_t len = left < BLOB_PIECE_BYTES ? (size_t)left : BLOB_PIECE_BYTES;

    assert(offset <= blob->total_bytes);
    if (!blob->file) {
        *out = slice_of(blob->bytes.ptr + offset, len);
        return 0;
    }
    if (read_piece(blob, offset, len, err) != 0) {
        err->kind = ERR_SETUP;
        return err_prefix(err, "side file %s", blob->file->name);
    }
    *out = buf_slice(&blob->piece);
    return 0;
}

void submit_blob_deinit(struct submit_blob *blob)
{
    io_close(&blob->fd);
    buf_deinit(&blob->piece);
}
