/*
 * backlog: what waits to be sent, told apart: bytes in memory, and ranges of files, which cost
 * none. Pure counting.
 *
 *     backlog_add(&backlog, len);                    so much was queued
 *     backlog_add_file(&backlog, bytes);             and then a range of a file
 *     backlog_memory_bytes(&backlog, pending)        of `pending` bytes that still wait
 *     backlog_deinit(&backlog);
 *
 * Amortised O(1); 16 bytes for each range that waits.
 */
#ifndef RPC_BACKLOG_H
#define RPC_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

struct backlog_span; /* a range of a file, by its place in all that was ever queued */

/* Zeroed, it is empty. */
struct backlog {
    uint64_t queued;     /* ever */
    uint64_t file_bytes; /* in the spans */
    struct backlog_span *spans;
    size_t first, end, capacity; /* those from `first` to `end` wait, or did a moment ago */
};

void backlog_deinit(struct backlog *backlog);
void backlog_add(struct backlog *backlog, uint64_t bytes);
void backlog_add_file(struct backlog *backlog, uint64_t bytes);

/* `pending` is what still waits of all that was queued; it goes down only by what is sent. */
uint64_t backlog_memory_bytes(struct backlog *backlog, uint64_t pending);

#endif
