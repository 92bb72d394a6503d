/*
 * sort_kit: what the tests of the sort path share: records in memory, a naive sort of them, files
 * that need no folder, random records from a printed seed.
 */
#ifndef CTEST_RECORD_SORT_KIT_H
#define CTEST_RECORD_SORT_KIT_H

#include "test.h"

#include "base/mem.h"
#include "base/rand.h"
#include "record/group.h"
#include "record/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A record of a test; it owns its bytes. */
struct kit_record {
    uint32_t partition;
    size_t order; /* of emit */
    struct slice key, value;
};

/* A growing list of them, and a sink. */
struct kit_list {
    struct sink sink;
    uint32_t partition; /* of what the sink is given */
    struct kit_record *records;
    size_t count, capacity;
};

static inline struct slice kit_copy(struct slice bytes)
{
    return slice_of(mem_strndup(bytes.len ? bytes.ptr : "", bytes.len), bytes.len);
}

static inline void kit_add(struct kit_list *list, uint32_t partition, struct slice key,
                           struct slice value)
{
    struct kit_record *record;

    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        list->records = mem_realloc_array(list->records, list->capacity, sizeof *list->records);
    }
    record = &list->records[list->count];
    record->partition = partition;
    record->order = list->count++;
    record->key = kit_copy(key);
    record->value = kit_copy(value);
}

static inline int kit_emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct kit_list *list = (struct kit_list *)sink;

    (void)err;
    kit_add(list, list->partition, key, value);
    return 0;
}

static inline void kit_clear(struct kit_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free((void *)(uintptr_t)list->records[i].key.ptr);
        free((void *)(uintptr_t)list->records[i].value.ptr);
    }
    free(list->records);
    list->records = NULL;
    list->count = list->capacity = 0;
}

static inline int kit_compare(const void *left, const void *right)
{
    const struct kit_record *a = left, *b = right;
    int order = (a->partition > b->partition) - (a->partition < b->partition);

    if (order == 0)
        order = slice_compare(a->key, b->key);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* The naive sort: partition, key, order of emit. */
static inline void kit_sort(struct kit_list *list)
{
    if (list->count > 0)
        qsort(list->records, list->count, sizeof list->records[0], kit_compare);
}

static inline void kit_assert_slice(struct slice got, struct slice wanted)
{
    assert_int_equal(got.len, wanted.len);
    if (wanted.len > 0)
        assert_memory_equal(got.ptr, wanted.ptr, wanted.len);
}

static inline void kit_assert_equal(const struct kit_list *got, const struct kit_list *wanted)
{
    assert_int_equal(got->count, wanted->count);
    for (size_t i = 0; i < got->count; i++) {
        assert_int_equal(got->records[i].partition, wanted->records[i].partition);
        kit_assert_slice(got->records[i].key, wanted->records[i].key);
        kit_assert_slice(got->records[i].value, wanted->records[i].value);
    }
}

/* Appends all that is left of a cursor to `list`. What next() answered last. */
static inline int kit_read(struct cursor *cursor, uint32_t partition, struct kit_list *list,
                           struct err *err)
{
    struct slice value;
    int rc;

    while ((rc = cursor_next(cursor, err)) == 1) {
        if (cursor_value(cursor, &value, err) != 0)
            return -1;
        kit_add(list, partition, cursor->key, value);
    }
    return rc;
}

/* An empty file without a name. */
static inline int kit_file(void)
{
    int fd = memfd_create("kit", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* SEED= or a number that is printed: a failing test can be run again. */
static inline struct rand kit_rand(const char *test)
{
    const char *text = getenv("SEED");
    unsigned long seed = text ? strtoul(text, NULL, 10) : (unsigned long)getpid();
    struct rand rand;

    printf("%s: SEED=%lu\n", test, seed);
    rand_init(&rand, seed);
    return rand;
}

/* Random bytes; half of the time of few letters, so that keys tie and blocks compress. */
static inline struct slice kit_bytes(struct rand *rand, char *out, size_t len_max)
{
    size_t len = (size_t)rand_below(rand, len_max + 1);
    uint64_t letters = rand_below(rand, 2) ? 2 : 256;

    for (size_t i = 0; i < len; i++)
        out[i] = (char)rand_below(rand, letters);
    return slice_of(out, len);
}

/* A cursor over `list` from `first` to `end`, for what sits on cursors. Stack or heap: yours. */
struct kit_cursor {
    struct cursor cursor;
    const struct kit_list *list;
    size_t next, end;
    size_t fail_at; /* next() fails before this record */
    char placed[256];
    bool is_placed; /* the partition goes in front of the key */
};

static inline int kit_cursor_next(struct cursor *base, struct err *err)
{
    struct kit_cursor *cursor = (struct kit_cursor *)base;
    const struct kit_record *record;

    if (cursor->next == cursor->fail_at)
        return err_set(err, ERR_DISK, "the cursor fails");
    if (cursor->next == cursor->end)
        return 0;
    record = &cursor->list->records[cursor->next++];
    base->key = record->key;
    if (cursor->is_placed) {
        assert_true(record->key.len + 4 <= sizeof cursor->placed);
        cursor->placed[0] = (char)(record->partition >> 24);
        cursor->placed[1] = (char)(record->partition >> 16);
        cursor->placed[2] = (char)(record->partition >> 8);
        cursor->placed[3] = (char)record->partition;
        memcpy(cursor->placed + 4, record->key.ptr, record->key.len);
        base->key = slice_of(cursor->placed, record->key.len + 4);
    }
    return 1;
}

static inline int kit_cursor_value(struct cursor *base, struct slice *value, struct err *err)
{
    struct kit_cursor *cursor = (struct kit_cursor *)base;

    (void)err;
    *value = cursor->list->records[cursor->next - 1].value;
    return 0;
}

static inline void kit_cursor_close(struct cursor *base)
{
    (void)base;
}

static inline struct kit_cursor kit_cursor(const struct kit_list *list)
{
    static const struct cursor_ops ops = {
        .next = kit_cursor_next, .value = kit_cursor_value, .close = kit_cursor_close};

    return (struct kit_cursor){
        .cursor.ops = &ops, .list = list, .end = list->count, .fail_at = SIZE_MAX};
}

/*
 * A combiner that changes nothing but the number of records: the values of a key, one behind the
 * other. Its result shows every mistake in the order of values.
 */
static inline int kit_concat(void *context, struct group *group, struct sink *out, struct err *err)
{
    struct slice value;
    char *all = NULL;
    size_t len = 0;
    int rc;

    (void)context;
    while ((rc = group_value(group, &value, NULL, err)) == 1) {
        all = mem_realloc(all, len + value.len + 1);
        if (value.len > 0)
            memcpy(all + len, value.ptr, value.len);
        len += value.len;
    }
    if (rc == 0)
        rc = out->emit(out, group->key, slice_of(all, len), err);
    free(all);
    return rc;
}

/* What kit_concat() makes of a sorted list. */
static inline void kit_concat_list(const struct kit_list *sorted, struct kit_list *out)
{
    for (size_t i = 0; i < sorted->count; i++) {
        const struct kit_record *record = &sorted->records[i];
        struct kit_record *last = out->count ? &out->records[out->count - 1] : NULL;

        if (last && last->partition == record->partition && slice_equal(last->key, record->key)) {
            char *all = mem_alloc(last->value.len + record->value.len + 1);

            memcpy(all, last->value.ptr, last->value.len);
            memcpy(all + last->value.len, record->value.ptr, record->value.len);
            free((void *)(uintptr_t)last->value.ptr);
            last->value = slice_of(all, last->value.len + record->value.len);
        } else {
            kit_add(out, record->partition, record->key, record->value);
        }
    }
}

#endif
