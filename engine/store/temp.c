#include "store/temp.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TEMP_PREFIX "mrlua-"

const char *temp_choose(const char *flag)
{
    const char *from_environment = getenv("TMPDIR");

    if (flag && flag[0])
        return flag;
    /* Not /tmp: it is often held in memory, and always small. */
    return from_environment && from_environment[0] ? from_environment : "/var/tmp";
}

bool temp_is_memory(const char *path)
{
    struct statfs status;

    return statfs(path, &status) == 0 &&
           (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

/* Removes an entry of `folder`, with all below it. First failure's errno; 0: all is gone. */
static int remove_at(int folder, const char *name);

static int remove_entries(DIR *folder)
{
    struct dirent *entry;
    int failure = 0;

    while (errno = 0, (entry = readdir(folder))) {
        int error;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        error = remove_at(dirfd(folder), entry->d_name);
        if (!failure)
            failure = error;
    }
    return failure ? failure : errno;
}

static int remove_at(int folder, const char *name)
{
    int fd, failure;
    DIR *entries;

    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return errno;
    fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    entries = fdopendir(fd);
    if (!entries) {
        failure = errno;
        io_close(&fd);
        return failure;
    }
    failure = remove_entries(entries);
    closedir(entries);
    if (!failure && unlinkat(folder, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        failure = errno;
    return failure;
}

int temp_remove_tree(const char *path, struct err *err)
{
    int error = remove_at(AT_FDCWD, path);

    if (error) {
        errno = error;
        return err_set_errno(err, ERR_DISK, "remove %s", path);
    }
    return 0;
}

/* Locks `fd`, the lock file of a folder. False: another holds it, or removed it meanwhile. */
static bool lock(int fd)
{
    struct stat status;

    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 && status.st_nlink > 0;
}

static int make_lock(struct temp *temp, struct err *err)
{
    struct buf path = {0};
    char pid[32];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    int rc = -1;

    buf_printf(&path, "%s/lock", temp->path);
    temp->lock_fd = open(buf_string(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (temp->lock_fd < 0)
        err_set_errno(err, ERR_DISK, "create %s", buf_string(&path));
    else if (!lock(temp->lock_fd))
        rc = 1; /* a sweep came between the two calls, and takes the folder away */
    else
        rc = io_write(temp->lock_fd, pid, (size_t)len, buf_string(&path), ERR_DISK, err);
    buf_deinit(&path);
    return rc;
}

int temp_init(struct temp *temp, const char *parent, struct err *err)
{
    int rc;

    do {
        struct buf path = {0};

        *temp = (struct temp){.lock_fd = -1};
        buf_printf(&path, "%s/" TEMP_PREFIX "XXXXXX", parent);
        buf_string(&path);
        if (!mkdtemp(path.ptr)) {
            err_set_errno(err, ERR_SETUP, "temporary folder in %s (--tmp DIR: elsewhere)", parent);
            buf_deinit(&path);
            return -1;
        }
        temp->path = mem_strdup(path.ptr);
        buf_deinit(&path);
        rc = make_lock(temp, err);
        if (rc != 0)
            temp_deinit(temp);
    } while (rc == 1);
    return rc;
}

void temp_deinit(struct temp *temp)
{
    struct err ignored;

    if (temp->path)
        temp_remove_tree(temp->path, &ignored);
    temp_forget(temp);
}

void temp_forget(struct temp *temp)
{
    if (temp->path)
        io_close(&temp->lock_fd);
    free(temp->path);
    *temp = (struct temp){.lock_fd = -1};
}

/* True: made by temp_init() in a process of this user that is no more. Then *lock_fd is locked. */
static bool is_abandoned(int parent, const char *name, int *lock_fd)
{
    char path[64];
    struct stat status;

    if (strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) != 0 ||
        strlen(name) != strlen(TEMP_PREFIX "XXXXXX"))
        return false;
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode) ||
        status.st_uid != geteuid())
        return false;
    snprintf(path, sizeof path, "%s/lock", name);
    *lock_fd = openat(parent, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    return *lock_fd >= 0 && lock(*lock_fd);
}

void temp_sweep(const char *parent)
{
    DIR *folder = opendir(parent);
    struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder))) {
        int lock_fd = -1;

        if (is_abandoned(dirfd(folder), entry->d_name, &lock_fd))
            remove_at(dirfd(folder), entry->d_name);
        io_close(&lock_fd);
    }
    closedir(folder);
}
