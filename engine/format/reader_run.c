#include "format/reader.h"

#include "base/mem.h"
#include "record/run.h"

#include <stdlib.h>

struct run_reader {
    struct reader base;
    struct source_input input;
    struct run_index *index;
    struct cursor *cursor; /* over segment `partition - 1`; NULL: the next one is to be opened */
    uint32_t partition;
    uint64_t bytes_read;
};

static int open_segment(struct run_reader *run, struct err *err)
{
    const struct run_segment *extent = &run->index->segments[run->partition];
    struct segment segment = {
        .fd = run->input.fd,
        .offset = extent->offset,
        .bytes = extent->bytes,
        .partition = run->partition,
        .expected = &run->index->id,
        .kind = ERR_INPUT,
        .what = run->input.name,
    };

    run->cursor = segment_cursor_open(&segment, err);
    if (!run->cursor)
        return -1;
    run->partition++;
    return 0;
}

static void close_segment(struct run_reader *run)
{
    run->cursor->ops->close(run->cursor);
    run->cursor = NULL;
    run->bytes_read += run->index->segments[run->partition - 1].bytes;
}

static int run_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct run_reader *run = (struct run_reader *)reader;

    for (;;) {
        int rc;

        if (!run->cursor) {
            if (run->partition == run->index->partition_count)
                return 0;
            if (open_segment(run, err) != 0)
                return -1;
        }
        rc = run->cursor->ops->next(run->cursor, err);
        if (rc < 0)
            return -1;
        if (rc == 1)
            break;
        close_segment(run);
    }
    record->form = RECORD_ENCODED;
    record->text = slice_of(NULL, 0);
    record->offset = run->index->segments[run->partition - 1].offset;
    if (run->cursor->ops->value(run->cursor, &record->value_bytes, err) != 0)
        return -1;
    record->key_bytes = run->cursor->key; /* value() may have moved it */
    return 1;
}

static uint64_t run_bytes_read(const struct reader *reader)
{
    return ((const struct run_reader *)reader)->bytes_read;
}

static void run_close(struct reader *reader)
{
    struct run_reader *run = (struct run_reader *)reader;

    if (run->cursor)
        run->cursor->ops->close(run->cursor);
    run_index_close(run->index);
    free(run);
}

static const struct reader_ops run_ops = {
    .next = run_next,
    .bytes_read = run_bytes_read,
    .close = run_close,
};

struct reader *reader_run_open(const struct source_input *input, struct err *err)
{
    struct run_reader *run;

    if (input->is_stream) {
        err_set(err, ERR_INPUT, "input %s: a run cannot be read from a stream", input->name);
        return NULL;
    }
    run = mem_alloc(sizeof *run);
    run->base.ops = &run_ops;
    run->input = *input;
    run->index = run_index_open(input->fd, input->size, ERR_INPUT, input->name, err);
    if (!run->index) {
        run_close(&run->base);
        return NULL;
    }
    return &run->base;
}
