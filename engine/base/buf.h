/*
 * buf: bytes that grow. A zeroed struct is an empty buffer; buf_deinit() is safe on it.
 *
 *     struct buf buf = {0};
 *     buf_append(&buf, "key", 3);
 *     use(buf_slice(&buf));
 *     buf_deinit(&buf);
 *
 * Whoever appends bounds what is appended: a buffer has no limit of its own. Running out of
 * memory here ends the process with a message (small things die; budgets are checked where they
 * are allocated, see engine/README.md).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/slice.h"

struct buf {
    char *ptr;
    size_t len;
    size_t capacity;
};

void buf_deinit(struct buf *buf);

/* Makes room for `len` more bytes and returns where they go; add to buf->len what was written. */
char *buf_reserve(struct buf *buf, size_t len);

void buf_append(struct buf *buf, const void *ptr, size_t len);
void buf_append_byte(struct buf *buf, unsigned char byte);
void buf_append_string(struct buf *buf, const char *string);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Empties it and keeps its memory. */
static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
}

static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_of(buf->ptr, buf->len);
}

/* The bytes as a C string: a NUL is put behind them and not counted. Good until the next append. */
const char *buf_string(struct buf *buf);

#endif
