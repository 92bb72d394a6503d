#include "worker/segment_runs.h"

#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct segment_runs {
    struct segment_job *jobs;
    struct segment_run *newest, *oldest; /* of those whose index is kept */
    uint64_t index_bytes, index_bytes_max;
};

/* ---- indexes ---- */

static uint64_t bytes_of(const struct run_index *index)
{
    return sizeof *index + (uint64_t)index->partition_count * sizeof index->segments[0];
}

static void unlink_run(struct segment_runs *runs, struct segment_run *run)
{
    *(run->newer ? &run->newer->older : &runs->newest) = run->older;
    *(run->older ? &run->older->newer : &runs->oldest) = run->newer;
    run->newer = run->older = NULL;
}

static void link_newest(struct segment_runs *runs, struct segment_run *run)
{
    run->older = runs->newest;
    *(run->older ? &run->older->newer : &runs->oldest) = run;
    runs->newest = run;
}

static void drop_index(struct segment_runs *runs, struct segment_run *run)
{
    if (!run->index)
        return;
    unlink_run(runs, run);
    runs->index_bytes -= bytes_of(run->index);
    run_index_close(run->index);
    run->index = NULL;
}

static void keep_index(struct segment_runs *runs, struct segment_run *run, struct run_index *index)
{
    run->index = index;
    runs->index_bytes += bytes_of(index);
    link_newest(runs, run);
    while (runs->index_bytes > runs->index_bytes_max && runs->oldest != run)
        drop_index(runs, runs->oldest);
}

/* ---- runs and jobs ---- */

struct segment_runs *segment_runs_open(uint64_t index_bytes_max)
{
    struct segment_runs *runs = mem_alloc(sizeof *runs);

    runs->index_bytes_max = index_bytes_max;
    return runs;
}

void segment_runs_close(struct segment_runs *runs)
{
    if (!runs)
        return;
    while (runs->jobs)
        segment_runs_forget_job(runs, runs->jobs->id);
    free(runs);
}

struct segment_job *segment_runs_job(const struct segment_runs *runs, uint64_t id)
{
    struct segment_job *job = runs->jobs;

    while (job && job->id != id)
        job = job->next;
    return job;
}

uint64_t segment_runs_index_bytes(const struct segment_runs *runs)
{
    return runs->index_bytes;
}

static struct segment_job *add_job(struct segment_runs *runs, uint64_t id)
{
    struct segment_job *job = mem_alloc(sizeof *job);

    job->id = id;
    job->next = runs->jobs;
    runs->jobs = job;
    return job;
}

void segment_runs_add(struct segment_runs *runs, uint64_t id, uint32_t map, uint64_t attempt,
                      const char *path)
{
    struct segment_job *job = segment_runs_job(runs, id);
    struct segment_run *run = mem_alloc(sizeof *run);

    if (!job)
        job = add_job(runs, id);
    if (job->count == job->room) {
        job->room = job->room ? 2 * job->room : 16;
        job->runs = mem_realloc_array(job->runs, job->room, sizeof job->runs[0]);
    }
    run->map = map;
    run->attempt = attempt;
    run->path = mem_strdup(path);
    job->runs[job->count++] = run;
    job->held++;
}

static void forget_at(struct segment_runs *runs, struct segment_job *job, uint32_t sequence)
{
    struct segment_run *run = job->runs[sequence];

    if (!run)
        return;
    drop_index(runs, run);
    free(run->path);
    free(run);
    job->runs[sequence] = NULL;
    job->held--;
    while (job->first < job->count && !job->runs[job->first])
        job->first++;
}

void segment_runs_forget(struct segment_runs *runs, uint64_t id, uint64_t attempt)
{
    struct segment_job *job = segment_runs_job(runs, id);

    for (uint32_t i = job ? job->first : 0; job && i < job->count; i++)
        if (job->runs[i] && job->runs[i]->attempt == attempt) {
            forget_at(runs, job, i);
            return;
        }
}

void segment_runs_forget_job(struct segment_runs *runs, uint64_t id)
{
    struct segment_job **link = &runs->jobs, *job;

    while (*link && (*link)->id != id)
        link = &(*link)->next;
    job = *link;
    if (!job)
        return;
    for (uint32_t i = 0; i < job->count; i++)
        forget_at(runs, job, i);
    *link = job->next;
    free(job->runs);
    free(job);
}

struct segment_run *segment_job_next(const struct segment_job *job, uint64_t *sequence)
{
    if (*sequence < job->first)
        *sequence = job->first;
    while (*sequence < job->count && !job->runs[*sequence])
        ++*sequence;
    return *sequence < job->count ? job->runs[*sequence] : NULL;
}

/* ---- opening a run ---- */

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* Reads the index if it is not kept. As segment_run_open(). */
static int need_index(struct segment_runs *runs, const struct segment_job *job,
                      struct segment_run *run, int fd, const char *what, struct err *err)
{
    struct run_index *index;
    struct stat status;

    if (run->index) {
        unlink_run(runs, run);
        link_newest(runs, run);
        return 1;
    }
    if (fstat(fd, &status) != 0)
        return err_set_errno(err, ERR_PEER, "%s", what);
    index = run_index_open(fd, (uint64_t)status.st_size, ERR_PEER, what, err);
    if (!index)
        return err->kind == ERR_LIMIT ? 0 : -1;
    if (index->id.job != job->id || index->id.task != run->map ||
        index->id.attempt != run->attempt) {
        err_set(err, ERR_PEER, "%s is the run of map %u attempt %llu", what, index->id.task,
                (unsigned long long)index->id.attempt);
        run_index_close(index);
        return -1;
    }
    keep_index(runs, run, index);
    return 1;
}

int segment_run_open(struct segment_runs *runs, const struct segment_job *job,
                     struct segment_run *run, uint32_t partition, struct segment_found *found,
                     struct err *err)
{
    char what[RUN_WHAT_BYTES];
    int rc, fd = open(run->path, O_RDONLY | O_CLOEXEC);

    snprintf(what, sizeof what, "run of map %u attempt %llu", run->map,
             (unsigned long long)run->attempt);
    if (fd < 0 && is_shortage(errno))
        return 0;
    if (fd < 0)
        return err_set_errno(err, ERR_PEER, "open the %s, %s", what, run->path);
    rc = need_index(runs, job, run, fd, what, err);
    if (rc == 1 && partition >= run->index->partition_count)
        rc = err_set(err, ERR_PEER, "%s has %u partitions, no %u", what,
                     run->index->partition_count, partition);
    if (rc == 1) {
        found->extent = run->index->segments[partition];
        found->fd = fd;
    }
    if (rc != 1 || found->extent.record_count == 0) {
        close(fd);
        found->fd = -1;
    }
    return rc;
}
