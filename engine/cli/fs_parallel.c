#include "cli/fs_parallel.h"

#include "attempt/process.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TELL_MS = 100 };

/* What all processes see. */
struct shared {
    _Atomic uint64_t next, done, skipped, bytes, errors;
    _Atomic uint32_t is_written[FS_ERRORS_MAX];
    struct err texts[FS_ERRORS_MAX];
};

static void note_error(struct shared *shared, const struct err *err)
{
    uint64_t at = atomic_fetch_add(&shared->errors, 1);

    if (at >= FS_ERRORS_MAX)
        return;
    shared->texts[at] = *err;
    atomic_store(&shared->is_written[at], 1);
}

static void work_through(struct shared *shared, size_t count, const struct fs_work *work)
{
    struct fs_meter meter = {.bytes = &shared->bytes};
    struct gcs *gcs = gcs_open();
    uint64_t index;

    while ((index = atomic_fetch_add(&shared->next, 1)) < count) {
        struct err err;
        int rc = work->one(work->context, gcs, (size_t)index, &meter, &err);

        if (rc < 0)
            note_error(shared, &err);
        else
            atomic_fetch_add(rc == 1 ? &shared->done : &shared->skipped, 1);
    }
    gcs_close(gcs);
}

static void look(const struct shared *shared, struct fs_result *result)
{
    result->done_count = atomic_load(&shared->done);
    result->skipped_count = atomic_load(&shared->skipped);
    result->bytes = atomic_load(&shared->bytes);
    result->error_count = atomic_load(&shared->errors);
    for (size_t i = 0; i < FS_ERRORS_MAX; i++)
        if (atomic_load(&shared->is_written[i]))
            result->errors[i] = shared->texts[i];
}

static uint32_t start_all(struct shared *shared, size_t count, uint32_t process_count,
                          const struct fs_work *work, pid_t *pids)
{
    pid_t parent = getpid();
    uint32_t started = 0;

    for (; started < process_count && started < count; started++) {
        pids[started] = process_fork();
        if (pids[started] < 0)
            break;
        if (pids[started] > 0)
            continue;
        process_reset_signals();
        if (!process_follow(parent))
            _exit(1);
        work_through(shared, count, work);
        _exit(0);
    }
    return started;
}

/* False: it died. */
static bool reap(pid_t *pids, uint32_t *left, uint32_t count)
{
    bool is_well = true;

    for (uint32_t i = 0; i < count; i++) {
        int status;

        if (pids[i] == 0 || waitpid(pids[i], &status, WNOHANG) != pids[i])
            continue;
        is_well = is_well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        pids[i] = 0;
        --*left;
    }
    return is_well;
}

int fs_parallel(size_t count, uint32_t process_count, const struct fs_work *work,
                struct fs_result *result, struct err *err)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[FS_PROCESS_COUNT];
    bool is_well = true;
    uint32_t started, left;

    *result = (struct fs_result){0};
    if (shared == MAP_FAILED)
        return err_set_errno(err, ERR_SETUP, "memory for copies");
    if (process_count > FS_PROCESS_COUNT)
        process_count = FS_PROCESS_COUNT;
    gcs_prepare();
    started = left = start_all(shared, count, process_count, work, pids);
    while (left > 0) {
        if (!reap(pids, &left, started))
            is_well = false;
        look(shared, result);
        if (work->told)
            work->told(work->told_context, result);
        if (left > 0)
            poll(NULL, 0, started > 0 && result->done_count == 0 ? TELL_MS / 20 : TELL_MS);
    }
    look(shared, result);
    munmap(shared, sizeof *shared);
    if (started == 0 && count > 0)
        return err_set_errno(err, ERR_RETRY, "start a process to copy: fork");
    return is_well ? 0 : err_set(err, ERR_RETRY, "a process that copied died");
}
