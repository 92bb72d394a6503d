#include "cli/run_output.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "master/job_shuffle.h"
#include "master/job_task.h"
#include "store/gcs_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PRINT_BYTES = 1 << 20, /* one sendfile(): between two looks at *stopped */
    COPY_BYTES = 64 * 1024,
};

int run_output_init(struct run_output *output, const char *id, const char *folder, bool overwrite,
                    const char *shuffle, const char *temp_path, struct err *err)
{
    *output = (struct run_output){.temp_path = temp_path};
    if (id)
        snprintf(output->job_id, sizeof output->job_id, "%s", id);
    else
        snprintf(output->job_id, sizeof output->job_id, "run-%d-%llx", (int)getpid(),
                 (unsigned long long)clock_realtime_ns());
    if (job_shuffle_prefix(shuffle, folder, output->job_id, &output->shuffle, err) != 0)
        return -1;
    buf_string(&output->shuffle);
    if (!folder)
        return 0;
    publish_init(&output->publish, folder, output->job_id, overwrite);
    if (!output->publish.is_gs && publish_claim(&output->publish, err) != 0) {
        publish_deinit(&output->publish);
        buf_deinit(&output->shuffle);
        return -1;
    }
    output->has_folder = true;
    return 0;
}

void run_output_deinit(struct run_output *output, bool is_committed)
{
    struct err err;

    if (output->has_folder) {
        if (!is_committed && publish_abort(&output->publish, &err) != 0)
            log_event(SEVERITY_WARNING, "output_not_removed", log_text("reason", err.message));
        publish_deinit(&output->publish);
    }
    /* A commit has done so. */
    if (output->shuffle.len > 0 && !(output->has_folder && is_committed) &&
        gcs_sweep_uri(buf_string(&output->shuffle), &err) != 0)
        log_event(SEVERITY_WARNING, "shuffle_not_removed", log_text("reason", err.message));
    buf_deinit(&output->shuffle);
    *output = (struct run_output){0};
}

void run_output_part_path(const struct run_output *output, uint32_t partition, uint64_t attempt,
                          struct buf *out)
{
    struct publish_part part = {.number = partition, .attempt = attempt};

    job_task_part_path(output->has_folder ? &output->publish : NULL, output->temp_path, &part, out);
}

/* Standard output that sendfile() cannot write to (opened for appending): by hand.
 * 1, 0 at the end, -1 with errno set. */
static ssize_t copy_some(int fd)
{
    char bytes[COPY_BYTES];
    ssize_t len = read(fd, bytes, sizeof bytes);

    for (ssize_t done = 0; done < len;) {
        ssize_t written = write(STDOUT_FILENO, bytes + done, (size_t)(len - done));

        if (written < 0 && errno != EINTR)
            return -1;
        done += written > 0 ? written : 0;
    }
    return len;
}

static ssize_t print_some(int fd)
{
    ssize_t sent = sendfile(STDOUT_FILENO, fd, NULL, PRINT_BYTES);

    if (sent < 0 && (errno == EINVAL || errno == ENOSYS))
        return copy_some(fd);
    return sent;
}

/* 1: printed. 0: stopped, or nobody reads any more. -1: *err. */
static int print_part(const char *path, volatile sig_atomic_t *stopped, struct err *err)
{
    int rc = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set_errno(err, ERR_DISK, "open %s", path);
    while (rc == 1) {
        ssize_t sent = *stopped ? 0 : print_some(fd);

        if (*stopped)
            rc = 0;
        else if (sent == 0)
            break;
        else if (sent < 0 && errno == EPIPE)
            rc = 0;
        else if (sent < 0 && errno != EINTR)
            rc = err_set_errno(err, ERR_DISK, "write to standard output");
    }
    close(fd);
    return rc;
}

int run_output_print(const struct run_output *output, const uint64_t *attempts, uint32_t count,
                     volatile sig_atomic_t *stopped, struct err *err)
{
    struct buf path = {0};
    int rc = 1;

    for (uint32_t i = 0; i < count && rc == 1; i++) {
        run_output_part_path(output, i, attempts[i], &path);
        rc = print_part(buf_string(&path), stopped, err);
    }
    buf_deinit(&path);
    return rc < 0 ? -1 : 0;
}
