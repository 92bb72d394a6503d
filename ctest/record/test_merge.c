#include "record/sort_kit.h"

#include "fault/fault.h"
#include "record/merge.h"

#include <errno.h>

enum { CURSORS_MAX = 70 };

static void nothing_merges_to_nothing(void **state)
{
    struct err err;
    struct cursor *merge = merge_open_take(NULL, 0, &err);

    (void)state;
    assert_non_null(merge);
    assert_int_equal(cursor_next(merge, &err), 0);
    cursor_close(merge);
}

/* Goal: a merge of sorted pieces is the stable sort of all of it, whatever the pieces. The value
 * of a record says which piece it is of, so a tie in the wrong order shows. */
static void a_merge_is_the_stable_sort_of_all(void **state)
{
    struct rand rand = kit_rand("merge");

    (void)state;
    for (int round = 0; round < 200; round++) {
        uint32_t count = (uint32_t)rand_below(&rand, CURSORS_MAX);
        struct kit_list pieces[CURSORS_MAX] = {0}, all = {0}, got = {0};
        struct kit_cursor sources[CURSORS_MAX];
        struct cursor *cursors[CURSORS_MAX], *merge;
        struct err err;
        char key[12], value[40];

        for (uint32_t i = 0; i < count; i++) {
            for (uint64_t n = rand_below(&rand, 20); n > 0; n--) {
                struct slice k = kit_bytes(&rand, key, sizeof key);
                int len = snprintf(value, sizeof value, "%u %zu", i, pieces[i].count);

                kit_add(&pieces[i], 0, k, slice_of(value, (size_t)len));
                kit_add(&all, 0, k, slice_of(value, (size_t)len));
            }
            kit_sort(&pieces[i]);
            sources[i] = kit_cursor(&pieces[i]);
            cursors[i] = &sources[i].cursor;
        }
        kit_sort(&all);
        merge = merge_open_take(cursors, count, &err);
        assert_non_null(merge);
        assert_int_equal(kit_read(merge, 0, &got, &err), 0);
        kit_assert_equal(&got, &all);
        cursor_close(merge);
        for (uint32_t i = 0; i < count; i++)
            kit_clear(&pieces[i]);
        kit_clear(&all);
        kit_clear(&got);
    }
}

static void a_failing_cursor_fails_the_merge(void **state)
{
    struct kit_list list = {0};

    (void)state;
    for (int i = 0; i < 5; i++)
        kit_add(&list, 0, slice_of(&"abcde"[i], 1), slice_of(NULL, 0));
    for (size_t fail_at = 0; fail_at <= 5; fail_at++) {
        struct kit_cursor one = kit_cursor(&list), two = kit_cursor(&list);
        struct cursor *cursors[] = {&one.cursor, &two.cursor}, *merge;
        struct kit_list got = {0};
        struct err err = {0};

        two.fail_at = fail_at;
        merge = merge_open_take(cursors, 2, &err);
        assert_int_equal(kit_read(merge, 0, &got, &err), -1);
        assert_int_equal(err.kind, ERR_DISK);
        assert_in_range(got.count, fail_at ? 2 * fail_at - 1 : 0, 2 * fail_at);
        cursor_close(merge);
        kit_clear(&got);
    }
    kit_clear(&list);
}

static int closed_count;

static void counting_close(struct cursor *cursor)
{
    (void)cursor;
    closed_count++;
}

static void cursors_are_taken_even_without_memory(void **state)
{
    struct cursor_ops ops = {.close = counting_close};
    struct cursor one = {.ops = &ops}, two = {.ops = &ops};
    struct cursor *cursors[] = {&one, &two}, *merge;
    struct err err = {0};

    (void)state;
    for (uint32_t nth = 0;; nth++) {
        closed_count = 0;
        fault_arm(FAULT_ALLOC, nth, ENOMEM);
        merge = merge_open_take(cursors, 2, &err);
        if (!fault_disarm())
            break;
        assert_null(merge);
        assert_int_equal(err.kind, ERR_LIMIT);
        assert_int_equal(closed_count, 2);
    }
    cursor_close(merge);
    assert_int_equal(closed_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_merges_to_nothing),
        cmocka_unit_test(a_merge_is_the_stable_sort_of_all),
        cmocka_unit_test(a_failing_cursor_fails_the_merge),
        cmocka_unit_test(cursors_are_taken_even_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
