#include "record/entry_sort.h"

#include "record/digit.h"

#include <assert.h>

enum {
    INSERTION_COUNT_MAX = 12, /* fewer entries are sorted by insertion, with whole keys */
    BEAT_COUNT_MIN = 4096,    /* larger ranges are worth a pulse */
    PREFETCH_COUNT = 8,       /* records asked for ahead: they lie anywhere in memory */
    OFFSETS = -1,             /* a depth: the digits are offsets, and the keys equal */
};

/* A range of entries that agree up to digit number `depth`. */
struct range {
    struct sortbuf_entry *entries;
    size_t count;
    int depth;
};

struct sorter {
    const char *records;
    struct pulse pulse;
    uint64_t random; /* for pivots: no order of emit may be a bad one */
};

static bool is_before(const struct sortbuf_entry *a, const struct sortbuf_entry *b)
{
    return a->partition != b->partition ? a->partition < b->partition : a->digit < b->digit;
}

/* The key of an entry, behind its first `depth` digits. */
static struct slice key_behind(const struct sorter *sorter, const struct sortbuf_entry *entry,
                               int depth)
{
    struct slice key = sortbuf_record_key(sorter->records, entry->offset);
    size_t skip = (size_t)depth * DIGIT_KEY_BYTES;

    assert(skip <= key.len);
    return slice_of(key.ptr + skip, key.len - skip);
}

static bool is_before_wholly(const struct sorter *sorter, const struct sortbuf_entry *a,
                             const struct sortbuf_entry *b, int depth)
{
    int order = 0;

    if (a->partition != b->partition || a->digit != b->digit)
        return is_before(a, b);
    if (depth != OFFSETS && digit_goes_on(a->digit))
        order = slice_compare(key_behind(sorter, a, depth + 1), key_behind(sorter, b, depth + 1));
    return order ? order < 0 : a->offset < b->offset;
}

static void sort_by_insertion(const struct sorter *sorter, struct range range)
{
    for (size_t i = 1; i < range.count; i++) {
        struct sortbuf_entry entry = range.entries[i];
        size_t at = i;

        for (; at > 0 && is_before_wholly(sorter, &entry, &range.entries[at - 1], range.depth);
             at--)
            range.entries[at] = range.entries[at - 1];
        range.entries[at] = entry;
    }
}

static void swap(struct sortbuf_entry *a, struct sortbuf_entry *b)
{
    struct sortbuf_entry entry = *a;

    *a = *b;
    *b = entry;
}

/* The median of three entries at random places (xorshift64, Marsaglia 2003). */
static struct sortbuf_entry pivot_of(struct sorter *sorter, struct range range)
{
    struct sortbuf_entry three[3];

    for (int i = 0; i < 3; i++) {
        sorter->random ^= sorter->random << 13;
        sorter->random ^= sorter->random >> 7;
        sorter->random ^= sorter->random << 17;
        three[i] = range.entries[sorter->random % range.count];
    }
    if (is_before(&three[1], &three[0]))
        swap(&three[0], &three[1]);
    if (is_before(&three[2], &three[1]))
        swap(&three[1], &three[2]);
    return is_before(&three[1], &three[0]) ? three[0] : three[1];
}

/* Splits the range into less than, equal to, and greater than a pivot. */
static void split(struct sorter *sorter, struct range range, struct range out[3])
{
    struct sortbuf_entry pivot = pivot_of(sorter, range), *entries = range.entries;
    size_t less = 0, at = 0, greater = range.count;

    while (at < greater) {
        if (is_before(&entries[at], &pivot))
            swap(&entries[at++], &entries[less++]);
        else if (is_before(&pivot, &entries[at]))
            swap(&entries[at], &entries[--greater]);
        else
            at++;
    }
    out[0] = (struct range){entries, less, range.depth};
    out[1] = (struct range){entries + less, greater - less, range.depth};
    out[2] = (struct range){entries + greater, range.count - greater, range.depth};
}

/* The range's digits tie: gives its entries the next one. */
static void deepen(const struct sorter *sorter, struct range *range)
{
    if (range->count < 2 || range->depth == OFFSETS)
        return;
    if (!digit_goes_on(range->entries[0].digit)) {
        range->depth = OFFSETS;
        for (size_t i = 0; i < range->count; i++)
            range->entries[i].digit = range->entries[i].offset;
        return;
    }
    range->depth++;
    for (size_t i = 0; i < range->count; i++) {
        if (i + PREFETCH_COUNT < range->count)
            __builtin_prefetch(sorter->records + range->entries[i + PREFETCH_COUNT].offset);
        range->entries[i].digit = digit_of(key_behind(sorter, &range->entries[i], range->depth));
    }
}

/* Recurses into all but the largest part, so at most log2(count) deep. */
static void sort_range(struct sorter *sorter, struct range range)
{
    while (range.count > INSERTION_COUNT_MAX) {
        struct range parts[3];
        int largest = 0;

        if (range.count >= BEAT_COUNT_MIN)
            pulse_beat(sorter->pulse);
        split(sorter, range, parts);
        deepen(sorter, &parts[1]);
        for (int i = 1; i < 3; i++)
            if (parts[i].count > parts[largest].count)
                largest = i;
        for (int i = 0; i < 3; i++)
            if (i != largest)
                sort_range(sorter, parts[i]);
        range = parts[largest];
    }
    sort_by_insertion(sorter, range);
}

void entry_sort(struct sortbuf_entry *entries, size_t count, const char *records,
                struct pulse pulse)
{
    struct sorter sorter = {.records = records, .pulse = pulse, .random = 0x9e3779b97f4a7c15};

    sort_range(&sorter, (struct range){entries, count, 0});
}
