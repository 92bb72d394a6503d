#include "rpc/backlog.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SPANS_MIN = 8 };

struct backlog_span {
    uint64_t begin, end;
};

void backlog_deinit(struct backlog *backlog)
{
    free(backlog->spans);
    *backlog = (struct backlog){0};
}

void backlog_add(struct backlog *backlog, uint64_t bytes)
{
    backlog->queued += bytes;
}

/* Room for one more: first where sent ones have been. */
static void make_room(struct backlog *backlog)
{
    size_t count = backlog->end - backlog->first;

    if (backlog->end < backlog->capacity)
        return;
    if (backlog->first <= backlog->capacity / 2) {
        backlog->capacity = backlog->capacity ? 2 * backlog->capacity : SPANS_MIN;
        backlog->spans =
            mem_realloc_array(backlog->spans, backlog->capacity, sizeof *backlog->spans);
    }
    memmove(backlog->spans, backlog->spans + backlog->first, count * sizeof *backlog->spans);
    backlog->first = 0;
    backlog->end = count;
}

void backlog_add_file(struct backlog *backlog, uint64_t bytes)
{
    make_room(backlog);
    backlog->spans[backlog->end++] =
        (struct backlog_span){.begin = backlog->queued, .end = backlog->queued + bytes};
    backlog->queued += bytes;
    backlog->file_bytes += bytes;
}

uint64_t backlog_memory_bytes(struct backlog *backlog, uint64_t pending)
{
    uint64_t sent = backlog->queued - pending;
    uint64_t file_bytes;

    assert(pending <= backlog->queued);
    while (backlog->first < backlog->end && backlog->spans[backlog->first].end <= sent) {
        const struct backlog_span *span = &backlog->spans[backlog->first++];

        backlog->file_bytes -= span->end - span->begin;
    }
    file_bytes = backlog->file_bytes;
    if (backlog->first < backlog->end && backlog->spans[backlog->first].begin < sent)
        file_bytes -= sent - backlog->spans[backlog->first].begin;
    assert(file_bytes <= pending);
    return pending - file_bytes;
}
