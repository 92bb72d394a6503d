#include "format/claim.h"

#include "base/buf.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLAIM_BYTES_MAX = 1024 };

/* The text behind "<name>=" up to the end of its line. */
static void read_field(const char *text, const char *name, char *out, size_t out_bytes)
{
    size_t len = strlen(name);

    out[0] = '\0';
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == '=') {
            snprintf(out, out_bytes, "%.*s", (int)strcspn(line + len + 1, "\n"), line + len + 1);
            return;
        }
    }
}

void claim_parse(const char *text, struct claim *out)
{
    char number[32];

    read_field(text, "job", out->job, sizeof out->job);
    read_field(text, "host", out->host, sizeof out->host);
    read_field(text, "pid", number, sizeof number);
    out->pid = strtol(number, NULL, 10);
    read_field(text, "started", number, sizeof number);
    out->started = strtoull(number, NULL, 10);
    read_field(text, "created", number, sizeof number);
    out->created = strcmp(number, "1") == 0;
}

static int read_open(int fd, const char *path, struct claim *out, struct err *err)
{
    char text[CLAIM_BYTES_MAX + 1];
    ssize_t len = io_pread(fd, text, CLAIM_BYTES_MAX, 0, path, ERR_SETUP, err);

    if (len < 0)
        return -1;
    text[len] = '\0';
    claim_parse(text, out);
    return 1;
}

int claim_read(const char *path, struct claim *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0
                                                   : err_set_errno(err, ERR_SETUP, "open %s", path);
    rc = read_open(fd, path, out, err);
    io_close(&fd);
    return rc;
}

static void read_host(char *out, size_t out_bytes)
{
    if (gethostname(out, out_bytes) != 0)
        out[0] = '\0';
    out[out_bytes - 1] = '\0';
}

/* When the process began, in clock ticks since boot; 0: it is not there, or dead and not reaped.
 * Field 22 of proc(5) /proc/PID/stat; the second, a name, may hold spaces and parentheses. */
static unsigned long long process_started(long pid)
{
    char path[64], state;
    unsigned long long started;
    const char *behind_name;
    struct buf bytes = {0};
    struct err ignored;
    int fields = 0;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (io_read_file(path, CLAIM_BYTES_MAX, &bytes, ERR_SETUP, &ignored) == 0) {
        behind_name = strrchr(buf_string(&bytes), ')');
        if (behind_name)
            fields = sscanf(behind_name,
                            ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                            "%*s %*s %*s %llu",
                            &state, &started);
    }
    buf_deinit(&bytes);
    return fields == 2 && state != 'Z' && state != 'X' ? started : 0;
}

bool claim_is_stale(const struct claim *claim)
{
    char host[sizeof claim->host];
    unsigned long long started;

    read_host(host, sizeof host);
    if (strcmp(host, claim->host) != 0 || claim->pid <= 0)
        return false;
    started = process_started(claim->pid);
    return started == 0 || started != claim->started;
}

void claim_print(const struct claim *claim, struct buf *out)
{
    char host[sizeof claim->host];

    read_host(host, sizeof host);
    buf_printf(out, "job=%s\npid=%ld\nstarted=%llu\nhost=%s\ncreated=%d\n", claim->job, claim->pid,
               process_started(claim->pid), host, claim->created);
}

static int write_open(int fd, const char *path, const struct claim *mine, struct err *err)
{
    struct buf text = {0};
    int rc;

    claim_print(mine, &text);
    rc = io_pwrite(fd, text.ptr, text.len, 0, path, err);
    if (rc == 0 && ftruncate(fd, (off_t)text.len) != 0)
        rc = err_set_errno(err, ERR_DISK, "write %s", path);
    buf_deinit(&text);
    return rc;
}

/* Only who holds it changes: the folder was made by whom it was. */
static int renew_open(int fd, const char *path, const struct claim *old, const struct claim *mine,
                      struct err *err)
{
    struct claim renewed = *mine;

    renewed.created = old->created;
    return write_open(fd, path, &renewed, err);
}

static int folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (int)(slash - path) : 0;
}

static int refuse(const char *path, const struct claim *holder, struct err *err)
{
    if (claim_is_stale(holder))
        return err_set(
            err, ERR_SETUP,
            "output %.*s: left by job %s, which was killed: choose another folder or add "
            "--overwrite",
            folder_len(path), path, holder->job);
    return err_set(err, ERR_SETUP, "output %.*s: job %s (pid %ld on %s) is writing to it",
                   folder_len(path), path, holder->job, holder->pid, holder->host);
}

/* What is to be done with the claim in `fd`, which is locked. */
static int take_locked(int fd, const char *path, const struct claim *mine, bool take_stale,
                       struct err *err)
{
    struct claim holder = {0};

    if (read_open(fd, path, &holder, err) != 1)
        return -1;
    if (holder.job[0] == '\0') { /* nobody wrote his name yet: it is ours */
        if (write_open(fd, path, mine, err) == 0)
            return 0;
        unlink(path);
        return -1;
    }
    if (strcmp(holder.job, mine->job) == 0)
        return renew_open(fd, path, &holder, mine, err);
    if (!take_stale || !claim_is_stale(&holder))
        return refuse(path, &holder, err);
    return write_open(fd, path, mine, err);
}

int claim_take(const char *path, const struct claim *mine, bool take_stale, struct err *err)
{
    struct stat status;
    int fd, rc;

    for (;;) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return err_set_errno(err, ERR_SETUP, "output %.*s", folder_len(path), path);
        if (flock(fd, LOCK_EX) != 0 || fstat(fd, &status) != 0) {
            rc = err_set_errno(err, ERR_SETUP, "lock %s", path);
            break;
        }
        if (status.st_nlink > 0) {
            rc = take_locked(fd, path, mine, take_stale, err);
            break;
        }
        io_close(&fd); /* its holder removed it while we waited */
    }
    io_close(&fd);
    return rc;
}

int claim_renew(const char *path, const struct claim *mine, struct err *err)
{
    struct claim holder;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC), rc = 0;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0
                                                   : err_set_errno(err, ERR_SETUP, "open %s", path);
    if (flock(fd, LOCK_EX) != 0 || fstat(fd, &status) != 0)
        rc = err_set_errno(err, ERR_SETUP, "lock %s", path);
    else if (status.st_nlink > 0 && read_open(fd, path, &holder, err) != 1)
        rc = -1;
    else if (status.st_nlink > 0 && strcmp(holder.job, mine->job) == 0)
        rc = renew_open(fd, path, &holder, mine, err);
    io_close(&fd);
    return rc;
}
