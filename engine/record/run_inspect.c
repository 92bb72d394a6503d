#include "record/run.h"

#include <stdio.h>
#include <stdlib.h>

struct run_inspect {
    struct run_index *index;
    struct cursor *cursor; /* over the records of the partition in hand */
    int fd;
    uint32_t next_partition;
    char what[RUN_WHAT_BYTES];
};

struct run_inspect *run_inspect_open(int fd, uint64_t size, const char *what, struct err *err)
{
    struct run_inspect *inspect = calloc(1, sizeof *inspect);

    if (!inspect) {
        err_set(err, ERR_LIMIT, "read %s: no memory", what);
        return NULL;
    }
    inspect->fd = fd;
    snprintf(inspect->what, sizeof inspect->what, "%s", what);
    inspect->index = run_index_open(fd, size, ERR_INPUT, what, err);
    if (inspect->index)
        return inspect;
    run_inspect_close(inspect);
    return NULL;
}

void run_inspect_close(struct run_inspect *inspect)
{
    if (!inspect)
        return;
    cursor_close(inspect->cursor);
    run_index_close(inspect->index);
    free(inspect);
}

const struct run_index *run_inspect_index(const struct run_inspect *inspect)
{
    return inspect->index;
}

static struct cursor *open_segment(const struct run_inspect *inspect, uint32_t partition,
                                   struct err *err)
{
    const struct run_segment *extent = &inspect->index->segments[partition];
    char what[RUN_WHAT_BYTES + 32];
    struct segment segment = {.fd = inspect->fd,
                              .offset = extent->offset,
                              .bytes = extent->bytes,
                              .partition = partition,
                              .expected = &inspect->index->id,
                              .kind = ERR_INPUT,
                              .what = what};

    snprintf(what, sizeof what, "%s partition %u", inspect->what, partition);
    return segment_cursor_open(&segment, err);
}

/* Reads all of a segment, which checks it, and counts. */
static int walk(const struct run_inspect *inspect, struct run_inspect_segment *out, struct err *err)
{
    struct cursor *cursor = open_segment(inspect, out->partition, err);
    uint64_t record_count = 0;
    int rc;

    if (!cursor)
        return -1;
    while ((rc = cursor_next(cursor, err)) == 1)
        record_count++;
    segment_cursor_counts(cursor, &out->block_count, &out->raw_bytes);
    cursor_close(cursor);
    if (rc == 0 && record_count != out->extent.record_count)
        return err_set(err, ERR_INPUT, "read %s: partition %u has other records than its index",
                       inspect->what, out->partition);
    return rc;
}

int run_inspect_segment(struct run_inspect *inspect, struct run_inspect_segment *out,
                        struct err *err)
{
    uint32_t partition = inspect->next_partition;

    cursor_close(inspect->cursor);
    inspect->cursor = NULL;
    if (partition == inspect->index->partition_count)
        return 0;
    inspect->next_partition++;
    *out = (struct run_inspect_segment){.partition = partition,
                                        .extent = inspect->index->segments[partition]};
    if (walk(inspect, out, err) != 0)
        return -1;
    inspect->cursor = open_segment(inspect, partition, err);
    return inspect->cursor ? 1 : -1;
}

int run_inspect_record(struct run_inspect *inspect, struct record *out, struct err *err)
{
    int rc = inspect->cursor ? cursor_next(inspect->cursor, err) : 0;

    if (rc == 1 && cursor_value(inspect->cursor, &out->value, err) != 0)
        rc = -1;
    if (rc == 1)
        out->key = inspect->cursor->key;
    if (rc != 1) { /* the end, or an error: not asked again */
        cursor_close(inspect->cursor);
        inspect->cursor = NULL;
    }
    return rc;
}
