#include "record/cut_points.h"

#include "base/buf.h"
#include "record/record.h"
#include "seed.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_COUNT_MAX = 3000, PART_COUNT_MAX = 50 };

static struct weighted_key weighted(const char *text, uint64_t weight)
{
    return (struct weighted_key){.key = slice_of_string(text), .weight = weight};
}

static struct cut_points points_of(const struct slice *cuts, uint32_t count, uint32_t parts)
{
    struct cut_points points;
    struct err err = {0};

    if (cut_points_init(&points, cuts, count, parts, &err) != 0)
        fail_msg("%s", err.message);
    return points;
}

static void equal_weights_make_equal_parts(void **state)
{
    struct weighted_key keys[] = {weighted("f", 1), weighted("c", 1), weighted("a", 1),
                                  weighted("d", 1), weighted("b", 1), weighted("e", 1)};
    struct slice cuts[2];

    (void)state;
    assert_int_equal(cut_points_choose(keys, 6, false, 3, cuts), 2);
    assert_true(slice_equal(cuts[0], slice_of_string("c")));
    assert_true(slice_equal(cuts[1], slice_of_string("e")));
}

static void bytes_count_and_not_keys(void **state)
{
    struct weighted_key keys[] = {weighted("a", 10), weighted("b", 10), weighted("c", 10),
                                  weighted("d", 30)};
    struct slice cuts[1];

    (void)state;
    assert_int_equal(cut_points_choose(keys, 4, false, 2, cuts), 1);
    assert_true(slice_equal(cuts[0], slice_of_string("d")));
}

static void a_hot_key_has_a_part_to_itself(void **state)
{
    struct weighted_key keys[] = {weighted("b", 30), weighted("a", 5), weighted("b", 30),
                                  weighted("c", 5), weighted("b", 30)};
    struct slice cuts[3];
    struct cut_points points;

    (void)state;
    assert_int_equal(cut_points_choose(keys, 5, false, 4, cuts), 2);
    points = points_of(cuts, 2, 4);
    assert_int_equal(cut_points_find(&points, slice_of_string("a")), 0);
    assert_int_equal(cut_points_find(&points, slice_of_string("b")), 1);
    assert_int_equal(cut_points_find(&points, slice_of_string("c")), 2);
    cut_points_deinit(&points);
}

static void a_combined_key_weighs_one_record(void **state)
{
    struct weighted_key keys[] = {weighted("a", 15), weighted("a", 10), weighted("b", 10),
                                  weighted("c", 10), weighted("d", 10)};
    struct weighted_key same[5];
    struct slice cuts[1];

    (void)state;
    memcpy(same, keys, sizeof same);
    assert_int_equal(cut_points_choose(keys, 5, true, 2, cuts), 1);
    assert_true(slice_equal(cuts[0], slice_of_string("c")));
    assert_int_equal(cut_points_choose(same, 5, false, 2, cuts), 1);
    assert_true(slice_equal(cuts[0], slice_of_string("b")));
}

static void fewer_keys_than_parts_leave_the_last_parts_empty(void **state)
{
    struct weighted_key keys[] = {weighted("b", 1), weighted("a", 1)};
    struct slice cuts[6];

    (void)state;
    assert_int_equal(cut_points_choose(keys, 2, false, 7, cuts), 1);
    assert_int_equal(cut_points_choose(keys, 1, false, 7, cuts), 0);
    assert_int_equal(cut_points_choose(keys, 0, false, 7, cuts), 0);
    assert_int_equal(cut_points_choose(keys, 2, false, 1, cuts), 0);
}

static void a_cut_point_is_as_short_as_can_be(void **state)
{
    struct weighted_key keys[] = {weighted("the same, and on", 1), weighted("the same, but on", 1)};
    struct weighted_key longer[] = {weighted("abc", 1), weighted("abcdef", 1)};
    struct weighted_key empty[] = {weighted("", 1), weighted("xyz", 1)};
    struct slice cuts[1];

    (void)state;
    assert_int_equal(cut_points_choose(keys, 2, false, 2, cuts), 1);
    assert_true(slice_equal(cuts[0], slice_of_string("the same, b")));
    assert_int_equal(cut_points_choose(longer, 2, false, 2, cuts), 1);
    assert_true(slice_equal(cuts[0], slice_of_string("abcd")));
    assert_int_equal(cut_points_choose(empty, 2, false, 2, cuts), 1);
    assert_true(slice_equal(cuts[0], slice_of_string("x")));
}

/* Goal: the frame of a map holds them. Method: separators of which four are as many bytes as may
 * be, and then one byte longer. */
static void long_cut_points_become_fewer(void **state)
{
    enum { COUNT = 5, LEN = CUT_POINTS_BYTES_MAX / (COUNT - 1) - CUT_POINT_FRAME_BYTES };
    static char bytes[COUNT][LEN + 1];
    struct weighted_key keys[COUNT];
    struct slice cuts[COUNT - 1];

    (void)state;
    _Static_assert((int)LEN < (int)RECORD_KEY_BYTES_MAX, "a key may be as long");
    memset(bytes, 'x', sizeof bytes);
    for (size_t len = LEN; len <= LEN + 1; len++) {
        for (int i = 0; i < COUNT; i++) {
            bytes[i][len - 1] = (char)('a' + i);
            keys[i] = (struct weighted_key){.key = slice_of(bytes[i], len), .weight = 1};
        }
        assert_int_equal(cut_points_choose(keys, COUNT, false, COUNT, cuts), len == LEN ? 4 : 1);
        memset(bytes, 'x', sizeof bytes);
    }
}

static void parts_may_be_as_many_as_a_job_may_have(void **state)
{
    static char texts[REDUCER_COUNT_MAX][8];
    struct weighted_key *keys = calloc(REDUCER_COUNT_MAX, sizeof *keys);
    struct slice *cuts = calloc(REDUCER_COUNT_MAX, sizeof *cuts);
    uint64_t bytes = 0;
    uint32_t count;

    (void)state;
    for (uint32_t i = 0; i < REDUCER_COUNT_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "%06u", i);
        keys[i] = weighted(texts[i], 1);
    }
    count = cut_points_choose(keys, REDUCER_COUNT_MAX, false, REDUCER_COUNT_MAX, cuts);
    for (uint32_t i = 0; i < count; i++)
        bytes += cuts[i].len + CUT_POINT_FRAME_BYTES;
    assert_in_range(bytes, CUT_POINTS_BYTES_MAX / 3, CUT_POINTS_BYTES_MAX);
    assert_int_equal(count, REDUCER_COUNT_MAX / 4 - 1);
    free(keys);
    free(cuts);
}

static void random_key(struct rand *rand, char *out, size_t *len)
{
    *len = rand_below(rand, 12);
    for (size_t i = 0; i < *len; i++)
        out[i] = (char)("\0\1ab\xff"[rand_below(rand, 5)]);
}

static int in_order(const void *a, const void *b)
{
    return slice_compare(((const struct weighted_key *)a)->key,
                         ((const struct weighted_key *)b)->key);
}

/* Keys in order go to parts in order, equal ones to the same; each part that may hold more than one
 * key is not much above its share. Found by search as by looking at each cut point. */
static void check_cut(struct weighted_key *keys, size_t count, uint32_t parts)
{
    static struct slice cuts[PART_COUNT_MAX];
    uint64_t weights[PART_COUNT_MAX] = {0}, total = 0, heaviest = 0;
    uint32_t cut_count = cut_points_choose(keys, count, true, parts, cuts), last = 0;
    struct cut_points points = points_of(cuts, cut_count, parts);

    for (size_t i = 0; i < count; i++) {
        uint32_t part = cut_points_find(&points, keys[i].key), naive = 0;

        while (naive < cut_count && slice_compare(cuts[naive], keys[i].key) <= 0)
            naive++;
        assert_int_equal(part, naive);
        last = part > last ? part : last;
        weights[part] += 1;
        total += 1;
        heaviest = 1;
    }
    assert_int_equal(last, count > 0 ? cut_count : 0);
    for (uint32_t i = 0; i < parts && total > 0; i++)
        assert_true(weights[i] <= total / parts + 2 * heaviest);
    qsort(keys, count, sizeof *keys, in_order);
    for (size_t i = 1; i < count; i++)
        assert_true(cut_points_find(&points, keys[i - 1].key) <=
                    cut_points_find(&points, keys[i].key));
    cut_points_deinit(&points);
}

static size_t without_doubles(struct weighted_key *keys, size_t count)
{
    size_t kept = 0;

    qsort(keys, count, sizeof *keys, in_order);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !slice_equal(keys[kept - 1].key, keys[i].key))
            keys[kept++] = keys[i];
    return kept;
}

static void parts_follow_each_other_and_are_even(void **state)
{
    static char bytes[KEY_COUNT_MAX][12];
    static struct weighted_key keys[KEY_COUNT_MAX];
    struct rand rand = seed_rand();

    (void)state;
    for (int round = 0; round < 300; round++) {
        size_t count = rand_below(&rand, round % 3 ? 20 : KEY_COUNT_MAX);

        for (size_t i = 0; i < count; i++) {
            keys[i] = (struct weighted_key){.key.ptr = bytes[i], .weight = 1};
            random_key(&rand, bytes[i], &keys[i].key.len);
        }
        count = without_doubles(keys, count);
        check_cut(keys, count, 1 + (uint32_t)rand_below(&rand, PART_COUNT_MAX));
    }
}

static void what_is_no_list_of_cut_points_is_refused(void **state)
{
    struct slice cuts[2] = {slice_of_string("b"), slice_of_string("a")};
    struct slice twice[2] = {slice_of_string("a"), slice_of_string("a")};
    struct cut_points points;
    struct err err = {0};

    (void)state;
    assert_int_equal(cut_points_init(&points, cuts, 2, 3, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(cut_points_init(&points, twice, 2, 3, &err), -1);
    assert_int_equal(cut_points_init(&points, cuts, 1, 1, &err), -1);
    assert_int_equal(cut_points_init(&points, cuts, 1, 2, &err), 0);
    cut_points_deinit(&points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_weights_make_equal_parts),
        cmocka_unit_test(bytes_count_and_not_keys),
        cmocka_unit_test(a_hot_key_has_a_part_to_itself),
        cmocka_unit_test(a_combined_key_weighs_one_record),
        cmocka_unit_test(fewer_keys_than_parts_leave_the_last_parts_empty),
        cmocka_unit_test(a_cut_point_is_as_short_as_can_be),
        cmocka_unit_test(long_cut_points_become_fewer),
        cmocka_unit_test(parts_may_be_as_many_as_a_job_may_have),
        cmocka_unit_test(parts_follow_each_other_and_are_even),
        cmocka_unit_test(what_is_no_list_of_cut_points_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
