#include "attempt/record_quote.h"

#include "attempt/files.h"
#include "base/io.h"
#include "base/log.h"
#include "format/reader.h"
#include "format/source.h"

#include <string.h>
#include <unistd.h>

static bool has_lines_on_disk(const char *reader, const Mrlua__Piece *piece)
{
    enum reader_kind kind;
    struct err ignored;

    return reader_kind_by_name(slice_of_string(reader), &kind, &ignored) == 0 &&
           reader_is_of_lines(kind) && source_kind_of(piece->name) == SOURCE_PLAIN &&
           !piece->is_gzip;
}

/* The line that begins at `offset`, or as much of it as there is room for. -1: it cannot be read.
 */
static ssize_t read_line(const Mrlua__Piece *piece, uint64_t offset, char bytes[RECORD_QUOTE_BYTES])
{
    struct err ignored;
    const char *end;
    ssize_t count;
    int fd = files_input(piece, &ignored);

    if (fd < 0)
        return -1;
    count = io_pread(fd, bytes, RECORD_QUOTE_BYTES, offset, piece->name, ERR_INPUT, &ignored);
    io_close(&fd);
    end = count > 0 ? memchr(bytes, '\n', (size_t)count) : NULL;
    return end ? end - bytes : count;
}

void record_quote(const char *reader, const Mrlua__Piece *piece, uint64_t offset, struct buf *out)
{
    char bytes[RECORD_QUOTE_BYTES], quoted[4 * RECORD_QUOTE_BYTES + 8];
    ssize_t count;

    if (!has_lines_on_disk(reader, piece))
        return;
    count = piece->generation ? -1 : read_line(piece, offset, bytes);
    if (count < 0 && !piece->generation)
        return;
    buf_printf(out, "input: %s, at byte %llu\n", piece->name, (unsigned long long)offset);
    if (count >= 0)
        buf_printf(out, "record: %s\n",
                   log_quote(quoted, sizeof quoted, slice_of(bytes, (size_t)count)));
}
