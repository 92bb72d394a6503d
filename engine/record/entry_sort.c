#include "record/entry_sort.h"

#include "record/digit.h"

#include <assert.h>

enum {
    INSERTION_COUNT_MAX = 12, /* fewer entries are sorted by insertion, with whole keys */
    WINDOW_BITS_MAX = 10,     /* that many buckets' heads stay in the second-level cache */
    BUCKET_COUNT_MAX = 1 << WINDOW_BITS_MAX,
    BEAT_COUNT_MIN = 4096, /* larger ranges are worth a pulse */
    PREFETCH_COUNT = 8,    /* records asked for ahead: they lie anywhere in memory */
    OFFSETS = -1,          /* a depth: the digits are offsets, and the keys equal */
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
};

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

    if (a->partition != b->partition)
        return a->partition < b->partition;
    if (a->digit != b->digit)
        return a->digit < b->digit;
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

/* The bits that put a range into buckets: of the partition, and behind them of the digit. */
struct window {
    int partition_shift, digit_shift, digit_bits;
    uint64_t partition_mask, digit_mask;
    uint32_t bucket_count;
};

static inline uint32_t bucket_of(struct window window, const struct sortbuf_entry *entry)
{
    return (uint32_t)((entry->partition >> window.partition_shift & window.partition_mask)
                          << window.digit_bits |
                      (entry->digit >> window.digit_shift & window.digit_mask));
}

/* How many bits it takes to hold the number. */
static int bit_length(uint64_t number)
{
    return number ? 64 - __builtin_clzll(number) : 0;
}

static int at_most(int number, int limit)
{
    return number < limit ? number : limit;
}

/* The highest bits that differ in a range, for at most as many buckets as entries. False: none
 * differ. */
static bool choose_window(struct range range, struct window *window)
{
    const struct sortbuf_entry *first = &range.entries[0];
    int bits = at_most(bit_length(range.count) - 1, WINDOW_BITS_MAX);
    uint64_t digits = 0, partitions = 0;
    int digits_top, partitions_top, partition_bits;

    for (size_t i = 1; i < range.count; i++) {
        digits |= range.entries[i].digit ^ first->digit;
        partitions |= range.entries[i].partition ^ first->partition;
    }
    digits_top = bit_length(digits);
    partitions_top = bit_length(partitions);
    partition_bits = at_most(partitions_top, bits);
    window->partition_shift = partitions_top - partition_bits;
    window->partition_mask = (UINT64_C(1) << partition_bits) - 1;
    window->digit_bits = at_most(digits_top, bits - partition_bits);
    window->digit_shift = digits_top - window->digit_bits;
    window->digit_mask = (UINT64_C(1) << window->digit_bits) - 1;
    if (window->digit_bits == 0)
        window->digit_shift = 0;
    window->bucket_count = 1U << (partition_bits + window->digit_bits);
    return window->bucket_count > 1;
}

/* Permutes the range so that bucket i is entries[bounds[i] .. bounds[i + 1]) (McIlroy, Bostic and
 * McIlroy, 1993: American flag sort). */
static void put_into_buckets(struct range range, struct window window,
                             uint32_t bounds[BUCKET_COUNT_MAX + 1])
{
    struct sortbuf_entry *entries = range.entries;
    uint32_t next[BUCKET_COUNT_MAX], bucket_count = window.bucket_count;

    memset(bounds, 0, (bucket_count + 1) * sizeof bounds[0]);
    for (size_t i = 0; i < range.count; i++)
        bounds[bucket_of(window, &entries[i]) + 1]++;
    for (uint32_t i = 0; i < bucket_count; i++) {
        next[i] = bounds[i];
        bounds[i + 1] += bounds[i];
    }
    for (uint32_t i = 0; i < bucket_count; i++) {
        while (next[i] < bounds[i + 1]) {
            struct sortbuf_entry entry = entries[next[i]];
            uint32_t bucket = bucket_of(window, &entry);

            while (bucket != i) { /* each entry to its place, until one belongs here */
                struct sortbuf_entry other = entries[next[bucket]];

                entries[next[bucket]++] = entry;
                entry = other;
                bucket = bucket_of(window, &entry);
            }
            entries[next[i]++] = entry;
        }
    }
}

/* The range's digits tie: gives its entries the next one. */
static void deepen(const struct sorter *sorter, struct range *range)
{
    assert(range->depth != OFFSETS); /* those do not tie */
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

static void sort_range(struct sorter *sorter, struct range range);

/* Sorts all buckets but the largest, which is answered. */
static struct range sort_buckets(struct sorter *sorter, struct range range, struct window window)
{
    uint32_t bounds[BUCKET_COUNT_MAX + 1], largest = 0;

    put_into_buckets(range, window, bounds);
    for (uint32_t i = 1; i < window.bucket_count; i++)
        if (bounds[i + 1] - bounds[i] > bounds[largest + 1] - bounds[largest])
            largest = i;
    for (uint32_t i = 0; i < window.bucket_count; i++)
        if (i != largest && bounds[i + 1] - bounds[i] > 1)
            sort_range(sorter, (struct range){range.entries + bounds[i], bounds[i + 1] - bounds[i],
                                              range.depth});
    return (struct range){range.entries + bounds[largest], bounds[largest + 1] - bounds[largest],
                          range.depth};
}

/* Recurses into ranges of at most half its size, so at most log2(count) deep. */
static void sort_range(struct sorter *sorter, struct range range)
{
    struct window window;

    while (range.count > INSERTION_COUNT_MAX) {
        if (range.count >= BEAT_COUNT_MIN)
            pulse_beat(sorter->pulse);
        if (choose_window(range, &window))
            range = sort_buckets(sorter, range, window);
        else
            deepen(sorter, &range);
    }
    sort_by_insertion(sorter, range);
}

void entry_sort(struct sortbuf_entry *entries, size_t count, const char *records,
                struct pulse pulse)
{
    struct sorter sorter = {.records = records, .pulse = pulse};

    assert(count <= UINT32_MAX); /* SORTBUF_BYTES_MAX */
    sort_range(&sorter, (struct range){entries, count, 0});
}
