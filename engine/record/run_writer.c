#include "base/bytes.h"
#include "base/hash.h"
#include "record/run.h"
#include "record/run_format.h"
#include "record/segment_writer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

struct run_writer {
    struct segment_writer out;
    struct run_id id;
    uint32_t partition_count;
    uint32_t begun_count; /* partitions begun; all but the last of them have ended */
    bool is_finished;
    uint64_t record_count;
    struct run_segment segments[];
};

struct run_writer *run_writer_open(int fd, const struct run_id *id, uint32_t partition_count,
                                   const char *what, struct pulse pulse, struct err *err)
{
    struct run_writer *writer;

    assert(partition_count > 0 && partition_count <= PARTITION_COUNT_MAX);
    writer = calloc(1, sizeof *writer + partition_count * sizeof writer->segments[0]);
    if (!writer) {
        err_set(err, ERR_LIMIT, "write %s: no memory for its index", what);
        return NULL;
    }
    writer->id = *id;
    writer->partition_count = partition_count;
    if (segment_writer_init(&writer->out, fd, 0, what, pulse, err) != 0) {
        free(writer);
        return NULL;
    }
    return writer;
}

void run_writer_close(struct run_writer *writer)
{
    if (!writer)
        return;
    segment_writer_deinit(&writer->out);
    free(writer);
}

void run_writer_pack_all(struct run_writer *writer)
{
    assert(writer->begun_count == 0);
    writer->out.packs_all = true;
}

static int end_partition(struct run_writer *writer, struct err *err)
{
    struct run_segment *segment;

    if (writer->begun_count == 0)
        return 0;
    segment = &writer->segments[writer->begun_count - 1];
    if (segment_writer_end(&writer->out, segment, err) != 0)
        return -1;
    writer->record_count += segment->record_count;
    return 0;
}

/* Begins every partition below `count` that was not, one after the other. */
static int begin_up_to(struct run_writer *writer, uint32_t count, struct err *err)
{
    while (writer->begun_count < count) {
        if (end_partition(writer, err) != 0 ||
            segment_writer_begin(&writer->out, &writer->id, writer->begun_count, err) != 0)
            return -1;
        writer->begun_count++;
    }
    return 0;
}

int run_writer_begin(struct run_writer *writer, uint32_t partition, struct err *err)
{
    assert(partition < writer->partition_count);
    assert(partition >= writer->begun_count);
    return begin_up_to(writer, partition + 1, err);
}

int run_writer_append(struct run_writer *writer, struct slice key, struct slice value,
                      struct err *err)
{
    assert(writer->begun_count > 0 && !writer->is_finished);
    return segment_writer_append(&writer->out, key, value, err);
}

/* Writes the index and answers its checksum. */
static int write_index(struct run_writer *writer, uint32_t *crc, struct err *err)
{
    char header[RUN_INDEX_HEADER_BYTES], entry[RUN_INDEX_ENTRY_BYTES];

    run_index_header_encode(header, &writer->id, writer->partition_count);
    *crc = crc32c(0, header, sizeof header);
    if (segment_writer_put(&writer->out, header, sizeof header, err) != 0)
        return -1;
    for (uint32_t i = 0; i < writer->partition_count; i++) {
        put_u64le(entry, writer->segments[i].bytes);
        put_u64le(entry + 8, writer->segments[i].record_count);
        *crc = crc32c(*crc, entry, sizeof entry);
        if (segment_writer_put(&writer->out, entry, sizeof entry, err) != 0)
            return -1;
    }
    return 0;
}

int run_writer_finish(struct run_writer *writer, struct err *err)
{
    struct run_footer footer;
    char bytes[RUN_FOOTER_BYTES];
    uint32_t crc;

    assert(!writer->is_finished);
    if (begin_up_to(writer, writer->partition_count, err) != 0 || end_partition(writer, err) != 0)
        return -1;
    writer->is_finished = true;
    footer.index_offset = segment_writer_offset(&writer->out);
    footer.record_count = writer->record_count;
    if (write_index(writer, &crc, err) != 0)
        return -1;
    run_footer_encode(bytes, &footer, crc);
    if (segment_writer_put(&writer->out, bytes, sizeof bytes, err) != 0)
        return -1;
    return segment_writer_flush(&writer->out, err);
}

const struct run_segment *run_writer_segments(const struct run_writer *writer)
{
    return writer->segments;
}

uint64_t run_writer_bytes(const struct run_writer *writer)
{
    return segment_writer_offset(&writer->out);
}
