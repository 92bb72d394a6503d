/*
 * feed: objects of Cloud Storage, on their way to a vm child through pipes. The trusted process
 * asks for their bytes, ahead of time and many ranges at once; the child reads a pipe as it would
 * read a file from where its piece begins.
 *
 *     if (feed_is_needed(start)) feed = feed_open(start);
 *     fd = feed_begin(feed, piece, &err);              the child's end of the pipe of piece `piece`
 *     while the child lives:
 *         rc = feed_wait(feed, polls, count, timeout_ms, &err);      instead of poll()
 *     feed_close(feed);
 *
 * Pieces are begun in order. A child that closes its end has enough of the piece. A failure of the
 * store is told before the pipe is closed, so that a child never takes it for the end of its input:
 * the pipe stays open until feed_close().
 *
 * "run" files have an index at their end: they are copied to a scratch file (feed_copy()).
 */
#ifndef ATTEMPT_FEED_H
#define ATTEMPT_FEED_H

#include "base/err.h"
#include "rpc/messages.pb-c.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

struct feed;
struct gcs;
struct gcs_span;

/* Is one of the pieces an object? */
bool feed_has_objects(const Mrlua__TaskStart *start);

/* Does one of them come through a pipe? */
bool feed_is_needed(const Mrlua__TaskStart *start);

/* Does this piece? `feed` may be NULL: none does. */
bool feed_has(const struct feed *feed, size_t piece);

/* `start` is borrowed until close. Nothing is asked for yet. */
struct feed *feed_open(const Mrlua__TaskStart *start);

/* The read end of the pipe of piece `piece`, an object; the caller's to close. The pieces before it
 * are done with. -1: ERR_RETRY. */
int feed_begin(struct feed *feed, size_t piece, struct err *err);

/* Like poll(), and moves bytes meanwhile. 0, also when it was interrupted, or -1: an object cannot
 * be read, and *err says why. Call feed_close() then. */
int feed_wait(struct feed *feed, struct pollfd *polls, size_t count, int timeout_ms,
              struct err *err);

/* Does the child wait for bytes that the store has not sent yet? Its standing still is not its
 * own fault then. */
bool feed_is_late(const struct feed *feed);

void feed_close(struct feed *feed);

/* A whole object as a file without a name in `folder`: its descriptor, or -1. */
int feed_copy(const Mrlua__Piece *piece, const char *folder, struct err *err);

/* Writes the bytes of a span to `to`, which messages call `name`. 0 or -1. */
int feed_copy_span(struct gcs *gcs, const struct gcs_span *span, int to, const char *name,
                   struct err *err);

#endif
