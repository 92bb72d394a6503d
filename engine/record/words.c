#include "record/words.h"

#include "base/bytes.h"

#define EACH_BYTE   UINT64_C(0x0101010101010101) /* times b: b in each byte */
#define GATHER_BITS UINT64_C(0x0102040810204080) /* bit 8 * i goes to bit 56 + i */

/* Bit i: byte i of the eight is a letter. */
static inline uint64_t letters_of_8(const char *from)
{
    uint64_t bytes = get_u64le(from) | 0x20 * EACH_BYTE; /* A becomes a */
    uint64_t low = bytes & 0x7f * EACH_BYTE;
    uint64_t from_a = low + (0x80 - 'a') * EACH_BYTE; /* the high bit: not before a */
    uint64_t behind_z = low + (0x80 - 'z' - 1) * EACH_BYTE;
    uint64_t letters = from_a & ~behind_z & ~bytes & 0x80 * EACH_BYTE;

    return (letters >> 7) * GATHER_BITS >> 56;
}

static uint64_t letters_of_64(const char *from)
{
    uint64_t mask = 0;

    for (int i = 0; i < 8; i++)
        mask |= letters_of_8(from + 8 * i) << (8 * i);
    return mask;
}

/* The same of less than 64 bytes: none behind them are letters. */
static uint64_t letters_of_rest(const char *from, size_t len)
{
    char padded[WORDS_STEP_BYTES] = {0};

    memcpy(padded, from, len);
    return letters_of_64(padded);
}

/* The words that end within the 64 bytes at `at`. */
static size_t find_words(struct words *words, uint64_t letters, struct slice *found)
{
    uint64_t changes = letters ^ (letters << 1 | words->is_open); /* bit i: byte i is no letter
                                                                   * and the one before it is, or
                                                                   * the other way round */
    const char *text = words->text.ptr;
    size_t count = 0, start = words->start;

    if (words->is_open && changes) {
        size_t end = words->at + (size_t)__builtin_ctzll(changes);

        found[count++] = slice_of(text + start, end - start);
        changes &= changes - 1;
    }
    words->is_open = letters >> 63;
    while (changes) {
        size_t end;

        start = words->at + (size_t)__builtin_ctzll(changes);
        changes &= changes - 1;
        if (!changes)
            break; /* it goes on behind the 64 bytes */
        end = words->at + (size_t)__builtin_ctzll(changes);
        found[count++] = slice_of(text + start, end - start);
        changes &= changes - 1;
    }
    words->start = start;
    return count;
}

size_t words_next(struct words *words, struct slice found[WORDS_COUNT_MAX])
{
    size_t count = 0;

    while (words->at < words->text.len && count <= WORDS_COUNT_MAX - WORDS_STEP_BYTES / 2) {
        const char *from = words->text.ptr + words->at;
        size_t left = words->text.len - words->at;
        uint64_t letters =
            left < WORDS_STEP_BYTES ? letters_of_rest(from, left) : letters_of_64(from);

        count += find_words(words, letters, found + count);
        words->at += left < WORDS_STEP_BYTES ? left : WORDS_STEP_BYTES;
    }
    if (count == 0 && words->is_open) { /* the text ends with it, and with a letter as byte 64 */
        words->is_open = false;
        found[count++] = slice_of(words->text.ptr + words->start, words->text.len - words->start);
    }
    return count;
}
