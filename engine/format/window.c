#include "format/window.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int window_open(struct window *window, const struct source_input *input, struct err *err)
{
    window->name = input->name;
    window->offset = input->offset;
    window->stop = UINT64_MAX;
    if (window_is_piece(input) && input->length < UINT64_MAX - input->offset)
        window->stop = input->offset + input->length;
    window->capacity = WINDOW_BYTES;
    window->block = malloc(window->capacity + WINDOW_PADDING_BYTES);
    window->source = source_open(input, err);
    if (window->source && !window->block)
        err_set(err, ERR_SETUP, "input %s: not enough memory to read it", input->name);
    return window->source && window->block ? 0 : -1;
}

void window_deinit(struct window *window)
{
    source_close(window->source);
    free(window->block);
    window->source = NULL;
    window->block = NULL;
}

void window_seek(struct window *window, uint64_t from)
{
    window->offset = from;
    source_seek(window->source, from);
}

int window_too_long(const struct window *window, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "input %s: the %s at byte %" PRIu64 " is longer than %zu bytes%s", window->name,
                   window->what, window->offset, window->bytes_max,
                   window->hint ? window->hint : "");
}

static int grow(struct window *window, struct err *err)
{
    size_t most = window->bytes_max + window->end_bytes;
    size_t capacity = 2 * window->capacity < most ? 2 * window->capacity : most;
    char *block;

    if (window->capacity >= most)
        return window_too_long(window, err);
    block = realloc(window->block, capacity + WINDOW_PADDING_BYTES);
    if (!block)
        return err_set(err, ERR_LIMIT, "input %s: not enough memory for the %s at byte %" PRIu64,
                       window->name, window->what, window->offset);
    window->block = block;
    window->capacity = capacity;
    return 0;
}

int window_fill(struct window *window, struct err *err)
{
    size_t unread = window_unread(window), tail, room;
    uint64_t position;
    ssize_t count;

    if (window->next > 0) {
        memmove(window->block, window->block + window->next, unread);
        window->end = unread;
        window->next = 0;
    }
    if (window->end == window->capacity && grow(window, err) != 0)
        return -1;
    tail = unread > WINDOW_TAIL_BYTES ? unread : WINDOW_TAIL_BYTES;
    position = window->offset + window->end;
    room = window->capacity - window->end;
    if (position >= window->stop && room > tail)
        room = tail;
    else if (position < window->stop && room > window->stop - position)
        room = (size_t)(window->stop - position);
    count = source_read(window->source, window->block + window->end, room, err);
    if (count < 0)
        return -1;
    window->is_ended = count == 0;
    window->end += (size_t)count;
    return 0;
}

int window_want(struct window *window, size_t bytes, struct err *err)
{
    while (window_unread(window) < bytes && !window->is_ended)
        if (window_fill(window, err) != 0)
            return -1;
    return 0;
}

int window_skip_line(struct window *window, struct err *err)
{
    while (!window->is_ended && window->offset < window->stop) {
        const char *at = window_at(window);
        size_t unread = window_unread(window);
        const char *newline = unread ? memchr(at, '\n', unread) : NULL;

        if (newline) {
            window_use(window, (size_t)(newline - at) + 1);
            return 0;
        }
        window_use(window, unread);
        if (window_fill(window, err) != 0)
            return -1;
    }
    return 0;
}
