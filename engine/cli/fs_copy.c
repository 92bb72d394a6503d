#include "cli/fs_copy.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "store/gcs_copy.h"
#include "store/gcs_read.h"
#include "store/gcs_upload.h"
#include "store/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHECK_BLOCK_BYTES = 256 * 1024 };

/* ---- an object's bytes ---- */

/* What is there now, beside what lay there before, against what the service says of it. */
static int check_whole(struct gcs *gcs, const struct uri *uri, uint64_t generation, uint32_t crc,
                       struct err *err)
{
    struct gcs_object object;
    int rc = gcs_stat(gcs, uri->bucket, uri->object, generation, &object, err);

    if (rc == 1 && object.has_crc32c && object.crc32c != crc)
        rc = err_set(err, ERR_RETRY, "copy gs://%s/%s: wrong checksum: what is here has %08x",
                     uri->bucket, uri->object, crc);
    gcs_object_deinit(&object);
    return rc < 0 ? -1 : 0;
}

static int copy_span(struct gcs *gcs, const struct gcs_span *span, uint32_t parallel_count,
                     uint32_t *crc, int to, const char *what, struct fs_meter *meter,
                     struct err *err)
{
    struct gcs_read_options options = {.parallel_count = parallel_count};
    struct gcs_reader *reader = gcs_reader_open(gcs, span, 1, &options);
    struct gcs_chunk chunk;
    int rc;

    while ((rc = gcs_reader_next(reader, &chunk, err)) == 1) {
        if (span->offset > 0) /* of a whole object the reader sees to it */
            *crc = crc32c(*crc, chunk.bytes.ptr, chunk.bytes.len);
        rc = io_write(to, chunk.bytes.ptr, chunk.bytes.len, what, ERR_RETRY, err);
        if (rc != 0)
            break;
        fs_meter_add(meter, chunk.bytes.len);
    }
    gcs_reader_close(reader);
    return rc;
}

int fs_copy_bytes(struct gcs *gcs, const struct fs_transfer *transfer, uint64_t from,
                  uint32_t crc_before, int to, const char *what, struct fs_meter *meter,
                  struct err *err)
{
    struct gcs_span span = {.generation = transfer->generation,
                            .offset = from,
                            .length = transfer->size - from,
                            .sure_bytes = transfer->size - from,
                            .size = transfer->size};
    uint32_t crc = crc_before;
    struct uri uri;
    int rc;

    if (uri_parse(transfer->from, &uri, err) != 0)
        return -1;
    span.bucket = uri.bucket;
    span.object = uri.object;
    rc =
        copy_span(gcs, &span,
                  transfer->parallel_count ? transfer->parallel_count : (uint32_t)FS_PARALLEL_COUNT,
                  &crc, to, what, meter, err);
    if (rc == 0 && from > 0)
        rc = check_whole(gcs, &uri, transfer->generation, crc, err);
    uri_deinit(&uri);
    return rc;
}

/* ---- to a file ---- */

/* The folders above `path`. */
static int make_folders(const char *path, struct err *err)
{
    char *copy = mem_strdup(path);
    int rc = 0;

    for (char *slash = strchr(copy + 1, '/'); slash && rc == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            rc = err_set_errno(err, ERR_SETUP, "make folder %s", copy);
        *slash = '/';
    }
    free(copy);
    return rc;
}

/* "folder/.name.7.mrlua-part" */
static void put_part_name(struct buf *out, const char *path, uint64_t generation)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    buf_append(out, path, (size_t)(name - path));
    buf_printf(out, ".%s.%llu.mrlua-part", name, (unsigned long long)generation);
    buf_string(out);
}

/* What an interrupted copy has left: its length and checksum. */
static int look_at_part(int fd, const char *path, uint64_t size, uint64_t *len, uint32_t *crc,
                        struct err *err)
{
    char *block = mem_alloc(CHECK_BLOCK_BYTES);
    ssize_t count = 0;

    *len = 0;
    *crc = 0;
    while ((count = io_read(fd, block, CHECK_BLOCK_BYTES, path, ERR_RETRY, err)) > 0) {
        *crc = crc32c(*crc, block, (size_t)count);
        *len += (uint64_t)count;
    }
    free(block);
    if (count < 0)
        return -1;
    if (*len < size)
        return 0;
    *len = 0; /* it is all there and was not renamed: its checksum was wrong */
    *crc = 0;
    if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_set_errno(err, ERR_RETRY, "empty %s", path);
    return 0;
}

static int download(struct gcs *gcs, const struct fs_transfer *transfer, struct fs_meter *meter,
                    struct err *err)
{
    struct buf part = {0};
    uint64_t from;
    uint32_t crc;
    int fd = -1, rc = -1;

    if (transfer->keeps && access(transfer->to, F_OK) == 0)
        return 0;
    put_part_name(&part, transfer->to, transfer->generation);
    if (make_folders(transfer->to, err) != 0)
        goto out;
    fd = open(part.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        err_set_errno(err, ERR_SETUP, "write %s", transfer->to);
        goto out;
    }
    if (look_at_part(fd, part.ptr, transfer->size, &from, &crc, err) != 0)
        goto out;
    fs_meter_add(meter, from);
    if (fs_copy_bytes(gcs, transfer, from, crc, fd, transfer->to, meter, err) != 0 ||
        io_rename(part.ptr, transfer->to, err) != 0)
        goto out;
    rc = 1;
out:
    io_close(&fd);
    buf_deinit(&part);
    return rc;
}

/* ---- to an object ---- */

/* Under which condition it may be written: that what is there now is still there. 0: it is to stay.
 * 1, -1. */
static int choose_condition(struct gcs *gcs, const struct uri *uri, bool keeps, struct gcs_put *put,
                            struct err *err)
{
    struct gcs_object there;
    int rc;

    *put = (struct gcs_put){.condition = GCS_IF_ABSENT};
    rc = gcs_stat(gcs, uri->bucket, uri->object, 0, &there, err);
    if (rc == 1 && !keeps) {
        put->condition = GCS_IF_GENERATION;
        put->generation = there.generation;
    }
    gcs_object_deinit(&there);
    return rc < 0 ? -1 : !(rc == 1 && keeps);
}

static int tell_outcome(enum gcs_outcome outcome, const struct fs_transfer *transfer,
                        struct err *err)
{
    switch (outcome) {
    case GCS_WRITTEN:
        return 1;
    case GCS_LOST:
        if (transfer->keeps)
            return 0;
        return err_set(err, ERR_RETRY, "write %s: somebody else has written it meanwhile",
                       transfer->to);
    case GCS_GONE:
        return err_set(err, ERR_RETRY, "write %s: the upload was ended", transfer->to);
    case GCS_FAILED:
        return -1;
    }
    abort();
}

static int upload(struct gcs *gcs, const struct fs_transfer *transfer, const struct uri *uri,
                  const struct gcs_put *put, struct fs_meter *meter, struct err *err)
{
    bool is_stream = strcmp(transfer->from, "-") == 0;
    int fd = is_stream ? STDIN_FILENO : open(transfer->from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct gcs_object object = {0};
    enum gcs_outcome outcome;
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0)
        return err_set_errno(err, ERR_SETUP, "read %s", transfer->from);
    if (is_stream) {
        outcome = gcs_upload_stream(gcs, uri->bucket, uri->object, fd, put, &object, err);
        fs_meter_add(meter, outcome == GCS_WRITTEN ? object.size : 0);
        gcs_object_deinit(&object);
    } else if (S_ISREG(status.st_mode)) {
        outcome = gcs_upload(gcs, uri->bucket, uri->object, fd, (uint64_t)status.st_size, NULL, put,
                             NULL, err);
        fs_meter_add(meter, outcome == GCS_WRITTEN ? (uint64_t)status.st_size : 0);
    } else {
        outcome = GCS_FAILED;
        err_set(err, ERR_SETUP, "read %s: not a regular file", transfer->from);
    }
    if (!is_stream)
        close(fd);
    return tell_outcome(outcome, transfer, err);
}

static int copy_object(struct gcs *gcs, const struct fs_transfer *transfer, const struct uri *uri,
                       const struct gcs_put *put, struct fs_meter *meter, struct err *err)
{
    struct gcs_copy_from from = {.generation = transfer->generation};
    struct uri source;
    int rc;

    if (uri_parse(transfer->from, &source, err) != 0)
        return -1;
    from.bucket = source.bucket;
    from.object = source.object;
    rc = gcs_copy(gcs, &from, uri->bucket, uri->object, put, NULL, NULL, NULL, err);
    if (rc == 1)
        fs_meter_add(meter, transfer->size);
    uri_deinit(&source);
    return rc < 0 ? -1 : tell_outcome(rc == 1 ? GCS_WRITTEN : GCS_LOST, transfer, err);
}

static int write_object(struct gcs *gcs, const struct fs_transfer *transfer, struct fs_meter *meter,
                        struct err *err)
{
    struct gcs_put put;
    struct uri uri;
    int rc;

    if (uri_parse(transfer->to, &uri, err) != 0)
        return -1;
    rc = choose_condition(gcs, &uri, transfer->keeps, &put, err);
    if (rc == 1 && uri_is_gs(transfer->from))
        rc = copy_object(gcs, transfer, &uri, &put, meter, err);
    else if (rc == 1)
        rc = upload(gcs, transfer, &uri, &put, meter, err);
    uri_deinit(&uri);
    return rc;
}

int fs_copy_one(struct gcs *gcs, const struct fs_transfer *transfer, struct fs_meter *meter,
                struct err *err)
{
    return uri_is_gs(transfer->to) ? write_object(gcs, transfer, meter, err)
                                   : download(gcs, transfer, meter, err);
}
