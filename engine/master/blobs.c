#include "master/blobs.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int blobs_init(struct blobs *blobs, const char *state_folder, struct err *err)
{
    struct buf path = {0};
    int rc = 0;

    buf_printf(&path, "%s/blobs", state_folder);
    *blobs = (struct blobs){.folder = mem_strdup(buf_string(&path))};
    buf_deinit(&path);
    if (mkdir(blobs->folder, 0700) != 0 && errno != EEXIST)
        rc = err_set_errno(err, ERR_SETUP, "make %s", blobs->folder);
    return rc;
}

void blobs_deinit(struct blobs *blobs)
{
    free(blobs->folder);
    free(blobs->leaving);
    *blobs = (struct blobs){0};
}

/* Both names of a blob. */
struct names {
    struct buf whole, part;
};

static void names_init(struct names *names, const struct blobs *blobs, const uint8_t *hash)
{
    char text[BLOB_HASH_TEXT_BYTES];

    blob_hash_print(hash, text);
    *names = (struct names){0};
    buf_printf(&names->whole, "%s/%s", blobs->folder, text);
    buf_printf(&names->part, "%s/%s.part", blobs->folder, text);
    buf_string(&names->whole);
    buf_string(&names->part);
}

static void names_deinit(struct names *names)
{
    buf_deinit(&names->whole);
    buf_deinit(&names->part);
}

/* -1: there is no such file. */
static int64_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (int64_t)status.st_size : -1;
}

bool blobs_has(const struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES])
{
    struct names names;
    bool has;

    names_init(&names, blobs, hash);
    has = size_of(names.whole.ptr) >= 0;
    names_deinit(&names);
    return has;
}

/* All bytes are there: are they the ones? Then they get their name. */
static int finish(const struct blobs *blobs, const struct names *names, const uint8_t *hash, int fd,
                  struct err *err)
{
    uint8_t found[BLOB_HASH_BYTES];
    uint64_t bytes;
    int rc = blob_hash_file(fd, names->part.ptr, ERR_DISK, found, NULL, &bytes, err);

    if (rc == 0 && memcmp(found, hash, sizeof found) != 0) {
        unlink(names->part.ptr);
        return err_set(err, ERR_SETUP, "a blob is not what its name says: it is to be put again");
    }
    if (rc == 0 && io_fsync(fd, names->part.ptr, err) != 0) {
        unlink(names->part.ptr); /* asked again, the kernel would say that all is well */
        return -1;
    }
    if (rc != 0 || io_rename(names->part.ptr, names->whole.ptr, err) != 0)
        return -1;
    return io_fsync_folder(blobs->folder, err);
}

static int add(const struct blobs *blobs, const struct names *names, const uint8_t *hash,
               uint64_t offset, uint64_t total, struct slice bytes, struct blob_have *have,
               struct err *err)
{
    int fd = open(names->part.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rc = 0;

    if (fd < 0)
        return err_set_errno(err, ERR_DISK, "open %s", names->part.ptr);
    have->bytes = (uint64_t)size_of(names->part.ptr);
    if (offset == have->bytes && bytes.len > 0) {
        rc = io_pwrite(fd, bytes.ptr, bytes.len, offset, names->part.ptr, err);
        have->bytes += rc == 0 ? bytes.len : 0;
    }
    if (rc == 0 && have->bytes >= total) {
        rc = finish(blobs, names, hash, fd, err);
        have->is_complete = rc == 0;
    }
    io_close(&fd);
    return rc;
}

int blobs_put(const struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], uint64_t offset,
              uint64_t total, struct slice bytes, struct blob_have *have, struct err *err)
{
    struct names names;
    int64_t whole, part;
    int rc = 0;

    *have = (struct blob_have){0};
    if (total > BLOB_BYTES_MAX || bytes.len > BLOB_BYTES_MAX || offset > BLOB_BYTES_MAX)
        return err_set(err, ERR_SETUP, "a blob has at most %d bytes", BLOB_BYTES_MAX);
    names_init(&names, blobs, hash);
    whole = size_of(names.whole.ptr);
    part = size_of(names.part.ptr);
    if (whole >= 0)
        *have = (struct blob_have){.bytes = (uint64_t)whole, .is_complete = true};
    else if (bytes.len == 0 && (part > 0 ? (uint64_t)part : 0) < total) /* only asks */
        have->bytes = part > 0 ? (uint64_t)part : 0;
    else
        rc = add(blobs, &names, hash, offset, total, bytes, have, err);
    names_deinit(&names);
    return rc;
}

static int read_piece(const char *path, uint64_t offset, size_t bytes_max, struct buf *out,
                      uint64_t *total, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    ssize_t len = -1;

    if (fd < 0)
        return errno == ENOENT ? 0 : err_set_errno(err, ERR_DISK, "open %s", path);
    if (fstat(fd, &status) != 0) {
        err_set_errno(err, ERR_DISK, "stat %s", path);
    } else {
        *total = (uint64_t)status.st_size;
        len = io_pread(fd, buf_reserve(out, bytes_max), bytes_max, offset, path, ERR_DISK, err);
    }
    if (len > 0)
        out->len += (size_t)len;
    io_close(&fd);
    return len < 0 ? -1 : 1;
}

int blobs_get(const struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], uint64_t offset,
              size_t bytes_max, struct buf *out, uint64_t *total, struct err *err)
{
    struct names names;
    int rc;

    names_init(&names, blobs, hash);
    rc = read_piece(names.whole.ptr, offset, bytes_max, out, total, err);
    names_deinit(&names);
    return rc;
}

static int check(const char *path, const uint8_t *hash, struct err *err)
{
    uint8_t found[BLOB_HASH_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t bytes;
    int rc;

    if (fd < 0)
        return errno == ENOENT ? 0 : err_set_errno(err, ERR_DISK, "open %s", path);
    rc = blob_hash_file(fd, path, ERR_DISK, found, NULL, &bytes, err);
    io_close(&fd);
    if (rc != 0)
        return -1;
    if (memcmp(found, hash, sizeof found) == 0)
        return 1;
    unlink(path);
    log_event(SEVERITY_WARNING, "blob_damaged", log_text("path", path));
    return 0;
}

int blobs_check(const struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], struct err *err)
{
    struct names names;
    int rc;

    names_init(&names, blobs, hash);
    rc = check(names.whole.ptr, hash, err);
    names_deinit(&names);
    return rc;
}

void blobs_leave(struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], uint64_t now_ns)
{
    struct blob_leave last = {.due_ns = now_ns + BLOBS_KEEP_MS * NS_PER_MS};
    size_t kept = 0;

    memcpy(last.hash, hash, sizeof last.hash);
    for (size_t i = 0; i < blobs->leaving_count; i++)
        if (memcmp(blobs->leaving[i].hash, hash, sizeof last.hash) != 0)
            blobs->leaving[kept++] = blobs->leaving[i];
    if (kept == blobs->leaving_capacity) {
        blobs->leaving_capacity = kept ? 2 * kept : 16;
        blobs->leaving =
            mem_realloc_array(blobs->leaving, blobs->leaving_capacity, sizeof *blobs->leaving);
    }
    blobs->leaving[kept++] = last;
    blobs->leaving_count = kept;
}

void blobs_expire(struct blobs *blobs, uint64_t now_ns,
                  bool (*is_wanted)(void *context, const uint8_t hash[BLOB_HASH_BYTES]),
                  void *context)
{
    size_t due = 0;

    while (due < blobs->leaving_count && due < BLOBS_LOOKED_AT_MAX &&
           blobs->leaving[due].due_ns <= now_ns) {
        struct names names;

        names_init(&names, blobs, blobs->leaving[due].hash);
        if (!is_wanted(context, blobs->leaving[due].hash))
            unlink(names.whole.ptr);
        names_deinit(&names);
        due++;
    }
    blobs->leaving_count -= due;
    if (due > 0)
        memmove(blobs->leaving, blobs->leaving + due,
                blobs->leaving_count * sizeof *blobs->leaving);
}

void blobs_sweep(const struct blobs *blobs, bool (*is_wanted)(void *context, const char *hash_text),
                 void *context)
{
    DIR *folder = opendir(blobs->folder);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] != '.' && !is_wanted(context, entry->d_name))
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
}
