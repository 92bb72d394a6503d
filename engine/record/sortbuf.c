#include "record/sortbuf.h"

#include "base/hash.h"
#include "record/digit.h"
#include "record/entry_sort.h"
#include "record/key.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    SLOT_COUNT_MIN = 64,
    PREFETCH_COUNT = 8, /* records ahead */
    PREFETCH_BYTES_MAX = 512,
    CACHE_LINE_BYTES = 64,
    SLOTS_SHARE = 8, /* the fold table may take an eighth: a slot for records of 64 bytes */
};

_Static_assert(TEXT_HEAD_BYTES <= sizeof(struct sortbuf_entry),
               "a head may be read behind any key");

static const struct cursor_ops sortbuf_ops;

/* The largest power of two of slots that fit the table's share. */
static uint32_t slot_count_max(size_t memory_bytes)
{
    uint32_t count = SLOT_COUNT_MIN;

    while (2 * (size_t)count * sizeof(struct sortbuf_slot) <= memory_bytes / SLOTS_SHARE)
        count *= 2;
    return count;
}

int sortbuf_init(struct sortbuf *buf, size_t memory_bytes, enum builtin fold, struct err *err)
{
    char *end;

    assert(memory_bytes >= SORTBUF_BYTES_MIN && memory_bytes <= SORTBUF_BYTES_MAX);
    *buf = (struct sortbuf){.cursor.ops = &sortbuf_ops, .fold = fold};
    memory_bytes -= memory_bytes % sizeof(struct sortbuf_entry);
    buf->memory = malloc(memory_bytes);
    if (!buf->memory)
        return err_set(err, ERR_SETUP, "no memory for a sort buffer of %zu bytes", memory_bytes);
    end = buf->memory + memory_bytes;
    if (builtin_folds_in_place(fold)) {
        buf->slot_count_max = slot_count_max(memory_bytes);
        end -= buf->slot_count_max * sizeof(struct sortbuf_slot);
    }
    buf->slots = (struct sortbuf_slot *)(void *)end;
    sortbuf_clear(buf);
    return 0;
}

void sortbuf_deinit(struct sortbuf *buf)
{
    free(buf->memory);
    *buf = (struct sortbuf){0};
}

static void reset_slots(struct sortbuf *buf, uint32_t count)
{
    buf->slot_count = count;
    buf->slots_used = 0;
    memset(buf->slots, 0, count * sizeof buf->slots[0]);
}

void sortbuf_clear(struct sortbuf *buf)
{
    buf->record_bytes = 0;
    buf->entries = (struct sortbuf_entry *)(void *)buf->slots;
    buf->entry_count = 0;
    buf->next = 0;
    if (buf->slot_count_max > 0) /* as large as the last keys made it: the next are like them */
        reset_slots(buf, buf->slot_count ? buf->slot_count : SLOT_COUNT_MIN);
}

static struct slice placed_key(const char *record)
{
    return slice_of(record + SORTBUF_RECORD_HEADER_BYTES, sortbuf_u32(record));
}

/* The bytes from TEXT_HEAD_BYTES - len on leave `len` bytes of a head as they are. */
static const unsigned char HEAD_MASKS[2 * TEXT_HEAD_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

/* text_head() of a text that can be read for the length of a head: no branches. */
static inline void set_head_of_padded(struct sortbuf_lookup *lookup)
{
    size_t len = lookup->text.len < TEXT_HEAD_BYTES ? lookup->text.len : TEXT_HEAD_BYTES;
    const unsigned char *mask = HEAD_MASKS + TEXT_HEAD_BYTES - len;

    lookup->head.low = get_u64le(lookup->text.ptr) & get_u64le(mask);
    lookup->head.high = get_u64le(lookup->text.ptr + 8) & get_u64le(mask + 8);
}

static inline uint32_t hash_of(const struct sortbuf_lookup *lookup)
{
    struct text_head head = lookup->head;

    if (lookup->text.len > TEXT_HEAD_BYTES)
        head.low = hash64(lookup->text);
    head.high ^= lookup->text.len << 32 ^ (unsigned char)lookup->tag;
    return text_head_hash(head);
}

static inline struct sortbuf_lookup lookup_of(char tag, struct slice text)
{
    struct sortbuf_lookup lookup = {.head = text_head(text), .tag = tag, .text = text};

    lookup.hash = hash_of(&lookup);
    return lookup;
}

static struct sortbuf_lookup lookup_of_key(struct slice key)
{
    assert(key.len > 0); /* encoded keys have a tag */
    return lookup_of(key.ptr[0], slice_of(key.ptr + 1, key.len - 1));
}

/* Is the text at `text`, behind which TEXT_HEAD_BYTES may be read, the wanted one? Their lengths
 * are the same. */
static inline bool text_is(const char *text, const struct sortbuf_lookup *wanted)
{
    const unsigned char *mask;

    if (wanted->text.len > TEXT_HEAD_BYTES)
        return memcmp(text, wanted->text.ptr, wanted->text.len) == 0;
    mask = HEAD_MASKS + TEXT_HEAD_BYTES - wanted->text.len;
    return (get_u64le(text) & get_u64le(mask)) == wanted->head.low &&
           (get_u64le(text + 8) & get_u64le(mask + 8)) == wanted->head.high;
}

static inline bool record_is(const char *record, const struct sortbuf_lookup *wanted)
{
    const char *key = record + SORTBUF_RECORD_HEADER_BYTES + SORTBUF_PARTITION_BYTES;

    return sortbuf_u32(record) == SORTBUF_PARTITION_BYTES + 1 + wanted->text.len &&
           key[0] == wanted->tag && text_is(key + 1, wanted);
}

/* The slot of the key, or the free one where it belongs. There is a free one. */
static inline struct sortbuf_slot *find_slot(const struct sortbuf *buf,
                                             const struct sortbuf_lookup *wanted)
{
    uint32_t mask = buf->slot_count - 1;

    for (uint32_t i = wanted->hash & mask;; i = (i + 1) & mask) {
        struct sortbuf_slot *slot = &buf->slots[i];

        if (slot->record == 0 ||
            (slot->hash == wanted->hash && record_is(buf->memory + slot->record - 1, wanted)))
            return slot;
    }
}

static void set_slot(struct sortbuf *buf, struct sortbuf_slot *slot, uint32_t hash, uint32_t offset)
{
    if (slot->record == 0)
        buf->slots_used++;
    slot->hash = hash;
    slot->record = offset + 1;
}

/* Doubles the table: walks the entries from the oldest on, so that the last of a key wins. */
static void grow_slots(struct sortbuf *buf)
{
    reset_slots(buf, 2 * buf->slot_count);
    for (size_t i = buf->entry_count; i-- > 0;) {
        const struct sortbuf_entry *entry = &buf->entries[i];
        struct sortbuf_lookup key = lookup_of_key(sortbuf_record_key(buf->memory, entry->offset));

        set_slot(buf, find_slot(buf, &key), key.hash, entry->offset);
    }
}

/* Room for one more key in the table: three quarters may be used. */
static bool has_slot(struct sortbuf *buf)
{
    if (4 * (uint64_t)(buf->slots_used + 1) <= 3 * (uint64_t)buf->slot_count)
        return true;
    if (buf->slot_count == buf->slot_count_max)
        return false;
    grow_slots(buf);
    return true;
}

/* Appends a record and its entry; `value_len` may be SORTBUF_FOLDED. False: no room. */
static bool append(struct sortbuf *buf, uint32_t partition, struct slice key, struct slice value,
                   uint32_t value_len)
{
    size_t free_bytes = (size_t)((char *)buf->entries - buf->memory) - buf->record_bytes;
    size_t need = SORTBUF_RECORD_HEADER_BYTES + SORTBUF_PARTITION_BYTES + key.len + value.len;
    uint32_t placed_len = (uint32_t)(SORTBUF_PARTITION_BYTES + key.len);
    char *record = buf->memory + buf->record_bytes;
    struct sortbuf_entry *entry;

    if (need + sizeof *entry > free_bytes)
        return false;
    memcpy(record, &placed_len, sizeof placed_len);
    memcpy(record + 4, &value_len, sizeof value_len);
    put_u32be(record + SORTBUF_RECORD_HEADER_BYTES, partition);
    record += SORTBUF_RECORD_HEADER_BYTES + SORTBUF_PARTITION_BYTES;
    if (key.len > 0)
        memcpy(record, key.ptr, key.len);
    if (value.len > 0)
        memcpy(record + key.len, value.ptr, value.len);
    entry = --buf->entries;
    entry->digit = digit_of(key);
    entry->partition = partition;
    entry->offset = (uint32_t)buf->record_bytes;
    buf->entry_count++;
    buf->record_bytes += need;
    return true;
}

/* Adds to the number that is there. False: there is none in this slot. */
static bool fold_into(struct sortbuf *buf, const struct sortbuf_slot *slot,
                      const struct fold_number *number)
{
    struct fold_number accumulator;
    char *record, *at;

    if (slot->record == 0)
        return false;
    record = buf->memory + slot->record - 1;
    if (sortbuf_u32(record + 4) != SORTBUF_FOLDED)
        return false;
    at = record + SORTBUF_RECORD_HEADER_BYTES + sortbuf_u32(record);
    memcpy(&accumulator, at, sizeof accumulator);
    fold_number_add(buf->fold, &accumulator, number);
    memcpy(at, &accumulator, sizeof accumulator);
    return true;
}

static bool add_folded(struct sortbuf *buf, uint32_t partition, struct slice key,
                       struct slice value)
{
    struct sortbuf_lookup wanted = lookup_of_key(key);
    struct sortbuf_slot *slot = find_slot(buf, &wanted);
    uint32_t offset, value_len = (uint32_t)value.len;
    struct fold_number number = {0};

    if (fold_number_decode(value, &number)) {
        if (fold_into(buf, slot, &number))
            return true;
        value = slice_of(&number, sizeof number);
        value_len = SORTBUF_FOLDED;
    }
    if (slot->record == 0) {
        if (!has_slot(buf))
            return false;
        slot = find_slot(buf, &wanted); /* the table may have grown */
    }
    offset = (uint32_t)buf->record_bytes;
    if (!append(buf, partition, key, value, value_len))
        return false;
    set_slot(buf, slot, wanted.hash, offset);
    return true;
}

/* The most common fold of all, on the integer where it stands. False: it is another. */
static inline bool sum_integer(const struct sortbuf *buf, const struct sortbuf_slot *slot,
                               int64_t number)
{
    char *record = buf->memory + slot->record - 1, *at;
    uint64_t sum;
    bool is_float;

    if (buf->fold != BUILTIN_SUM || slot->record == 0 || sortbuf_u32(record + 4) != SORTBUF_FOLDED)
        return false;
    at = record + SORTBUF_RECORD_HEADER_BYTES + sortbuf_u32(record);
    memcpy(&is_float, at + offsetof(struct fold_number, is_float), sizeof is_float);
    if (is_float)
        return false;
    at += offsetof(struct fold_number, integer);
    memcpy(&sum, at, sizeof sum);
    sum += (uint64_t)number;
    memcpy(at, &sum, sizeof sum);
    return true;
}

static inline bool fold(struct sortbuf *buf, const struct sortbuf_lookup *lookup, int64_t number)
{
    struct sortbuf_slot *slot;

    if (buf->slot_count_max == 0)
        return false;
    slot = find_slot(buf, lookup);
    return sum_integer(buf, slot, number) ||
           fold_into(buf, slot, &(struct fold_number){.integer = number});
}

bool sortbuf_fold_lookup(struct sortbuf *buf, const struct sortbuf_lookup *lookup, int64_t number)
{
    return fold(buf, lookup, number);
}

bool sortbuf_fold_text(struct sortbuf *buf, struct slice text, int64_t number)
{
    struct sortbuf_lookup lookup = lookup_of(KEY_STRING_TAG, text);

    return fold(buf, &lookup, number);
}

bool sortbuf_fold_ones(struct sortbuf *buf, struct slice text, uint64_t count)
{
    struct sortbuf_lookup lookup = lookup_of(KEY_STRING_TAG, text);
    struct sortbuf_slot *slot;

    assert(buf->fold == BUILTIN_SUM || buf->slot_count_max == 0);
    if (buf->slot_count_max == 0)
        return false;
    slot = find_slot(buf, &lookup);
    if (sum_integer(buf, slot, (int64_t)count))
        return true;
    /* There is none, and that is known at the first; or it is a float, and each may be rounded. */
    while (count > 0 && fold_into(buf, slot, &(struct fold_number){.integer = 1}))
        count--;
    return count == 0;
}

void sortbuf_look_up(const struct sortbuf *buf, const struct slice *texts, size_t count,
                     struct sortbuf_lookup *lookups)
{
    uint32_t mask = buf->slot_count - 1;

    assert(count <= SORTBUF_LOOKUP_COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        lookups[i].text = texts[i];
        lookups[i].tag = KEY_STRING_TAG;
        set_head_of_padded(&lookups[i]);
        lookups[i].hash = hash_of(&lookups[i]);
        __builtin_prefetch(&buf->slots[lookups[i].hash & mask]);
    }
    if (buf->slot_count_max == 0)
        return; /* and no slot was read */
    for (size_t i = 0; i < count; i++) {
        const struct sortbuf_slot *slot = &buf->slots[lookups[i].hash & mask];

        if (slot->record != 0)
            __builtin_prefetch(buf->memory + slot->record - 1);
    }
}

bool sortbuf_add(struct sortbuf *buf, uint32_t partition, struct slice key, struct slice value)
{
    assert(key.len <= RECORD_KEY_BYTES_MAX && value.len <= RECORD_VALUE_BYTES_MAX);
    if (buf->slot_count_max > 0)
        return add_folded(buf, partition, key, value);
    return append(buf, partition, key, value, (uint32_t)value.len);
}

struct cursor *sortbuf_sort(struct sortbuf *buf, struct pulse pulse)
{
    entry_sort(buf->entries, buf->entry_count, buf->memory, pulse);
    buf->next = 0;
    return &buf->cursor;
}

/* Asks for the head of a record far ahead, and for the rest of one whose head has come: sorted
 * records lie anywhere in memory. Inline, or gcc 12 takes a function that only prefetches for one
 * without effect, and leaves its calls out. */
static inline __attribute__((always_inline)) void prefetch_record(const struct sortbuf *buf,
                                                                  size_t index)
{
    const char *record, *end, *line;

    if (index + 2 * PREFETCH_COUNT >= buf->entry_count)
        return;
    __builtin_prefetch(buf->memory + buf->entries[index + 2 * PREFETCH_COUNT].offset);
    record = buf->memory + buf->entries[index + PREFETCH_COUNT].offset;
    end = record + SORTBUF_RECORD_HEADER_BYTES + sortbuf_u32(record);
    if (sortbuf_u32(record + 4) <= PREFETCH_BYTES_MAX)
        end += sortbuf_u32(record + 4);
    line = record + CACHE_LINE_BYTES - (uintptr_t)record % CACHE_LINE_BYTES;
    for (; line < end && line < record + PREFETCH_BYTES_MAX; line += CACHE_LINE_BYTES)
        __builtin_prefetch(line);
}

static int sortbuf_next(struct cursor *cursor, struct err *err)
{
    struct sortbuf *buf = (struct sortbuf *)cursor;

    (void)err;
    if (buf->next == buf->entry_count)
        return 0;
    prefetch_record(buf, buf->next);
    cursor->key = placed_key(buf->memory + buf->entries[buf->next++].offset);
    return 1;
}

static int sortbuf_value(struct cursor *cursor, struct slice *value, struct err *err)
{
    struct sortbuf *buf = (struct sortbuf *)cursor;
    const char *record = buf->memory + buf->entries[buf->next - 1].offset;
    const char *at = record + SORTBUF_RECORD_HEADER_BYTES + sortbuf_u32(record);
    uint32_t len = sortbuf_u32(record + 4);
    struct fold_number number;

    (void)err;
    *value = slice_of(at, len);
    if (len == SORTBUF_FOLDED) {
        memcpy(&number, at, sizeof number);
        *value = slice_of(buf->number, fold_number_encode(&number, buf->number));
    }
    return 0;
}

/* The buffer is the owner of all it has. */
static void sortbuf_close(struct cursor *cursor)
{
    (void)cursor;
}

static const struct cursor_ops sortbuf_ops = {
    .next = sortbuf_next,
    .value = sortbuf_value,
    .close = sortbuf_close,
};
