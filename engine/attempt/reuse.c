#include "attempt/reuse.h"

#include "attempt/outputs.h"
#include "attempt/reuse_done.h"
#include "attempt/reuse_store.h"
#include "attempt/run_of.h"
#include "base/build.h"
#include "base/io.h"
#include "base/mem.h"
#include "record/segment_check.h"
#include "rpc/message.h"
#include "store/cache.h"
#include "store/file.h"
#include "store/sums.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHECK_BYTES = 1024 * 1024 };

void reuse_init(struct reuse *reuse, const Mrlua__TaskStart *start)
{
    struct reuse_key key;

    *reuse = (struct reuse){.start = start};
    if (start->kind != MRLUA__TASK_KIND__MAP || start->partition_count == 0 || start->unsafe ||
        start->n_skip > 0 || !start->reuse)
        return;
    reuse_key_make(&key, start, build_id());
    reuse->is_on = true;
    reuse->id = reuse_key_id(&key);
    reuse_key_print(&key, reuse->name);
}

static bool is_in_store(const struct reuse *reuse)
{
    return reuse->start->reuse->store[0] != '\0';
}

void reuse_start(const struct reuse *reuse, Mrlua__TaskStart *told)
{
    if (!reuse->is_on)
        return;
    told->job = reuse->id.job;
    told->attempt = reuse->id.attempt;
    told->task = reuse->id.task;
    told->worker = 0;
    told->reuse = NULL;
}

/* ---- finding ---- */

static int bad(const struct reuse *reuse, const char *why, struct err *err)
{
    return err_set(err, ERR_DISK, "the kept run %s is damaged (%s): it is made again", reuse->name,
                   why);
}

/* Reads a segment and sees that each byte is as it was written. */
static int check_segment(const struct reuse *reuse, int fd, const struct run_segment *extent,
                         uint32_t partition, char *bytes, struct err *err)
{
    struct segment_check check;
    uint64_t at = 0;

    segment_check_init(&check, partition, &reuse->id);
    while (at < extent->bytes) {
        size_t len = extent->bytes - at < CHECK_BYTES ? (size_t)(extent->bytes - at) : CHECK_BYTES;
        ssize_t count = io_pread(fd, bytes, len, extent->offset + at, reuse->name, ERR_DISK, err);

        if (count < 0)
            return -1;
        if (count == 0)
            return bad(reuse, "it ends too early", err);
        segment_check_feed(&check, slice_of(bytes, (size_t)count));
        at += (uint64_t)count;
    }
    if (!segment_check_is_good(&check) || check.record_count != extent->record_count)
        return bad(reuse, "a checksum is wrong", err);
    return 0;
}

static int check_segments(const struct reuse *reuse, int fd, const struct run_index *index,
                          struct err *err)
{
    char *bytes = mem_alloc(CHECK_BYTES);
    int rc = 0;

    for (uint32_t i = 0; i < index->partition_count && rc == 0; i++)
        rc = check_segment(reuse, fd, &index->segments[i], i, bytes, err);
    free(bytes);
    return rc;
}

/* Is the result what `done` says, and all of it as it was written? */
static int check_run(const struct reuse *reuse, const Mrlua__Done *done, struct err *err)
{
    const char *path = reuse->start->result_path;
    struct run_index *index = NULL;
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;

    if (fd < 0 || fstat(fd, &status) != 0) {
        err_set_errno(err, ERR_DISK, "open %s", path);
        goto out;
    }
    if (!done->digest || done->bytes != (uint64_t)status.st_size) {
        bad(reuse, "its size is not what it was", err);
        goto out;
    }
    index = run_index_open(fd, done->bytes, ERR_DISK, reuse->name, err);
    if (!index)
        goto out;
    if (!run_is_of(&index->id, &reuse->id) ||
        index->partition_count != outputs_partition_count(reuse->start) ||
        index->record_count != done->digest->records)
        bad(reuse, "it is another one", err);
    else
        rc = check_segments(reuse, fd, index, err);
out:
    run_index_close(index);
    io_close(&fd);
    return rc;
}

static int take(const struct reuse *reuse, struct slice note, struct buf *out, struct err *err)
{
    struct reuse_place place = {
        .id = &reuse->id, .path = reuse->start->result_path, .was_reused = true};
    Mrlua__Done *done = message_unpack(&mrlua__done__descriptor, note, err);

    if (!done)
        return -1;
    if (check_run(reuse, done, err) != 0) {
        message_free(done);
        return -1;
    }
    reuse_done_pack(done, &place, out);
    message_free(done);
    return 1;
}

static int find_file(const struct reuse *reuse, struct buf *done, struct err *err)
{
    const char *folder = reuse->start->reuse->folder;
    struct err ignored; /* it is found and dropped the next time */
    struct buf note = {0};
    int rc = cache_find(folder, reuse->name, reuse->start->result_path, &note, err);

    if (rc == 1)
        rc = take(reuse, buf_slice(&note), done, err);
    if (rc < 0 && note.len > 0) {
        unlink(reuse->start->result_path); /* the child makes it anew */
        cache_drop(folder, reuse->name, &ignored);
    }
    buf_deinit(&note);
    return rc;
}

int reuse_find(struct reuse *reuse, struct buf *done, struct err *err)
{
    return is_in_store(reuse) ? reuse_store_find(reuse, done, err) : find_file(reuse, done, err);
}

/* ---- keeping ---- */

int reuse_name(const struct reuse *reuse, struct buf *done, struct err *err)
{
    Mrlua__Done *message = message_unpack(&mrlua__done__descriptor, buf_slice(done), err);

    if (!message)
        return -1;
    buf_clear(done);
    reuse_done_pack(message, &(struct reuse_place){.id = &reuse->id, .path = message->path}, done);
    message_free(message);
    return 0;
}

/* Has the file still the content that is in the key? */
static int is_unchanged(const struct reuse *reuse, const struct file *file,
                        ProtobufCBinaryData checksum, struct err *err)
{
    if (checksum.len != CONTENT_SUM_BYTES || strcmp(file->name, "-") == 0)
        return 1; /* an object, which is read by its generation; or a copy of our own */
    return sums_still(file, reuse->start->reuse->since_ns, checksum.data, err);
}

static int inputs_are_unchanged(const struct reuse *reuse, struct err *err)
{
    const Mrlua__TaskStart *start = reuse->start;
    int rc = 1;

    for (size_t i = 0; i < start->n_pieces && rc == 1; i++) {
        const Mrlua__Piece *piece = start->pieces[i];
        struct file file = {.name = piece->name,
                            .path = piece->path,
                            .identity = {.size = piece->size,
                                         .mtime_ns = piece->mtime_ns,
                                         .inode = piece->inode,
                                         .device = piece->device}};

        rc = is_unchanged(reuse, &file, piece->checksum, err);
    }
    for (size_t i = 0; i < start->n_files && rc == 1; i++) {
        const Mrlua__SideFile *side = start->files[i];
        struct file file = {.name = side->path,
                            .path = side->path,
                            .identity = {.size = side->size,
                                         .mtime_ns = side->mtime_ns,
                                         .inode = side->inode,
                                         .device = side->device}};

        rc = is_unchanged(reuse, &file, side->checksum, err);
    }
    return rc;
}

static int keep_file(const struct reuse *reuse, const struct buf *done, struct err *err)
{
    Mrlua__Done *message = message_unpack(&mrlua__done__descriptor, buf_slice(done), err);
    struct buf note = {0};
    int rc;

    if (!message)
        return -1;
    reuse_done_pack(message, &(struct reuse_place){.id = &reuse->id, .path = ""}, &note);
    message_free(message);
    rc = cache_keep(reuse->start->reuse->folder, reuse->name, reuse->start->result_path,
                    buf_slice(&note), err);
    buf_deinit(&note);
    return rc == 0 ? 1 : -1;
}

int reuse_keep(const struct reuse *reuse, int fd, struct buf *done, struct err *err)
{
    int rc = inputs_are_unchanged(reuse, err);

    if (rc != 1)
        return rc;
    return is_in_store(reuse) ? reuse_store_keep(reuse, fd, done, err)
                              : keep_file(reuse, done, err);
}
