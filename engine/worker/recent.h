/*
 * recent: the last ids that something happened to. When it is full, the oldest is forgotten.
 *
 *     recent_init(&recent, 1024);
 *     recent_add(&recent, id);
 *     if (recent_has(&recent, id)) ...
 *     recent_deinit(&recent);
 *
 * Memory: 8 to 16 bytes an id, for as many as there were. has() looks at all of them.
 */
#ifndef WORKER_RECENT_H
#define WORKER_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent {
    uint64_t *ids;
    size_t count, count_max;
    size_t next; /* where the next one goes, once it is full */
};

/* count_max > 0. */
void recent_init(struct recent *recent, size_t count_max);
void recent_deinit(struct recent *recent); /* a zeroed one too */

/* Does nothing if it is there already. */
void recent_add(struct recent *recent, uint64_t id);
bool recent_has(const struct recent *recent, uint64_t id);

#endif
