/*
 * source: the bytes of an input, in order, decompressed by the suffix of its name.
 *
 *     struct source *source = source_open(&input, &err);
 *     while ((count = source_read(source, to, len, &err)) > 0)
 *         use(to, count);
 *     source_close(source);                  count is now 0 (end) or -1 (err is set)
 *
 * .gz: gzip, any number of members, CRC and length of each checked (isa-l); zeros behind the last
 * one are padding, anything else behind it is an error. .zst: zstd, any number of frames,
 * checksums checked where present; a window of more than 32 MiB (zstd --long, --ultra -21) is
 * refused, because it would be held in memory. Any other name: the bytes as they are.
 *
 * Broken or cut off input is ERR_INPUT "input x.gz: ...". A file that ends before the size it was
 * planned with is too. Memory: 256 KiB and, for zstd, the window.
 */
#ifndef FORMAT_SOURCE_H
#define FORMAT_SOURCE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
#ifdef MRLUA_TINY
    SOURCE_BUFFER_BYTES = 64, /* compressed bytes read at once */
#else
    SOURCE_BUFFER_BYTES = 256 * 1024,
#endif
    SOURCE_ZSTD_WINDOW_LOG_MAX = 25, /* 32 MiB: half of what an attempt may use beside its buffer */
};

enum source_kind { SOURCE_PLAIN, SOURCE_GZIP, SOURCE_ZSTD };

/* By the suffix: .gz, .zst (any case), else plain. */
enum source_kind source_kind_of(const char *name);

struct source_input;
enum source_kind source_input_kind(const struct source_input *input);

/* A piece of an input, as a reader gets it. */
struct source_input {
    int fd; /* borrowed: closed by the caller, after source_close */
    /* `fd` cannot seek. It stands where the reader of the piece begins: reader_start(). */
    bool is_stream;
    bool is_gzip;     /* gzip, whatever the name says */
    const char *name; /* borrowed; decides the kind; names the input in messages */
    uint64_t offset;  /* where the piece begins, in the file. Compressed: 0 */
    uint64_t length;  /* of the piece. Compressed: of the file */
    uint64_t size;    /* of the file; UINT64_MAX: not known (stream) */
};

struct source;

/* NULL with *err set. The input is copied; its name must outlive the source. */
struct source *source_open(const struct source_input *input, struct err *err);

/* Starts at offset `from` of a plain input instead of input->offset. Before the first read. A
 * stream stands there already. */
void source_seek(struct source *source, uint64_t from);

/* Up to `len` bytes, at least 1 unless the input has ended: 0. -1: *err is set. Reads on past
 * offset + length, to the end of the file: a line may reach there. */
ssize_t source_read(struct source *source, void *to, size_t len, struct err *err);

/* Bytes taken from the descriptor so far: compressed ones for .gz and .zst. */
uint64_t source_bytes_read(const struct source *source);

void source_close(struct source *source);

#endif
