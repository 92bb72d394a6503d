/*
 * words: the words of a text: runs of ASCII letters, as Lua's "%a+" finds them in the C locale.
 *
 *     struct words words = {.text = text};
 *     struct slice found[WORDS_COUNT_MAX];
 *     while ((count = words_next(&words, found)) > 0)
 *         for (size_t i = 0; i < count; i++)
 *             use(found[i]);
 *
 * 64 bytes at a time: which of them are letters is a mask of 64 bits, and a word begins and ends
 * where the bits change. So there is no branch per byte, and none that depends on a word's length.
 */
#ifndef RECORD_WORDS_H
#define RECORD_WORDS_H

#include "base/slice.h"

#include <stdbool.h>

enum {
    WORDS_COUNT_MAX = 64,  /* two steps of at most 32 words, every second byte of 64 */
    WORDS_STEP_BYTES = 64, /* the bits of a mask */
};

/* Zeroed but for the text, which is borrowed. */
struct words {
    struct slice text;
    size_t at;    /* up to where it was looked at */
    size_t start; /* of the word that is open there */
    bool is_open;
};

/* The next words, at least one. 0: there are no more. */
size_t words_next(struct words *words, struct slice found[WORDS_COUNT_MAX]);

#endif
