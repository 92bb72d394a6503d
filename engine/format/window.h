/*
 * window: the bytes of a piece of an input that are in memory, for readers that look for where
 * their records end.
 *
 *     struct window window = {.what = "line", .bytes_max = 4096, .end_bytes = 2};
 *     rc = window_open(&window, &input, &err);
 *     at = window_at(&window), len = window_unread(&window);
 *     window_use(&window, bytes);                   they are done with
 *     rc = window_fill(&window, &err);              more of them; moves those that are unread
 *     window_deinit(&window);
 *
 *     block            next                end              capacity
 *       |    used       |      unread       |     free         |
 *
 * It grows to the largest record met, at most bytes_max; WINDOW_PADDING_BYTES can be read behind
 * it. A piece owns the records that start before `stop`; behind that little is read at once, for
 * the end of the last one.
 */
#ifndef FORMAT_WINDOW_H
#define FORMAT_WINDOW_H

#include "format/source.h"

enum {
#ifdef MRLUA_TINY
    WINDOW_BYTES = 64,
    WINDOW_TAIL_BYTES = 16,
#else
    WINDOW_BYTES = 256 * 1024,
    WINDOW_TAIL_BYTES = 16 * 1024, /* read at once behind the piece, or as much as is unread */
#endif
    WINDOW_PADDING_BYTES = 16,
};

struct window {
    const char *what; /* "line": what is in it, for messages */
    const char *hint; /* behind the message of one that is too long; NULL: nothing */
    size_t bytes_max; /* of one of them */
    size_t end_bytes; /* and of what ends it */
    /* Below is set by window_open(). */
    struct source *source;
    const char *name;
    char *block;
    size_t next, end, capacity;
    uint64_t offset; /* of block[next] in the (decompressed) input */
    uint64_t stop;   /* what starts here or later is another piece's; UINT64_MAX: nothing is */
    bool is_ended;   /* the source has no more */
};

/* Can this input be read in pieces? */
static inline bool window_is_piece(const struct source_input *input)
{
    return source_input_kind(input) == SOURCE_PLAIN;
}

/* 0, or -1: no memory, ERR_SETUP. In both cases window_deinit() is due. */
int window_open(struct window *window, const struct source_input *input, struct err *err);
void window_deinit(struct window *window);

/* Starts at offset `from` instead of that of the piece. Before the first fill. */
void window_seek(struct window *window, uint64_t from);

/* Reads more behind `end`; is_ended says that there was no more. -1: the source's error, or the
 * record at `offset` is longer than bytes_max (ERR_INPUT), or no memory for it (ERR_LIMIT). */
int window_fill(struct window *window, struct err *err);

/* -1, ERR_INPUT: the record at `offset` is longer than bytes_max. */
int window_too_long(const struct window *window, struct err *err);

/* Fills until `bytes` are unread, if the input has so many. */
int window_want(struct window *window, size_t bytes, struct err *err);

static inline const char *window_at(const struct window *window)
{
    return window->block + window->next;
}

static inline size_t window_unread(const struct window *window)
{
    return window->end - window->next;
}

static inline void window_use(struct window *window, size_t bytes)
{
    window->next += bytes;
    window->offset += bytes;
}

/*
 * For records that end with a line: goes behind the next newline. A piece that does not begin its
 * input starts a byte before itself (window_seek): what is before the newline belongs to the piece
 * before this one; if that byte is the newline, the line at `offset` is this piece's.
 */
int window_skip_line(struct window *window, struct err *err);

#endif
