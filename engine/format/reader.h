/*
 * reader: an input as records, for map.
 *
 *     struct reader *reader = reader_open(READER_LINES, &input, READER_DEFAULTS, &err);
 *     while ((rc = reader_next(reader, &record, &err)) == 1)
 *         use(&record);
 *     reader_close(reader);                      rc is now 0 (end) or -1 (err is set)
 *
 * It runs in the vm child: it is handed a descriptor and opens nothing.
 *
 * Who looks at lines by the thousand takes them a block at a time (reader_has_blocks()): the same
 * lines, with their line ends, as many as are in memory.
 *
 * "lines": key = byte offset of the line (in the decompressed bytes), value = the line without its
 *   newline, and without a carriage return before that. A piece owns the lines that start in it,
 *   so it may read past its end and skips what began before it; pieces cut anywhere give every
 *   line once. A last line need not have a newline. Lines are bytes, NUL included. A line longer
 *   than 16 MiB is an error that names its offset: binary data is what "file" is for.
 * "file": one record; key = the name, value = the (decompressed) contents, at most 16 MiB.
 * "run": the records of a run file, partition after partition, encoded (run.h): what a job with
 *   output = "run" left.
 * "csv": key = byte offset of the row, value = a table: column name -> text, or the list of texts
 *   (csv_row.h says what a row is). Options: separator; header: the first row has the names;
 *   columns: a list of them. A byte order mark at the start and empty lines are skipped. Errors
 *   name file and offset: a name twice, a row with more or fewer fields than there are names, a
 *   quote that is not closed. As a field may hold a newline, an input is one piece.
 * "csv-lines": the same where no field holds a newline; one is an error. Pieces are those of lines.
 * "csv-header": the same with a header. It is read from the start of the file for each piece; an
 *   object in a store comes as a stream, where that is not possible, and is one piece.
 * "fixed": key = byte offset, value = that many bytes (option bytes). A piece owns the records
 *   that start in it. Bytes that are left at the end of the input are an error.
 * "jsonl", "grammar", "grammar-whole" (one piece) need Lua: vm/reader_lua.h opens them. Here they
 *   are known for the plan's sake.
 *
 * Memory: a 256 KiB buffer, which grows to the longest record or file met, at most 16 MiB.
 */
#ifndef FORMAT_READER_H
#define FORMAT_READER_H

#include "format/source.h"
#include "format/window.h"
#include "record/key.h"
#include "record/record.h"

#include <string.h>

enum {
    READER_BUFFER_BYTES = WINDOW_BYTES,
    READER_LINE_BYTES_MAX = 16 * 1024 * 1024, /* with the file limit: what one value may be */
    READER_FILE_BYTES_MAX = 16 * 1024 * 1024,
    READER_LOOK_BEHIND_BYTES = 255,              /* of a grammar: what lpeg.B can see */
    READER_PADDING_BYTES = WINDOW_PADDING_BYTES, /* can be read behind a block, whatever they are */
};
_Static_assert((int)READER_LINE_BYTES_MAX + 64 <= (int)RECORD_VALUE_BYTES_MAX, "a line fits");
_Static_assert((int)READER_FILE_BYTES_MAX + 64 <= (int)RECORD_VALUE_BYTES_MAX, "a file fits");

enum reader_kind {
    READER_LINES,
    READER_FILE,
    READER_RUN,
    READER_CSV,
    READER_CSV_LINES,
    READER_CSV_HEADER,
    READER_FIXED,
    READER_JSONL,
    READER_GRAMMAR,
    READER_GRAMMAR_WHOLE,
};

/* "lines", "csv-lines", ... ERR_SETUP: none of them. */
int reader_kind_by_name(struct slice name, enum reader_kind *out, struct err *err);
const char *reader_kind_name(enum reader_kind kind);

/* True: an input of this kind and name can only be read from its start to its end. */
bool reader_needs_whole_file(enum reader_kind kind, const char *name);

/* Where the reader of a piece begins that starts at `offset` and can be cut: what it must see of
 * the bytes before. A stream stands there (format/source.h). */
uint64_t reader_start(enum reader_kind kind, uint64_t offset);

/* Does a record of this kind end with its line, and have all of it? */
bool reader_is_of_lines(enum reader_kind kind);

/* Is it opened by vm/reader_lua.h? */
bool reader_needs_lua(enum reader_kind kind);

/* What a record is made of, beside its key. */
enum record_form {
    RECORD_AS_READ,       /* key, value: scalars */
    RECORD_ENCODED,       /* key_bytes, value_bytes: "run" */
    RECORD_VALUE_ENCODED, /* key, value_bytes: "csv" */
    RECORD_IN_LUA,        /* key; the value is kept in the vm (vm/reader_lua.h) */
};

/* One record; good until the next call on the reader. */
struct reader_record {
    enum record_form form;
    struct datum key;                    /* an integer, or a string ("file") */
    struct datum value;                  /* a string */
    struct slice key_bytes, value_bytes; /* as in record/key.h, record/value.h */
    struct slice text;                   /* as it stands in the input, for messages; may be empty */
    uint64_t offset;                     /* where the record is in the input, for messages */
};

struct reader;

struct reader_ops {
    /* 1: *record is set. 0: end. -1: *err is set. */
    int (*next)(struct reader *reader, struct reader_record *record, struct err *err);
    /* 1: *block and *offset are set. NULL: this kind has no blocks. */
    int (*next_block)(struct reader *reader, struct slice *block, uint64_t *offset,
                      struct err *err);
    /* Bytes of the descriptor read so far, for progress. */
    uint64_t (*bytes_read)(const struct reader *reader);
    /* Releases everything but the descriptor. Called once, in any state. */
    void (*close)(struct reader *reader);
};

struct reader {
    const struct reader_ops *ops;
};

/* No option is set: all are as lua/mrlua/formats.lua says. */
#define READER_DEFAULTS ((struct slice){0})

/* NULL with *err set. `input` is copied; its name and descriptor must outlive the reader. `options`
 * is a value table, the job's `input_options`, and is not kept. Not for kinds that need Lua. */
struct reader *reader_open(enum reader_kind kind, const struct source_input *input,
                           struct slice options, struct err *err);

static inline int reader_next(struct reader *reader, struct reader_record *record, struct err *err)
{
    return reader->ops->next(reader, record, err);
}

/* "lines" has them. */
static inline bool reader_has_blocks(const struct reader *reader)
{
    return reader->ops->next_block;
}

/*
 * The next whole lines of the piece, at least one, with their newlines and what is before those;
 * the last line of the input may have none. `offset` is where the block is in the input. Good
 * until the next call on the reader; READER_PADDING_BYTES can be read behind it. 1, 0 and -1 as
 * reader_next(), and the same errors.
 */
static inline int reader_block(struct reader *reader, struct slice *block, uint64_t *offset,
                               struct err *err)
{
    return reader->ops->next_block(reader, block, offset, err);
}

/*
 * The line of a block that begins at `at`, without its line end, as reader_next() would answer
 * it. *next is where the one behind it begins: block.len or less.
 */
static inline struct slice reader_block_line(struct slice block, size_t at, size_t *next)
{
    const char *line = block.ptr + at;
    const char *newline = memchr(line, '\n', block.len - at);
    size_t len = newline ? (size_t)(newline - line) : block.len - at;

    *next = newline ? at + len + 1 : block.len;
    if (newline && len > 0 && line[len - 1] == '\r')
        len--;
    return slice_of(line, len);
}

static inline uint64_t reader_bytes_read(const struct reader *reader)
{
    return reader->ops->bytes_read(reader);
}

void reader_close(struct reader *reader);

/* One per kind: what reader_open() chooses from. */
struct reader *reader_lines_open(const struct source_input *input, struct err *err);
struct reader *reader_file_open(const struct source_input *input, struct err *err);
struct reader *reader_run_open(const struct source_input *input, struct err *err);
struct reader *reader_csv_open(enum reader_kind kind, const struct source_input *input,
                               struct slice options, struct err *err);
struct reader *reader_fixed_open(const struct source_input *input, struct slice options,
                                 struct err *err);

#endif
