#include "record/merger.h"

#include "record/combine.h"
#include "record/segment_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void merger_init(struct merger *merger, const struct merger_options *options)
{
    *merger = (struct merger){.options = *options, .failed_task = MERGER_TASK_NONE};
    if (options->fan_in == 0)
        merger->options.fan_in = MERGE_FAN_IN_MAX;
    assert(merger->options.fan_in >= 2 && merger->options.fan_in <= MERGE_FAN_IN_MAX);
}

void merger_deinit(struct merger *merger)
{
    free(merger->runs);
    merger->runs = NULL;
}

/* Which scratch file that is; 2: neither. */
static int scratch_of(const struct merger *merger, int fd)
{
    return fd == merger->options.scratch[0] ? 0 : fd == merger->options.scratch[1] ? 1 : 2;
}

static void count_in(struct merger *merger, const struct merger_run *run)
{
    int scratch = scratch_of(merger, run->fd);

    if (scratch == 2)
        return;
    merger->live_counts[scratch]++;
    if (merger->ends[scratch] < run->offset + run->bytes)
        merger->ends[scratch] = run->offset + run->bytes;
}

int merger_add(struct merger *merger, const struct merger_run *run, struct err *err)
{
    if (merger->run_count == merger->run_capacity) {
        uint32_t capacity = merger->run_capacity ? 2 * merger->run_capacity : 64;
        void *runs = realloc(merger->runs, capacity * sizeof merger->runs[0]);

        if (!runs)
            return err_set(err, ERR_LIMIT, "no memory for a table of %u runs", capacity);
        merger->runs = runs;
        merger->run_capacity = capacity;
    }
    merger->runs[merger->run_count++] = *run;
    count_in(merger, run);
    return 0;
}

/* A sink that is a segment. */
struct segment_sink {
    struct sink sink;
    struct segment_writer writer;
};

static int segment_emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    return segment_writer_append(&((struct segment_sink *)sink)->writer, key, value, err);
}

/* Writes all of `cursor` as a run at the end of a scratch file. */
static int write_run(struct merger *merger, int scratch, struct cursor *cursor,
                     struct merger_run *run, struct err *err)
{
    const struct merger_options *options = &merger->options;
    struct segment_sink to = {.sink.emit = segment_emit};
    struct run_segment extent;
    int rc = -1;

    if (segment_writer_init(&to.writer, options->scratch[scratch], merger->ends[scratch],
                            scratch ? "scratch B" : "scratch A", options->pulse, err) != 0)
        return -1;
    if (segment_writer_begin(&to.writer, &options->id, options->partition, err) == 0 &&
        combine_drain(cursor, options->combiner, &to.sink, err) == 0 &&
        segment_writer_end(&to.writer, &extent, err) == 0)
        rc = segment_writer_flush(&to.writer, err);
    segment_writer_deinit(&to.writer);
    if (rc == 0)
        *run = (struct merger_run){.offset = extent.offset,
                                   .bytes = extent.bytes,
                                   .id = options->id,
                                   .attempt = options->id.attempt,
                                   .task = options->id.task,
                                   .fd = options->scratch[scratch],
                                   .is_own = true};
    return rc;
}

int merger_spill(struct merger *merger, struct cursor *cursor, struct err *err)
{
    struct merger_run run;

    return write_run(merger, 0, cursor, &run, err) == 0 ? merger_add(merger, &run, err) : -1;
}

static struct cursor *open_run(struct merger *merger, const struct merger_run *run, uint32_t number,
                               struct err *err)
{
    struct segment segment = {.fd = run->fd,
                              .offset = run->offset,
                              .bytes = run->bytes,
                              .partition = merger->options.partition,
                              .expected = &run->id,
                              .kind = run->is_own ? ERR_DISK : ERR_PEER,
                              .pulse = merger->options.pulse,
                              .number = run->task,
                              .failed_number = run->is_own ? NULL : &merger->failed_task};
    char what[RUN_WHAT_BYTES];

    if (run->is_own)
        snprintf(what, sizeof what, "scratch run %u", number);
    else
        snprintf(what, sizeof what, "segment of map %u attempt %llu partition %u", run->task,
                 (unsigned long long)run->attempt, merger->options.partition);
    segment.what = what;
    return segment_cursor_open(&segment, err);
}

/* One cursor over neighbours of the table. */
static struct cursor *open_runs(struct merger *merger, uint32_t first, uint32_t count,
                                struct err *err)
{
    struct cursor *cursors[MERGE_FAN_IN_MAX];

    assert(count <= MERGE_FAN_IN_MAX);
    for (uint32_t i = 0; i < count; i++) {
        cursors[i] = open_run(merger, &merger->runs[first + i], first + i, err);
        if (!cursors[i]) {
            while (i-- > 0)
                cursor_close(cursors[i]);
            return NULL;
        }
    }
    return merge_open_take(cursors, count, err);
}

/* Gives a run's disk back. That may fail: it costs space, and the run is not read again. */
static void drop_run(struct merger *merger, const struct merger_run *run)
{
    int scratch = scratch_of(merger, run->fd);

    if (scratch == 2)
        return;
    if (--merger->live_counts[scratch] == 0 && ftruncate(run->fd, 0) == 0)
        merger->ends[scratch] = 0;
    else if (merger->live_counts[scratch] > 0)
        fallocate(run->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)run->offset,
                  (off_t)run->bytes);
}

/* Puts `run` in the place of those it was joined from. */
static void replace(struct merger *merger, struct merge_step step, const struct merger_run *run)
{
    uint32_t behind = step.first + step.count;

    for (uint32_t i = step.first; i < behind; i++)
        drop_run(merger, &merger->runs[i]);
    merger->runs[step.first] = *run;
    memmove(merger->runs + step.first + 1, merger->runs + behind,
            (merger->run_count - behind) * sizeof merger->runs[0]);
    merger->run_count -= step.count - 1;
}

static int join(struct merger *merger, struct merge_step step, struct err *err)
{
    int to = scratch_of(merger, merger->runs[step.first].fd) == 1 ? 0 : 1;
    struct cursor *cursor = open_runs(merger, step.first, step.count, err);
    struct merger_run run;
    int rc;

    if (!cursor)
        return -1;
    rc = write_run(merger, to, cursor, &run, err);
    cursor_close(cursor);
    if (rc != 0)
        return -1;
    count_in(merger, &run); /* before the others go, so that its file is not cut */
    replace(merger, step, &run);
    return 0;
}

static int join_all(struct merger *merger, struct err *err)
{
    uint32_t count = merger->run_count, fan_in = merger->options.fan_in;
    uint32_t step_count = merge_plan_step_count(count, fan_in);
    struct merge_step *steps = NULL;
    uint64_t *bytes = NULL;
    int rc = -1;

    if (step_count == 0)
        return 0;
    steps = calloc(step_count, sizeof steps[0]);
    bytes = calloc(count, sizeof bytes[0]);
    if (!steps || !bytes) {
        err_set(err, ERR_LIMIT, "no memory to plan a merge of %u runs", count);
        goto out;
    }
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = merger->runs[i].bytes;
    merge_plan(bytes, count, fan_in, steps);
    for (uint32_t i = 0; i < step_count; i++)
        if (join(merger, steps[i], err) != 0)
            goto out;
    rc = 0;
out:
    free(steps);
    free(bytes);
    return rc;
}

struct cursor *merger_open(struct merger *merger, struct err *err)
{
    if (join_all(merger, err) != 0)
        return NULL;
    return open_runs(merger, 0, merger->run_count, err);
}
