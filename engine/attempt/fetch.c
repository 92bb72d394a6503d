#include "attempt/fetch.h"

#include "attempt/files.h"
#include "attempt/outputs.h"
#include "attempt/run_of.h"
#include "base/io.h"
#include "base/io_copy.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Is this the run that the scheduler means, and has it our partition? */
static int check_index(const struct run_index *index, const Mrlua__TaskStart *start,
                       const Mrlua__MapOutput *map, const char *what, struct err *err)
{
    struct run_id expected = run_of(map->run, start->job, map->map, map->attempt);

    if (!run_is_of(&index->id, &expected))
        return err_set(err, ERR_PEER, "%s is the run of another map, %u attempt %llu", what,
                       index->id.task, (unsigned long long)index->id.attempt);
    if (index->partition_count != outputs_partition_count(start))
        return err_set(err, ERR_PEER, "%s has %u partitions, not %u", what, index->partition_count,
                       outputs_partition_count(start));
    return 0;
}

static void add_segment(struct fetched *out, const Mrlua__MapOutput *map,
                        const struct run_segment *extent, uint64_t offset)
{
    Mrlua__Segment *segment = mem_alloc(sizeof *segment);

    mrlua__segment__init(segment);
    segment->map = map->map;
    segment->attempt = map->attempt;
    segment->run = map->run; /* borrowed */
    segment->offset = offset;
    segment->bytes = extent->bytes;
    out->table.segments[out->table.n_segments++] = segment;
    out->table.bytes += extent->bytes;
    out->records += extent->record_count;
}

/* Copies the segment at `extent` of *run, or keeps the file. */
static int place_segment(const Mrlua__MapOutput *map, int *run, const struct run_segment *extent,
                         int scratch, struct fetched *out, const char *what, struct err *err)
{
    if (out->files) {
        out->files[out->table.n_segments] = *run;
        *run = -1;
        add_segment(out, map, extent, extent->offset);
        return 0;
    }
    if (io_copy(*run, extent->offset, scratch, out->table.bytes, extent->bytes, what, ERR_PEER,
                "a scratch file", err) != 0)
        return -1;
    add_segment(out, map, extent, out->table.bytes);
    return 0;
}

static int find_segment(const Mrlua__TaskStart *start, const Mrlua__MapOutput *map, int *run,
                        int scratch, struct fetched *out, struct err *err)
{
    struct run_index *index = NULL;
    const struct run_segment *extent;
    char what[RUN_WHAT_BYTES];
    struct stat status;
    int rc = -1;

    snprintf(what, sizeof what, "run of map %u attempt %llu", map->map,
             (unsigned long long)map->attempt);
    if (fstat(*run, &status) != 0)
        return err_set_errno(err, ERR_PEER, "%s", what);
    index = run_index_open(*run, (uint64_t)status.st_size, ERR_PEER, what, err);
    if (!index || check_index(index, start, map, what, err) != 0)
        goto out;
    extent = &index->segments[start->task];
    rc = extent->record_count == 0 ? 0 : place_segment(map, run, extent, scratch, out, what, err);
out:
    run_index_close(index);
    return rc;
}

static int fetch_one(const Mrlua__TaskStart *start, const Mrlua__MapOutput *map, int scratch,
                     struct fetched *out, struct err *err)
{
    int run = open(map->path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (run < 0)
        err_set_errno(err, ERR_PEER, "open the run of map %u, %s", map->map, map->path);
    rc = run < 0 ? -1 : find_segment(start, map, &run, scratch, out, err);
    if (rc != 0) {
        out->peer_map = map->map;
        out->peer_attempt = map->attempt;
    }
    io_close(&run);
    return rc;
}

/* May so many runs be open at a time, here and in the child? */
static bool may_be_open(size_t count)
{
    struct rlimit limit;

    return count <= FETCH_IN_PLACE_MAX && getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           count + FETCH_OTHER_DESCRIPTORS <= limit.rlim_cur;
}

int fetch_segments(const Mrlua__TaskStart *start, int scratch, struct fetched *out, struct err *err)
{
    *out = (struct fetched){0};
    mrlua__segment_table__init(&out->table);
    if (start->task >= outputs_partition_count(start))
        return err_set(err, ERR_SETUP, "partition %u of %u", start->task,
                       outputs_partition_count(start));
    out->table.segments = mem_alloc_array(start->n_map_outputs, sizeof *out->table.segments);
    out->table.in_place = may_be_open(start->n_map_outputs);
    if (out->table.in_place)
        out->files = mem_alloc_array(start->n_map_outputs, sizeof *out->files);
    for (size_t i = 0; i < start->n_map_outputs; i++)
        if (fetch_one(start, start->map_outputs[i], scratch, out, err) != 0)
            return -1;
    return 0;
}

void fetch_deinit(struct fetched *fetched)
{
    for (size_t i = 0; i < fetched->table.n_segments; i++)
        free(fetched->table.segments[i]);
    for (size_t i = 0; fetched->files && i < fetched->table.n_segments; i++)
        io_close(&fetched->files[i]);
    free(fetched->table.segments);
    free(fetched->files);
    free(fetched->runs);
    *fetched = (struct fetched){0};
}
