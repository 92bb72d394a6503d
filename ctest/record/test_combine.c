#include "record/sort_kit.h"

#include "base/bytes.h"
#include "record/combine.h"

/* A sink of placed records. */
struct placed_list {
    struct sink sink;
    struct kit_list list;
};

static int placed_emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    (void)err;
    kit_add(&((struct placed_list *)sink)->list, get_u32be(key.ptr),
            slice_of(key.ptr + 4, key.len - 4), value);
    return 0;
}

/* Partitions with and without records, also the first and the last number there is. */
static void fill(struct kit_list *list, struct rand *rand)
{
    static const uint32_t partitions[] = {0, 1, 2, 7, 255, 256, 99999};
    char key[6], value[9];

    for (uint64_t n = rand_below(rand, 200); n > 0; n--) {
        struct slice k = kit_bytes(rand, key, 1 + (size_t)rand_below(rand, sizeof key));

        kit_add(list, partitions[rand_below(rand, 7)], k, kit_bytes(rand, value, sizeof value));
    }
    kit_sort(list);
}

static void records_pass_and_groups_are_combined(void **state)
{
    struct combiner concat = {.combine = kit_concat};
    struct rand rand = kit_rand("combine");

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct placed_list plain = {.sink.emit = placed_emit}, combined = plain;
        struct kit_list list = {0}, wanted = {0};
        struct kit_cursor cursor;
        struct err err;

        fill(&list, &rand);
        cursor = kit_cursor(&list);
        cursor.is_placed = true;
        assert_int_equal(combine_drain(&cursor.cursor, NULL, &plain.sink, &err), 0);
        kit_assert_equal(&plain.list, &list);
        cursor.next = 0;
        assert_int_equal(combine_drain(&cursor.cursor, &concat, &combined.sink, &err), 0);
        kit_concat_list(&list, &wanted);
        kit_assert_equal(&combined.list, &wanted);
        kit_clear(&list);
        kit_clear(&wanted);
        kit_clear(&plain.list);
        kit_clear(&combined.list);
    }
}

/* Those behind the end are left as they are, one by one, wherever the end is. */
static void partitions_behind_the_end_are_not_combined(void **state)
{
    struct combiner concat = {.combine = kit_concat};
    struct rand rand = kit_rand("combine");

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct placed_list out = {.sink.emit = placed_emit};
        struct kit_list list = {0}, before = {0}, wanted = {0};
        struct kit_cursor cursor;
        struct err err;

        concat.partition_end = 1 + (uint32_t)rand_below(&rand, 300);
        fill(&list, &rand);
        for (size_t i = 0; i < list.count; i++)
            if (list.records[i].partition < concat.partition_end)
                kit_add(&before, list.records[i].partition, list.records[i].key,
                        list.records[i].value);
        kit_concat_list(&before, &wanted);
        for (size_t i = before.count; i < list.count; i++)
            kit_add(&wanted, list.records[i].partition, list.records[i].key, list.records[i].value);
        cursor = kit_cursor(&list);
        cursor.is_placed = true;
        assert_int_equal(combine_drain(&cursor.cursor, &concat, &out.sink, &err), 0);
        kit_assert_equal(&out.list, &wanted);
        kit_clear(&list);
        kit_clear(&before);
        kit_clear(&wanted);
        kit_clear(&out.list);
    }
}

static int combine_first(void *context, struct group *group, struct sink *out, struct err *err)
{
    struct slice value;

    (void)context;
    if (group_value(group, &value, NULL, err) != 1)
        return -1;
    return out->emit(out, group->key, value, err);
}

/* A combiner need not read all values, nor emit anything. */
static void values_a_combiner_leaves_are_skipped(void **state)
{
    struct combiner first = {.combine = combine_first};
    struct placed_list out = {.sink.emit = placed_emit};
    struct kit_list list = {0};
    struct kit_cursor cursor;
    struct err err;

    (void)state;
    for (uint32_t i = 0; i < 12; i++)
        kit_add(&list, i / 6, slice_of(i % 6 < 3 ? "a" : "b", 1), slice_of(&"0123456789ab"[i], 1));
    cursor = kit_cursor(&list);
    cursor.is_placed = true;
    assert_int_equal(combine_drain(&cursor.cursor, &first, &out.sink, &err), 0);
    assert_int_equal(out.list.count, 4);
    for (size_t i = 0; i < 4; i++)
        kit_assert_slice(out.list.records[i].value, list.records[3 * i].value);
    kit_clear(&list);
    kit_clear(&out.list);
}

static void a_failing_cursor_fails_both_ways(void **state)
{
    struct combiner concat = {.combine = kit_concat};
    const struct combiner *combiners[] = {NULL, &concat};
    struct kit_list list = {0};

    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        kit_add(&list, i / 2, slice_of("k", 1), slice_of("v", 1));
    for (size_t fail_at = 0; fail_at < 6; fail_at++) {
        for (int i = 0; i < 2; i++) {
            struct placed_list out = {.sink.emit = placed_emit};
            struct kit_cursor cursor = kit_cursor(&list);
            struct err err = {0};

            cursor.is_placed = true;
            cursor.fail_at = fail_at;
            assert_int_equal(combine_drain(&cursor.cursor, combiners[i], &out.sink, &err), -1);
            assert_int_equal(err.kind, ERR_DISK);
            kit_clear(&out.list);
        }
    }
    kit_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_pass_and_groups_are_combined),
        cmocka_unit_test(partitions_behind_the_end_are_not_combined),
        cmocka_unit_test(values_a_combiner_leaves_are_skipped),
        cmocka_unit_test(a_failing_cursor_fails_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
