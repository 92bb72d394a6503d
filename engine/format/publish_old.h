/*
 * publish_old: what was at an output before the job: names of objects and their generations. Pure.
 *
 *     publish_old_add(&old, name, generation);
 *     publish_old_print(&old, &text);             "GENERATION NAME\n" for each, by name
 *     publish_old_parse(&old, text, &err);        the inverse
 *     generation = publish_old_find(&old, name);
 *     publish_old_deinit(&old);
 *
 * A name in a bucket has no line end, so the text needs no escapes. Names are added in byte order,
 * as a store lists them.
 */
#ifndef FORMAT_PUBLISH_OLD_H
#define FORMAT_PUBLISH_OLD_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct publish_old_object {
    char *name;
    uint64_t generation;
};

/* Zeroed: empty. */
struct publish_old {
    struct publish_old_object *objects;
    size_t count, capacity;
};

void publish_old_add(struct publish_old *old, const char *name, uint64_t generation);
void publish_old_print(const struct publish_old *old, struct buf *out);

/* ERR_SETUP: it is no such text. What came before is added all the same. */
int publish_old_parse(struct publish_old *old, struct slice text, struct err *err);

/* 0: it was not there. */
uint64_t publish_old_find(const struct publish_old *old, const char *name);

void publish_old_deinit(struct publish_old *old);

#endif
