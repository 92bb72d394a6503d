/*
 * top: the largest values of a key, in memory.
 *
 *     top_init(&top, 10);
 *     while (...)
 *         rc = top_add(&top, key, value, &err);
 *     for (uint32_t i = 0; i < top.count; i++)
 *         use(top_value(&top, i));                     largest first
 *     top_deinit(&top);
 *
 * Means this Lua:
 *
 *     for v in values do
 *       local at = #best + 1
 *       while at > 1 and best[at - 1] < v do at = at - 1 end
 *       table.insert(best, at, v)
 *       best[n + 1] = nil
 *     end
 *
 * so the first of equal values comes first. Numbers or strings (by their bytes), not both.
 */
#ifndef RECORD_TOP_H
#define RECORD_TOP_H

#include "record/builtin.h"

enum { TOP_COUNT_MAX = 1000 }; /* a new largest one moves all others */

struct top {
    uint32_t count, count_max;
    /* Below is top.c's own. */
    struct top_value *values;
    size_t bytes; /* of all that are held, encoded */
    bool is_text;
};

void top_init(struct top *top, uint32_t count_max); /* 1 .. TOP_COUNT_MAX */
void top_deinit(struct top *top);

/* Takes one more encoded value; `key` is for the message. -1: ERR_JOB (another type, or more than
 * RECORD_VALUE_BYTES_MAX in all), or ERR_INPUT for bytes that are no value. */
int top_add(struct top *top, struct slice key, struct slice value, struct err *err);

/* The encoded value number `at` below top->count; good until the next top_add(). */
struct slice top_value(const struct top *top, uint32_t at);

#endif
