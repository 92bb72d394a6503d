/*
 * pattern: Lua's string patterns, compiled once and matched fast. No Lua in here.
 *
 *     pattern_compile(&pattern, text)              false: leave it to Lua's own function
 *     struct pattern_match match = {.subject = subject, .end = subject + len};
 *     at = subject;
 *     end = pattern_search(&pattern, &match, &at)  the first match at or after `at`; NULL: none
 *
 * What is compiled means exactly what Lua 5.4's matcher says (the algorithm is the same one, with
 * a bit per byte and set in the place of asking each set each time). What is not compiled: what is
 * malformed, so that the messages are Lua's own, and what is larger than the limits below.
 *
 * The classes (%a, ...) are those of the "C" locale; nothing in a vm child sets another.
 */
#ifndef VM_PATTERN_H
#define VM_PATTERN_H

#include "base/slice.h"

#include <stdint.h>

enum {
    /* Lua gives up ("pattern too complex") at 200 nested calls, one an item or less: never here. */
    PATTERN_ITEM_COUNT_MAX = 64,
    PATTERN_SET_COUNT_MAX = 32,     /* bits of pattern.sets */
    PATTERN_CAPTURE_COUNT_MAX = 32, /* Lua's own limit */
};

enum pattern_op {
    PATTERN_END,
    PATTERN_CHAR, /* a: the byte */
    PATTERN_SET,  /* a: bit of pattern.sets */
    PATTERN_ANY,
    PATTERN_OPEN,     /* a: the capture */
    PATTERN_CLOSE,    /* a: the capture */
    PATTERN_BALANCE,  /* %bxy; a, b */
    PATTERN_FRONTIER, /* %f[set]; a: bit of pattern.sets */
    PATTERN_BACK,     /* %1; a: the capture */
    PATTERN_AT_END,   /* $ */
};

struct pattern_item {
    uint8_t op;
    uint8_t repeat; /* of CHAR, SET, ANY: 0, '*', '+', '-' or '?' */
    uint8_t a, b;
};

struct pattern {
    uint32_t sets[256]; /* by byte: a bit for each set that has it */
    struct pattern_item items[PATTERN_ITEM_COUNT_MAX];
    uint32_t positions; /* a bit for each capture that is a position: () */
    uint8_t set_count, item_count, capture_count;
    bool is_anchored; /* ^, which is in no item */
    bool is_run;      /* one set, once or more, and at most that in a capture: "%a+", "([^,]+)" */
    uint8_t first;    /* the item that a match begins with, if has_first */
    bool has_first;   /* a match begins with a byte of items[first] */
};

/* One match: what was captured, from start[i] to before end[i]. */
struct pattern_match {
    const char *subject, *end;
    const char *start[PATTERN_CAPTURE_COUNT_MAX];
    const char *stop[PATTERN_CAPTURE_COUNT_MAX];
};

bool pattern_compile(struct pattern *pattern, struct slice text);

/* The end of the match that begins at `at`, or NULL. The byte at match->end may be read. */
const char *pattern_match_at(const struct pattern *pattern, struct pattern_match *match,
                             const char *at);

/*
 * The first match that begins at or after *at, or there and nowhere else when the pattern is
 * anchored: its end, and *at is where it begins. NULL: none, and *at is anything.
 */
const char *pattern_search(const struct pattern *pattern, struct pattern_match *match,
                           const char **at);

/* Of a pattern that is_run: a bit for each of the `len` (64 at most) bytes, is it in the set? */
static inline uint64_t pattern_run_bits(const struct pattern *pattern, const char *at, size_t len)
{
    const uint32_t *sets = pattern->sets;
    uint64_t bits = 0;
    size_t i;

    for (i = 0; i + 4 <= len; i += 4) {
        uint64_t four =
            (sets[(unsigned char)at[i]] & 1) | (sets[(unsigned char)at[i + 1]] & 1) << 1 |
            (sets[(unsigned char)at[i + 2]] & 1) << 2 | (sets[(unsigned char)at[i + 3]] & 1) << 3;

        bits |= four << i;
    }
    for (; i < len; i++)
        bits |= (uint64_t)(sets[(unsigned char)at[i]] & 1) << i;
    return bits;
}

#endif
