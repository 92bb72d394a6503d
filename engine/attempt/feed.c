#include "attempt/feed.h"

#include "attempt/files.h"
#include "attempt/input_groups.h"
#include "base/io.h"
#include "base/mem.h"
#include "format/reader.h"
#include "store/gcs_read.h"
#include "store/uri.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIPE_BYTES =
        1024 * 1024, /* a write of this many costs one switch; the most without privilege */
    POLLS_MAX = 8,
    /* Together 32 MiB of memory: at 30 MB/s a connection more than a map of Lua takes. */
    PARALLEL_COUNT = 8,
    RANGE_BYTES = 4 * 1024 * 1024,
};

struct feed {
    const Mrlua__TaskStart *start;
    struct gcs *gcs;
    struct gcs_reader *reader;
    struct gcs_span *spans; /* of each piece, also of plain files: those have no bytes */
    struct uri *uris;
    size_t current;         /* the piece that is being sent; n_pieces: none yet */
    int pipe;               /* our end of its pipe; -1: it is done */
    uint64_t sent;          /* bytes of it */
    struct gcs_chunk chunk; /* its `bytes` are still to be written */
    bool is_late;
};

static bool is_streamed(const Mrlua__TaskStart *start, const Mrlua__Piece *piece)
{
    return piece->generation != 0 && strcmp(input_format_of(start, piece), "run") != 0;
}

bool feed_has_objects(const Mrlua__TaskStart *start)
{
    for (size_t i = 0; i < start->n_pieces; i++)
        if (start->pieces[i]->generation != 0)
            return true;
    return false;
}

bool feed_is_needed(const Mrlua__TaskStart *start)
{
    for (size_t i = 0; i < start->n_pieces; i++)
        if (is_streamed(start, start->pieces[i]))
            return true;
    return false;
}

bool feed_has(const struct feed *feed, size_t piece)
{
    return feed && is_streamed(feed->start, feed->start->pieces[piece]);
}

/* Where its reader begins, and what it will want: what cannot be cut is read whole. */
static void fill_span(struct gcs_span *span, const struct uri *uri, const Mrlua__Piece *piece,
                      enum reader_kind reader, bool is_cut)
{
    uint64_t from = is_cut ? reader_start(reader, piece->offset) : 0;

    *span = (struct gcs_span){
        .bucket = uri->bucket,
        .object = uri->object,
        .generation = piece->generation,
        .offset = from,
        .length = piece->size - from,
        .size = piece->size,
    };
    span->sure_bytes = is_cut ? piece->offset + piece->length - from : span->length;
}

struct feed *feed_open(const Mrlua__TaskStart *start)
{
    struct feed *feed = mem_alloc(sizeof *feed);
    struct gcs_read_options options = {.parallel_count = PARALLEL_COUNT,
                                       .range_bytes = RANGE_BYTES};
    struct err ignored; /* the child tells what is wrong with the format */

    feed->start = start;
    feed->gcs = gcs_open();
    feed->spans = mem_alloc_array(start->n_pieces, sizeof *feed->spans);
    feed->uris = mem_alloc_array(start->n_pieces, sizeof *feed->uris);
    for (size_t i = 0; i < start->n_pieces; i++) {
        const Mrlua__Piece *piece = start->pieces[i];
        enum reader_kind reader = READER_LINES;
        bool is_cut;

        if (!is_streamed(start, piece) || uri_parse(piece->path, &feed->uris[i], &ignored) != 0)
            continue;
        reader_kind_by_name(slice_of_string(input_format_of(start, piece)), &reader, &ignored);
        is_cut = !piece->is_gzip && !reader_needs_whole_file(reader, piece->name);
        if (piece->offset <= piece->size && piece->length <= piece->size - piece->offset)
            fill_span(&feed->spans[i], &feed->uris[i], piece, reader, is_cut);
    }
    feed->reader = gcs_reader_open(feed->gcs, feed->spans, start->n_pieces, &options);
    feed->current = start->n_pieces;
    feed->pipe = -1;
    signal(SIGPIPE, SIG_IGN); /* a child that has enough closes its end */
    return feed;
}

void feed_close(struct feed *feed)
{
    if (!feed)
        return;
    io_close(&feed->pipe);
    gcs_reader_close(feed->reader);
    gcs_close(feed->gcs);
    for (size_t i = 0; i < feed->start->n_pieces; i++)
        uri_deinit(&feed->uris[i]);
    free(feed->uris);
    free(feed->spans);
    free(feed);
}

/* The child has all that it wants of the current piece. */
static void end_piece(struct feed *feed)
{
    io_close(&feed->pipe);
    gcs_reader_skip(feed->reader, feed->current);
    if (feed->chunk.span == feed->current)
        feed->chunk.bytes.len = 0;
    feed->is_late = false;
}

int feed_begin(struct feed *feed, size_t piece, struct err *err)
{
    int ends[2];

    assert(piece < feed->start->n_pieces);
    if (feed->pipe >= 0)
        end_piece(feed);
    for (size_t i = feed->current == feed->start->n_pieces ? 0 : feed->current; i < piece; i++)
        gcs_reader_skip(feed->reader, i);
    if (!feed->spans[piece].bucket)
        return err_set(err, ERR_RETRY, "input %s: its plan contradicts itself",
                       feed->start->pieces[piece]->name);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set_errno(err, ERR_RETRY, "input %s: pipe", feed->start->pieces[piece]->name);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* or as large as this user may have them */
    feed->current = piece;
    feed->pipe = ends[1];
    feed->sent = 0;
    return ends[0];
}

/* As much of the chunk as the pipe takes. False: it is full. */
static bool write_chunk(struct feed *feed)
{
    struct slice *bytes = &feed->chunk.bytes;

    while (bytes->len > 0) {
        ssize_t count = write(feed->pipe, bytes->ptr, bytes->len);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return false;
        if (count < 0) { /* EPIPE, or nothing that would matter more: it is dead */
            end_piece(feed);
            return true;
        }
        *bytes = slice_of(bytes->ptr + count, bytes->len - (size_t)count);
        feed->sent += (uint64_t)count;
    }
    return true;
}

/* Moves what can be moved without waiting. 0: the pipe is full, or nothing is to be sent. 2: bytes
 * of the store are missing. -1. */
static int move(struct feed *feed, struct err *err)
{
    while (feed->pipe >= 0) {
        int rc;

        if (feed->sent == feed->spans[feed->current].length) {
            end_piece(feed);
            break;
        }
        if (feed->chunk.bytes.len > 0 && feed->chunk.span == feed->current) {
            if (!write_chunk(feed))
                return 0;
            continue;
        }
        rc = gcs_reader_try(feed->reader, &feed->chunk, err);
        if (rc == 2 || rc < 0)
            return rc;
        assert(rc == 1 && feed->chunk.span == feed->current); /* what is before it is skipped */
    }
    return 0;
}

int feed_wait(struct feed *feed, struct pollfd *polls, size_t count, int timeout_ms,
              struct err *err)
{
    struct pollfd all[POLLS_MAX];
    int rc = move(feed, err);

    assert(count < POLLS_MAX);
    if (rc < 0)
        return -1;
    feed->is_late = rc == 2;
    for (size_t i = 0; i < count; i++)
        all[i] = polls[i];
    all[count] = (struct pollfd){.fd = rc == 0 ? feed->pipe : -1, .events = POLLOUT};
    if (gcs_reader_poll(feed->reader, all, count + 1, timeout_ms, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        polls[i].revents = all[i].revents;
    return 0;
}

bool feed_is_late(const struct feed *feed)
{
    return feed && feed->is_late;
}

/* ---- copies ---- */

int feed_copy_span(struct gcs *gcs, const struct gcs_span *span, int to, const char *name,
                   struct err *err)
{
    struct gcs_reader *reader = gcs_reader_open(gcs, span, 1, NULL);
    struct gcs_chunk chunk;
    int rc;

    while ((rc = gcs_reader_next(reader, &chunk, err)) == 1)
        if (io_write(to, chunk.bytes.ptr, chunk.bytes.len, name, ERR_DISK, err) != 0) {
            rc = -1;
            break;
        }
    gcs_reader_close(reader);
    return rc;
}

int feed_copy(const Mrlua__Piece *piece, const char *folder, struct err *err)
{
    struct gcs_span span;
    struct gcs *gcs;
    struct uri uri;
    int fd = -1;

    if (uri_parse(piece->path, &uri, err) != 0)
        return -1;
    gcs = gcs_open();
    fill_span(&span, &uri, piece, READER_RUN, false);
    fd = files_scratch(folder, err);
    if (fd >= 0 &&
        feed_copy_span(gcs, &span, fd, "a copy of an input (--tmp DIR: elsewhere)", err) != 0)
        io_close(&fd);
    gcs_close(gcs);
    uri_deinit(&uri);
    return fd;
}
