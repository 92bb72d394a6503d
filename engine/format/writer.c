#include "format/writer.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "format/csv_writer.h"
#include "format/packer.h"
#include "format/text.h"
#include "record/run.h"
#include "record/value.h"

#include <fcntl.h>
#include <stdlib.h>

static const char *const names[] = {
    [WRITER_TSV] = "tsv", [WRITER_JSONL] = "jsonl", [WRITER_LINES] = "lines",
    [WRITER_CSV] = "csv", [WRITER_RUN] = "run",
};

static const char *const suffixes[] = {
    [SOURCE_PLAIN] = "",
    [SOURCE_GZIP] = ".gz",
    [SOURCE_ZSTD] = ".zst",
};

/* Written bytes are sent on to the disk in such steps, so that it works while the reduce does and
 * the commit's fsync finds little to do: 0.5 s less of 4 for an output of 1 GB. */
enum { WRITE_BEHIND_BYTES = 8 * 1024 * 1024 };

struct writer {
    enum writer_kind kind;
    int fd;
    char *name;
    struct buf text;        /* formatted and not yet written */
    struct packer *packer;  /* NULL: not compressed */
    struct buf packed;      /* compressed and not yet written */
    struct csv_writer csv;  /* "csv" only */
    struct run_writer *run; /* "run" only */
    struct part_summary summary;
    uint64_t bytes_sent; /* on to the disk */
};

/* Does `name` end in it, with something before? */
static bool ends_in(struct slice name, const char *suffix)
{
    size_t len = strlen(suffix);

    return name.len > len && memcmp(name.ptr + name.len - len, suffix, len) == 0;
}

static enum source_kind packing_of(struct slice name)
{
    return ends_in(name, suffixes[SOURCE_GZIP])   ? SOURCE_GZIP
           : ends_in(name, suffixes[SOURCE_ZSTD]) ? SOURCE_ZSTD
                                                  : SOURCE_PLAIN;
}

int writer_format_by_name(struct slice name, struct writer_format *out, struct err *err)
{
    struct slice plain = name;

    *out = (struct writer_format){.packing = packing_of(name)};
    plain.len -= strlen(suffixes[out->packing]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!slice_equal(plain, slice_of_string(names[i])))
            continue;
        out->kind = (enum writer_kind)i;
        if (out->kind != WRITER_RUN || out->packing == SOURCE_PLAIN)
            return 0;
    }
    return err_set(err, ERR_SETUP, "output = \"%.*s\": no such format, or one of another version",
                   (int)(name.len < 100 ? name.len : 100), name.ptr);
}

const char *writer_suffix(const char *format_name)
{
    struct writer_format format;
    struct err ignored;

    if (writer_format_by_name(slice_of_string(format_name), &format, &ignored) != 0)
        return "";
    return suffixes[format.packing];
}

static int open_run(struct writer *writer, const struct writer_id *id, struct err *err)
{
    struct run_id run_id = {.job = id->job, .attempt = id->attempt, .task = id->partition};

    writer->run = run_writer_open(writer->fd, &run_id, 1, writer->name, (struct pulse){0}, err);
    if (!writer->run)
        return -1;
    run_writer_pack_all(writer->run);
    return run_writer_begin(writer->run, 0, err);
}

static int open_text(struct writer *writer, const struct writer_format *format, struct err *err)
{
    if (format->packing != SOURCE_PLAIN) {
        writer->packer = packer_open(format->packing, err);
        if (!writer->packer)
            return -1;
    }
    if (format->kind != WRITER_CSV)
        return 0;
    if (csv_writer_init(&writer->csv, format->options, err) != 0)
        return -1;
    csv_writer_header(&writer->csv, &writer->text);
    return 0;
}

struct writer *writer_open(const struct writer_format *format, int fd, const char *name,
                           const struct writer_id *id, struct err *err)
{
    struct writer *writer = mem_alloc(sizeof *writer);
    int rc;

    writer->kind = format->kind;
    writer->fd = fd;
    writer->name = mem_strdup(name);
    rc = format->kind == WRITER_RUN ? open_run(writer, id, err) : open_text(writer, format, err);
    if (rc == 0)
        return writer;
    writer_close(writer);
    return NULL;
}

void writer_close(struct writer *writer)
{
    if (!writer)
        return;
    run_writer_close(writer->run);
    packer_close(writer->packer);
    csv_writer_deinit(&writer->csv);
    buf_deinit(&writer->text);
    buf_deinit(&writer->packed);
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

/* Writes what is ready. */
static int store(struct writer *writer, struct buf *bytes, struct err *err)
{
    if (io_write(writer->fd, bytes->ptr, bytes->len, writer->name, ERR_DISK, err) != 0)
        return -1;
    writer->summary.crc32c = crc32c(writer->summary.crc32c, bytes->ptr, bytes->len);
    writer->summary.bytes += bytes->len;
    write_behind(writer);
    buf_clear(bytes);
    return 0;
}

static int write_out(struct writer *writer, struct err *err)
{
    if (!writer->packer)
        return store(writer, &writer->text, err);
    if (packer_add(writer->packer, buf_slice(&writer->text), &writer->packed, err) != 0)
        return -1;
    buf_clear(&writer->text);
    return store(writer, &writer->packed, err);
}

static int finish_text(struct writer *writer, struct err *err)
{
    if (write_out(writer, err) != 0)
        return -1;
    if (!writer->packer)
        return 0;
    if (packer_finish(writer->packer, &writer->packed, err) != 0)
        return -1;
    return store(writer, &writer->packed, err);
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
    case WRITER_CSV:
        return csv_writer_put(&writer->csv, key, value, &writer->text, err);
    case WRITER_RUN:
        break;
    }
    abort();
}

int writer_check(struct writer *writer, struct slice key, struct slice value, struct err *err)
{
    struct part_summary summary = writer->summary;
    size_t start = writer->text.len;
    int rc = writer->kind == WRITER_RUN ? 0 : put_text(writer, key, value, err);

    writer->text.len = start;
    writer->summary = summary;
    return rc;
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
    int rc = writer->kind == WRITER_RUN ? finish_run(writer, err) : finish_text(writer, err);

    if (rc == 0)
        *summary = writer->summary;
    return rc;
}
