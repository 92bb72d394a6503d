#include "format/publish.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "format/claim.h"
#include "format/publish_gs.h"
#include "store/temp.h"
#include "store/uri.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLAIM_NAME ".mrlua-claim"

static char *format_name(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *format_name(const char *format, ...)
{
    va_list args;
    char *name;

    va_start(args, format);
    if (vasprintf(&name, format, args) < 0)
        name = mem_alloc(SIZE_MAX); /* there is no memory: says so and ends */
    va_end(args);
    return name;
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The path without slashes at its end; a symbolic link, "." and ".." as what they stand for,
 * because it is the folder itself that is exchanged. */
static char *plain_path(const char *path)
{
    size_t len = strlen(path);
    struct stat status;
    const char *name;
    char *plain, *real;

    while (len > 1 && path[len - 1] == '/')
        len--;
    plain = mem_strndup(path, len);
    name = strrchr(plain, '/') ? strrchr(plain, '/') + 1 : plain;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
        (lstat(plain, &status) != 0 || !S_ISLNK(status.st_mode)))
        return plain;
    real = realpath(plain, NULL);
    if (!real)
        return plain;
    free(plain);
    return real;
}

static int parent_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (int)(slash - path) + 1 : 0;
}

void publish_init(struct publish *publish, const char *output, const char *job_id, bool overwrite)
{
    bool is_gs = uri_is_gs(output);
    char *plain = is_gs ? mem_strdup(output) : plain_path(output);
    int parent = parent_len(plain);

    assert(job_id[0] && !strchr(job_id, '/'));
    *publish = (struct publish){
        .output = plain, .overwrite = overwrite, .is_gs = is_gs, .holder = getpid()};
    publish->job_id = mem_strdup(job_id);
    publish->claim = format_name("%s/" CLAIM_NAME, plain);
    publish->staging =
        format_name("%.*s.%s.mrlua-%s", parent, plain, plain + parent, publish->job_id);
    publish->old = format_name("%s.old", publish->staging);
    publish->base = mem_strdup(overwrite ? publish->staging : plain);
    publish->work = format_name("%s/.mrlua-%s", publish->base, publish->job_id);
}

void publish_deinit(struct publish *publish)
{
    free(publish->output);
    free(publish->claim);
    free(publish->staging);
    free(publish->old);
    free(publish->base);
    free(publish->work);
    free(publish->job_id);
    *publish = (struct publish){0};
}

void publish_part_path(const struct publish *publish, const struct publish_part *part,
                       struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s/", publish->work);
    publish_attempt_name(out, part);
}

int publish_part_create(const struct publish *publish, const struct publish_part *part,
                        struct err *err)
{
    struct buf path = {0};
    int fd;

    publish_part_path(publish, part, &path);
    fd = open(buf_string(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        err_set_errno(err, ERR_DISK, "create %s", path.ptr);
    buf_deinit(&path);
    return fd;
}

/* ---- the claim ---- */

/* 1: the claim in `output` is this job's. 0: it is not, or there is none. -1: who knows. */
static int read_our_claim(const struct publish *publish, struct claim *claim, struct err *err)
{
    int rc = claim_read(publish->claim, claim, err);

    return rc == 1 ? strcmp(claim->job, publish->job_id) == 0 : rc;
}

/* Nothing in it but what this job put there; to overwrite, nothing but what jobs leave. */
static int check_contents(const struct publish *publish, struct err *err)
{
    const char *work_name = publish->work + parent_len(publish->work);
    struct dirent *entry;
    DIR *folder = opendir(publish->output);
    int rc = 0;

    if (!folder)
        return err_set_errno(err, ERR_SETUP, "output %s", publish->output);
    while (rc == 0 && (errno = 0, entry = readdir(folder))) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, CLAIM_NAME) == 0 ||
            strcmp(name, work_name) == 0)
            continue;
        if (!publish->overwrite || !publish_is_job_name(name))
            rc = publish_refuse(publish->output, name, err);
    }
    if (rc == 0 && errno != 0)
        rc = err_set_errno(err, ERR_SETUP, "output %s", publish->output);
    closedir(folder);
    return rc;
}

/*
 * Folders beside the output that jobs before us built and were killed in: who holds the claim knows
 * that nobody uses them. The exception is what stands for the output itself, while a job
 * that died between its two renames has left none.
 */
static void sweep_staging(const struct publish *publish, bool output_was_there)
{
    const char *name = publish->staging + parent_len(publish->staging);
    size_t prefix_len = strlen(name) - strlen(publish->job_id);
    char *parent = mem_strndup(publish->output, (size_t)parent_len(publish->output));
    DIR *folder = opendir(parent[0] ? parent : ".");
    struct dirent *entry;
    struct err ignored;

    while (folder && (entry = readdir(folder))) {
        const char *end = strrchr(entry->d_name, '.');
        bool is_old = end && strcmp(end, ".old") == 0;

        if (strncmp(entry->d_name, name, prefix_len) == 0 && strcmp(entry->d_name, name) != 0 &&
            (output_was_there || !is_old)) {
            char *path = format_name("%s%s", parent, entry->d_name);

            temp_remove_tree(path, &ignored);
            free(path);
        }
    }
    if (folder)
        closedir(folder);
    free(parent);
}

static int make_folder(const char *path, const char *what, struct err *err)
{
    if (mkdir(path, 0777) != 0 && (errno != EEXIST || !is_folder(path)))
        return err_set_errno(err, ERR_SETUP, "output %s", what);
    return 0;
}

static int gs_open(const struct publish *publish, struct publish_gs *out, struct err *err)
{
    int rc = publish_gs_init(out, publish->output, publish->job_id, publish->overwrite, err);

    out->bad = publish->bad;
    return rc;
}

static int gs_claim(const struct publish *publish, struct err *err)
{
    struct publish_gs out;
    int rc = gs_open(publish, &out, err);

    if (rc == 0)
        rc = publish_gs_claim(&out, publish->holder, err);
    publish_gs_deinit(&out);
    return rc;
}

int publish_claim(struct publish *publish, struct err *err)
{
    struct claim mine = {.pid = publish->holder};

    if (publish->is_gs)
        return gs_claim(publish, err);
    snprintf(mine.job, sizeof mine.job, "%s", publish->job_id);
    mine.created = mkdir(publish->output, 0777) == 0;
    if (!mine.created && errno != EEXIST)
        return err_set_errno(err, ERR_SETUP, "output %s", publish->output);
    if (!is_folder(publish->output))
        return err_set(err, ERR_SETUP, "output %s: not a folder", publish->output);
    if (claim_take(publish->claim, &mine, publish->overwrite, err) != 0) {
        if (mine.created)
            rmdir(publish->output);
        return -1;
    }
    sweep_staging(publish, !mine.created);
    if (check_contents(publish, err) != 0 ||
        make_folder(publish->base, publish->output, err) != 0 ||
        make_folder(publish->work, publish->output, err) != 0) {
        /* Not publish_abort(): what is in the folder is not ours. */
        rmdir(publish->work);
        if (publish->overwrite)
            rmdir(publish->staging);
        unlink(publish->claim);
        if (mine.created)
            rmdir(publish->output);
        return -1;
    }
    return 0;
}

/* ---- the commit ---- */

static int sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return err_set_errno(err, ERR_DISK, "open %s", path);
    rc = io_fsync(fd, path, err);
    io_close(&fd);
    if (rc != 0)
        unlink(path);
    return rc;
}

/* 1: `path` is a file of `bytes` bytes. 0: there is none. -1: it is something else. */
static int look_at(const char *path, uint64_t bytes, struct err *err)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return errno == ENOENT ? 0 : err_set_errno(err, ERR_DISK, "stat %s", path);
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != bytes)
        return err_set(err, ERR_DISK, "%s: not the file of %" PRIu64 " bytes that was written",
                       path, bytes);
    return 1;
}

static int commit_part(const struct publish *publish, const struct publish_part *part,
                       struct err *err)
{
    struct buf from = {0}, to = {0};
    int rc;

    publish_part_path(publish, part, &from);
    buf_printf(&to, "%s/", publish->base);
    publish_part_name(&to, part);
    rc = look_at(buf_string(&to), part->bytes, err);
    if (rc == 0) {
        rc = look_at(buf_string(&from), part->bytes, err);
        if (rc == 0)
            rc = err_set(err, ERR_DISK, "%s is gone", from.ptr);
        if (rc == 1)
            rc = sync_file(from.ptr, err);
        if (rc == 0)
            rc = io_rename(from.ptr, to.ptr, err);
    } else if (rc == 1) {
        rc = 0; /* an earlier call got that far */
    }
    buf_deinit(&from);
    buf_deinit(&to);
    return rc;
}

static int write_synced(const char *path, struct slice text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int rc = -1;

    if (fd < 0)
        return err_set_errno(err, ERR_DISK, "create %s", path);
    if (io_write(fd, text.ptr, text.len, path, ERR_DISK, err) == 0 && io_fsync(fd, path, err) == 0)
        rc = 0;
    io_close(&fd);
    return rc;
}

/* Unless an earlier call got that far. */
static int commit_text(const struct publish *publish, const char *name, struct slice text,
                       struct err *err)
{
    char *from = format_name("%s/%s", publish->work, name);
    char *to = format_name("%s/%s", publish->base, name);
    int rc = 0;

    if (access(to, F_OK) != 0) {
        rc = write_synced(from, text, err);
        if (rc == 0)
            rc = io_rename(from, to, err);
    }
    free(from);
    free(to);
    return rc;
}

/* Parts and what belongs to them, then _SUCCESS, in `base`; the work folder goes. */
static int commit_base(const struct publish *publish, const struct publish_part *parts,
                       size_t part_count, struct slice manifest, struct err *err)
{
    for (size_t i = 0; i < part_count; i++)
        if (commit_part(publish, &parts[i], err) != 0)
            return -1;
    if (publish->bad.len > 0 && commit_text(publish, PUBLISH_BAD_NAME, publish->bad, err) != 0)
        return -1;
    if (io_fsync_folder(publish->base, err) != 0)
        return -1;
    if (commit_text(publish, "_SUCCESS", manifest, err) != 0)
        return -1;
    if (io_fsync_folder(publish->base, err) != 0)
        return -1;
    return temp_remove_tree(publish->work, err);
}

/* ---- the exchange ---- */

static int sync_parent(const struct publish *publish, struct err *err)
{
    char *parent = mem_strndup(publish->output, (size_t)parent_len(publish->output));
    int rc = io_fsync_folder(parent[0] ? parent : ".", err);

    free(parent);
    return rc;
}

int publish_exchange_by_renames(const struct publish *publish, struct err *err)
{
    if (is_folder(publish->output) && io_rename(publish->output, publish->old, err) != 0)
        return -1;
    return io_rename(publish->staging, publish->output, err);
}

static int exchange(const struct publish *publish, struct err *err)
{
    if (renameat2(AT_FDCWD, publish->staging, AT_FDCWD, publish->output, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOENT)
        return publish_exchange_by_renames(publish, err);
    return err_set_errno(err, ERR_DISK, "exchange %s and %s", publish->staging, publish->output);
}

static int commit_overwrite(const struct publish *publish, const struct publish_part *parts,
                            size_t part_count, struct slice manifest, struct err *err)
{
    struct claim claim;
    int is_ours = read_our_claim(publish, &claim, err);

    if (is_ours < 0) {
        err->kind = ERR_DISK;
        return -1;
    }
    if (is_ours || !is_folder(publish->output)) { /* not exchanged yet, or not wholly */
        if (commit_base(publish, parts, part_count, manifest, err) != 0)
            return -1;
        if (exchange(publish, err) != 0)
            return -1;
    }
    if (sync_parent(publish, err) != 0)
        return -1;
    if (temp_remove_tree(publish->staging, err) != 0)
        return -1;
    return temp_remove_tree(publish->old, err);
}

static int gs_commit(const struct publish *publish, const struct publish_part *parts,
                     size_t part_count, struct slice manifest, uint32_t *lost, struct err *err)
{
    struct publish_gs out;
    int rc = gs_open(publish, &out, err);

    if (rc == 0)
        rc = publish_gs_commit(&out, parts, part_count, manifest, lost, err);
    publish_gs_deinit(&out);
    return rc;
}

int publish_commit(struct publish *publish, const struct publish_part *parts, size_t part_count,
                   struct slice manifest, uint32_t *lost, struct err *err)
{
    if (publish->is_gs)
        return gs_commit(publish, parts, part_count, manifest, lost, err);
    if (publish->overwrite)
        return commit_overwrite(publish, parts, part_count, manifest, err);
    if (commit_base(publish, parts, part_count, manifest, err) != 0)
        return -1;
    if (unlink(publish->claim) != 0 && errno != ENOENT)
        return err_set_errno(err, ERR_DISK, "remove %s", publish->claim);
    return 0;
}

/* ---- giving up ---- */

/* The folder was empty when it was claimed: every part in it is this job's. */
static void remove_parts(const struct publish *publish)
{
    DIR *folder = opendir(publish->output);
    struct dirent *entry;

    if (!folder)
        return;
    unlinkat(dirfd(folder), "_SUCCESS", 0); /* first: no reader may trust what goes next */
    unlinkat(dirfd(folder), PUBLISH_BAD_NAME, 0);
    while ((entry = readdir(folder)))
        if (publish_is_part_name(entry->d_name))
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
}

static int gs_abort(const struct publish *publish, struct err *err)
{
    struct publish_gs out;
    int rc = gs_open(publish, &out, err);

    if (rc == 0)
        rc = publish_gs_abort(&out, err);
    publish_gs_deinit(&out);
    return rc;
}

int publish_abort(struct publish *publish, struct err *err)
{
    struct claim claim;
    struct err ignored;

    if (publish->is_gs)
        return gs_abort(publish, err);

    if (publish->overwrite) {
        if (!is_folder(publish->output) && is_folder(publish->old))
            rename(publish->old, publish->output); /* it stopped between two renames */
        temp_remove_tree(publish->staging, &ignored);
        temp_remove_tree(publish->old, &ignored);
    }
    if (read_our_claim(publish, &claim, &ignored) != 1)
        return 0;
    if (!publish->overwrite) {
        remove_parts(publish);
        temp_remove_tree(publish->work, &ignored);
    }
    unlink(publish->claim);
    if (claim.created)
        rmdir(publish->output);
    return 0;
}
