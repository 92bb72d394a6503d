#include "store/gcs_crew.h"

#include "base/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a process of the crew says when it has failed; it fits a pipe's atomic write. */
struct verdict {
    size_t item;
    struct err err;
};

static_assert(sizeof(struct verdict) <= 4096, "PIPE_BUF: verdicts of two processes do not mix");

struct crew {
    int (*work)(struct gcs *gcs, void *context, size_t item, struct err *err);
    void *context;
    size_t count;
    pid_t members[GCS_CREW_COUNT];
    size_t member_count;
};

static size_t members_for(size_t count)
{
    size_t members = (count + GCS_CREW_ITEM_COUNT - 1) / GCS_CREW_ITEM_COUNT;

    return members < GCS_CREW_COUNT ? members : GCS_CREW_COUNT;
}

/* 0 or -1: items first, first + step and so on. */
static int do_share(const struct crew *crew, struct gcs *gcs, size_t first, size_t step,
                    struct verdict *out)
{
    for (out->item = first; out->item < crew->count; out->item += step)
        if (crew->work(gcs, crew->context, out->item, &out->err) != 0)
            return -1;
    return 0;
}

static _Noreturn void live_as_member(const struct crew *crew, size_t number, size_t step,
                                     int report, pid_t parent)
{
    struct verdict verdict = {.item = 0};
    struct gcs *gcs = gcs_open();
    struct err ignored;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    if (do_share(crew, gcs, number, step, &verdict) == 0)
        _exit(0);
    _exit(io_write(report, &verdict, sizeof verdict, "a pipe", ERR_RETRY, &ignored) == 0 ? 0 : 1);
}

static int start(struct crew *crew, size_t step, int report, struct err *err)
{
    pid_t parent = getpid();

    while (crew->member_count < step) {
        pid_t member = fork();

        if (member == 0)
            live_as_member(crew, crew->member_count, step, report, parent);
        if (member < 0)
            return err_set_errno(err, ERR_RETRY, "fork");
        crew->members[crew->member_count++] = member;
    }
    return 0;
}

/* Waits for them. -1: one died otherwise than at its own end. */
static int end(struct crew *crew, bool is_over, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < crew->member_count; i++) {
        int status = 0;

        if (is_over) /* it is not waited for yet, so its number is its own */
            kill(crew->members[i], SIGKILL);
        while (waitpid(crew->members[i], &status, 0) < 0 && errno == EINTR)
            ;
        if (!is_over && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
            rc = err_set(err, ERR_RETRY, "a process that talked to the store was killed");
    }
    return rc;
}

/* The first failure, or the end of all. 1: one has failed. */
static int listen(int pipe, size_t *failed, struct err *err)
{
    struct verdict verdict;
    size_t len = 0;

    while (len < sizeof verdict) {
        ssize_t count =
            io_read(pipe, (char *)&verdict + len, sizeof verdict - len, "a pipe", ERR_RETRY, err);

        if (count <= 0)
            return (int)count;
        len += (size_t)count;
    }
    *failed = verdict.item;
    *err = verdict.err;
    return 1;
}

static int run_members(struct crew *crew, size_t step, size_t *failed, struct err *err)
{
    int ends[2], rc;
    struct err ignored;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set_errno(err, ERR_RETRY, "pipe");
    rc = start(crew, step, ends[1], err);
    io_close(&ends[1]);
    if (rc == 0)
        rc = listen(ends[0], failed, err);
    if (end(crew, rc != 0, rc == 0 ? err : &ignored) != 0)
        rc = -1;
    io_close(&ends[0]);
    return rc == 0 ? 0 : -1;
}

int gcs_crew_run(struct gcs *gcs, size_t count,
                 int (*work)(struct gcs *gcs, void *context, size_t item, struct err *err),
                 void *context, size_t *failed, struct err *err)
{
    struct crew crew = {.work = work, .context = context, .count = count};
    size_t step = members_for(count);
    struct verdict verdict = {.item = 0};

    *failed = SIZE_MAX;
    if (step > 1)
        return run_members(&crew, step, failed, err);
    if (do_share(&crew, gcs, 0, 1, &verdict) == 0)
        return 0;
    *failed = verdict.item;
    *err = verdict.err;
    return -1;
}
