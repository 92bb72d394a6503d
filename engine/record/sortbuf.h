/*
 * sortbuf: the sort buffer. Records wait here until it is full, then come out sorted.
 *
 *     rc = sortbuf_init(&buf, bytes, BUILTIN_NONE, &err);
 *     while (sortbuf_add(&buf, partition, key, value)) ...        false: full, or does not fit
 *     cursor = sortbuf_sort(&buf, pulse);                         placed records, see below
 *     while ((rc = cursor_next(cursor, &err)) == 1) ...
 *     sortbuf_clear(&buf);                                        and again
 *     sortbuf_deinit(&buf);
 *
 * What comes out are "placed" records: the key has its partition in front (u32, big-endian), so
 * that one memcmp orders by partition, then key. Equal ones come in the order of sortbuf_add().
 *
 * One allocation of the given size holds everything: records grow from its start, 16-byte entries
 * (partition, 7 bytes of key, offset) from its end. Sorting is in place, on the entries alone
 * unless their key bytes tie.
 *
 *     +---------------------------+------------------+----------------------+-------------+
 *     | record record record ...  |  free            | ... entry entry entry | fold table |
 *     +---------------------------+------------------+----------------------+-------------+
 *
 * Folding: with a built-in that folds numbers in place, a hash table over the keys finds the
 * record whose number the new one is folded into (a partition is a function of its key). A value
 * that is no number is kept as a record of its own, and the combiner finds it later; from there on
 * that key's numbers go to a new record, so that values stay in order around it.
 */
#ifndef RECORD_SORTBUF_H
#define RECORD_SORTBUF_H

#include "record/builtin.h"
#include "record/cursor.h"
#include "record/pulse.h"

#include <stdbool.h>

#define SORTBUF_BYTES_MAX ((size_t)2 << 30) /* offsets are 32 bits, and sorting more is no gain */

enum {
#ifdef MRLUA_TINY
    SORTBUF_BYTES_MIN = 4 * 1024,
#else
    SORTBUF_BYTES_MIN = 1024 * 1024, /* less is all blocks and no buffer */
#endif
    SORTBUF_PARTITION_BYTES = 4,   /* in front of a placed key */
    SORTBUF_LOOKUP_COUNT_MAX = 32, /* a slot and a record each: half of a first-level cache */
};

/* What is sorted. */
struct sortbuf_entry {
    uint64_t digit; /* 7 bytes of the key, then how many were left, at most 8 */
    uint32_t partition;
    uint32_t offset; /* of the record: rising in the order of add */
};

/*
 * A key as the fold table sees it: its first byte, the tag, by itself, so that the text of a
 * string key is looked up where it stands. Most keys are short: one that fits the head is hashed
 * and compared as two numbers, without a loop or a call.
 */
struct sortbuf_lookup {
    struct text_head head;
    uint32_t hash;
    char tag;
    struct slice text; /* what is behind the tag */
};

/* One slot of the fold table; zeroed = free. */
struct sortbuf_slot {
    uint32_t hash;
    uint32_t record; /* its offset + 1 */
};

/*
 * In memory a record is: placed key bytes u32, value bytes u32 or SORTBUF_FOLDED, placed key,
 * value or struct fold_number. In the machine's byte order, unaligned: it never leaves memory.
 */
#define SORTBUF_FOLDED UINT32_MAX

enum { SORTBUF_RECORD_HEADER_BYTES = 8 };

static inline uint32_t sortbuf_u32(const char *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof value);
    return value;
}

/* The key of the record at `offset`, without its partition. */
static inline struct slice sortbuf_record_key(const char *records, uint32_t offset)
{
    const char *record = records + offset;

    return slice_of(record + SORTBUF_RECORD_HEADER_BYTES + SORTBUF_PARTITION_BYTES,
                    sortbuf_u32(record) - SORTBUF_PARTITION_BYTES);
}

struct sortbuf {
    struct cursor cursor; /* what sortbuf_sort() answers */
    char *memory;
    size_t record_bytes;           /* from the start of memory */
    struct sortbuf_entry *entries; /* the lowest one, which is the newest until they are sorted */
    size_t entry_count;
    size_t next; /* the entry the cursor goes to */
    enum builtin fold;
    struct sortbuf_slot *slots; /* the fold table, behind the entries */
    uint32_t slot_count;        /* grows from a few to the most, by doubling in place */
    uint32_t slot_count_max;    /* powers of two; 0: nothing is folded */
    uint32_t slots_used;
    char number[VALUE_NUMBER_BYTES_MAX]; /* the value in hand, if it was folded */
};

/* `memory_bytes` is rounded down to a multiple of 16. */
int sortbuf_init(struct sortbuf *buf, size_t memory_bytes, enum builtin fold, struct err *err);
void sortbuf_deinit(struct sortbuf *buf);

/* False: no room. If the buffer is empty, this record is too large for it. */
bool sortbuf_add(struct sortbuf *buf, uint32_t partition, struct slice key, struct slice value);

/* Folds `number` into the number of the key that is the encoded string `text` (key.h). False: the
 * buffer has no such number, or does not fold, and nothing was done: sortbuf_add() it. */
bool sortbuf_fold_text(struct sortbuf *buf, struct slice text, int64_t number);

/* The same of 1, `count` times over, in a buffer that folds with sum. */
bool sortbuf_fold_ones(struct sortbuf *buf, struct slice text, uint64_t count);

/*
 * The same for many texts at once: what is looked up lies anywhere in memory, and is asked for
 * before it is needed. The lookups are good for any number of sortbuf_fold_lookup() and
 * sortbuf_add(). At most SORTBUF_LOOKUP_COUNT_MAX texts, and TEXT_HEAD_BYTES can be read where
 * each begins.
 */
void sortbuf_look_up(const struct sortbuf *buf, const struct slice *texts, size_t count,
                     struct sortbuf_lookup *lookups);
bool sortbuf_fold_lookup(struct sortbuf *buf, const struct sortbuf_lookup *lookup, int64_t number);

/* Sorts; the cursor is the buffer's own (close does nothing), good until clear or deinit. */
struct cursor *sortbuf_sort(struct sortbuf *buf, struct pulse pulse);

/* Forgets all records. */
void sortbuf_clear(struct sortbuf *buf);

#endif
