#include "cli/line_history.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the last LINE_HISTORY_COUNT_MAX lines begin. */
static size_t find_last_lines(const char *text, size_t len)
{
    size_t at = len, count = 0;

    while (at > 0) {
        if (text[at - 1] == '\n' && at < len && ++count == LINE_HISTORY_COUNT_MAX)
            break;
        at--;
    }
    return at;
}

static int write_anew(const char *path, const char *text, size_t len, struct err *err)
{
    struct buf temporary = {0};
    int fd, rc = -1;

    buf_printf(&temporary, "%s.%d", path, (int)getpid());
    fd = open(buf_string(&temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_set(err, ERR_SETUP, "open %s: %s", buf_string(&temporary), strerror(errno));
        goto out;
    }
    rc = io_write(fd, text, len, buf_string(&temporary), ERR_SETUP, err);
    if (rc == 0)
        rc = io_rename(buf_string(&temporary), path, err);
    if (rc != 0)
        unlink(buf_string(&temporary));
    io_close(&fd);
out:
    buf_deinit(&temporary);
    return rc;
}

/* The end of an open file, at most LINE_HISTORY_BYTES_MAX of it, from the beginning of a line. */
static int read_end(int fd, const char *path, struct buf *text, size_t *begin, struct err *err)
{
    struct stat status;
    uint64_t offset = 0;
    ssize_t count;
    const char *newline;

    if (fstat(fd, &status) != 0)
        return err_set(err, ERR_SETUP, "stat %s: %s", path, strerror(errno));
    if (status.st_size > LINE_HISTORY_BYTES_MAX)
        offset = (uint64_t)status.st_size - LINE_HISTORY_BYTES_MAX;
    count = io_pread(fd, buf_reserve(text, LINE_HISTORY_BYTES_MAX), LINE_HISTORY_BYTES_MAX, offset,
                     path, ERR_SETUP, err);
    if (count < 0)
        return -1;
    text->len = (size_t)count;
    newline = offset > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
    *begin = newline ? (size_t)(newline - text->ptr) + 1 : offset > 0 ? text->len : 0;
    return offset > 0;
}

int line_history_load(const char *path, struct buf *lines, struct err *err)
{
    struct buf text = {0};
    size_t begin = 0, last;
    int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return err_set(err, ERR_SETUP, "open %s: %s", path, strerror(errno));
    rc = read_end(fd, path, &text, &begin, err);
    if (rc < 0)
        goto out;
    last = begin + find_last_lines(text.ptr + begin, text.len - begin);
    buf_append(lines, text.ptr + last, text.len - last);
    if (text.len > last && text.ptr[text.len - 1] != '\n')
        buf_append_byte(lines, '\n');
    rc = rc == 1 || last > begin ? write_anew(path, text.ptr + last, text.len - last, err) : 0;
out:
    io_close(&fd);
    buf_deinit(&text);
    return rc;
}

int line_history_append(const char *path, const char *line, struct err *err)
{
    struct buf text = {0};
    int rc = -1, fd;

    buf_append(&text, line, strcspn(line, "\n"));
    if (text.len == 0)
        return 0;
    buf_append_byte(&text, '\n');
    if (io_make_folders(path, 0700, err) != 0)
        goto out;
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_set(err, ERR_SETUP, "open %s: %s", path, strerror(errno));
        goto out;
    }
    rc = io_write(fd, text.ptr, text.len, path, ERR_SETUP, err);
    io_close(&fd);
out:
    buf_deinit(&text);
    return rc;
}
