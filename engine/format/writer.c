#include "format/writer.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "format/text.h"
#include "record/run.h"
#include "record/value.h"

#include <fcntl.h>
#include <stdlib.h>

static const char *const names[] = {
    [WRITER_TSV] = "tsv",
    [WRITER_JSONL] = "jsonl",
    [WRITER_LINES] = "lines",
    [WRITER_RUN] = "run",
};

/* Written bytes are sent on to the disk in such steps, so that it works while the reduce does and
 * the commit's fsync finds little to do: 0.5 s less of 4 for an output of 1 GB. */
enum { WRITE_BEHIND_BYTES = 8 * 1024 * 1024 };

struct writer {
    enum writer_kind kind;
    int fd;
    char *name;
    struct buf text;        /* formatted and not yet written */
    struct run_writer *run; /* "run" only */
    struct part_summary summary;
    uint64_t bytes_sent; /* on to the disk */
};

int writer_kind_by_name(struct slice name, enum writer_kind *out, struct err *err)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_equal(name, slice_of_string(names[i]))) {
            *out = (enum writer_kind)i;
            return 0;
        }
    }
    return err_set(err, ERR_SETUP,
                   "output = \"%.*s\": not one of \"tsv\", \"jsonl\", \"lines\", \"run\"",
                   (int)(name.len < 100 ? name.len : 100), name.ptr);
}

const char *writer_kind_name(enum writer_kind kind)
{
    return names[kind];
}

struct writer *writer_open(enum writer_kind kind, int fd, const char *name,
                           const struct writer_id *id, struct err *err)
{
    struct writer *writer = mem_alloc(sizeof *writer);
    struct run_id run_id = {.job = id->job, .attempt = id->attempt, .task = id->partition};

    writer->kind = kind;
    writer->fd = fd;
    writer->name = mem_strdup(name);
    if (kind != WRITER_RUN)
        return writer;
    writer->run = run_writer_open(fd, &run_id, 1, writer->name, (struct pulse){0}, err);
    if (writer->run) {
        run_writer_pack_all(writer->run);
        if (run_writer_begin(writer->run, 0, err) == 0)
            return writer;
    }
    writer_close(writer);
    return NULL;
}

void writer_close(struct writer *writer)
{
    if (!writer)
        return;
    run_writer_close(writer->run);
    buf_deinit(&writer->text);
    free(writer->name);
    free(writer);
}

/* A hint: whether the bytes are on the disk is asked by the commit's fsync. */
static void write_behind(struct writer *writer)
{
    uint64_t bytes = writer->summary.bytes - writer->bytes_sent;

    if (bytes < WRITE_BEHIND_BYTES)
        return;
    sync_file_range(writer->fd, (off64_t)writer->bytes_sent, (off64_t)bytes, SYNC_FILE_RANGE_WRITE);
    writer->bytes_sent += bytes;
}

static int write_out(struct writer *writer, struct err *err)
{
    struct buf *text = &writer->text;

    if (io_write(writer->fd, text->ptr, text->len, writer->name, ERR_DISK, err) != 0)
        return -1;
    writer->summary.crc32c = crc32c(writer->summary.crc32c, text->ptr, text->len);
    writer->summary.bytes += text->len;
    write_behind(writer);
    buf_clear(text);
    return 0;
}

static int put_tsv(struct buf *out, struct slice key, struct slice value, struct err *err)
{
    if (text_tsv_key(out, key, err) != 0)
        return -1;
    buf_append_byte(out, '\t');
    return text_tsv_value(out, value, err);
}

static int put_jsonl(struct writer *writer, struct slice key, struct slice value, struct err *err)
{
    struct buf *out = &writer->text;
    uint64_t *replaced = &writer->summary.bytes_replaced;

    buf_append_byte(out, '[');
    if (text_json_key(out, key, replaced, err) != 0)
        return -1;
    buf_append_byte(out, ',');
    if (text_json_value(out, value, replaced, err) != 0)
        return -1;
    buf_append_byte(out, ']');
    return 0;
}

/* The value `true` says: the key is the line. */
static int put_line(struct buf *out, struct slice key, struct slice value, struct err *err)
{
    struct value_reader reader;
    struct datum datum;
    struct err ignored;

    value_reader_init(&reader, value);
    if (value_read(&reader, &datum, &ignored) == 1 && datum.type == DATUM_TRUE)
        return text_raw_key(out, key, err);
    return text_raw_value(out, value, err);
}

static int put_text(struct writer *writer, struct slice key, struct slice value, struct err *err)
{
    switch (writer->kind) {
    case WRITER_TSV:
        return put_tsv(&writer->text, key, value, err);
    case WRITER_JSONL:
        return put_jsonl(writer, key, value, err);
    case WRITER_LINES:
        return put_line(&writer->text, key, value, err);
    case WRITER_RUN:
        break;
    }
    abort();
}

int writer_write(struct writer *writer, struct slice key, struct slice value, struct err *err)
{
    size_t start = writer->text.len;

    if (writer->kind == WRITER_RUN) {
        if (run_writer_append(writer->run, key, value, err) != 0)
            return -1;
        writer->summary.records++;
        return 0;
    }
    if (put_text(writer, key, value, err) != 0) {
        writer->text.len = start; /* never half a record */
        return -1;
    }
    buf_append_byte(&writer->text, '\n');
    writer->summary.records++;
    return writer->text.len < WRITER_BUFFER_BYTES ? 0 : write_out(writer, err);
}

/* The run writer writes itself, and not only forward: its checksum is taken from the file. */
static int finish_run(struct writer *writer, struct err *err)
{
    char *block;
    ssize_t count;

    if (run_writer_finish(writer->run, err) != 0)
        return -1;
    block = mem_alloc(WRITER_BUFFER_BYTES);
    while ((count = io_pread(writer->fd, block, WRITER_BUFFER_BYTES, writer->summary.bytes,
                             writer->name, ERR_DISK, err)) > 0) {
        writer->summary.crc32c = crc32c(writer->summary.crc32c, block, (size_t)count);
        writer->summary.bytes += (uint64_t)count;
    }
    free(block);
    if (count == 0 && writer->summary.bytes != run_writer_bytes(writer->run))
        return err_set(err, ERR_DISK, "%s: has not the length that was written", writer->name);
    return (int)count;
}

int writer_finish(struct writer *writer, struct part_summary *summary, struct err *err)
{
    int rc = writer->kind == WRITER_RUN ? finish_run(writer, err) : write_out(writer, err);

    if (rc == 0)
        *summary = writer->summary;
    return rc;
}
