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

/* Its name goes into *uri, which the span borrows. */
static int span_of(const struct fs_transfer *transfer, uint64_t from, struct uri *uri,
                   struct gcs_span *out, struct err *err)
{
    if (uri_parse(transfer->from, uri, err) != 0)
        return -1;
    *out = (struct gcs_span){.bucket = uri->bucket,
                             .object = uri->object,
                             .generation = transfer->generation,
                             .offset = from,
                             .length = transfer->size - from,
                             .sure_bytes = transfer->size - from,
                             .size = transfer->size};
    return 0;
}

int fs_copy_stream(struct gcs *gcs, const struct fs_transfer *transfer, int to, const char *what,
                   struct err *err)
{
    struct gcs_read_options options = {.parallel_count = FS_PARALLEL_COUNT};
    struct gcs_reader *reader;
    struct gcs_chunk chunk;
    struct gcs_span span;
    struct uri uri;
    int rc;

    if (span_of(transfer, 0, &uri, &span, err) != 0)
        return -1;
    reader = gcs_reader_open(gcs, &span, 1, &options);
    while ((rc = gcs_reader_next(reader, &chunk, err)) == 1) {
        rc = io_write(to, chunk.bytes.ptr, chunk.bytes.len, what, ERR_RETRY, err);
        if (rc != 0)
            break;
    }
    gcs_reader_close(reader);
    uri_deinit(&uri);
    return rc;
}

/* ---- to a file ---- */

/* "folder/.name.7.mrlua-part" */
static void put_part_name(struct buf *out, const char *path, uint64_t generation)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    buf_append(out, path, (size_t)(name - path));
    buf_printf(out, ".%s.%llu.mrlua-part", name, (unsigned long long)generation);
    buf_string(out);
}

/* ---- the file of a copy that is not complete ---- */

/* Bytes find their place in it in any order, while they are hot: kept and written later they would
 * cost twice the time. */
struct part {
    struct buf path;
    int fd;
    uint64_t from; /* what is before it has come, in a copy that was interrupted */
    uint32_t crc;  /* of that */
    struct fs_meter *meter;
};

static int put_in_place(void *context, size_t span, uint64_t offset, struct slice bytes,
                        struct err *err)
{
    struct part *part = context;

    (void)span;
    if (io_pwrite(part->fd, bytes.ptr, bytes.len, offset, part->path.ptr, err) != 0)
        return -1;
    fs_meter_add(part->meter, bytes.len);
    return 0;
}

static struct gcs_read_options options_of(const struct fs_transfer *transfer, struct part *part)
{
    return (struct gcs_read_options){
        .parallel_count =
            transfer->parallel_count ? transfer->parallel_count : (uint32_t)FS_PARALLEL_COUNT,
        .place = put_in_place,
        .place_context = part,
    };
}

/* Reads what is surely there: all but the last window, in which there may be holes. */
static int look_at_part(struct part *part, struct err *err)
{
    /* The largest there is: nobody knows how many ranges the copy had that was interrupted. */
    const struct gcs_read_options options = {.parallel_count = FS_PARALLEL_COUNT};
    uint64_t window = gcs_reader_window(&options), size;
    struct stat status;
    char *block;
    ssize_t count = 1;

    if (fstat(part->fd, &status) != 0)
        return err_set_errno(err, ERR_RETRY, "look at %s", part->path.ptr);
    size = (uint64_t)status.st_size > window ? (uint64_t)status.st_size - window : 0;
    block = mem_alloc(CHECK_BLOCK_BYTES);
    while (part->from < size && count > 0) {
        uint64_t left = size - part->from;

        count =
            io_read(part->fd, block, left < CHECK_BLOCK_BYTES ? (size_t)left : CHECK_BLOCK_BYTES,
                    part->path.ptr, ERR_RETRY, err);
        part->crc = crc32c(part->crc, block, count > 0 ? (size_t)count : 0);
        part->from += count > 0 ? (uint64_t)count : 0;
    }
    free(block);
    return count < 0 ? -1 : 0;
}

/* What is here now against what the service says of it. A wrong part is of no use to anybody. */
static int check_whole(struct gcs *gcs, const struct gcs_span *span, const struct part *part,
                       uint32_t crc, struct err *err)
{
    struct gcs_object object;
    int rc = gcs_stat(gcs, span->bucket, span->object, span->generation, &object, err);

    if (rc == 1 && object.has_crc32c && object.crc32c != crc) {
        unlink(part->path.ptr);
        rc = err_set(err, ERR_RETRY, "copy gs://%s/%s: wrong checksum: what is here has %08x",
                     span->bucket, span->object, crc);
    }
    gcs_object_deinit(&object);
    return rc < 0 ? -1 : 0;
}

static int fill_part(struct gcs *gcs, const struct fs_transfer *transfer, struct part *part,
                     struct err *err)
{
    struct gcs_read_options options = options_of(transfer, part);
    struct gcs_reader *reader;
    struct gcs_chunk chunk = {0};
    struct gcs_span span;
    struct uri uri;
    int rc;

    if (span_of(transfer, part->from, &uri, &span, err) != 0)
        return -1;
    reader = gcs_reader_open(gcs, &span, 1, &options);
    do
        rc = gcs_reader_next(reader, &chunk, err);
    while (rc == 1);
    gcs_reader_close(reader);
    if (rc == 0 && part->from > 0) /* of a whole object the reader sees to it */
        rc = check_whole(gcs, &span, part, crc32c_combine(part->crc, chunk.crc32c, span.length),
                         err);
    uri_deinit(&uri);
    return rc;
}

static int download(struct gcs *gcs, const struct fs_transfer *transfer, struct fs_meter *meter,
                    struct err *err)
{
    struct part part = {.fd = -1, .meter = meter};
    int rc = -1;

    if (transfer->keeps && access(transfer->to, F_OK) == 0)
        return 0;
    put_part_name(&part.path, transfer->to, transfer->generation);
    if (io_make_folders(transfer->to, 0777, err) != 0)
        goto out;
    part.fd = open(part.path.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (part.fd < 0) {
        err_set_errno(err, ERR_SETUP, "write %s", transfer->to);
        goto out;
    }
    if (look_at_part(&part, err) != 0)
        goto out;
    fs_meter_add(meter, part.from);
    if (fill_part(gcs, transfer, &part, err) != 0 ||
        io_rename(part.path.ptr, transfer->to, err) != 0)
        goto out;
    rc = 1;
out:
    io_close(&part.fd);
    buf_deinit(&part.path);
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
