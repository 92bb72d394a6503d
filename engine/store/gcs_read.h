/*
 * gcs_read: bytes of objects, in order, fetched by many ranged requests at once.
 *
 *     struct gcs_reader *reader = gcs_reader_open(gcs, spans, count, &options);
 *     while ((rc = gcs_reader_next(reader, &chunk, &err)) == 1)
 *         use(chunk.span, chunk.bytes);
 *     gcs_reader_close(reader);                      rc is now 0 (all spans are read) or -1
 *
 * A span is a range of one version of one object. Spans are read ahead across their borders, so
 * that many small objects come as fast as one large. Bytes are given out in order, each once.
 *
 * Every range is counted: a body that is cut off is asked for again from where it ended, with the
 * budget of failures reset by what came. A 200 where 206 was asked, another Content-Range, another
 * generation are errors, never data. A span that covers its whole object is checked against the
 * object's CRC32C at its last byte: gcs_reader_next() answers -1 instead of the last chunk when it
 * is wrong. An object with Content-Encoding: gzip has only whole spans; its bytes are given as
 * they are stored.
 *
 * ERR_INPUT "input gs://b/o changed since the job was planned": that generation is no more.
 * ERR_INPUT: a wrong checksum. ERR_RETRY: the service kept failing.
 *
 * Memory: `window_bytes` in ranges that are asked for and not yet used.
 */
#ifndef STORE_GCS_READ_H
#define STORE_GCS_READ_H

#include "store/gcs.h"

#include <poll.h>

enum {
    GCS_RANGE_BYTES = 8 * 1024 * 1024,
    GCS_READ_PARALLEL_COUNT = 8,
    GCS_READ_PARALLEL_COUNT_MAX = 64,
    GCS_TAIL_BYTES =
        64 * 1024, /* read behind the sure bytes of a span, and doubled when asked on */
};

struct gcs_span {
    const char *bucket, *object; /* borrowed */
    uint64_t generation;         /* 0: the live one, for a single request only */
    uint64_t offset, length;
    /* Bytes from `offset` on that will be wanted; behind them, up to `length`, is read only as far
     * as somebody goes on reading: the end of a line. Mostly the same as `length`. */
    uint64_t sure_bytes;
    uint64_t size;   /* of the object */
    uint32_t crc32c; /* of the object, if has_crc32c; else what the answers say */
    bool has_crc32c;
};

struct gcs_read_options {
    uint32_t parallel_count; /* 0: GCS_READ_PARALLEL_COUNT */
    uint32_t range_bytes;    /* 0: GCS_RANGE_BYTES */
    /* If not NULL: bytes are handed over here as they come, in any order, and not kept; chunks then
     * say their length only. `offset` is that in the object. 0, or -1 with *err. What lies more
     * than gcs_reader_window() before the last byte that was handed over has come, too. */
    int (*place)(void *context, size_t span, uint64_t offset, struct slice bytes, struct err *err);
    void *place_context;
};

/* Bytes that may be asked for ahead of the first that is missing. */
uint64_t gcs_reader_window(const struct gcs_read_options *options);

struct gcs_chunk {
    size_t span; /* its number */
    struct slice bytes;
    uint32_t crc32c; /* with the last chunk of a span: of all of it */
};

struct gcs_reader;

/* The spans and what they point to are borrowed until close. */
struct gcs_reader *gcs_reader_open(struct gcs *gcs, const struct gcs_span *spans, size_t count,
                                   const struct gcs_read_options *options);

/* 1: *chunk is set, good until the next call. 0: the end. -1: *err. */
int gcs_reader_next(struct gcs_reader *reader, struct gcs_chunk *chunk, struct err *err);

/* Like gcs_reader_next(), but does not wait: 2 means that nothing is there yet. */
int gcs_reader_try(struct gcs_reader *reader, struct gcs_chunk *chunk, struct err *err);

/* Moves requests on and waits until one has news, a descriptor of `polls` has, or `timeout_ms` is
 * over. 0 or -1. */
int gcs_reader_poll(struct gcs_reader *reader, struct pollfd *polls, size_t count, int timeout_ms,
                    struct err *err);

/* Nothing more of this span is wanted: what is left of it is not given out. */
void gcs_reader_skip(struct gcs_reader *reader, size_t span);

void gcs_reader_close(struct gcs_reader *reader);

/* One range of one object into memory: `len` bytes at `to`. 0 or -1. */
int gcs_read_range(struct gcs *gcs, const struct gcs_span *span, void *to, struct err *err);

#endif
