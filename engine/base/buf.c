#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_CAPACITY_BYTES_MIN = 64 };

void buf_deinit(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){0};
}

char *buf_reserve(struct buf *buf, size_t len)
{
    size_t need, capacity = buf->capacity;

    assert(len <= SIZE_MAX / 4 - buf->len);
    need = buf->len + len;
    if (need > capacity) {
        if (capacity < BUF_CAPACITY_BYTES_MIN)
            capacity = BUF_CAPACITY_BYTES_MIN;
        while (capacity < need)
            capacity += capacity / 2;
        buf->ptr = mem_realloc(buf->ptr, capacity);
        buf->capacity = capacity;
    }
    return buf->ptr ? buf->ptr + buf->len : NULL; /* NULL + 0 is undefined in C */
}

void buf_append(struct buf *buf, const void *ptr, size_t len)
{
    char *to = buf_reserve(buf, len);

    if (len)
        memcpy(to, ptr, len);
    buf->len += len;
}

void buf_append_byte(struct buf *buf, unsigned char byte)
{
    buf_append(buf, &byte, 1);
}

void buf_append_string(struct buf *buf, const char *string)
{
    buf_append(buf, string, strlen(string));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    vsnprintf(buf_reserve(buf, (size_t)len + 1), (size_t)len + 1, format, again);
    va_end(again);
    buf->len += (size_t)len;
}

const char *buf_string(struct buf *buf)
{
    *buf_reserve(buf, 1) = '\0';
    return buf->ptr;
}
