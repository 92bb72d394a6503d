/*
 * writer: records as the bytes of a part.
 *
 *     writer_format_by_name(slice_of_string("tsv.gz"), &format, &err);
 *     struct writer *writer = writer_open(&format, fd, "part-00000", &id, &err);
 *     writer_write(writer, key, value, &err);        encoded, as in record/key.h and value.h
 *     writer_finish(writer, &summary, &err);         bytes, records, CRC32C of what was written
 *     writer_close(writer);
 *
 * "tsv": key TAB value NEWLINE. In strings backslash, tab, newline and carriage return stand as
 *   \\ \t \n \r, so that a line is a record and can be read back; all other bytes stand as they
 *   are. Numbers as Lua's tostring() has them (1, 1.0, 1e+100, inf, -inf, nan); true, false;
 *   tuples and tables as JSON.
 * "jsonl": the array [key,value] as JSON and a newline. Floats in the shortest form that reads
 *   back the same. JSON is UTF-8: a byte that is not stands as U+FFFD (and is counted in the
 *   summary): choose "tsv" or "run" for bytes. inf and nan have no JSON: ERR_JOB.
 * "lines": the value alone and a newline, or the key when the value is `true`: so emit(offset,
 *   line) and emit(line, true) both write the line. Strings as they are, nothing escaped (a
 *   newline in one makes two lines); the rest as in "tsv".
 * "run": a run file (record/run.h) with one partition: exact, compressed, input = "run" reads it.
 *   The descriptor must be readable as well: its checksum is taken at the end.
 *
 * "csv": a row of fields; csv_writer.h says which, csv_row.h how they are quoted.
 *
 * All but "run" may be compressed: "tsv.gz", "csv.zst" (packer.h). Then bytes and CRC are of what
 * is stored, and the name of a part ends in writer_suffix(), so that it is read again as what it
 * is.
 *
 * A table is a JSON array if its keys are 1..n, else an object; {} if it is empty. Keys of objects
 * are strings: numbers and booleans as "tsv" has them.
 *
 * Memory: a 256 KiB buffer, grown to the largest record, and what compressing takes.
 */
#ifndef FORMAT_WRITER_H
#define FORMAT_WRITER_H

#include "base/err.h"
#include "base/slice.h"
#include "format/source.h"

#include <stdint.h>

enum {
#ifdef MRLUA_TINY
    WRITER_BUFFER_BYTES = 64,
#else
    WRITER_BUFFER_BYTES = 256 * 1024,
#endif
};

enum writer_kind { WRITER_TSV, WRITER_JSONL, WRITER_LINES, WRITER_CSV, WRITER_RUN };

struct writer_format {
    enum writer_kind kind;
    enum source_kind packing; /* SOURCE_PLAIN: none */
    struct slice options;     /* a value table, the job's `output_options`; of "csv" only */
};

/* "tsv", "csv.gz", ...; without options. ERR_SETUP: none of them. */
int writer_format_by_name(struct slice name, struct writer_format *out, struct err *err);

/* What the names of parts end in: "", ".gz", ".zst". Of a name that is no format, "". */
const char *writer_suffix(const char *format_name);

struct part_summary {
    uint64_t bytes;
    uint64_t records;
    uint64_t bytes_replaced; /* "jsonl": bytes that were not UTF-8 and are U+FFFD now */
    uint32_t crc32c;
};

/* Who writes: goes into the headers of a run, is not used by the text formats. */
struct writer_id {
    uint64_t job;
    uint32_t partition;
    uint64_t attempt;
};

struct writer;

/* `fd` is borrowed and stands at the start of an empty file; `name` is copied; options are not
 * kept. NULL with *err set. */
struct writer *writer_open(const struct writer_format *format, int fd, const char *name,
                           const struct writer_id *id, struct err *err);

/* 0 or -1: ERR_DISK, or ERR_JOB for a record that the format cannot hold. */
int writer_write(struct writer *writer, struct slice key, struct slice value, struct err *err);

/* Can the format hold it? The same, and nothing is written: `fd` may be -1, unless it is a run. */
int writer_check(struct writer *writer, struct slice key, struct slice value, struct err *err);

/* Writes what is left. Nothing but writer_close() may follow. */
int writer_finish(struct writer *writer, struct part_summary *summary, struct err *err);

void writer_close(struct writer *writer);

#endif
