#include "record/sort_kit.h"

#include "record/digit.h"
#include "record/entry_sort.h"

/* Records as the sort buffer lays them out, and their entries. */
struct fixture {
    char *records;
    size_t bytes;
    struct sortbuf_entry *entries;
    size_t count;
};

static void add(struct fixture *fixture, uint32_t partition, struct slice key)
{
    uint32_t placed_len = (uint32_t)key.len + 4, value_len = 0;
    char *record;

    fixture->records = mem_realloc(fixture->records, fixture->bytes + 12 + key.len);
    fixture->entries =
        mem_realloc_array(fixture->entries, fixture->count + 1, sizeof fixture->entries[0]);
    fixture->entries[fixture->count++] = (struct sortbuf_entry){
        .digit = digit_of(key), .partition = partition, .offset = (uint32_t)fixture->bytes};
    record = fixture->records + fixture->bytes;
    memcpy(record, &placed_len, 4);
    memcpy(record + 4, &value_len, 4);
    put_u32be(record + 8, partition);
    if (key.len > 0)
        memcpy(record + 12, key.ptr, key.len);
    fixture->bytes += 12 + key.len;
}

static size_t beat_count;

static void beat(void *context)
{
    (void)context;
    beat_count++;
}

static void sort_and_check(struct fixture *fixture)
{
    entry_sort(fixture->entries, fixture->count, fixture->records, (struct pulse){beat, NULL});
    for (size_t i = 1; i < fixture->count; i++) {
        const struct sortbuf_entry *a = &fixture->entries[i - 1], *b = &fixture->entries[i];
        int order = slice_compare(sortbuf_record_key(fixture->records, a->offset),
                                  sortbuf_record_key(fixture->records, b->offset));

        assert_true(a->partition <= b->partition);
        if (a->partition == b->partition) {
            assert_true(order <= 0);
            if (order == 0)
                assert_true(a->offset < b->offset);
        }
    }
    free(fixture->records);
    free(fixture->entries);
}

static void entries_are_sorted_by_partition_key_and_offset(void **state)
{
    struct rand rand = kit_rand("entry_sort");

    (void)state;
    for (int round = 0; round < 100; round++) {
        struct fixture fixture = {0};
        char key[64];

        for (uint64_t n = rand_below(&rand, 2000); n > 0; n--)
            add(&fixture, (uint32_t)rand_below(&rand, 3),
                kit_bytes(&rand, key, 1 + (size_t)round % sizeof key));
        sort_and_check(&fixture);
    }
}

/* Goal: keys that share a long prefix, differ in zeros at the end, or are all one, cost no stack
 * and no quadratic time; and a sort of many says that it lives. */
static void hard_orders_are_no_harder(void **state)
{
    struct fixture same = {0}, zeros = {0}, rising = {0}, falling = {0};
    char key[3000] = {0};

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        char bytes[4];

        add(&same, 0, slice_of_string("the same word"));
        put_u32be(bytes, i);
        add(&rising, 0, slice_of(bytes, 4));
        put_u32be(bytes, UINT32_MAX - i);
        add(&falling, 0, slice_of(bytes, 4));
    }
    for (size_t i = 0; i < 600; i++)
        add(&zeros, 0, slice_of(key, (i * 7919) % sizeof key));
    beat_count = 0;
    sort_and_check(&same);
    assert_true(beat_count > 0);
    sort_and_check(&zeros);
    sort_and_check(&rising);
    sort_and_check(&falling);
}

/* Goal: buckets are made of the right bits, where partitions are more than there are buckets, and
 * where keys differ in one bit each, which no pass gets far with. */
static void few_bits_and_many_partitions_are_sorted(void **state)
{
    struct rand rand = kit_rand("partitions");
    struct fixture partitions = {0}, bits = {0};
    char key[8];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        add(&partitions, (uint32_t)rand_below(&rand, PARTITION_COUNT_MAX),
            kit_bytes(&rand, key, 2));
        put_u64be(key, UINT64_C(1) << rand_below(&rand, 64));
        add(&bits, i % 2 ? 0 : UINT32_C(1) << rand_below(&rand, 17), slice_of(key, 8));
    }
    sort_and_check(&partitions);
    sort_and_check(&bits);
}

static void a_digit_orders_as_its_key(void **state)
{
    struct rand rand = kit_rand("digit");

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char a[12], b[12];
        struct slice x = kit_bytes(&rand, a, sizeof a), y = kit_bytes(&rand, b, sizeof b);
        uint64_t p = digit_of(x), q = digit_of(y);
        int order = slice_compare(x, y);

        if (p != q)
            assert_int_equal(p < q, order < 0);
        else if (!digit_goes_on(p))
            assert_int_equal(order, 0);
        assert_int_equal(digit_goes_on(p), x.len > DIGIT_KEY_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_sorted_by_partition_key_and_offset),
        cmocka_unit_test(hard_orders_are_no_harder),
        cmocka_unit_test(few_bits_and_many_partitions_are_sorted),
        cmocka_unit_test(a_digit_orders_as_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
